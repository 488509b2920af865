"""One port: TCP, TLS, a selector and workers, by cheroot; the only importer of it. What a message means is the answerer's.

Whole messages go in and out as exact bytes, because they are counted. No worker ever waits for a peer: not in its TLS
handshake, not while its request comes, not while its answer leaves. Whoever is slow waits without one, among others, and
of all who wait the slowest go first where they become too many or hold too much.
"""

import logging
import math
import selectors
import socket
import ssl
import threading
import time
from contextlib import suppress
from http import HTTPStatus
from time import monotonic
from typing import Any

from cheroot.makefile import MakeFile
from cheroot.server import HTTPConnection
from cheroot.wsgi import Server

from meterpost.errors import NetworkError
from meterpost_stub.gathering import Gathering
from meterpost_stub.web import Answer, HttpRefusal, HttpRequest, refusal

_log = logging.getLogger(__name__)
_PATIENCE_S = 30
"""How long a request may take from its first octet to its last; so may a handshake, and an answer that leaves."""
_IDLE_S = 10
"""How long a connection is kept on which nothing moves."""
_MOST_WAITING = 128
"""Connections that wait for their peers. Each holds a file descriptor, and cheroot does not get over having none left."""
_MOST_HELD = 64 * 1024 * 1024
"""Octets of requests that are not whole, of all connections together; each worker may be a turn ahead of the count."""
_THREADS = 16
_PIECE = 65536
_TURN = 16
"""Pieces of this many octets, or requests, after which a connection makes room for the next in the queue."""
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_NO_REQUEST = HttpRequest("", "", "", {}, b"", None, last=True)


class _Connection(HTTPConnection):
    """`awaits` is what must become possible before it can go on, an event of `selectors`; 0 while it can. `until` is when
    its peer must have done its part, on the monotonic clock."""

    awaits = 0
    until = 0.0

    def __init__(self, server: "_Server", sock: socket.socket, makefile: Any = MakeFile) -> None:
        super().__init__(server, sock, makefile)
        sock.settimeout(0)
        self._shaking_hands = isinstance(sock, ssl.SSLSocket)
        self._gathering = Gathering()
        self._unsent = memoryview(b"")
        self._last = False
        self._be_patient()

    @property
    def held(self) -> int:
        """Octets of its request that is not whole."""
        return self._gathering.held

    def communicate(self) -> bool:
        """Called in a worker, when the peer connects and whenever what it awaits is there. False closes the connection."""
        try:
            return self._go_on()
        except ssl.SSLWantReadError:
            self.awaits = selectors.EVENT_READ
        except ssl.SSLWantWriteError:
            self.awaits = selectors.EVENT_WRITE
        except BlockingIOError:
            self.awaits = selectors.EVENT_WRITE if self._unsent else selectors.EVENT_READ
        except OSError as error:
            _log.info("%s %s: %s", "no TLS with" if self._shaking_hands else "broken off by", self.remote_addr, error)
            return False
        return True

    def give_up(self) -> None:
        """As if the peer had left, which wakes it up. From any thread: what TLS knows is left to whoever may be using it."""
        self.until = 0.0
        with suppress(OSError):
            socket.socket.shutdown(self.socket, socket.SHUT_RDWR)

    def close(self) -> None:
        self.server.room.leave(self)
        self._gathering.drop()  # cheroot's connections are circles
        self._unsent = memoryview(b"")
        super().close()

    def _be_patient(self) -> None:
        self.until = monotonic() + _PATIENCE_S

    def _go_on(self) -> bool:
        """Does what can be done, for one turn. It stops to wait where the socket says that there is no more, and nowhere
        else: of what TLS has read already, no selector knows."""
        if monotonic() > self.until:
            if self._shaking_hands or self._unsent:
                return False
            if self.held:  # who has not begun is not late
                self._refuse(HttpRefusal(HTTPStatus.REQUEST_TIMEOUT, f"a request has {_PATIENCE_S} seconds"))
        if self._shaking_hands:
            self.socket.do_handshake()
            self._shaking_hands = False
        for _ in range(_TURN):
            self._send()
            if self._last:
                return False
            try:
                request = self._gathering.feed() or self._receive()
            except HttpRefusal as refused:
                self._refuse(refused)
                continue
            if self._gathering.expects:
                self._gathering.expects = False
                self._say(_CONTINUE)
            if request:
                self._answer(request)
        return True

    def _receive(self) -> HttpRequest | None:
        octets = self.socket.recv(_PIECE)
        if not octets:
            self._last = True
            self._gathering.end()
        elif not self.held:
            self._be_patient()
        return self._gathering.feed(octets)

    def _answer(self, request: HttpRequest) -> None:
        self.until = math.inf  # it is the peer who waits
        try:
            answer = self.server.answer(request)
        except Exception:
            _log.exception("a request could not be answered")
            answer = refusal(request, HttpRefusal(HTTPStatus.INTERNAL_SERVER_ERROR, "the server has a problem of its own"))
        self._be_patient()
        self._last = request.last
        self._say(answer.head + (b"" if request.method == "HEAD" else answer.body))

    def _refuse(self, refused: HttpRefusal) -> None:
        answer = refusal(_NO_REQUEST, refused)
        self._last = True
        self._say(answer.head + answer.body)

    def _say(self, octets: bytes) -> None:
        self._unsent = memoryview(bytes(self._unsent) + octets)

    def _send(self) -> None:
        while self._unsent:
            self._unsent = self._unsent[self.socket.send(self._unsent[:_PIECE]) :]


