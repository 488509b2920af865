"""A simulated IPP printer, or CUPS scheduler with queues, on loopback: HTTP with or without TLS (RFC 8010). TEST ONLY.

It answers Get-Printer-Attributes and CUPS-Get-Printers from given attributes, or with recorded octets, and refuses the rest.
"""

import ipaddress
import ssl
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self, Union

from meterpost.errors import SettingsError

GET_PRINTER_ATTRIBUTES, CUPS_GET_PRINTERS = 0x000B, 0x4002
OK, BAD_REQUEST, NOT_FOUND, NO_SUCH_OPERATION, NO_SUCH_VERSION = 0x0000, 0x0400, 0x0406, 0x0501, 0x0503
MAX_REQUEST = 64 * 1024  # octets

_OPERATION, _END, _PRINTER = 0x01, 0x03, 0x04
_INTEGER, _BOOLEAN, _ENUM, _OCTETS, _TEXT = 0x21, 0x22, 0x23, 0x30, 0x41
_NAME, _KEYWORD, _URI, _CHARSET, _LANGUAGE = 0x42, 0x44, 0x45, 0x47, 0x48
_BEGIN_COLLECTION, _END_COLLECTION, _MEMBER = 0x34, 0x37, 0x4A

Value = Union[int, str, bytes, "Attributes"]
"""An integer or boolean, a text, an octetString, a collection."""

Attributes = Mapping[str, Value | Sequence[Value]]
"""One value or several under each name. The syntax follows from name and type: see `_SYNTAX`."""

_SYNTAX = {  # of texts and numbers that are no plain text and no integer
    "attributes-charset": _CHARSET,
    "attributes-natural-language": _LANGUAGE,
    "device-uri": _URI,
    "marker-colors": _NAME,
    "marker-names": _NAME,
    "marker-types": _KEYWORD,
    "printer-name": _NAME,
    "printer-state": _ENUM,
    "printer-state-reasons": _KEYWORD,
    "printer-uuid": _URI,
}


