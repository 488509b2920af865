"""One port: TCP, TLS and HTTP framing, by cheroot; the only importer of it. What a message means is the answerer's.

Whole messages go in and out as exact bytes, because they are counted. A silent peer costs no worker, not even in the
middle of its TLS handshake; one that sends its request drop by drop costs a worker for half a minute.
"""

import logging
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from time import monotonic
from typing import Any

from cheroot.makefile import MakeFile
from cheroot.server import Gateway, HTTPConnection, HTTPRequest, SizeCheckWrapper
from cheroot.wsgi import Server

from meterpost.errors import NetworkError
from meterpost_stub.web import LARGEST_BODY, Answer, HttpRequest

_log = logging.getLogger(__name__)
_LARGEST_HEAD = 8192
_DRAINED = 64 * 1024 * 1024
"""Octets of a body that is too large which are still read and thrown away, so that the peer, who may not listen
before it has sent everything, sees the 413 instead of a broken connection."""
_PATIENCE_S = 30
"""How long a request may take from its first octet to its last."""
_IDLE_S = 10
_MOST_WAITING = 128
"""Connections on which nothing comes: how long one is kept, and how many. Each holds a file descriptor, and cheroot
does not get over having none left."""
_THREADS = 16
# A token, no blank before the colon, nothing folded, no control characters (RFC 9110, 5.1 and 5.5; RFC 9112, 5).
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):([^\x00-\x08\x0a-\x1f\x7f]*)\r\n")
# The same of the first line (RFC 9112, 3): cheroot's reader strips it of any white space, a bare CR too.
_REQUEST_LINE = re.compile(rb"(?:\r\n)?[!#$%&'*+.^_`|~0-9A-Za-z-]+ [\x21-\x7e]+ HTTP/1\.[01]\r\n")
_ONCE = (b"Host", b"Content-Length", b"Content-Type")


class _Head:
    """Passes lines through and keeps them: the head exactly as it came."""

    def __init__(self, lines: SizeCheckWrapper) -> None:
        self._lines = lines
        self.seen = b""

    def readline(self) -> bytes:
        line: bytes = self._lines.readline()
        self.seen += line
        return line


def _read_fields(lines: _Head, fields: dict[bytes, bytes]) -> None:
    """The header lines into `fields`, names in Title-Case. Raises ValueError, which becomes a 400, for whatever two
    readers could understand in two ways: cheroot's own reader lets the last of two Content-Lengths win."""
    while (line := lines.readline()) != b"\r\n":
        field = _FIELD.fullmatch(line)
        if field is None:
            raise ValueError("A header line is malformed.")
        name, value = field[1].title(), field[2].strip(b" \t")
        if name in fields and name in _ONCE:
            raise ValueError(f"There is more than one {name.decode()}.")
        fields[name] = b", ".join((fields[name], value)) if name in fields else value


class _Request(HTTPRequest):
    head: _Head
    header_reader = staticmethod(_read_fields)

    def read_request_line(self) -> bool:
        self.rfile = self.head = _Head(self.rfile)
        self.proxy_mode = True  # takes a target in absolute form, as every server must (RFC 9112, 3.2.2)
        try:
            if not super().read_request_line():  # type: ignore[no-untyped-call]  # cheroot has stubs without types
                return False
        except ValueError:  # from urlsplit, which knows more malformed targets than cheroot expects
            return self._malformed("Malformed Request-URI")
        return _REQUEST_LINE.fullmatch(self.head.seen) is not None or self._malformed("Malformed Request-Line")

    def read_request_headers(self) -> bool:
        if not super().read_request_headers():  # type: ignore[no-untyped-call]  # as above
            return False
        if self.response_protocol == "HTTP/1.1" and b"Host" not in self.inheaders:  # RFC 9112, 3.2
            return self._malformed("There is no Host.")
        if b"close" in self.inheaders.get(b"Connection", b"").lower():
            self.close_connection = True
        return True

    def _malformed(self, text: str) -> bool:
        self.simple_response("400 Bad Request", text)
        return False


class _PatientSocket(ssl.SSLSocket):
    """Reads until a time. A time-out of the usual kind starts anew with every octet that drips in."""

    until = 0.0

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self.settimeout(max(self.until - monotonic(), 0.001))
        return super().recv_into(*args, **kwargs)


