"""Servers, an HTTP proxy and a relay on loopback, all of them real: sockets, threads, TLS. Each is a context manager
on an ephemeral port and ends with its `with` block."""

import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Self


class Listener:
    """Accepts on `host` and serves each connection in a thread of its own.

    Only its thread closes a connection; the end of the `with` block shuts it down and waits. A socket closed under a
    thread that is still writing would give its number, and that thread's octets, to the next test's socket."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.closing = threading.Event()
        self._host = host
        self._listening = socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.port: int = self._listening.getsockname()[1]
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self.connections = 0

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        socket.create_connection((self._host, self.port)).close()  # wakes accept() on every system
        self._threads[0].join(10)
        self._listening.close()
        for connection in self._open:
            with suppress(OSError):  # closed already
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listening.accept()
            if self.closing.is_set():
                connection.close()
                return
            self.connections += 1
            self._open.append(connection)
            thread = threading.Thread(target=self._guarded, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _guarded(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):  # the other end went away, which is what many tests are about
            self.serve(connection)

    def secured(self, connection: socket.socket, context: ssl.SSLContext) -> ssl.SSLSocket:
        """TLS as the server's side of it; the handshake included."""
        stream = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        self._open.append(stream)
        try:
            stream.do_handshake()
        except BaseException:
            stream.close()
            raise
        return stream

    def serve(self, connection: socket.socket) -> None:
        raise NotImplementedError


@dataclass
class Request:
    """What a server saw of one request, before TLS."""

    head: bytes
    body: bytes


Script = Callable[[Request, socket.socket], bool]
"""Answers one request on the stream; True keeps the connection."""


def says(answer: bytes, *, keep: bool = True) -> Script:
    """These very octets."""

    def script(_: Request, stream: socket.socket) -> bool:
        stream.sendall(answer)
        return keep

    return script


def http(body: bytes, status: str = "200 OK", headers: Mapping[str, str] | None = None) -> bytes:
    """A whole HTTP/1.1 reply."""
    fields = {"Content-Type": "text/xml; charset=utf-8", **(headers or {}), "Content-Length": str(len(body))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode() + body


class Server(Listener):
    """An HTTPS server that follows a script, and keeps what it was sent. Without a context it speaks plain text."""

    def __init__(self, context: ssl.SSLContext | None, script: Script, host: str = "127.0.0.1") -> None:
        super().__init__(host)
        self._context = context
        self.script = script
        self.requests: list[Request] = []
        self.client_names: list[object] = []
        self.gone = threading.Semaphore(0)
        """Released once for each connection the server has closed."""

    def serve(self, connection: socket.socket) -> None:
        stream = self.secured(connection, self._context) if self._context else connection
        try:
            if isinstance(stream, ssl.SSLSocket):
                self.client_names.append(dict(stream.getpeercert() or {}).get("subject"))
            while request := read_request(stream):
                self.requests.append(request)
                if not self.script(request, stream):
                    break
        finally:
            stream.close()
            self.gone.release()


def read_head(stream: socket.socket) -> bytes:
    """Octet by octet to the blank line, so that nothing behind it is taken; b'' at the end of the stream."""
    head = bytearray()
    while not head.endswith(b"\r\n\r\n"):
        octet = stream.recv(1)
        if not octet:
            return b""
        head += octet
    return bytes(head)


def read_request(stream: socket.socket) -> Request | None:
    head = read_head(stream)
    if not head:
        return None
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    body = bytearray()
    while len(body) < length:
        body += stream.recv(length - len(body))
    return Request(head, bytes(body))


@dataclass
class Counted:
    """TCP payload octets that went through."""

    up: int = 0
    down: int = 0


class Relay(Listener):
    """Passes octets on to a port of loopback, and counts them before it does."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._to = port
        self.counted = Counted()

    def serve(self, connection: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", self._to)) as onward:
            self.join(connection, onward)

    def join(self, near: socket.socket, far: socket.socket) -> None:
        upward = threading.Thread(target=self._pump, args=(near, far, "up"), daemon=True)
        upward.start()
        self._pump(far, near, "down")
        upward.join()

    def _pump(self, source: socket.socket, sink: socket.socket, way: str) -> None:
        try:
            while data := source.recv(65536):
                setattr(self.counted, way, getattr(self.counted, way) + len(data))
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


class ConnectProxy(Relay):
    """An HTTP proxy that connects to any port of loopback, whatever the name. `authorization`: the header value it
    insists on; `refusal`: a reply instead of a tunnel; `then`: what it says once it has heard more."""

    def __init__(self, authorization: str = "", refusal: bytes = b"", then: bytes = b"") -> None:
        super().__init__(0)
        self._authorization = authorization
        self._refusal = refusal
        self._then = then
        self.heads: list[bytes] = []

    def serve(self, connection: socket.socket) -> None:
        head = read_head(connection)
        self.heads.append(head)
        if self._refusal:
            connection.sendall(self._refusal)
            if self._then and connection.recv(1):
                connection.sendall(self._then)
        elif self._authorization and f"Proxy-Authorization: {self._authorization}\r\n".encode() not in head:
            connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        else:
            port = int(head.split(b" ")[1].rpartition(b":")[2])
            established = b"HTTP/1.1 200 Connection established\r\n\r\n"
            self.counted.up += len(head)
            self.counted.down += len(established)
            with socket.create_connection(("127.0.0.1", port)) as onward:
                connection.sendall(established)
                self.join(connection, onward)
