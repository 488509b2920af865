"""The port of this room, and what all its transports share: the request head they send, the content-coding they undo.
It must never look into a message."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol, Self
from urllib.parse import urlsplit

from meterpost.errors import PeerError
from meterpost.model import HttpReply
from meterpost_wsdl import coding

BODY_LIMIT = 32 * 1024 * 1024
"""Octets of the largest reply body that is read, and of the largest it may stand for; the rest is never fetched or decoded."""


@dataclass(frozen=True, slots=True)
class Outbound:
    """A sealed message, ready to leave: `body` is exactly what is sent. Where that is `coded`, in gzip, both sides have
    agreed on it, and the reply may be coded too."""

    action: str
    envelope: bytes = field(repr=False)  # it may show a password
    body: bytes = field(repr=False)
    coded: bool

    @classmethod
    def of(cls, action: str, envelope: bytes, compressed: bool = False) -> Self:
        """Compresses once, whatever is asked of the message afterwards."""
        return cls(action, envelope, coding.gzip(envelope) if compressed else envelope, compressed)


class Transport(Protocol):
    """Turns a sealed body into reply bytes. Any status, a redirect or a Fault included, is a reply: what it
    means is for other rooms to say. One thread at a time."""

    def head(self, message: Outbound) -> bytes:
        """The request head `post` will send for `message`, blank line included."""
        ...

    def post(self, message: Outbound) -> HttpReply:
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

    def headers(self, message: Outbound) -> dict[str, str]:
        """All the headers of a request, in wire order. Each octet counts against the budget, so there are no others: without
        Accept-Encoding any coding is acceptable (RFC 9110, 12.5.3), and the server knows which was agreed on.
        SOAPAction is quoted (WS-I BP 1.1 R1109, R2744)."""
        return {
            "Host": self.authority,
            "Content-Type": "text/xml; charset=utf-8",
            **({"Content-Encoding": "gzip"} if message.coded else {}),
            "Content-Length": str(len(message.body)),
            "SOAPAction": f'"{message.action}"',
        }

    def head(self, message: Outbound) -> bytes:
        """See `Transport.head`."""
        return http_head(f"POST {self.target} HTTP/1.1", self.headers(message))


def http_head(start_line: str, headers: Mapping[str, str]) -> bytes:
    """A start line and headers as HTTP/1.1 writes them, blank line included."""
    return "\r\n".join((start_line, *(f"{name}: {value}" for name, value in headers.items()), "", "")).encode("latin-1")


def is_coded(headers: Mapping[str, str], message: Outbound) -> bool:
    """Whether the reply to `message` that has these `headers` is in gzip. Raises PeerError for a coding that nobody agreed
    on: a reply is coded only where its request was."""
    name = headers.get("content-encoding", "identity")
    if name.lower() == "identity":
        return False
    if message.coded and coding.is_gzip(name):
        return True
    raise PeerError(
        f"the reply is in the content-coding {name[:20]!r}, which was not agreed on",
        "Tell the server's operator; an HTTP proxy that compresses is another possible cause.",
    )


def decoded(reply: HttpReply, message: Outbound) -> HttpReply:
    """`reply`, whose body is still as it came, with its body out of its content-coding. Raises PeerError."""
    if not is_coded(reply.headers, message):
        return reply
    try:
        return replace(reply, body=coding.gunzip(reply.body, BODY_LIMIT), coded=reply.body)
    except coding.BadCoding as error:
        if error.kind == "size":
            raise too_large() from None
        raise PeerError(
            f"the reply cannot be read: it is {error}",
            "Tell the server's operator; an HTTP proxy that changes replies is another possible cause.",
        ) from None


def too_large() -> PeerError:
    """A reply over `BODY_LIMIT`."""
    return PeerError(
        f"the reply is larger than {BODY_LIMIT // 1024**2} MiB, and was not read to its end",
        "This is not a reply of the protocol. Check the server's address, and tell its operator.",
    )
