"""What the vendor's side does by hand: sign devices up, ask for reads, turn devices off, keep the books, look things up.

The admin port and the Python API both call this; every answer is plain JSON data with stable names (docs/stub.md).
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date
from typing import Any

from meterpost.errors import SettingsError
from meterpost.model import instant
from meterpost_stub import rules
from meterpost_stub.centre import Centre, ClientSettings
from meterpost_stub.key_desk import KeyDesk
from meterpost_stub.rules import BillingRequest, Cycle, Device, Eligibility, Proxy, Result, Stage
from meterpost_stub.store import Entry, Note, Reads
from meterpost_wsdl import names, xmlio

Json = dict[str, Any]
_MOST_METERS = 20
_LONGEST = {"meter name": names.OCTETS["n"], "reason": names.OCTETS["reason"], "serial": names.OCTETS["serial"]}


class Desk:
    """`keys` is what is done about keys. Raises SettingsError for orders that cannot be carried out; nothing is changed
    then."""

    def __init__(self, centre: Centre, accounts: Collection[str] = ()) -> None:
        self.keys = KeyDesk(centre.keys, accounts)
        self._centre = centre
        self._store = centre.store
        self._clocks = centre.clocks
        self.transaction = centre.store.transaction

    def sign_up(self, serials: Sequence[str] | None = None, cycle: Cycle = Cycle.MONTHLY, meters: Sequence[str] = ()) -> Json:
        """Signs `serials` up for billing, or every device that can be; `meters` wanted, none for all."""
        _check_meters(meters)
        now = self._clocks.calendar()
        with self._store.transaction():
            chosen = [device.serial for device in self._store.all(Device)] if serials is None else list(serials)
            signed_up, refused = [], {}
            for serial in chosen:
                device = self._store.get(Device, serial)
                why = rules.why_not_sign_up(device, self._standing(serial, device, now.date()), now)
                if why is None and device is not None:
                    self._store.put(replace(device, stage=Stage.SIGNED_UP, cycle=cycle, meters=tuple(meters)))
                    signed_up.append(serial)
                else:
                    refused[serial] = why
        return {"signed_up": signed_up, "refused": refused}

    def bill(self, serial: str, meters: Sequence[str] = (), cycle: Cycle | None = None) -> Json:
        """Asks for reads of a device out of turn; the calendar is not moved by it."""
        _check_meters(meters)
        now = self._clocks.calendar()
        with self._store.transaction():
            device = self._live(serial)
            if device.stage is not Stage.ON:
                raise SettingsError(f"{serial} is not on yet", "Sign it up and let the client sync first.")
            period = rules.current_period(device, now.date())
            request = BillingRequest(
                id=self._centre.new_id(),
                serial=serial,
                client=device.client,
                period_from=period.first,
                period_to=period.last,
                cycle=cycle or device.cycle,
                due=period.due,
                meters=tuple(meters) or device.meters,
                opened=now,
            )
            self._store.put(request)
        return _request(request)

    def turn_off(self, serial: str, reason: str = "") -> Json:
        """Orders the client to turn a device off; repeated until its sync status says so."""
        _check_length("reason", reason)
        with self._store.transaction():
            self._store.put(replace(self._live(serial), off_reason=reason))
        return {"serial": serial, "reason": reason}

    def set_eligibility(self, serial: str, result: Result, until: date | None = None, reason: str | None = None) -> Json:
        """What the books say of a serial number when it registers."""
        _check_length("serial", serial)
        _check_length("reason", reason or "")
        books = Eligibility(serial, result, until, reason)
        self._store.put(books)
        return _plain(asdict(books))

    def set_client_settings(self, settings: ClientSettings) -> Json:
        """Settings every sync response carries from now on."""
        if settings.sync_at is not None and not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", settings.sync_at):
            raise SettingsError(f"sync_at: {settings.sync_at!r} is not HH:MM")
        for name, value, least, most in (("jitter", settings.jitter, 0, 720), ("read_every", settings.read_every, 15, 1440)):
            if value is not None and not least <= value <= most:
                raise SettingsError(f"{name}: {value} is not between {least} and {most} minutes")
        self._store.put(Note("client settings", json.dumps(asdict(settings))))
        return asdict(settings)

    def state(self) -> Json:
        """Everything the server holds but readings, keys and journal."""
        now = self._clocks.calendar()
        settings = self._centre.client_settings()
        return {
            "clock": self.clock(),
            "proxies": [
                {**_plain(asdict(proxy)), "revoked": self._centre.keys.is_off(proxy.client)} for proxy in self._store.all(Proxy)
            ],
            "devices": [
                {
                    **_plain(asdict(device)),
                    "result": str(self._standing(device.serial, device, now.date()).result),
                    "in_effect": device.effective <= now,
                    "next_billing_date": _text(rules.next_billing_date(device)),
                }
                for device in self._store.all(Device)
            ],
            "billing_requests": [_request(request) for request in self._store.all(BillingRequest)],
            "eligibility": [_plain(asdict(books)) for books in self._store.all(Eligibility)],
            "settings": asdict(settings) if settings else None,
        }

    def clock(self) -> Json:
        return {"calendar": instant(self._clocks.calendar()), "security": instant(self._clocks.security())}

    def readings(self) -> list[Json]:
        """Every received part, in the order of arrival."""
        return [
            {
                **_plain(asdict(reads)),
                "meters": [{"name": name, "value": value} for name, value in reads.meters],
                "supplies": [
                    dict(zip(("name", "level", "capacity", "unit"), supply, strict=True)) for supply in reads.supplies
                ],
            }
            for reads in self._store.all(Reads)
        ]

    def journal(self) -> tuple[Entry, ...]:
        return self._store.all(Entry)

    def _live(self, serial: str) -> Device:
        device = self._store.get(Device, serial)
        if device is None or device.stage is Stage.ENDED:
            raise SettingsError(f"there is no registered device {serial}")
        return device

    def _standing(self, serial: str, device: Device | None, today: date) -> Eligibility:
        client = device.client if device else ""
        return rules.standing(serial, client, device, self._store.get(Eligibility, serial), today)


def _check_meters(meters: Sequence[str]) -> None:
    if len(meters) > _MOST_METERS:
        raise SettingsError(f"{len(meters)} meters: a billing request names at most {_MOST_METERS}")
    for meter in meters:
        if not meter:
            raise SettingsError("a meter name is empty")
        _check_length("meter name", meter)


def _check_length(what: str, value: str) -> None:
    if xmlio.octets(value) > _LONGEST[what] or value != xmlio.printable(value):
        raise SettingsError(f"{what} {value!r}: at most {_LONGEST[what]} octets as escaped XML, no control characters")


def _request(request: BillingRequest) -> Json:
    state = "answered" if request.answered else "closed" if request.closed else "open"
    return {**_plain(asdict(request)), "state": state}


def _plain(record: Mapping[str, Any]) -> Json:
    return {name: _text(value) for name, value in record.items()}


def _text(value: Any) -> Any:
    if hasattr(value, "astimezone"):
        return instant(value)
    if isinstance(value, date):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value