class _Room:
    """The connections whose peers are waited for, and what they hold together."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[_Connection, int] = {}

    def enter(self, connection: _Connection) -> None:
        """Whoever should have been done first gives up its place where there is none."""
        with self._lock:
            self._held[connection] = connection.held
            waiting = [one for one in self._held if one.awaits]
            if len(waiting) > _MOST_WAITING:
                self._give_up(waiting)
            while sum(self._held.values()) > _MOST_HELD:
                self._give_up([one for one, octets in self._held.items() if octets])

    def leave(self, connection: _Connection) -> None:
        with self._lock:
            self._held.pop(connection, None)

    def _give_up(self, candidates: list[_Connection]) -> None:
        slowest = min(candidates, key=lambda one: one.until)
        del self._held[slowest]
        slowest.give_up()


class _Tls:
    """cheroot's port for TLS. Hands out connections that have not shaken hands yet."""

    makefile = staticmethod(MakeFile)

    def __init__(self, context: ssl.SSLContext) -> None:
        self.context = context

    def bind(self, sock: socket.socket) -> socket.socket:
        return sock

    def wrap(self, sock: socket.socket) -> tuple[ssl.SSLSocket, dict[str, str]]:
        return self.context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False), {}


class _Server(Server):
    ConnectionClass = _Connection
    expiration_interval = 0.1  # seconds; stopping takes up to one

    def __init__(self, address: tuple[str, int], answer: Answer, tls: ssl.SSLContext | None) -> None:
        super().__init__(address, None, numthreads=_THREADS, timeout=_IDLE_S, request_queue_size=64)
        self.answer = answer
        self.ssl_adapter = _Tls(tls) if tls else None
        self.room = _Room()

    def process_conn(self, conn: _Connection) -> None:
        conn.awaits = 0
        super().process_conn(conn)

    def put_conn(self, conn: _Connection) -> None:
        """Called when a worker has done what it can. cheroot's own waits for octets that come, never for room to send."""
        self.room.enter(conn)
        if not self.ready:
            conn.close()
        elif conn.awaits:
            conn.last_used = time.time()  # by this it expires
            self._connections._selector.register(conn.socket.fileno(), conn.awaits, conn)  # type: ignore[attr-defined]
        else:
            self.process_conn(conn)

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
