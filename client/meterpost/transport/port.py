"""The port of this room, and the request head all its transports send. It must never look into a body."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, Self
from urllib.parse import urlsplit

from meterpost.errors import PeerError
from meterpost.model import HttpReply

BODY_LIMIT = 32 * 1024 * 1024
"""Octets of the largest reply body that is read; the rest is never fetched."""


class Transport(Protocol):
    """Turns a sealed body into reply bytes. Any status, a redirect or a Fault included, is a reply: what it
    means is for other rooms to say. One thread at a time."""

    def head(self, action: str, length: int) -> bytes:
        """The request head `post` will send for `length` octets of body, blank line included."""
        ...

    def post(self, action: str, body: bytes) -> HttpReply:
        """One exchange. Raises NetworkError, TlsError or PeerError; then the server may or may not have the message."""
        ...

    def close(self) -> None:
        """Let the kept connection go. The next `post` opens another."""
        ...


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where messages go: an absolute URL taken apart. `authority` is the Host header, without a default port."""

    host: str
    port: int
    authority: str
    target: str

    @classmethod
    def of(cls, url: str) -> Self:
        """From a URL that is already in its wire form (percent-encoded, host in IDNA)."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = parts.port or 443
        name = f"[{host}]" if ":" in host else host
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(host, port, name if port == 443 else f"{name}:{port}", target)

    def headers(self, action: str, length: int) -> dict[str, str]:
        """All the headers of a request, in wire order. Each octet counts against the budget, so there are no others.
        SOAPAction is quoted (WS-I BP 1.1 R1109, R2744)."""
        return {
            "Host": self.authority,
            "Content-Type": "text/xml; charset=utf-8",
            "Content-Length": str(length),
            "SOAPAction": f'"{action}"',
        }

    def head(self, action: str, length: int) -> bytes:
        """See `Transport.head`."""
        return http_head(f"POST {self.target} HTTP/1.1", self.headers(action, length))


def http_head(start_line: str, headers: Mapping[str, str]) -> bytes:
    """A start line and headers as HTTP/1.1 writes them, blank line included."""
    return "\r\n".join((start_line, *(f"{name}: {value}" for name, value in headers.items()), "", "")).encode("latin-1")


def too_large() -> PeerError:
    """A reply over `BODY_LIMIT`."""
    return PeerError(
        f"the reply is larger than {BODY_LIMIT // 1024**2} MiB, and was not read to its end",
        "This is not a reply of the protocol. Check the server's address, and tell its operator.",
    )