class _Connection(HTTPConnection):
    RequestHandlerClass = _Request
    _ready = False

    def communicate(self) -> bool:
        """Called in a worker, when the peer connects and whenever octets have come. False closes the connection;
        True waits for more, without a worker: where cheroot shakes hands, one silent peer keeps everybody out."""
        if not self._ready:
            return self._prepare()
        if isinstance(self.socket, _PatientSocket):
            self.socket.until = monotonic() + _PATIENCE_S
        return bool(super().communicate())  # type: ignore[no-untyped-call]  # as above

    def _prepare(self) -> bool:
        """The TLS handshake, as far as the octets go that are there."""
        if not self.server.can_add_keepalive_connection:
            return False
        try:
            if isinstance(self.socket, _PatientSocket):
                self.socket.settimeout(0)
                self.socket.do_handshake()
            self._ready = True
        except ssl.SSLWantReadError:
            pass
        except OSError as error:
            _log.info("no TLS with %s: %s", self.remote_addr, error)
            return False
        return True


class _Tls:
    """cheroot's port for TLS. Hands out connections that have not shaken hands yet."""

    makefile = staticmethod(MakeFile)

    def __init__(self, context: ssl.SSLContext) -> None:
        self.context = context
        context.sslsocket_class = _PatientSocket

    def bind(self, sock: socket.socket) -> socket.socket:
        return sock

    def wrap(self, sock: socket.socket) -> tuple[ssl.SSLSocket, dict[str, str]]:
        return self.context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False), {}


class _Gateway(Gateway):
    """From cheroot's request to a value and back."""

    def respond(self) -> None:
        request, connection = self.req, self.req.conn
        length = self._length()
        body = None if length is None or length > LARGEST_BODY else b"".join(self._pieces(length))
        if length is None or length > _DRAINED:
            request.close_connection = True
        elif body is None:
            for _ in self._pieces(length):
                pass
        if request.response_protocol != "HTTP/1.1" or not request.server.can_add_keepalive_connection:
            request.close_connection = True
        answer = request.server.answer(
            HttpRequest(
                method=request.method.decode("latin-1"),
                path=request.path.decode("latin-1"),
                query=request.qs.decode("latin-1"),
                headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in request.inheaders.items()},
                head=request.head.seen,
                body=body,
                last=request.close_connection,
            )
        )
        request.sent_headers = True
        connection.socket.settimeout(_PATIENCE_S)
        connection.socket.sendall(answer.head + (b"" if request.method == b"HEAD" else answer.body))

    def _length(self) -> int | None:
        """Octets of the body that follows; None where the request does not say it in one plain way."""
        if self.req.chunked_read:
            return None
        text = self.req.inheaders.get(b"Content-Length", b"" if self.req.method == b"POST" else b"0")
        return int(text) if text.isdigit() else None

    def _pieces(self, length: int) -> Iterator[bytes]:
        """The body in pieces; ends early where the peer does."""
        while length and (piece := self.req.conn.rfile.read(min(length, 65536))):
            length -= len(piece)
            yield piece


class _Server(Server):
    ConnectionClass = _Connection
    max_request_header_size = _LARGEST_HEAD
    keep_alive_conn_limit = _MOST_WAITING
    expiration_interval = 0.1  # seconds; stopping takes up to one

    def __init__(self, address: tuple[str, int], answer: Answer, tls: ssl.SSLContext | None) -> None:
        super().__init__(address, None, numthreads=_THREADS, timeout=_IDLE_S, request_queue_size=64)
        self.gateway = _Gateway
        self.answer = answer
        self.ssl_adapter = _Tls(tls) if tls else None

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
        _log.log(level, "%s", msg, exc_info=traceback)


class Listener:
    """Listens from the moment it is made until `close`; `port` 0 takes a free one, which `port` then is.

    Raises NetworkError when the address cannot be had.
    """

    def __init__(self, host: str, port: int, answer: Answer, tls: ssl.SSLContext | None = None) -> None:
        self._server = _Server((host, port), answer, tls)
        try:
            self._server.prepare()
        except OSError as error:
            raise NetworkError(
                f"cannot listen on {host} port {port}: {error}", "Choose another --port, or 0 for a free one."
            ) from None
        self.port: int = self._server.bind_addr[1]
        self._thread = threading.Thread(target=self._server.serve, name=f"listener {self.port}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stops accepting, lets running answers finish, closes every connection."""
        self._server.stop()
        self._thread.join()
