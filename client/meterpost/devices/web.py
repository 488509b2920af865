"""The one place of the room that speaks HTTP to printers: a bounded GET, a bounded POST (`http.client`, which by itself
reads no environment, uses no HTTP proxy, keeps no cookie and follows no redirect).

Printers sign their own certificates. So an https address is not verified, and what comes from it is no surer than over
http, unless a CA file is given: then certificate and host name have to be right.
"""

import http.client
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

from meterpost.errors import DeviceError, SettingsError

BODY_LIMIT = 1024 * 1024
"""Octets of the largest body that is read, unless the caller knows better."""

WHOLE_S = 30.0
"""Seconds an exchange may take from its first octet to its last, however steadily it drips."""

_REDIRECTS = {301, 302, 303, 307, 308}
_MOST_REDIRECTS = 3
_UNQUOTED = "/?%:@!$&'()*+,;=~"  # RFC 3986, 3.3 and 3.4
_LEGACY_SERVER_CONNECT = 0x4  # ssl.OP_LEGACY_SERVER_CONNECT from Python 3.12 on
_PORTS = {"http": 80, "https": 443}
_SPEAKS_NO_HTTP = "Check address and port; something else may listen there."


@dataclass(frozen=True, slots=True)
class Page:
    """What came back, whatever its status. `url` is where it came from in the end; header names are lower case."""

    url: str
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def content_type(self) -> str:
        """The media type without its parameters, lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


def get(url: str, timeout_s: float = 5.0, ca_file: Path | None = None, limit: int = BODY_LIMIT) -> Page:
    """The page at an http or https `url`. `timeout_s` is for connecting and for each wait for octets. Raises DeviceError
    for no connection, no HTTP, more than `limit` octets or a redirect to another host; SettingsError for `url`, `ca_file`."""
    return _exchange("GET", url, None, {}, timeout_s, ca_file, limit)


def post(
    url: str,
    body: bytes,
    content_type: str,
    timeout_s: float = 5.0,
    ca_file: Path | None = None,
    limit: int = BODY_LIMIT,
    unix_socket: str = "",
) -> Page:
    """What comes back for `body`; a redirect is followed with the same body. `unix_socket` is the path of one that is used
    instead of the network. Otherwise as `get`."""
    return _exchange("POST", url, body, {"Content-Type": content_type}, timeout_s, ca_file, limit, unix_socket)


class _Connection(http.client.HTTPConnection):
    """HTTP over TCP, or over TLS where there is a context. `cut` ends it from another thread."""

    def __init__(self, url: SplitResult, timeout_s: float, tls: ssl.SSLContext | None, unix_socket: str) -> None:
        self.default_port = _PORTS[url.scheme]  # else the port of https would stand in the Host field
        super().__init__(unquote(url.hostname or ""), url.port or self.default_port, timeout=timeout_s)
        self._tls = tls
        self._unix_socket = unix_socket
        self.place = unix_socket or url.netloc
        self._line: socket.socket | None = None

    def connect(self) -> None:
        if self._unix_socket:
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(self.timeout)
            self.sock.connect(self._unix_socket)
        else:
            super().connect()
        self._line = self.sock.dup()  # TLS takes the socket itself over
        if self._tls:
            self.sock = self._tls.wrap_socket(self.sock, server_hostname=self.host)

    def cut(self) -> None:
        if self._line:
            with suppress(OSError):  # the printer was faster
                self._line.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        """Of all of it. `close` alone is what the base does before a body without a length is read."""
        self.close()
        if self._line:
            self._line.close()


def _exchange(
    method: str,
    address: str,
    body: bytes | None,
    headers: dict[str, str],
    timeout_s: float,
    ca_file: Path | None,
    limit: int,
    unix_socket: str = "",
) -> Page:
    for _ in range(1 + _MOST_REDIRECTS):
        url = _split(address)
        connection = _Connection(url, timeout_s, trust(ca_file) if url.scheme == "https" else None, unix_socket)
        target = quote(url.path or "/", safe=_UNQUOTED) + (f"?{quote(url.query, safe=_UNQUOTED)}" if url.query else "")
        with _explaining(connection):
            connection.request(method, target, body, headers | {"Connection": "close"})
            with connection.getresponse() as response:
                found = {name.lower(): value for name, value in response.getheaders()}
                page = Page(address, response.status, found, _body(response, url, limit))
        if page.status not in _REDIRECTS or "location" not in found:
            return page
        address = _next(url, found["location"])
    raise DeviceError(f"{url.netloc} redirects without end", "Its web server is not set up properly.")


def _split(address: str) -> SplitResult:
    try:
        url = urlsplit(address)
        usable = url.scheme in _PORTS and url.hostname and url.port != 0 and url.username is None and address.isprintable()
    except ValueError:  # a port or an IPv6 address that is none
        usable = False
    if not usable:
        raise SettingsError("the printer's web address is not of the form http://host/path", "Name a host, and no password.")
    return url


def _next(url: SplitResult, location: str) -> str:
    """Where a redirect leads: only to the same host, and never from TLS to none."""
    try:
        goal = _split(urljoin(url.geturl(), location))
        safe = goal.hostname == url.hostname and (goal.scheme, url.scheme) != ("http", "https")
    except (ValueError, SettingsError):
        safe = False
    if not safe:
        raise DeviceError(
            f"{url.netloc} redirects to another place, which was not asked", "Name that place if it is the printer."
        )
    return goal.geturl()


def _body(response: http.client.HTTPResponse, url: SplitResult, limit: int) -> bytes:
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise DeviceError(f"{url.netloc} answered in a content-coding that was not asked for", _SPEAKS_NO_HTTP)
    content = response.read(limit + 1)
    if len(content) > limit:
        raise DeviceError(f"{url.netloc} answered more than {limit} octets", _SPEAKS_NO_HTTP)
    if response.length:  # of what Content-Length promised
        raise http.client.IncompleteRead(content)
    return content


def trust(ca_file: Path | None) -> ssl.SSLContext:
    """What an https address is held to. Raises SettingsError for `ca_file`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if ca_file:
        try:
            context.load_verify_locations(ca_file)
        except (OSError, ssl.SSLError) as error:
            raise SettingsError(
                f"{ca_file} cannot be used as a CA file: {error}", "It has to hold certificates in PEM."
            ) from None
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        # What is not verified need not be refused for its age: printers of fifteen years speak TLS 1.0 with short keys and
        # without secure renegotiation (RFC 5746).
        context.options |= _LEGACY_SERVER_CONNECT
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
    return context


