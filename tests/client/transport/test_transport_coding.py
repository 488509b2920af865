"""gzip between client and server, over real TLS: only where it was agreed on, one member, bounded, every octet counted."""

import socket
import struct
import tracemalloc
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transport_lab import Relay, Request, Server, http, says

from meterpost.errors import PeerError
from meterpost.transport import BODY_LIMIT, MemoryTransport, Outbound, RecordedTransport, RecordingTransport
from meterpost_wsdl.coding import gunzip, gzip
from meterpost_wsdl.names import action

MEGABYTE = 1024 * 1024
XML = b"<reply>" + b"the same again, " * 200 + b"</reply>"
PLAIN, CODED = (Outbound.of(action("SyncProxy"), b"<sync/>" * 100, compressed) for compressed in (False, True))


def coded(body: bytes, coding: str = "gzip") -> bytes:
    """A reply with `body` as it is."""
    return http(body, headers={"Content-Encoding": coding})


def zeros(mebibytes: int) -> bytes:
    """A member for so many mebibytes, made without holding them."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join([*(deflate.compress(bytes(MEGABYTE)) for _ in range(mebibytes)), deflate.flush()])


BOMB = zeros(300)


def test_the_coded_head_to_the_octet(pki, reach) -> None:
    with Server(pki.server("good"), says(coded(gzip(XML)))) as server:
        transport = reach(server.port)
        promised = transport.head(CODED)
        reply = transport.post(CODED)
    assert reply.request_head == promised == server.requests[0].head
    assert promised == (
        b"POST /mp HTTP/1.1\r\n"
        b"Host: 127.0.0.1:%d\r\n"
        b"Content-Type: text/xml; charset=utf-8\r\n"
        b"Content-Encoding: gzip\r\n"
        b"Content-Length: %d\r\n"
        b'SOAPAction: "urn:meterpost:1:SyncProxy"\r\n'
        b"\r\n" % (server.port, len(CODED.body))
    )
    assert gunzip(server.requests[0].body, MEGABYTE) == PLAIN.body == CODED.envelope


def test_every_octet_of_a_coded_exchange_is_counted(pki, reach) -> None:
    answer = coded(gzip(XML))
    with Server(pki.server("good"), says(answer)) as server, Relay(server.port) as relay:
        transport = reach(relay.port)
        first, second = transport.post(CODED), transport.post(CODED)
        assert first.request_wire + second.request_wire == relay.counted.up
        assert first.response_wire + second.response_wire == relay.counted.down
    assert second.request_wire == len(transport.head(CODED)) + len(CODED.body) + 2 * 22  # a TLS 1.3 record costs 5 + 1 + 16
    assert (second.response_head + second.octets, second.body, second.coded) == (answer, XML, gzip(XML))
    assert second.response_wire == len(answer) + 22


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "x-gzip", "identity"])
def test_a_coding_by_any_of_its_names(pki, reach, coding: str) -> None:
    body = XML if coding == "identity" else gzip(XML)
    with Server(pki.server("good"), says(coded(body, coding))) as server:
        assert reach(server.port).post(CODED).body == XML


def test_a_coded_reply_in_chunks(pki, reach) -> None:
    body = gzip(XML)
    chunks = b"".join(b"1\r\n%c\r\n" % octet for octet in body) + b"0\r\n\r\n"
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
    with Server(pki.server("good"), says(head + chunks)) as server:
        reply = reach(server.port).post(CODED)
    assert (reply.body, reply.coded) == (XML, body)


SOUND = gzip(XML)


@pytest.mark.parametrize(
    ("message", "answer", "told"),
    [
        (PLAIN, coded(SOUND), "in the content-coding 'gzip', which was not agreed on"),
        (CODED, coded(SOUND, "br"), "in the content-coding 'br'"),
        (CODED, coded(SOUND, "gzip, gzip"), "in the content-coding 'gzip, gzip'"),
        (CODED, coded(SOUND, "gzip\r\nContent-Encoding: identity"), "in the content-coding 'gzip, identity'"),
        (CODED, coded(SOUND, ""), "in the content-coding ''"),
        (CODED, coded(SOUND, "x" * 1000), f"in the content-coding '{'x' * 20}'"),
        (CODED, coded(XML), "not sound gzip: incorrect header check"),
        (CODED, coded(SOUND[:-9]), "gzip that ends too early"),
        (CODED, coded(SOUND[:10]), "gzip that ends too early"),
        (CODED, coded(b""), "gzip that ends too early"),
        (CODED, coded(SOUND + b"\n"), "gzip with 1 octets behind it"),
        (CODED, coded(SOUND * 2), "octets behind it"),
        (CODED, coded(SOUND[:-8] + bytes(4) + SOUND[-4:]), "incorrect data check"),
        (CODED, coded(SOUND[:-4] + bytes(4)), "incorrect length check"),
        (CODED, coded(BOMB), "larger than 32 MiB"),
        (CODED, coded(BOMB[:-4] + struct.pack("<I", 7)), "larger than 32 MiB"),
    ],
    ids=[
        "not-agreed", "br", "gzip-of-gzip", "two-lines", "no-name", "long-name", "plain", "cut", "head-only", "nothing",
        "octets-behind", "two-members", "wrong-crc", "wrong-length", "bomb", "lying-bomb",
    ],
)  # fmt: skip
def test_a_reply_that_is_badly_coded_is_an_error_with_advice(pki, reach, message: Outbound, answer: bytes, told: str) -> None:
    with Server(pki.server("good"), says(answer)) as server:
        transport = reach(server.port)
        with pytest.raises(PeerError, match=told) as caught:
            transport.post(message)
        assert caught.value.retry
        assert caught.value.advice
        assert len(f"{caught.value}") < 120
        assert len(server.requests) == 1
        server.script = says(coded(SOUND))
        assert transport.post(CODED).body == XML  # the transport is none the worse


def test_a_bomb_costs_what_the_limit_costs(pki, reach) -> None:
    with Server(pki.server("good"), says(coded(BOMB))) as server:
        transport = reach(server.port)
        tracemalloc.start()
        try:
            with pytest.raises(PeerError, match="larger than 32 MiB"):
                transport.post(CODED)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 2.2 * BODY_LIMIT  # decoded once in pieces and once whole


def test_as_much_as_is_allowed_can_be_coded(pki, reach) -> None:
    with Server(pki.server("good"), says(coded(zeros(BODY_LIMIT // MEGABYTE)))) as server:
        assert len(reach(server.port).post(CODED).body) == BODY_LIMIT


def test_nothing_of_a_body_nobody_agreed_on_is_fetched(pki, reach) -> None:
    """The server never sends it, and the client does not wait for it."""

    def head_only(_: Request, stream: socket.socket) -> bool:
        stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1000\r\n\r\n")
        return not server.closing.wait(30)

    with Server(pki.server("good"), head_only) as server, pytest.raises(PeerError, match="not agreed on"):
        reach(server.port, read_timeout_s=20.0).post(PLAIN)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=300), start=st.sampled_from([0, 3, 10, 40]))
def test_whatever_is_said_to_be_gzip_is_a_reply_or_a_peers_error(body: bytes, start: int) -> None:
    answer = SOUND[:start] + body
    try:
        reply = MemoryTransport(lambda message: (200, {"Content-Encoding": "gzip"}, answer)).post(CODED)
        assert gunzip(reply.coded, BODY_LIMIT) == reply.body
    except PeerError as error:
        assert error.advice  # noqa: PT017  # either is well


def test_what_is_said_does_not_show() -> None:
    message = Outbound.of("a", b"<Password>canary</Password>")
    assert "canary" not in f"{message!r} {message}"


def test_a_recording_of_coded_messages_is_for_coded_messages(tmp_path: Path) -> None:
    path = tmp_path / "exchanges.jsonl"
    live = MemoryTransport(lambda message: (200, {"Content-Encoding": "gzip"}, SOUND))
    reply = RecordingTransport(live, path).post(CODED)
    assert RecordedTransport(path).post(CODED) == reply
    with pytest.raises(PeerError, match="not agreed on"):
        RecordedTransport(path).post(PLAIN)
