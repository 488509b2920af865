"""The admin port: JSON over HTTP for the vendor's side, on its own loopback port, behind a token. docs/stub.md lists it.

It turns paths and JSON into calls to the desk and back; it decides nothing, and never speaks SOAP.
"""

import hmac
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from typing import Any

from meterpost.errors import MeterpostError
from meterpost.model import instant
from meterpost_stub.centre import ClientSettings
from meterpost_stub.clocks import Clocks
from meterpost_stub.coding import Reader
from meterpost_stub.desk import Desk
from meterpost_stub.rules import Cycle, Result
from meterpost_stub.store import Entry
from meterpost_stub.web import JSON, HttpRefusal, HttpRequest, HttpResponse, response

_LARGEST_ORDER = 1024 * 1024
_WORDS = {
    "/clock": {"set", "advance", "security_offset"},
    "/sign-up": {"serials", "cycle", "meters"},
    "/bill": {"serial", "meters", "cycle"},
    "/off": {"serial", "reason"},
    "/eligibility": {"serial", "result", "until", "reason"},
    "/settings": {"sync_at", "jitter", "read_every"},
    "/keys/trust": {"holder", "certificate"},
    "/keys/release": {"holder"},
    "/keys/revoke": {"client"},
    "/keys/unrevoke": {"client"},
    "/keys/roll-over": {"days"},
    "/keys/days": {"days"},
}
"""What an order may say, by path; a mistyped word must not look as if it had been obeyed."""


class Admin:
    """`reset` puts the server back to its start."""

    def __init__(self, desk: Desk, clocks: Clocks, token: str, reset: Callable[[], None]) -> None:
        self._desk = desk
        self._clocks = clocks
        self._token = token.encode()
        self._reset = reset
        self._routes: dict[tuple[str, str], Callable[[dict[str, Any]], Any]] = {
            ("GET", "/state"): lambda order: desk.state(),
            ("GET", "/clock"): lambda order: desk.clock(),
            ("POST", "/clock"): self._clock,
            ("POST", "/sign-up"): self._sign_up,
            ("POST", "/bill"): self._bill,
            ("POST", "/off"): lambda order: desk.turn_off(_text(order, "serial"), _text(order, "reason", "")),
            ("POST", "/eligibility"): self._eligibility,
            ("POST", "/settings"): self._settings,
            ("GET", "/readings"): lambda order: desk.readings(),
            ("GET", "/journal"): lambda order: _journal(desk.journal()),
            ("GET", "/keys"): lambda order: desk.keys.state(),
            ("POST", "/keys/trust"): lambda order: desk.keys.trust(
                _text(order, "holder"), _text(order, "certificate").encode()
            ),
            ("POST", "/keys/release"): lambda order: desk.keys.release(_text(order, "holder")),
            ("POST", "/keys/revoke"): lambda order: desk.keys.revoke(_text(order, "client")),
            ("POST", "/keys/unrevoke"): lambda order: desk.keys.unrevoke(_text(order, "client")),
            ("POST", "/keys/roll-over"): lambda order: desk.keys.roll_over(
                None if order.get("days") is None else float(order["days"])
            ),
            ("POST", "/keys/days"): lambda order: desk.keys.set_days(float(order["days"])),
            ("POST", "/reset"): self._start_again,
        }

    def answer(self, request: HttpRequest) -> HttpResponse:
        try:
            status, document = HTTPStatus.OK, self._answer(request)
        except HttpRefusal as refused:
            status, document = refused.status, {"error": str(refused)}
        except MeterpostError as error:
            status, document = HTTPStatus.CONFLICT, {"error": str(error), "advice": error.advice}
        return response(request, status, JSON, json.dumps(document, ensure_ascii=False).encode() + b"\n")

    def _answer(self, request: HttpRequest) -> Any:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(token.strip().encode(), self._token):
            raise HttpRefusal(HTTPStatus.UNAUTHORIZED, "Authorization: Bearer and the admin token are required")
        route = self._routes.get((request.method, request.path))
        if route is None:
            known = ", ".join(" ".join(key) for key in self._routes)
            raise HttpRefusal(HTTPStatus.NOT_FOUND, f"there is no {request.method} {request.path}; there are {known}")
        try:
            order = _order(request)
            if unknown := set(order) - _WORDS.get(request.path, set()):
                raise ValueError(f"{request.path} does not know {', '.join(sorted(unknown))}")
            with self._desk.transaction():
                return route(order)
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
            raise HttpRefusal(HTTPStatus.BAD_REQUEST, f"not a valid order: {error}") from None

    def _clock(self, order: dict[str, Any]) -> Any:
        if "set" in order:
            self._clocks.set_calendar(moment(order["set"]))
        if "advance" in order:
            self._clocks.advance(timedelta(seconds=float(order["advance"])))
        if "security_offset" in order:
            self._clocks.set_security_offset(timedelta(seconds=float(order["security_offset"])))
        return self._desk.clock()

    def _sign_up(self, order: dict[str, Any]) -> Any:
        chosen = None if order.get("serials", "all") == "all" else _texts(order, "serials")
        return self._desk.sign_up(chosen, Cycle(order.get("cycle", Cycle.MONTHLY)), _texts(order, "meters"))

    def _bill(self, order: dict[str, Any]) -> Any:
        cycle = Cycle(order["cycle"]) if order.get("cycle") else None
        return self._desk.bill(_text(order, "serial"), _texts(order, "meters"), cycle)

    def _eligibility(self, order: dict[str, Any]) -> Any:
        until = date.fromisoformat(order["until"]) if order.get("until") else None
        reason = _text(order, "reason", "") or None
        return self._desk.set_eligibility(_text(order, "serial"), Result(order["result"]), until, reason)

    def _settings(self, order: dict[str, Any]) -> Any:
        for name in ("jitter", "read_every"):
            if type(order.get(name, 0)) not in (int, type(None)):
                raise ValueError(f"{name}: whole minutes are expected, not {order[name]!r}")
        return self._desk.set_client_settings(ClientSettings(**order))

    def _start_again(self, order: dict[str, Any]) -> Any:
        self._reset()
        return self._desk.state()


