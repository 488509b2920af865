"""The fleet's control port: JSON over HTTP on loopback, behind a bearer token. TEST ONLY.

It does what the operator of a fleet may do, and nothing else.
"""

import hmac
import json
import secrets
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from meterpost.recording import dotted
from meterpost_stub.printers.fleet import Fleet, SimulatedPrinter

MAX_BODY = 64 * 1024  # octets

Arguments = dict[str, Any]


class _Unanswerable(Exception):
    """A request that gets `status` and a sentence instead of a result."""

    def __init__(self, status: HTTPStatus, what: str) -> None:
        super().__init__(what)
        self.status = status


def describe(printer: SimulatedPrinter) -> dict[str, object]:
    """A printer as the control port and `--json` show it."""
    return {"name": printer.name, "address": printer.address, "port": printer.port, "on": printer.on}


def _printers(fleet: Fleet, arguments: Arguments) -> object:
    return {"printers": [describe(printer) for printer in fleet.printers]}


def _off(fleet: Fleet, arguments: Arguments) -> object:
    fleet.switch_off(_text(arguments, "address"))
    return {}


def _on(fleet: Fleet, arguments: Arguments) -> object:
    fleet.switch_on(_text(arguments, "address"))
    return {}


def _advance(fleet: Fleet, arguments: Arguments) -> object:
    """All printers, where no address is given."""
    pages, color = _number(arguments, "pages"), _number(arguments, "color", 0)
    chosen = (fleet.at(_text(arguments, "address")),) if "address" in arguments else fleet.printers
    for printer in chosen:
        printer.advance(pages, color)
    return {"advanced": [printer.address for printer in chosen]}


def _mib(fleet: Fleet, arguments: Arguments) -> object:
    """Octets as text (what is not UTF-8 replaced) and as hex; an object identifier dotted."""
    oid = _text(arguments, "oid")
    value = fleet.at(_text(arguments, "address")).get(oid)
    if isinstance(value, bytes):
        return {"oid": oid, "value": value.decode("utf-8", "replace"), "hex": value.hex()}
    return {"oid": oid, "value": dotted(value) if isinstance(value, tuple) else value}


ROUTES: dict[tuple[str, str], Callable[[Fleet, Arguments], object]] = {
    ("GET", "/printers"): _printers,
    ("GET", "/mib"): _mib,
    ("POST", "/off"): _off,
    ("POST", "/on"): _on,
    ("POST", "/advance"): _advance,
}


def _text(arguments: Arguments, name: str) -> str:
    if not isinstance(arguments.get(name), str):
        raise ValueError(f"{name} is missing, or is not text")
    return str(arguments[name])


def _number(arguments: Arguments, name: str, default: int | None = None) -> int:
    value = arguments.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{name} is missing, or is not a whole number")
    return value


class Control:
    """A context manager: inside it the port answers at `url` to who sends `token`."""

    def __init__(self, fleet: Fleet) -> None:
        self.token = secrets.token_urlsafe(24)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(fleet, f"Bearer {self.token}"))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="fleet control", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _handler(fleet: Fleet, authorization: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 10  # seconds a silent client may hold its thread

        def do_GET(self) -> None:
            self._answer(lambda: dict(parse_qsl(urlsplit(self.path).query)))

        def do_POST(self) -> None:
            self._answer(self._body)

        def log_message(self, format: str, *args: object) -> None:
            """Silent: standard error is for errors."""

        def _answer(self, arguments: Callable[[], Arguments]) -> None:
            try:
                if not hmac.compare_digest(self.headers.get("Authorization", "").encode(), authorization.encode()):
                    raise _Unanswerable(HTTPStatus.UNAUTHORIZED, "the bearer token is missing or wrong")
                route = ROUTES.get((self.command, urlsplit(self.path).path))
                if route is None:
                    raise _Unanswerable(HTTPStatus.NOT_FOUND, f"known here: {', '.join(map(' '.join, ROUTES))}")
                status, result = HTTPStatus.OK, route(fleet, arguments())
            except _Unanswerable as error:
                status, result = error.status, {"error": str(error)}
            except KeyError as error:
                status, result = HTTPStatus.NOT_FOUND, {"error": f"there is no {error.args[0]} here"}
            except ValueError as error:
                status, result = HTTPStatus.BAD_REQUEST, {"error": str(error)}
            octets = json.dumps(result).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(octets)))
            self.end_headers()
            self.wfile.write(octets)

        def _body(self) -> Arguments:
            length = int(self.headers.get("Content-Length", "0"))
            if not 0 <= length <= MAX_BODY:
                raise _Unanswerable(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body is {MAX_BODY} octets at most")
            body = json.loads(self.rfile.read(length) or b"{}")
            if not isinstance(body, dict):
                raise ValueError("a JSON object is expected")
            return body

    return Handler
