"""A transport without a network, for tests, rehearsals and examples: a function answers. Nothing leaves the process."""

from collections.abc import Callable, Mapping
from http import HTTPStatus

from meterpost.model import HttpReply
from meterpost.transport.port import BODY_LIMIT, Endpoint, Outbound, decoded, http_head, too_large

Handler = Callable[[Outbound], tuple[int, Mapping[str, str], bytes]]
"""`message -> (status, headers, reply body)`, the bodies as HTTP carries them."""


class MemoryTransport:
    """`Transport` answered by `handler`. It measures what HTTP would carry; without TLS `*_wire` is the same."""

    def __init__(self, handler: Handler, url: str = "https://memory.invalid/mp") -> None:
        self._handler = handler
        self._endpoint = Endpoint.of(url)

    def head(self, message: Outbound) -> bytes:
        return self._endpoint.head(message)

    def post(self, message: Outbound) -> HttpReply:
        status, headers, answer = self._handler(message)
        if len(answer) > BODY_LIMIT:
            raise too_large()
        reason = HTTPStatus(status).phrase
        request_head = self.head(message)
        response_head = http_head(f"HTTP/1.1 {status} {reason}", {**headers, "Content-Length": str(len(answer))})
        reply = HttpReply(
            status=status,
            reason=reason,
            headers={name.lower(): value for name, value in headers.items()} | {"content-length": str(len(answer))},
            body=answer,
            request_head=request_head,
            response_head=response_head,
            request_wire=len(request_head) + len(message.body),
            response_wire=len(response_head) + len(answer),
        )
        return decoded(reply, message)

    def close(self) -> None:
        pass