class IppServer:
    """A context manager: inside it `printers` answer, each at its path, with attributes or with recorded octets (an answer
    to Get-Printer-Attributes). Where there are `queues` it is a CUPS scheduler too. `certificate` is a PEM file and its
    key's. `versions` are those it knows, by their major number. Raises SettingsError for an address off loopback."""

    def __init__(
        self,
        printers: Mapping[str, Attributes | bytes],
        queues: Sequence[Attributes] | None = None,
        certificate: tuple[Path, Path] | None = None,
        versions: Iterable[int] = (1, 2),
        address: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        if not ipaddress.ip_address(address).is_loopback:
            raise SettingsError(f"{address} is not on loopback", "Simulated printers live inside 127.0.0.0/8 only.")
        self.printers, self.queues, self._versions = dict(printers), queues, set(versions)
        self.asked: list[Request] = []
        self._server = _Server((address, port), _handler(self))
        if certificate:
            self._server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._server.tls.load_cert_chain(*certificate)

    @property
    def tls(self) -> ssl.SSLContext | None:
        """To be made older or stricter than usual, before a client comes."""
        return self._server.tls

    @property
    def port(self) -> int:
        return self._server.server_port

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), name="simulated IPP", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, path: str, octets: bytes) -> bytes | None:
        """What a request to `path` is answered with; None where nothing is there."""
        try:
            request = Request.parse(path, octets)
        except (IndexError, UnicodeDecodeError):
            return _message((1, 1), BAD_REQUEST, octets[4:8].ljust(4, b"\0"), ())
        self.asked.append(request)
        if request.version[0] not in self._versions:
            return _message((2, 0), NO_SUCH_VERSION, request.id, ())
        if request.operation == CUPS_GET_PRINTERS and self.queues is not None:
            return request.reply(OK if self.queues else NOT_FOUND, self.queues)
        if path not in self.printers:
            return None if self.queues is None else request.reply(NOT_FOUND)
        if request.operation != GET_PRINTER_ATTRIBUTES:
            return request.reply(NO_SUCH_OPERATION)
        found = self.printers[path]
        return found[:4] + request.id + found[8:] if isinstance(found, bytes) else request.reply(OK, (found,))


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asked. `requested` is empty for all attributes."""

    path: str
    version: tuple[int, int]
    operation: int
    id: bytes
    requested: frozenset[str]

    @classmethod
    def parse(cls, path: str, octets: bytes) -> Self:
        """Raises IndexError, UnicodeDecodeError for what is no request."""
        at, name, requested = 9, "", set()
        if octets[8] != _OPERATION:
            raise IndexError
        while octets[at] != _END:
            if octets[at] >= 0x10:
                named, at = _field(octets, at + 1)
                value, at = _field(octets, at)
                name = named or name
                if name == "requested-attributes":
                    requested.add(value)
            else:
                at += 1
        wanted = frozenset(requested) if "all" not in requested else frozenset[str]()
        return cls(path, (octets[0], octets[1]), int.from_bytes(octets[2:4], "big"), octets[4:8], wanted)

    def reply(self, status: int, printers: Sequence[Attributes] = ()) -> bytes:
        """An answer with a group for each of `printers`, in it what was requested."""
        chosen = [
            {name: value for name, value in printer.items() if not self.requested or name in self.requested}
            for printer in printers
        ]
        return _message(self.version, status, self.id, chosen)


def _message(version: tuple[int, int], status: int, request_id: bytes, printers: Sequence[Attributes]) -> bytes:
    message = bytearray(version) + status.to_bytes(2, "big") + request_id
    message += _group(_OPERATION, {"attributes-charset": "utf-8", "attributes-natural-language": "en"})
    for printer in printers:
        message += _group(_PRINTER, printer)
    return bytes(message) + bytes([_END])


def _group(delimiter: int, attributes: Attributes) -> bytes:
    octets = bytearray([delimiter])
    for name, values in attributes.items():
        first = name
        for value in _several(values):
            octets += _encoded(name, first, value)
            first = ""
    return bytes(octets)


def _encoded(name: str, shown: str, value: Value) -> bytes:
    """One value; `shown` is '' for all but the first of an attribute."""
    if isinstance(value, Mapping):
        octets = _item(_BEGIN_COLLECTION, shown, b"")
        for member, values in value.items():
            octets += _item(_MEMBER, "", member.encode())
            octets += b"".join(_encoded(member, "", one) for one in _several(values))
        return octets + _item(_END_COLLECTION, "", b"")
    if isinstance(value, bool):
        return _item(_BOOLEAN, shown, bytes([value]))
    if isinstance(value, int):
        return _item(_SYNTAX.get(name, _INTEGER), shown, value.to_bytes(4, "big", signed=True))
    if isinstance(value, bytes):
        return _item(_OCTETS, shown, value)
    return _item(_SYNTAX.get(name, _TEXT), shown, value.encode())


def _item(tag: int, name: str, value: bytes) -> bytes:
    return bytes([tag]) + len(name).to_bytes(2, "big") + name.encode() + len(value).to_bytes(2, "big") + value


def _several(values: Value | Sequence[Value]) -> Sequence[Value]:
    return (values,) if isinstance(values, int | str | bytes | Mapping) else values


def _field(octets: bytes, at: int) -> tuple[str, int]:
    """A length and as many octets, and where they end, which may be behind the end of all."""
    end = at + 2 + int.from_bytes(octets[at : at + 2], "big")
    return octets[at + 2 : end].decode(), end


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # more than anybody opens at once; a full queue looks like a printer that is off
    tls: ssl.SSLContext | None = None

    def finish_request(self, request: Any, client_address: Any) -> None:
        """In the connection's own thread, so that a handshake that hangs stops nobody else."""
        request.settimeout(30)
        if self.tls:
            request = self.tls.wrap_socket(request, server_side=True)
        try:
            super().finish_request(request, client_address)
        finally:
            if self.tls:
                request.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away, or speaks no TLS, is its own affair."""


def _handler(printer: IppServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            if self.headers.get("Content-Type") != "application/ipp" or not 0 < length <= MAX_REQUEST:
                return self.send_error(400)
            answer = printer.answer(self.path, self.rfile.read(length))
            if answer is None:
                return self.send_error(404)
            self.send_response(200)
            self.send_header("Content-Type", "application/ipp")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler
