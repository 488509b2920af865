"""Whatever arrives at the port, the next honest client is served. Each test ends with an honest registration."""

import contextlib
import random
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import pytest
from stub_site import CLIENT, Site

from meterpost.model import Credentials
from meterpost_stub import StubServer
from meterpost_wsdl import names

T = TypeVar("T")
REGISTER = f'<m:RegisterProxy client="{CLIENT}" name="n" os="o" version="1"/>'


@pytest.fixture(autouse=True)
def honest(site: Site) -> Iterator[None]:
    yield
    assert site.register_proxy().status == 200


def address(stub: StubServer) -> tuple[str, int]:
    host, port = stub.soap_url.split("/")[2].rsplit(":", 1)
    return host, int(port)


def test_fifty_megabytes_are_answered_with_a_413(site: Site):
    body = b"<" * 50 * 1024 * 1024
    assert site.post(body).status == 413


def test_a_sealed_message_over_the_limit_of_octets_is_a_413(site: Site):
    assert site.post(b" " * (16 * 1024 * 1024 + 1)).status == 413


def test_many_small_elements_are_a_413(site: Site):
    assert site.post(b"<a>" + b"<b/>" * 1_300_000 + b"</a>").status == 413


@pytest.mark.parametrize("length", [0, 10, 100])
def test_a_peer_that_leaves_in_the_middle(site: Site, length: int):
    message = site.sealed(REGISTER)
    site.say(site.head(len(message)) + message[:length], hang_up=True)


def test_a_peer_that_closes_its_side_early_gets_a_400(site: Site):
    """The body is shorter than its Content-Length; the engine alone would have taken it."""
    message = site.sealed(REGISTER)
    host, port = address(site.stub)
    context = ssl.create_default_context(cafile=str(site.stub.ca_file))
    with socket.create_connection((host, port), timeout=20) as plain:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_hostname=host)

        def until_done(step: Callable[[], bytes | None]) -> bytes | None:
            while True:
                try:
                    return step()
                except ssl.SSLWantReadError:
                    plain.sendall(outgoing.read())
                    received = plain.recv(65536)
                    if not received:
                        return b""
                    incoming.write(received)

        until_done(tls.do_handshake)
        tls.write(site.head(len(message) + 1) + message)
        with contextlib.suppress(ssl.SSLWantReadError):
            tls.unwrap()  # says that nothing more will come
        plain.sendall(outgoing.read())
        answer = until_done(lambda: tls.read(65536))
    assert answer is not None
    assert answer.startswith(b"HTTP/1.1 400 ")


def test_plain_http_at_the_tls_port(site: Site):
    with socket.create_connection(address(site.stub), timeout=20) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            assert not plain.recv(65536).startswith(b"HTTP/")


@pytest.mark.parametrize("start", [b"", b"\x16\x03\x01\x02"], ids=["silent", "half a ClientHello"])
def test_half_open_connections_keep_nobody_out(site: Site, start: bytes):
    """More of them than there are workers."""
    with contextlib.ExitStack() as open_ones:
        for _ in range(60):
            open_ones.enter_context(socket.create_connection(address(site.stub), timeout=20)).sendall(start)
        began = time.monotonic()
        assert site.register_proxy().status == 200
        assert time.monotonic() - began < 5


HEAD_OF_A_THOUSAND = b"POST /mp HTTP/1.1\r\nHost: h\r\nContent-Type: text/xml\r\nContent-Length: 1000\r\n\r\n"


@pytest.mark.parametrize("start", [HEAD_OF_A_THOUSAND[:30], HEAD_OF_A_THOUSAND + b"<"], ids=["heads", "bodies"])
@pytest.mark.parametrize("peers", [40, 150], ids=["more than workers", "more than places"])
def test_requests_that_are_not_whole_keep_nobody_out(site: Site, start: bytes, peers: int):
    with contextlib.ExitStack() as open_ones:
        for _ in range(peers):
            open_ones.enter_context(site.connect()).sendall(start)
        began = time.monotonic()
        assert site.register_proxy().status == 200
        assert time.monotonic() - began < 5


