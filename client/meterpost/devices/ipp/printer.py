"""One question to one printer: an IPP request over HTTP or HTTPS (RFC 8010, RFC 7472). Only operations that read exist here."""

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from meterpost.devices import web
from meterpost.devices.ipp import attributes as ipp
from meterpost.devices.ipp.codec import (
    CHARSET,
    KEYWORD,
    LANGUAGE,
    PRINTER_GROUP,
    URI,
    Answer,
    Attributes,
    BadAnswer,
    decode,
    encode,
)
from meterpost.devices.ipp.reading import reading
from meterpost.errors import DeviceError, SettingsError
from meterpost.model import Reading

GET_PRINTER_ATTRIBUTES = 0x000B
CUPS_GET_PRINTERS = 0x4002

PORT = 631
VERSIONS = ((2, 0), (1, 1), (1, 0))
"""The next is tried where one is not supported."""

NOT_FOUND, VERSION_NOT_SUPPORTED = 0x0406, 0x0503

_SCHEMES = {"ipp": "http", "ipps": "https"}
_WRONG_PATH = "Try /ipp/print, /ipp/printer or / behind the address."
_STATUSES = {  # RFC 8011, appendix B: what it says, what to do
    0x0401: ("the printer forbids it", "Allow IPP for this computer in the printer's settings."),
    0x0402: ("the printer wants an account", "Allow Get-Printer-Attributes without one in the printer's settings."),
    0x0403: ("the printer does not accept this account", "Allow IPP for this computer in the printer's settings."),
    NOT_FOUND: ("there is no such printer", _WRONG_PATH),
    VERSION_NOT_SUPPORTED: ("it knows none of the versions of IPP that were tried", "Its firmware may need an update."),
    0x0501: ("it does not know the operation", "Is this a printer?"),
    0x0502: ("its service is not available", "Try again when it has started."),
    0x0507: ("it is busy", "Try again later."),
}
_HTTP_STATUSES = {
    401: "Allow IPP without an account in the printer's settings.",
    403: "Allow IPP for this computer in the printer's settings.",
    426: "The printer wants TLS: write ipps:// instead of ipp://.",
}


class NoPrinter(DeviceError):
    """Something is there that speaks HTTP, but no printer at this path."""


@dataclass(frozen=True, slots=True)
class Printer:
    """Where to ask: an `ipp` or `ipps` URI in its parts. `path` is '' where the URI has none."""

    scheme: str
    host: str
    port: int
    path: str

    @classmethod
    def of(cls, uri: str) -> Self:
        """Raises SettingsError."""
        try:
            parts = urlsplit(uri)
            usable = parts.scheme in _SCHEMES and parts.hostname and parts.port != 0 and parts.username is None
            if usable and uri.isprintable():
                return cls(parts.scheme, parts.hostname or "", parts.port or PORT, parts.path)
        except ValueError:  # a port or an IPv6 address that is none
            pass
        raise SettingsError(
            "the printer's address is not of the form ipp://host/path",
            "Begin with ipp:// or, for TLS, ipps://; name a host and no password.",
        )

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORT else f"{host}:{self.port}"

    @property
    def uri(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path}"

    def at(self, path: str) -> Self:
        return type(self)(self.scheme, self.host, self.port, path)

    @property
    def url(self) -> str:
        """What HTTP calls it: RFC 8010, section 5, and RFC 7472."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{_SCHEMES[self.scheme]}://{host}:{self.port}{self.path or '/'}"


def read_ipp(uri: str, now: datetime, timeout_s: float = 5.0, ca_file: Path | None = None) -> Reading:
    """The reading of the printer at `uri`; where that has no path, the usual ones are tried in their order. `ipps` is not
    verified, for printers sign their own certificates, unless a CA file is given. Raises DeviceError, and SettingsError
    for a `uri` or `ca_file` that cannot be used."""
    printer = Printer.of(uri)
    failures: list[NoPrinter] = []
    for path in (printer.path,) if printer.path.strip("/") else ipp.PATHS:
        try:
            found = _attributes(printer.at(path), timeout_s, ca_file)
        except NoPrinter as error:
            failures.append(error)
        else:
            return reading(found, printer.uri, printer.port, now)
    raise failures[0]


def ask(
    printer: Printer,
    operation: int,
    requested: tuple[str, ...],
    timeout_s: float,
    ca_file: Path | None = None,
    unix_socket: str = "",
) -> Answer:
    """What `printer` answers, be it a refusal; `unix_socket` as for `web.post`. Raises NoPrinter for what is no answer,
    DeviceError, SettingsError."""
    attributes = (
        (CHARSET, "attributes-charset", ("utf-8",)),
        (LANGUAGE, "attributes-natural-language", ("en",)),
        (URI, "printer-uri", (printer.uri,)),
        (KEYWORD, "requested-attributes", requested),
    )
    for version in VERSIONS:
        question = encode(version, operation, 1, attributes)
        page = web.post(printer.url, question, "application/ipp", timeout_s, ca_file, unix_socket=unix_socket)
        if page.status != HTTPStatus.OK:
            kind = DeviceError if page.status in _HTTP_STATUSES else NoPrinter
            raise kind(f"{printer.uri} answers with HTTP status {page.status}", _HTTP_STATUSES.get(page.status, _WRONG_PATH))
        try:
            answer = decode(page.body)
        except BadAnswer as error:
            raise NoPrinter(f"{printer.uri}: {error}", error.advice) from None
        if answer.status != VERSION_NOT_SUPPORTED:
            break
    return answer


def refusal(printer: Printer, answer: Answer) -> DeviceError:
    """An error that tells why `answer` is no success."""
    what, advice = _STATUSES.get(answer.status, ("the printer refuses the question", "Its firmware may need an update."))
    kind = NoPrinter if answer.status == NOT_FOUND else DeviceError
    return kind(f"{printer.uri}: {what} (IPP status 0x{answer.status:04x})", advice)


def _attributes(printer: Printer, timeout_s: float, ca_file: Path | None) -> Attributes:
    answer = ask(printer, GET_PRINTER_ATTRIBUTES, ipp.REQUESTED, timeout_s, ca_file)
    if not answer.ok:
        raise refusal(printer, answer)
    found = answer.of(PRINTER_GROUP)
    if not found:
        raise NoPrinter(f"{printer.uri} has no printer attributes", _WRONG_PATH)
    return found[0]