@contextmanager
def _explaining(connection: _Connection) -> Iterator[None]:
    """Ends the connection with the exchange, and the exchange after `WHOLE_S`; tells in people's words what went wrong."""
    late = threading.Event()

    def cut() -> None:
        late.set()
        connection.cut()

    timer = threading.Timer(WHOLE_S, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
        if late.is_set():  # a body without a length ends where the line is cut
            raise TimeoutError
    except (http.client.HTTPException, ValueError, OSError) as error:
        raise _explained(error, connection, late.is_set()) from None
    finally:
        timer.cancel()
        connection.end()


def _explained(error: Exception, connection: _Connection, late: bool) -> DeviceError:
    place = connection.place
    if late:
        return DeviceError(f"{place} did not end its answer within {WHOLE_S:g} s", "It is too slow, or broken.")
    match error:
        case ssl.SSLCertVerificationError():
            return DeviceError(
                f"the certificate of {place} was not accepted: {error.verify_message}",
                "Add the CA that signed it to the file printers.ca_file, and name the printer as its certificate does.",
            )
        case ssl.SSLError():
            return DeviceError(f"no TLS with {place}: {error.reason or error}", "Its port may be one without TLS.")
        case socket.gaierror():
            return DeviceError(f"the name {connection.host} cannot be resolved", "Check its spelling, or use the address.")
        case TimeoutError():
            return DeviceError(f"{place} does not answer", "Is it switched on, and the address right?")
        case OSError():  # also the one of http.client for an end before the first octet
            reason = error.strerror or "it was closed"
            return DeviceError(f"no connection with {place}: {reason}", "Is it switched on, and the service?")
    return DeviceError(f"{place} answered, but not in whole HTTP", _SPEAKS_NO_HTTP)