@pytest.mark.parametrize("start", [HEAD_OF_A_THOUSAND[:30], HEAD_OF_A_THOUSAND + b"<"], ids=["heads", "bodies"])
def test_the_admin_port_waits_for_nobody_either(stub: StubServer, start: bytes):
    host, port = stub.admin_url.removeprefix("http://").split(":")
    question = f"GET /state HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {stub.admin_token}\r\nConnection: close\r\n\r\n"
    with contextlib.ExitStack() as open_ones:
        for _ in range(40):
            open_ones.enter_context(socket.create_connection((host, int(port)), timeout=20)).sendall(start)
        with socket.create_connection((host, int(port)), timeout=5) as honest:
            for octet in question.encode():
                honest.sendall(bytes([octet]))
            assert honest.recv(65536).startswith(b"HTTP/1.1 200 ")


PAGES = 2500
"""More octets of them than any two sockets keep."""


@pytest.fixture
def many_pages(site: Site, stub: StubServer) -> tuple[bytes, int]:
    """A request for so many pages at once, and how many octets these are."""
    one = b"GET /mp?wsdl HTTP/1.1\r\nHost: h\r\n\r\n"
    page = site.say(one.replace(b"Host", b"Connection: close\r\nHost"))
    return one * PAGES, PAGES * len(page.head.replace(b"Connection: close\r\n", b"") + page.body)


def test_answers_that_nobody_reads_keep_nobody_out(site: Site, many_pages: tuple[bytes, int]):
    with contextlib.ExitStack() as open_ones:
        for _ in range(20):
            open_ones.enter_context(site.connect()).sendall(many_pages[0])
        began = time.monotonic()
        assert site.register_proxy().status == 200
        assert time.monotonic() - began < 5


def test_answers_that_are_read_late_come_all(site: Site, many_pages: tuple[bytes, int]):
    """The server cannot send them at once, and has served somebody else before the first is read."""
    asked, octets = many_pages
    assert octets > 10_000_000
    with site.connect() as tls:
        tls.sendall(asked)
        assert site.register_proxy().status == 200
        while octets > 0:
            piece = tls.recv(65536)
            assert piece
            octets -= len(piece)
        assert octets == 0


def closed(connections: Iterable[socket.socket], number: int) -> set[socket.socket]:
    """The first so many that the server closes, before it closes any for waiting too long."""
    gone: set[socket.socket] = set()
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            selector.register(connection, selectors.EVENT_READ)
        while len(gone) < number:
            events = selector.select(5)
            assert events, f"only {len(gone)} were closed"
            for key, _ in events:
                assert isinstance(key.fileobj, socket.socket)
                selector.unregister(key.fileobj)
                gone.add(key.fileobj)
    return gone


def test_only_so_many_connections_wait(site: Site, monkeypatch: pytest.MonkeyPatch):
    """Each takes a file descriptor. Those that have waited longest make room."""
    monkeypatch.setattr("meterpost_stub.listener._MOST_WAITING", 3)
    with contextlib.ExitStack() as open_ones:
        silent = [open_ones.enter_context(socket.create_connection(address(site.stub), timeout=20)) for _ in range(40)]
        assert len(closed(silent, 37)) == 37
        assert site.register_proxy().status == 200


def test_only_so_many_octets_are_held(site: Site, monkeypatch: pytest.MonkeyPatch):
    """Of requests that are not whole, together. The one that began first goes."""
    monkeypatch.setattr("meterpost_stub.listener._MOST_HELD", 100_000)
    head = site.head(1_000_000).replace(b"Host", b"Expect: 100-continue\r\nHost")
    with contextlib.ExitStack() as open_ones:
        silent = open_ones.enter_context(site.connect())
        slow = [open_ones.enter_context(site.connect()) for _ in range(3)]
        for tls in slow:
            tls.sendall(head)
            assert tls.recv(65536).startswith(b"HTTP/1.1 100 ")  # so it has begun before the next
        for tls in slow:
            tls.sendall(b"x" * 40_000)
        assert closed(slow, 1) == {slow[0]}
        assert site.register_proxy().status == 200
        silent.sendall(b"GET /mp?wsdl HTTP/1.1\r\nHost: h\r\n\r\n")  # it holds nothing
        assert silent.recv(12) == b"HTTP/1.1 200"


