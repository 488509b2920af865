"""gzip at the server. Whoever sends a request in it is answered in it; nobody else is.

What is decoded is bounded like what is read: a small request can stand for a large one, and anybody may send it.
"""

import zlib
from http import HTTPStatus

from meterpost.wsse import Password, Policy
from meterpost_stub.web import LARGEST_BODY, XML, HttpRefusal, HttpRequest, HttpResponse, response
from meterpost_wsdl import coding

_CHOICE = {"Accept-Encoding": "gzip"}  # RFC 9110, 15.5.16
_WINDOW, _GZIP_OR_ZLIB = 15, 47
"""zlib's window bits."""
_BEGINNING = 64 * 1024
_SHOWN = 64 * 1024 * 1024
_LARGEST_RATIO = 1032
"""A length of 258 in two bits: what an octet of deflate can stand for at most (RFC 1951, 3.2.5)."""


def decoded(request: HttpRequest) -> bytes:
    """The body of a request that was read. Raises HttpRefusal (400, 413, 415)."""
    body, field = request.body or b"", request.headers.get("content-encoding", "identity")
    if field.lower() == "identity":
        return body
    if not coding.is_gzip(field):
        raise HttpRefusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the one content-coding understood here is gzip", _CHOICE)
    try:
        return coding.gunzip(body, LARGEST_BODY)
    except coding.BadCoding as error:
        status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE if error.kind == "size" else HTTPStatus.BAD_REQUEST
        raise HttpRefusal(status, f"the body is {error}") from None


def demand_plain(request: HttpRequest, policy: Policy) -> None:
    """Raises HttpRefusal where a request of this `policy` shows its password and came compressed: beside text of others'
    choosing, its length would tell of the password, whoever encrypts it afterwards (CRIME)."""
    if policy.password is Password.TEXT and coding.is_gzip(request.headers.get("content-encoding", "")):
        raise HttpRefusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "a message that shows its password is not compressed")


def answer(request: HttpRequest, status: int, envelope: bytes) -> HttpResponse:
    """An envelope as the answer to `request`, a fault too, in the request's content-coding."""
    if not coding.is_gzip(request.headers.get("content-encoding", "")):
        return response(request, status, XML, envelope)
    return response(request, status, XML, coding.gzip(envelope), {"Content-Encoding": "gzip"})


def beginning(body: bytes, depth: int = 2) -> bytes:
    """What the first 64 KiB of a body stand for that is in gzip, zlib or deflate, or in two of them, whatever is wrong with
    the rest of it; b"" where it is in none."""
    for bits in (_GZIP_OR_ZLIB, -_WINDOW):
        try:
            plain = zlib.decompressobj(bits).decompress(body[:-8], _BEGINNING)  # without the check sum, which may be wrong
        except zlib.error:
            continue
        if b"<" in plain:
            return plain
        if plain and depth > 1 and (inner := beginning(plain, depth - 1)):
            return inner
    return b""


class Reader:
    """Decodes messages of the journal for people, until 64 MiB were decoded or tried in vain; the others stay as they are."""

    def __init__(self) -> None:
        self._left = _SHOWN

    def text(self, head: bytes, body: bytes) -> bytes:
        """The body of a message that was received or sent."""
        if not coding.in_gzip(head):
            return body
        limit = min(self._left, LARGEST_BODY)
        try:
            plain = coding.gunzip(body, limit)
        except coding.BadCoding:
            self._left -= min(limit, len(body) * _LARGEST_RATIO)
            return body
        self._left -= len(plain)
        return plain
