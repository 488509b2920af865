"""The queues of the CUPS scheduler of this computer (Linux, macOS), by CUPS-Get-Printers. Read-only."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

from meterpost.devices.ipp.codec import PRINTER_GROUP, Attributes
from meterpost.devices.ipp.printer import CUPS_GET_PRINTERS, NOT_FOUND, Printer, ask, refusal
from meterpost.devices.local import LocalPrinter
from meterpost.devices.reading import values
from meterpost.errors import DeviceError

LOCALHOST = "ipp://localhost:631/"
SOCKETS = ("/run/cups/cups.sock", "/private/var/run/cupsd")  # of Linux, of macOS
MOST = 1000  # queues

_ASKED = ("printer-name", "printer-make-and-model", "device-uri")
_PORTS = {"socket": 9100, "ipp": 631, "ipps": 631, "http": 80, "https": 443, "lpd": 515, "dnssd": 0}
"""Schemes of CUPS backends that go to a printer on the network, and the port where the URI names none."""
_MAX_URI = 1023  # octets (RFC 8011, 5.1.6)


def schedulers(server: str | None = None) -> tuple[str, ...]:
    """Where the scheduler may listen, as URIs and paths of sockets: where `server` says, which is `CUPS_SERVER` of the
    environment as CUPS reads it (host, host:port, or a path), else in the usual places."""
    server = os.environ.get("CUPS_SERVER", "") if server is None else server
    if not server:
        return LOCALHOST, *(path for path in SOCKETS if Path(path).is_socket())
    return (server if server.startswith("/") else f"ipp://{server.partition('/')[0]}/",)  # "/version=1.1" may follow


def printers(places: Sequence[str], timeout_s: float = 5.0) -> tuple[LocalPrinter, ...]:
    """The queues of the first scheduler that answers at one of `places`, in its order; none is no error. Raises DeviceError
    where there is no scheduler, SettingsError for a bad place."""
    failures: list[str] = []
    for place in places:
        try:
            return tuple(_queues(place, timeout_s))
        except DeviceError as error:
            failures.append(str(error))
    raise DeviceError(
        f"CUPS does not tell its queues: {'; '.join(failures)}", "Is it running here? CUPS_SERVER can say where it listens."
    )


def _queues(place: str, timeout_s: float) -> Iterator[LocalPrinter]:
    at_path = place.startswith("/")
    scheduler = Printer.of(LOCALHOST if at_path else place)
    answer = ask(scheduler, CUPS_GET_PRINTERS, _ASKED, timeout_s, unix_socket=place if at_path else "")
    if answer.status == NOT_FOUND:  # what CUPS says where there is none
        return
    if not answer.ok:
        raise refusal(scheduler, answer)
    for queue in answer.of(PRINTER_GROUP)[:MOST]:
        printer = _printer(queue)
        path = f"/printers/{quote(printer.name, safe='')}"
        yield replace(printer, queue=scheduler.at(path).uri) if printer.name and not at_path else printer


def _printer(queue: Attributes) -> LocalPrinter:
    def text(name: str, limit: int = values.MAX_TEXT) -> str:
        found = queue.get(name) or (b"",)
        return values.text(found[0], limit) if isinstance(found[0], bytes) else ""

    name, model, uri = text("printer-name"), text("printer-make-and-model"), text("device-uri", _MAX_URI)
    try:
        parts = urlsplit(uri)
        host, port = unquote(parts.hostname or ""), parts.port
        place = parts.netloc.rpartition("@")[2]
    except ValueError:
        return LocalPrinter(name, model, "", "other")
    uri = uri.replace(parts.netloc, place, 1)
    if parts.scheme == "dnssd":
        host = unquote(place)  # a name as people wrote it, capitals and all
    if parts.scheme == "hp":  # HPLIP: hp:/net/MODEL?ip=ADDRESS, hp:/usb/MODEL?serial=NUMBER
        host = next((found[0] for key, found in parse_qs(parts.query).items() if key in ("ip", "hostname")), "")
        if host:
            return LocalPrinter(name, model, uri, "network", host, _PORTS["socket"])
    if parts.scheme == "usb" or uri.startswith("hp:/usb/"):
        return LocalPrinter(name, model, uri, "usb")
    if parts.scheme in _PORTS and host:
        return LocalPrinter(name, model, uri, "network", host, port or _PORTS[parts.scheme])
    return LocalPrinter(name, model, uri, "other")
