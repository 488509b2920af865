"""The port alone, with answerers of the tests' own: who may wait, how long, and for what. Over TLS and without."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from meterpost_stub.certificates import LOOPBACK, Authority
from meterpost_stub.listener import Listener, _Connection, _Server
from meterpost_stub.web import TEXT, Answer, HttpRequest, HttpResponse, response

ASK = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
ASK_MUCH = ASK.replace(b"/", b"/large", 1)
LARGE = 30_000_000
"""Octets of an answer that no two sockets keep."""


class Port:
    """A listener, and connections to it; all are closed when it is left."""

    def __init__(self, answer: Answer, ours: ssl.SSLContext | None, theirs: ssl.SSLContext | None) -> None:
        self.listener = Listener("127.0.0.1", 0, answer, ours)
        self._theirs = theirs
        self._open: list[socket.socket] = []

    def connect(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.listener.port), timeout=10)
        if self._theirs:
            connection = self._theirs.wrap_socket(connection, server_hostname="127.0.0.1")
        self._open.append(connection)
        return connection

    def close(self) -> None:
        """Whatever happened, nobody is kept in mind who is gone."""
        self.listener.close()
        for connection in self._open:
            connection.close()
        assert not self.listener._server.room._held


Listen = Callable[[Answer], Port]


@pytest.fixture(scope="session")
def contexts(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The server's and a client's."""
    authority, folder = Authority(), Path(tmp_path_factory.mktemp("listener"))
    ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ours.load_cert_chain(*authority.issue(folder, "server", list(LOOPBACK)))
    return ours, ssl.create_default_context(cafile=str(authority.write(folder)))


@pytest.fixture(params=["TLS", "plain"])
def listen(request: pytest.FixtureRequest, contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> Iterator[Listen]:
    pair = contexts if request.param == "TLS" else (None, None)
    ports: list[Port] = []

    def start(answer: Answer) -> Port:
        ports.append(Port(answer, *pair))
        return ports[-1]

    yield start
    for port in ports:
        port.close()


def plainly(request: HttpRequest) -> HttpResponse:
    return response(request, 200, TEXT, b"x")


def largely(request: HttpRequest) -> HttpResponse:
    return response(request, 200, TEXT, b"x" * LARGE if request.path == "/large" else b"x")


def served(connection: socket.socket) -> bool:
    connection.sendall(ASK)
    return connection.recv(65536).startswith(b"HTTP/1.1 200 ")


def let_pass(seconds: float, port: Port) -> None:
    """Somebody else is served meanwhile, again and again."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with port.connect() as other:
            assert served(other)


def rest(connection: socket.socket, enough: int) -> int:
    """So many octets, or fewer where the server ends before."""
    octets = 0
    with suppress(ConnectionError):
        while octets < enough and (piece := connection.recv(65536)):
            octets += len(piece)
    return octets


def test_a_large_answer_leaves_as_it_is_read(listen: Listen):
    port = listen(largely)
    reader = port.connect()
    reader.sendall(ASK_MUCH)
    with port.connect() as other:
        assert served(other)
    assert rest(reader, LARGE) >= LARGE


def test_an_answer_has_its_time_to_leave(listen: Listen, monkeypatch: pytest.MonkeyPatch):
    """With the beginning of a request behind it, which is nothing to be told anything about."""
    monkeypatch.setattr("meterpost_stub.listener._PATIENCE_S", 1)
    port = listen(largely)
    reader = port.connect()
    reader.sendall(ASK_MUCH + ASK[:10])
    let_pass(1.1, port)
    assert rest(reader, LARGE) < LARGE


def test_who_has_not_begun_is_not_late(listen: Listen, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("meterpost_stub.listener._PATIENCE_S", 1)
    port = listen(plainly)
    idle = port.connect()
    assert served(idle)
    let_pass(1.1, port)
    idle.sendall(ASK[:-2])
    with port.connect() as other:
        assert served(other)
    idle.sendall(ASK[-2:])
    assert idle.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_who_is_being_answered_takes_no_place(listen: Listen, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("meterpost_stub.listener._MOST_WAITING", 1)
    asked, all_are_here = threading.Semaphore(0), threading.Event()

    def slowly(request: HttpRequest) -> HttpResponse:
        asked.release()
        assert all_are_here.wait(10)
        return plainly(request)

    port = listen(slowly)
    peers = []
    for _ in range(4):
        peers.append(port.connect())
        peers[-1].sendall(ASK.replace(b"Host", b"Connection: close\r\nHost"))
        assert asked.acquire(timeout=10)
    all_are_here.set()
    assert [peer.recv(65536)[:12] for peer in peers] == [b"HTTP/1.1 200"] * 4


def test_who_is_being_answered_is_not_given_up(listen: Listen, monkeypatch: pytest.MonkeyPatch):
    """Even where it has the largest message and came first."""
    monkeypatch.setattr("meterpost_stub.listener._MOST_HELD", 4_600_000)
    asked, go_on = threading.Event(), threading.Event()

    def slowly(request: HttpRequest) -> HttpResponse:
        asked.set()
        assert go_on.wait(10)
        return plainly(request)

    port = listen(slowly)
    first, second = port.connect(), port.connect()
    post = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4500000\r\n\r\n"
    first.sendall(post + b"x" * 4_500_000)
    assert asked.wait(10)
    with suppress(OSError):  # it may be closed meanwhile
        second.sendall(post + b"x" * 1_200_000)
    assert rest(second, 1) == 0
    go_on.set()
    assert first.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_of_who_was_given_up_nothing_is_taken_or_kept():
    """Not even what is there already."""
    requests: list[HttpRequest] = []

    def noting(request: HttpRequest) -> HttpResponse:
        requests.append(request)
        return plainly(request)

    near, far = socket.socketpair()
    with far:
        connection = _Connection(_Server(("127.0.0.1", 0), noting, None), near)
        far.sendall(ASK[:10])
        assert connection.communicate()
        assert connection.held == 10
        far.sendall(ASK[10:])
        connection.give_up()
        assert not connection.communicate()
        connection.close()
    assert (requests, connection.held) == ([], 0)


def test_who_asks_without_end_is_not_served_without_end(listen: Listen, monkeypatch: pytest.MonkeyPatch):
    """There is one worker, and somebody else is in the queue."""
    monkeypatch.setattr("meterpost_stub.listener._THREADS", 1)
    began = threading.Event()
    paths: list[str] = []

    def noting(request: HttpRequest) -> HttpResponse:
        began.set()
        while not paths and not port.listener._server.requests.qsize:
            pass  # for the other
        paths.append(request.path)
        return plainly(request)

    port = listen(noting)
    other, greedy = port.connect(), port.connect()
    greedy.sendall(ASK * 100)
    assert began.wait(10)
    other.sendall(ASK.replace(b"/", b"/other", 1))
    assert other.recv(65536).startswith(b"HTTP/1.1 200 ")
    assert paths.index("/other") < 20
