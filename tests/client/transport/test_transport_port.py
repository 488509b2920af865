"""What every transport keeps to, whatever is behind it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from transport_lab import Request, Server, http

from meterpost.model import HttpReply
from meterpost.transport import MemoryTransport, Outbound, RecordedTransport, RecordingTransport, Transport
from meterpost_wsdl.coding import gzip
from meterpost_wsdl.names import action

SYNC, STATUS = action("SyncProxy"), action("SyncProxyStatus")
XML = {"Content-Type": "text/xml; charset=utf-8"}
CONVERSATION = (
    (SYNC, b"<sync/>", (200, XML, b"<nothing-for-you/>")),
    (STATUS, b"<on>\xc3\xa9</on>", (500, XML | {"X-Two": "a, b"}, b"<Fault/>")),
    (SYNC, b"<sync/>", (404, {"Content-Type": "text/html"}, b"<html>no such page</html>")),
    (SYNC, b"<sync/>", (307, {"Location": "https://elsewhere.example/"}, b"")),
    (STATUS, b"x" * 70_000, (200, XML, b"y" * 300_000)),
)
PHRASES = {200: "OK", 500: "Internal Server Error", 404: "Not Found", 307: "Temporary Redirect"}


@pytest.fixture(params=[False, True], ids=["plain", "coded"])
def messages(request: pytest.FixtureRequest) -> list[Outbound]:
    """The conversation's requests."""
    return [Outbound.of(action, envelope, request.param) for action, envelope, _ in CONVERSATION]


class Script:
    """Gives the conversation's answers in order: envelopes coded to coded requests, pages of others never."""

    def __init__(self) -> None:
        self._answers = iter([answer for _, _, answer in CONVERSATION])

    def handle(self, message: Outbound) -> tuple[int, dict[str, str], bytes]:
        return self._answer(message.coded)

    def serve(self, request: Request, stream) -> bool:
        status, headers, body = self._answer(b"\r\nContent-Encoding: gzip\r\n" in request.head)
        stream.sendall(http(body, f"{status} {PHRASES[status]}", headers))
        return True

    def _answer(self, coded: bool) -> tuple[int, dict[str, str], bytes]:
        status, headers, body = next(self._answers)
        if coded and XML.items() <= headers.items():
            return status, headers | {"Content-Encoding": "gzip"}, gzip(body)
        return status, headers, body


def record(path: Path, messages: list[Outbound]) -> Path:
    recording = RecordingTransport(MemoryTransport(Script().handle), path)
    for message in messages:
        recording.post(message)
    return path


@pytest.fixture(params=["https", "memory", "recording", "recorded"])
def transport(
    request: pytest.FixtureRequest, pki, reach: Callable[..., Transport], tmp_path: Path, messages: list[Outbound]
) -> Iterator[Transport]:
    file = tmp_path / "exchanges.jsonl"
    with ExitStack() as stack:
        if request.param == "https":
            yield reach(stack.enter_context(Server(pki.server("good"), Script().serve)).port)
        elif request.param == "memory":
            yield MemoryTransport(Script().handle)
        elif request.param == "recording":
            yield RecordingTransport(MemoryTransport(Script().handle), file)
        else:
            yield RecordedTransport(record(file, messages))


@pytest.fixture
def replies(transport: Transport, messages: list[Outbound]) -> list[HttpReply]:
    """Of the whole conversation."""
    return [transport.post(message) for message in messages]


def test_every_status_is_a_reply_with_its_headers_and_body(replies: list[HttpReply]) -> None:
    for reply, (_, _, (status, headers, body)) in zip(replies, CONVERSATION, strict=True):
        assert (reply.status, reply.reason, reply.body) == (status, PHRASES[status], body)
        assert {name.lower(): value for name, value in headers.items()}.items() <= reply.headers.items()


def test_the_head_that_left_is_the_head_that_was_promised(
    transport: Transport, replies: list[HttpReply], messages: list[Outbound]
) -> None:
    for reply, message in zip(replies, messages, strict=True):
        assert reply.request_head == transport.head(message)
        assert b"\r\nContent-Length: %d\r\n" % len(message.body) in reply.request_head


def test_heads_are_whole_and_the_wire_carries_no_less_than_http(replies: list[HttpReply], messages: list[Outbound]) -> None:
    for reply, message, (_, _, (status, _, _)) in zip(replies, messages, CONVERSATION, strict=True):
        assert reply.response_head.startswith(f"HTTP/1.1 {status} {PHRASES[status]}\r\n".encode())
        assert reply.response_head.find(b"\r\n\r\n") == len(reply.response_head) - 4
        assert reply.request_wire >= len(reply.request_head) + len(message.body)
        assert reply.response_wire >= len(reply.response_head) + len(reply.octets)


def test_what_came_coded_is_kept_beside_what_it_stands_for(replies: list[HttpReply], messages: list[Outbound]) -> None:
    for reply, message, (_, _, (_, headers, body)) in zip(replies, messages, CONVERSATION, strict=True):
        assert reply.coded == (gzip(body) if message.coded and XML.items() <= headers.items() else b"")
        assert reply.octets == (reply.coded or reply.body)
        assert b"\r\nContent-Length: %d\r\n" % len(reply.octets) in reply.response_head


def test_closing_is_harmless_at_any_time(transport: Transport, messages: list[Outbound]) -> None:
    transport.close()
    assert transport.post(messages[0]).body == CONVERSATION[0][2][2]
    transport.close()
    transport.close()
    assert transport.post(messages[1]).body == CONVERSATION[1][2][2]
