"""A connection that counts: TCP payload octets at the socket, heads of messages inside TLS. It must never change an octet.

Three layers, each through the place its base class keeps for it: `MeteredSocket` counts (TLS handshake and CONNECT
included), `MeteredTls` listens between HTTP and TLS, `MeteredConnection` puts them together.
"""

import re
import socket
import ssl
from time import monotonic
from typing import TYPE_CHECKING, Self, cast

from urllib3.connection import HTTPSConnection
from urllib3.util.ssltransport import SSLTransport

from meterpost.errors import NetworkError, PeerError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

HEAD_LIMIT = 64 * 1024
"""Octets of the largest response head that is accepted."""

REPLY_LIMIT_S = 900
"""Seconds within which a reply must be there from its first octet to its last, however steadily it drips."""

_BLANK_LINE = re.compile(rb"\n\r?\n")
_INTERIM = re.compile(rb"HTTP/1\.\d 100\b")


class Head:
    """The octets of one message up to and including its blank line. An interim `100 Continue`, which some servers
    send unasked, is part of it (RFC 9110, 15.2)."""

    def __init__(self) -> None:
        self.octets = bytearray()
        self.complete = False
        self._start = 0  # of the last head seen

    def feed(self, data: bytes | memoryview) -> None:
        """What passed next. Raises PeerError when no end is in sight after `HEAD_LIMIT` octets."""
        if self.complete:
            return
        search_from = max(self._start, len(self.octets) - 3)
        self.octets += data
        while end := _BLANK_LINE.search(self.octets, search_from):
            if not _INTERIM.match(self.octets, self._start):
                del self.octets[end.end() :]
                self.complete = True
                break
            self._start = search_from = end.end()
        if len(self.octets) > HEAD_LIMIT:
            raise PeerError(
                f"the reply's head is larger than {HEAD_LIMIT // 1024} KiB",
                "This is not a reply of the protocol. Check the server's address, and tell its operator.",
            )


class MeteredSocket(socket.socket):
    """A TCP socket that counts its payload octets."""

    sent = 0
    received = 0

    @classmethod
    def adopt(cls, plain: socket.socket) -> Self:
        """Take over a connected socket; `plain` is spent."""
        timeout = plain.gettimeout()
        metered = cls(plain.family, plain.type, plain.proto, plain.detach())
        metered.settimeout(timeout)
        return metered

    def take(self) -> tuple[int, int]:
        """Octets sent and received since the last time this was asked."""
        counted = self.sent, self.received
        self.sent = self.received = 0
        return counted

    def sendall(self, data: "ReadableBuffer", flags: int = 0) -> None:
        count = memoryview(data).nbytes
        if count:  # SSLTransport also sends nothing, which fails on a broken connection that still holds the reason
            super().sendall(data, flags)
        self.sent += count

    def recv(self, size: int, flags: int = 0) -> bytes:
        data = super().recv(size, flags)
        self.received += len(data)
        return data

    def recv_into(self, buffer: "WriteableBuffer", nbytes: int = 0, flags: int = 0) -> int:
        count = super().recv_into(buffer, nbytes, flags)
        self.received += count
        return count


class MeteredTls(SSLTransport):
    """TLS over a `MeteredSocket`, keeping the heads that pass. The end of the stream counts only when the peer
    said so (close_notify): a reply that has no length of its own could be cut otherwise."""

    def __init__(self, tcp: MeteredSocket, context: ssl.SSLContext, server_hostname: str | None) -> None:
        self.tcp = tcp
        self.begin()
        super().__init__(tcp, context, server_hostname, suppress_ragged_eofs=False)

    def begin(self) -> None:
        """A new exchange: its heads are still to come."""
        self.request_head = Head()
        self.response_head = Head()
        self._reply_ends: float | None = None  # monotonic time

    def is_open(self) -> bool:
        """Whether a further request can be sent. Between exchanges nothing is due but what TLS says to itself (session
        tickets, key updates): an octet of HTTP, the end or an error all mean that this connection is spent."""
        timeout = self.gettimeout()
        self.settimeout(0)
        try:
            self.read(1)
        except BlockingIOError:
            return True
        except OSError:
            return False
        finally:
            self.settimeout(timeout)
        return False

    def send(self, data: bytes, flags: int = 0) -> int:
        count = super().send(data, flags)
        self.request_head.feed(data[:count])
        return count

    def recv_into(self, buffer: "bytearray | memoryview", nbytes: int | None = None, flags: int = 0) -> int | bytes | None:
        count = super().recv_into(buffer, nbytes, flags)
        now = monotonic()
        self._reply_ends = self._reply_ends or now + REPLY_LIMIT_S
        if now > self._reply_ends:
            raise NetworkError(
                f"the reply was not complete {REPLY_LIMIT_S:g} s after it had begun",
                "The line or the server is too slow. The message is kept and sent again.",
            )
        if isinstance(count, int):
            self.response_head.feed(bytes(memoryview(buffer)[:count]))
        return count


class MeteredContext(ssl.SSLContext):
    """TLS 1.2 or newer, certificate and host name checked. Makes a `MeteredTls` where the base makes an SSLSocket:
    that one works below Python, where nothing can be counted."""

    def __new__(cls) -> Self:
        context = super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)  # CERT_REQUIRED and check_hostname
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context

    def wrap_socket(
        self,
        sock: socket.socket,
        server_side: bool = False,
        do_handshake_on_connect: bool = True,
        suppress_ragged_eofs: bool = True,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLSocket:
        # urllib3 takes either kind (it has SSLTransport for TLS in TLS); only ssl's own annotation is narrower.
        tls = MeteredTls(cast(MeteredSocket, sock), self, cast("str | None", server_hostname))
        return cast(ssl.SSLSocket, tls)


class MeteredConnection(HTTPSConnection):
    """An HTTPS connection whose octets are counted from the first one on. `tls` is there once `connect` is through,
    and stays when the socket is closed."""

    tls: MeteredTls

    @property
    def is_connected(self) -> bool:
        return self.sock is not None and self.tls.is_open()

    def _new_conn(self) -> socket.socket:
        return MeteredSocket.adopt(super()._new_conn())

    def connect(self) -> None:
        super().connect()
        self.tls = cast(MeteredTls, self.sock)  # MeteredContext made it
