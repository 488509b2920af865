"""What only the stand-ins do: a function that answers, a file that plays back."""

from pathlib import Path

import pytest
from transport_lab import Server, http, says

from meterpost.errors import PeerError, SettingsError
from meterpost.transport import BODY_LIMIT, MemoryTransport, Outbound, RecordedTransport, RecordingTransport


def echo(message: Outbound) -> tuple[int, dict[str, str], bytes]:
    return 200, {"Content-Type": "text/xml"}, message.action.encode() + message.body


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Two exchanges, `first` and `second`."""
    transport = RecordingTransport(MemoryTransport(echo, "https://meter.example:8443/mp"), tmp_path / "exchanges.jsonl")
    transport.post(Outbound.of("first", b"<one/>"))
    transport.post(Outbound.of("second", b"<two/>"))
    return tmp_path / "exchanges.jsonl"


def test_memory_carries_what_http_would() -> None:
    reply = MemoryTransport(echo, "https://meter.example/mp").post(Outbound.of("a", b"<one/>"))
    assert reply.request_head.startswith(b"POST /mp HTTP/1.1\r\nHost: meter.example\r\n")
    assert reply.request_wire == len(reply.request_head) + 6
    assert reply.response_wire == len(reply.response_head) + len(reply.body)
    assert reply.headers == {"content-type": "text/xml", "content-length": "7"}


def test_memory_has_the_same_limit() -> None:
    with pytest.raises(PeerError, match="32 MiB"):
        MemoryTransport(lambda message: (200, {}, b"x" * (BODY_LIMIT + 1))).post(Outbound.of("a", b""))


def test_what_was_measured_over_tls_is_played_back(pki, reach, tmp_path: Path) -> None:
    path = tmp_path / "exchanges.jsonl"
    with Server(pki.server("good"), says(http(b"<reply/>"))) as server:
        live = RecordingTransport(reach(server.port), path)
        replies = [live.post(Outbound.of("a", b"<one/>")), live.post(Outbound.of("a", b"\x00\xff"))]
    played = RecordedTransport(path)
    assert [played.post(Outbound.of("a", b"<one/>")), played.post(Outbound.of("a", b"\x00\xff"))] == replies


def test_a_longer_body_than_recorded_is_measured_as_it_is(recording: Path) -> None:
    reply = RecordedTransport(recording).post(Outbound.of("first", b"<one/>" * 100))
    assert b"Host: meter.example:8443\r\n" in reply.request_head
    assert reply.request_wire == len(reply.request_head) + 600
    assert reply.body == b"first<one/>"


def test_another_message_than_recorded_is_refused(recording: Path) -> None:
    with pytest.raises(PeerError, match=r"no answer to second: .* has first next"):
        RecordedTransport(recording).post(Outbound.of("second", b""))


def test_a_recording_has_an_end(recording: Path) -> None:
    transport = RecordedTransport(recording)
    transport.post(Outbound.of("first", b""))
    transport.post(Outbound.of("second", b""))
    with pytest.raises(PeerError, match=r"no answer to first: .* no further exchange"):
        transport.post(Outbound.of("first", b""))


@pytest.mark.parametrize("content", ["", "not json\n", "[]\n", "{}\n", "\xff\n", '{"action": "a", "headers": []}\n'])
def test_a_file_that_is_no_recording_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "exchanges.jsonl"
    path.write_text(content, "latin-1")
    with pytest.raises(SettingsError, match=r"exchanges\.jsonl is not a recording"):
        RecordedTransport(path)
