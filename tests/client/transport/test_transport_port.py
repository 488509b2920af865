"""What every transport keeps to, whatever is behind it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from transport_lab import Request, Server, http

from meterpost.model import HttpReply
from meterpost.transport import MemoryTransport, RecordedTransport, RecordingTransport, Transport
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


class Script:
    """Gives the conversation's answers in order."""

    def __init__(self) -> None:
        self._answers = iter([answer for _, _, answer in CONVERSATION])

    def handle(self, action: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        return next(self._answers)

    def serve(self, request: Request, stream) -> bool:
        status, headers, body = next(self._answers)
        stream.sendall(http(body, f"{status} {PHRASES[status]}", headers))
        return True


def record(path: Path) -> Path:
    recording = RecordingTransport(MemoryTransport(Script().handle), path)
    for name, body, _ in CONVERSATION:
        recording.post(name, body)
    return path


@pytest.fixture(params=["https", "memory", "recording", "recorded"])
def transport(request: pytest.FixtureRequest, pki, reach: Callable[..., Transport], tmp_path: Path) -> Iterator[Transport]:
    file = tmp_path / "exchanges.jsonl"
    with ExitStack() as stack:
        if request.param == "https":
            yield reach(stack.enter_context(Server(pki.server("good"), Script().serve)).port)
        elif request.param == "memory":
            yield MemoryTransport(Script().handle)
        elif request.param == "recording":
            yield RecordingTransport(MemoryTransport(Script().handle), file)
        else:
            yield RecordedTransport(record(file))


def converse(transport: Transport) -> list[HttpReply]:
    return [transport.post(name, body) for name, body, _ in CONVERSATION]


def test_every_status_is_a_reply_with_its_headers_and_body(transport: Transport) -> None:
    for reply, (_, _, (status, headers, body)) in zip(converse(transport), CONVERSATION, strict=True):
        assert (reply.status, reply.reason, reply.body) == (status, PHRASES[status], body)
        assert {name.lower(): value for name, value in headers.items()}.items() <= reply.headers.items()


def test_the_head_that_left_is_the_head_that_was_promised(transport: Transport) -> None:
    for reply, (name, body, _) in zip(converse(transport), CONVERSATION, strict=True):
        assert reply.request_head == transport.head(name, len(body))


def test_heads_are_whole_and_the_wire_carries_no_less_than_http(transport: Transport) -> None:
    for reply, (_, sent, (status, _, _)) in zip(converse(transport), CONVERSATION, strict=True):
        assert reply.response_head.startswith(f"HTTP/1.1 {status} {PHRASES[status]}\r\n".encode())
        assert reply.response_head.find(b"\r\n\r\n") == len(reply.response_head) - 4
        assert reply.request_wire >= len(reply.request_head) + len(sent)
        assert reply.response_wire >= len(reply.response_head) + len(reply.body)


def test_closing_is_harmless_at_any_time(transport: Transport) -> None:
    transport.close()
    name, body, (_, _, answer) = CONVERSATION[0]
    assert transport.post(name, body).body == answer
    transport.close()
    transport.close()
    name, body, (_, _, answer) = CONVERSATION[1]
    assert transport.post(name, body).body == answer