def moment(text: str) -> datetime:
    """An ISO 8601 time; UTC where it names no zone. Raises ValueError."""
    when = datetime.fromisoformat(text)
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _order(request: HttpRequest) -> dict[str, Any]:
    if request.body is None or len(request.body) > _LARGEST_ORDER:
        raise HttpRefusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"an order has a length, of at most {_LARGEST_ORDER} octets")
    order = json.loads(request.body or b"{}")
    if not isinstance(order, dict):
        raise ValueError("a JSON object is expected")
    return order


def _text(order: dict[str, Any], name: str, default: str | None = None) -> str:
    """Raises ValueError where it is no text, or absent and without a default."""
    value = default if order.get(name) is None else order[name]
    if not isinstance(value, str):
        raise ValueError(f"{name}: a text is expected, not {value!r}")
    return value


def _texts(order: dict[str, Any], name: str) -> list[str]:
    """Raises ValueError where it is no list of texts; none where it is absent."""
    values = order.get(name, [])
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ValueError(f"{name}: a list of texts is expected, not {values!r}")
    return values


def _journal(entries: tuple[Entry, ...]) -> list[dict[str, Any]]:
    """As they are kept; the newest are decoded first, for not all may be."""
    reader = Reader()
    return [_entry(entry, reader) for entry in reversed(entries)][::-1]


def _entry(entry: Entry, reader: Reader) -> dict[str, Any]:
    """Octets that are not UTF-8 show as backslash escapes."""
    asked, answered = reader.text(entry.request_head, entry.request), reader.text(entry.response_head, entry.response)
    octets = {"request_head": entry.request_head, "request": asked, "response_head": entry.response_head, "response": answered}
    return {
        "number": entry.number,
        "at": instant(entry.at),
        "outcome": entry.outcome,
        "status": entry.status,
        "transaction": entry.transaction,
        "devices": entry.devices,
        "answer": entry.answer,
        "answer_devices": entry.answer_devices,
        "request_octets": {"envelope": len(asked), "http": entry.request_octets},
        "response_octets": {"envelope": len(answered), "http": entry.response_octets},
        **{name: text.decode("utf-8", "backslashreplace") for name, text in octets.items()},
    }
