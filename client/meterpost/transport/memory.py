"""A transport without a network, for tests, rehearsals and examples: a function answers. Nothing leaves the process."""

from collections.abc import Callable, Mapping
from http import HTTPStatus

from meterpost.model import HttpReply
from meterpost.transport.port import BODY_LIMIT, Endpoint, http_head, too_large

Handler = Callable[[str, bytes], tuple[int, Mapping[str, str], bytes]]
"""`(action, request body) -> (status, headers, reply body)`."""


class MemoryTransport:
    """`Transport` answered by `handler`. It measures what HTTP would carry; without TLS `*_wire` is the same."""

    def __init__(self, handler: Handler, url: str = "https://memory.invalid/mp") -> None:
        self._handler = handler
        self._endpoint = Endpoint.of(url)

    def head(self, action: str, length: int) -> bytes:
        return self._endpoint.head(action, length)

    def post(self, action: str, body: bytes) -> HttpReply:
        status, headers, answer = self._handler(action, body)
        if len(answer) > BODY_LIMIT:
            raise too_large()
        reason = HTTPStatus(status).phrase
        request_head = self.head(action, len(body))
        response_head = http_head(f"HTTP/1.1 {status} {reason}", {**headers, "Content-Length": str(len(answer))})
        return HttpReply(
            status=status,
            reason=reason,
            headers={name.lower(): value for name, value in headers.items()} | {"content-length": str(len(answer))},
            body=answer,
            request_head=request_head,
            response_head=response_head,
            request_wire=len(request_head) + len(body),
            response_wire=len(response_head) + len(answer),
        )

    def close(self) -> None:
        pass
