"""HTTP messages as values: what the listener hands to an answerer and gets back. No socket, no meaning."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus

XML = "text/xml; charset=utf-8"
TEXT = "text/plain; charset=utf-8"
JSON = "application/json"

LARGEST_BODY = 16 * 1024 * 1024
"""Octets of a request's body that are read; more is a 413."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """`head` is exactly as received, blank line included; header names are lower case. `body` is None where it was
    not read: too large, or of unknown length. `last` says that the connection is closed after the answer."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    head: bytes
    body: bytes | None
    last: bool = False


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """`head` and `body` exactly as they are sent."""

    status: int
    head: bytes
    body: bytes


Answer = Callable[[HttpRequest], HttpResponse]


class HttpRefusal(Exception):
    """A request that is refused below SOAP, with a status and a sentence; `headers` go with it."""

    def __init__(self, status: HTTPStatus, text: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.headers = headers or {}


def response(
    request: HttpRequest, status: int, content_type: str, body: bytes, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """The lean head and its body. Every octet of the head counts against the budget of a sync response,
    so there is no Server header; Date stays, as RFC 9110 asks of a server with a clock."""
    lines = {
        "Content-Type": content_type,
        "Content-Length": str(len(body)),
        "Date": formatdate(usegmt=True),
        **(headers or {}),
        **({"Connection": "close"} if request.last else {}),
    }
    text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return HttpResponse(status, f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{text}\r\n".encode("ascii"), body)


def refusal(request: HttpRequest, refused: HttpRefusal) -> HttpResponse:
    """A refusal as plain text for a person."""
    return response(request, refused.status, TEXT, f"{refused}\n".encode(), refused.headers)
