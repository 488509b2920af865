"""Servers that answer badly, or not at all: what the person is told, and that nothing is sent twice."""

import socket
import ssl
import tracemalloc
from time import monotonic

import pytest
from transport_lab import Request, Script, Server, http, says

from meterpost.errors import NetworkError, PeerError
from meterpost.transport import BODY_LIMIT, Outbound

GOOD = http(b"<reply/>")


def fifty_megabytes(framing: str) -> Script:
    def script(_: Request, stream: socket.socket) -> bool:
        stream.sendall(f"HTTP/1.1 200 OK\r\n{framing}\r\n\r\n".encode())
        megabyte = b"x" * 1_000_000
        for _ in range(50):
            stream.sendall(b"%x\r\n%b\r\n" % (len(megabyte), megabyte) if "chunked" in framing else megabyte)
        return False

    return script


@pytest.mark.parametrize("framing", ["Content-Length: 50000000", "Transfer-Encoding: chunked", "Connection: close"])
def test_a_body_without_end_is_not_read_to_its_end(pki, reach, framing: str) -> None:
    with Server(pki.server("good"), fifty_megabytes(framing)) as server:
        tracemalloc.start()
        with pytest.raises(PeerError, match="larger than 32 MiB"):
            reach(server.port).post(Outbound.of("a", b""))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 2 * BODY_LIMIT


@pytest.mark.parametrize(
    ("answer", "error", "told"),
    [
        (GOOD[:-3], NetworkError, "broke before its reply was complete"),
        (GOOD[:40], NetworkError, "broke before its reply was complete"),
        (GOOD[:5], NetworkError, "broke before its reply was complete"),
        (b"", NetworkError, "broke before its reply was complete"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<re", NetworkError, "broke"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfive\r\n<repl", PeerError, "is not HTTP"),
        (b"\x00\x01\x02 garbage \xff\xfe\r\n\r\n", PeerError, "is not HTTP"),
        (b"HTTP/1.1 two hundred\r\n\r\n", PeerError, "is not HTTP"),
        (http(b"", headers={"X-Long": "y" * 100_000}), PeerError, "head is larger than 64 KiB"),
        (http(b"", headers={f"X-{n}": "y" * 2_000 for n in range(50)}), PeerError, "head is larger than 64 KiB"),
        (http(b"", headers={f"X-{n}": "y" for n in range(200)}), PeerError, "is not HTTP"),
        (http(b"\x1f\x8b...", headers={"Content-Encoding": "gzip"}), PeerError, "content-coding 'gzip'"),
    ],
)
def test_what_is_no_reply_is_an_error_with_advice(pki, reach, answer: bytes, error: type, told: str) -> None:
    with Server(pki.server("good"), says(answer, keep=False)) as server:
        with pytest.raises(error, match=told) as caught:
            reach(server.port).post(Outbound.of("a", b"<reads/>"))
        assert caught.value.retry
        assert caught.value.advice
        assert len(server.requests) == 1


def test_a_reply_without_length_that_is_cut_is_not_taken_for_whole(pki, reach) -> None:
    def cut(_: Request, stream: ssl.SSLSocket) -> bool:
        stream.sendall(b"HTTP/1.1 200 OK\r\n\r\n<reply>half of it")
        socket.socket(fileno=stream.detach()).close()  # no close_notify
        return False

    with Server(pki.server("good"), cut) as server, pytest.raises(NetworkError, match="broke"):
        reach(server.port).post(Outbound.of("a", b""))


def test_a_head_that_ends_without_a_blank_line_is_cut_however_politely(pki, reach) -> None:
    def cut(_: Request, stream: ssl.SSLSocket) -> bool:
        stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n")
        stream.unwrap()
        return False

    with Server(pki.server("good"), cut) as server, pytest.raises(NetworkError, match="broke"):
        reach(server.port).post(Outbound.of("a", b""))


def test_what_is_left_of_a_refused_reply_is_not_taken_for_the_next(pki, reach) -> None:
    with Server(pki.server("good"), says(http(b"HTTP/1.1 200 OK\r\n\r\n", headers={"Content-Encoding": "br"}))) as server:
        transport = reach(server.port)
        with pytest.raises(PeerError):
            transport.post(Outbound.of("a", b""))
        server.script = says(GOOD)
        assert transport.post(Outbound.of("a", b"")).body == b"<reply/>"
        assert server.connections == 2


def test_a_reply_without_length_that_is_ended_properly_is_whole(pki, reach) -> None:
    def ended(_: Request, stream: ssl.SSLSocket) -> bool:
        stream.sendall(b"HTTP/1.1 200 OK\r\n\r\n<reply/>")
        stream.unwrap()
        return False

    with Server(pki.server("good"), ended) as server:
        assert reach(server.port).post(Outbound.of("a", b"")).body == b"<reply/>"