def test_a_handshake_that_drips_has_an_end(site: Site, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("meterpost_stub.listener._PATIENCE_S", 0.2)
    with socket.create_connection(address(site.stub), timeout=20) as plain:
        plain.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")  # 512 octets are announced
        plain.settimeout(0.02)
        with contextlib.suppress(ConnectionError):
            for _ in range(400):
                plain.sendall(b"x")
                with contextlib.suppress(TimeoutError):
                    assert plain.recv(65536) == b""
                    return
            pytest.fail("the server still listens")


@pytest.mark.parametrize("sent", [b"POST /mp HTTP/1.1\r\n", None], ids=["head", "body"])
def test_a_request_that_drips_has_an_end(site: Site, monkeypatch: pytest.MonkeyPatch, sent: bytes | None):
    monkeypatch.setattr("meterpost_stub.listener._PATIENCE_S", 0.2)
    with site.connect() as tls:
        tls.sendall(sent or site.head(1000))
        tls.settimeout(0.02)
        for _ in range(500):
            tls.sendall(b"x")
            with contextlib.suppress(TimeoutError):
                assert tls.recv(65536).startswith(b"HTTP/1.1 408 ")
                return
    pytest.fail("the server still listens")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_old_tls_is_refused(site: Site):
    context = ssl.create_default_context(cafile=str(site.stub.ca_file))
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    host, port = address(site.stub)
    with socket.create_connection((host, port), timeout=20) as plain, pytest.raises((ssl.SSLError, ConnectionError)):
        context.wrap_socket(plain, server_hostname=host)


def test_damaged_messages_never_bring_it_down(site: Site):
    """A sealed message with octets changed, cut and doubled anywhere; seeded, so that a failure can be repeated."""
    chance = random.Random(20260131)
    for _ in range(60):
        message = bytearray(site.sealed(REGISTER))
        for _ in range(chance.randint(1, 5)):
            place = chance.randrange(len(message))
            message[place : place + chance.randint(0, 4)] = chance.randbytes(chance.randint(0, 4))
        got = site.post(bytes(message))
        assert got.status in (200, 400, 413, 500)
        assert got.faultcode != f"{{{names.SOAP}}}Server"


def at_once(calls: Iterable[Callable[[], T]]) -> list[T]:
    """What the calls return, each made in a thread of its own and all let go together."""
    waiting = list(calls)
    start = threading.Barrier(len(waiting))

    def call(one: Callable[[], T]) -> T:
        start.wait(20)
        return one()

    with ThreadPoolExecutor(len(waiting)) as pool:
        return list(pool.map(call, waiting))


def test_several_clients_at_once(stub: StubServer):
    def live(number: int) -> set[int]:
        client = Site(stub, client=f"0a1b2c3d-0000-4000-8000-{number:012d}")
        return {client.register_proxy().status, client.register_devices(*(f"{number}-{k}" for k in range(20))).status}

    assert at_once(partial(live, number) for number in range(8)) == [{200}] * 8
    assert len(stub.state()["devices"]) == 160


def test_one_message_from_sixteen_places_is_taken_once(site: Site, stub: StubServer):
    """A replay, faster than any server can have finished with the first."""
    message = site.sealed(REGISTER)
    answers = at_once([partial(site.post, message)] * 16)
    assert sorted(answer.status for answer in answers) == [200] + [500] * 15
    assert [entry.outcome for entry in stub.journal()].count("fault FailedAuthentication: replayed") == 15


def test_one_part_of_reads_from_eight_places_is_counted_once(site: Site, stub: StubServer):
    """Each is a message of its own: what a client sends that had no answer."""
    site.turn_on("S1")
    request = stub.bill("S1")["id"]
    receipts = at_once([partial(site.send_reads, "S1", request)] * 8)
    assert sorted(receipts) == ["accepted"] + ["duplicate"] * 7
    assert len(stub.readings()) == 1


def test_one_client_of_two_accounts_belongs_to_the_first(stub: StubServer):
    ours, theirs = Site(stub), Site(stub)
    theirs.credentials = Credentials("other", "other-secret")
    answers = at_once([ours.register_proxy, theirs.register_proxy] * 4)
    assert sorted(answer.refusal for answer in answers) == [""] * 4 + ["other-account"] * 4
    (proxy,) = stub.state()["proxies"]
    mine, other = (answers[0], ours), (answers[1], theirs)
    (winner,) = (who for answer, who in (mine, other) if answer.status == 200)
    assert proxy["account"] == winner.credentials.username
    stub.reset()  # for the honest one


def test_one_device_of_eight_clients_belongs_to_one(stub: StubServer):
    clients = [Site(stub, client=f"0a1b2c3d-0000-4000-8000-{number:012d}") for number in range(8)]
    for client in clients:
        client.register_proxy()
    answers = at_once([partial(client.register_devices, "S1") for client in clients])
    assert sorted(answer.reply[0].get("result", "") for answer in answers) == ["accepted"] + ["assigned"] * 7
    assert len(stub.state()["devices"]) == 1