def test_a_server_that_thinks_too_long(pki, reach) -> None:
    def stall(_: Request, stream: socket.socket) -> bool:
        return server.closing.wait()

    with Server(pki.server("good"), stall) as server:
        started = monotonic()
        with pytest.raises(NetworkError, match=r"did not answer within 0\.2 s$") as caught:  # it may have the message
            reach(server.port, read_timeout_s=0.2, connect_timeout_s=60.0).post(Outbound.of("a", b""))
        assert monotonic() - started < 30
        assert caught.value.retry
        assert len(server.requests) == 1


def test_a_reply_that_drips_has_an_end(pki, reach, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("meterpost.transport.meter.REPLY_LIMIT_S", 0.1)

    def drip(_: Request, stream: socket.socket) -> bool:
        stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while not server.closing.wait(0.01):
            stream.sendall(b"x")
        return False

    with Server(pki.server("good"), drip) as server, pytest.raises(NetworkError, match=r"not complete 0\.1 s after"):
        reach(server.port).post(Outbound.of("a", b""))


def test_an_earlier_trouble_is_not_taken_for_this_one(pki, reach) -> None:
    with Server(pki.server("good"), says(b"", keep=False)) as server:
        try:
            raise ConnectionRefusedError
        except ConnectionRefusedError:
            with pytest.raises(NetworkError, match="broke"):
                reach(server.port).post(Outbound.of("a", b""))


def test_html_is_a_reply_and_left_to_others(pki, reach) -> None:
    with Server(pki.server("good"), says(http(b"<html>", headers={"Content-Type": "text/html"}))) as server:
        reply = reach(server.port).post(Outbound.of("a", b""))
    assert (reply.headers["content-type"], reply.body) == ("text/html", b"<html>")


def test_a_redirect_is_not_followed(pki, reach) -> None:
    with Server(pki.server("good"), says(GOOD)) as elsewhere:
        target = {"Location": f"https://127.0.0.1:{elsewhere.port}/mp"}
        for status in ("302 Found", "307 Temporary Redirect"):
            with Server(pki.server("good"), says(http(b"", status, target))) as server:
                reply = reach(server.port).post(Outbound.of("a", b"<secret/>"))
            assert f"{reply.status} {reply.reason}" == status
        assert elsewhere.connections == 0


def test_a_server_may_answer_before_it_has_read_all(pki, reach) -> None:
    class Hasty(Server):
        def serve(self, connection: socket.socket) -> None:
            with self.secured(connection, pki.server("good")) as stream:
                stream.recv(1)
                stream.sendall(http(b"too large", "413 Content Too Large"))
                while stream.recv(1_000_000):  # drained, as a server must for its answer to arrive
                    pass

    with Hasty(None, says(b"")) as server:
        assert reach(server.port).post(Outbound.of("a", b"x" * 5_000_000)).status == 413


def test_one_connection_serves_a_run(pki, reach) -> None:
    with Server(pki.server("good"), says(GOOD)) as server:
        transport = reach(server.port)
        for _ in range(5):
            transport.post(Outbound.of("a", b"<reads/>"))
        assert server.connections == 1


def test_a_connection_the_server_closed_meanwhile_is_replaced_before_anything_is_sent(pki, reach) -> None:
    with Server(pki.server("good"), says(GOOD, keep=False)) as server:
        transport = reach(server.port)
        transport.post(Outbound.of("a", b"<one/>"))
        assert server.gone.acquire(timeout=10)
        transport.post(Outbound.of("a", b"<two/>"))
        assert [request.body for request in server.requests] == [b"<one/>", b"<two/>"]
        assert server.connections == 2


def test_a_message_that_may_have_arrived_is_never_sent_again_here(pki, reach) -> None:
    def second_time_silent(request: Request, stream: socket.socket) -> bool:
        return len(server.requests) == 1 and says(GOOD)(request, stream)

    with Server(pki.server("good"), second_time_silent) as server:
        transport = reach(server.port)
        transport.post(Outbound.of("a", b"<one/>"))
        with pytest.raises(NetworkError, match="broke"):
            transport.post(Outbound.of("a", b"<two/>"))
        assert [request.body for request in server.requests] == [b"<one/>", b"<two/>"]
        server.script = says(GOOD)
        assert transport.post(Outbound.of("a", b"<three/>")).status == 200  # the transport is none the worse


def test_a_server_that_is_not_there(reach) -> None:
    with socket.create_server(("127.0.0.1", 0)) as spare:
        port = spare.getsockname()[1]
    with pytest.raises(NetworkError, match=rf"127\.0\.0\.1:{port} refuses connections") as caught:
        reach(port).post(Outbound.of("a", b""))
    assert "server.url" in caught.value.advice


def test_a_name_nobody_knows(reach) -> None:
    with pytest.raises(NetworkError, match=r"the name of the communication server nowhere\.invalid:8443 is unknown"):
        reach(8443, host="nowhere.invalid").post(Outbound.of("a", b""))
