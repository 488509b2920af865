"""The octets of one connection become requests, however they were cut on the way (RFC 9112). Knows no socket and no clock.

It must never understand what another reader could understand otherwise: that is refused, not guessed.
"""

import re
from collections.abc import Generator
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import unquote_to_bytes

from meterpost_stub.web import LARGEST_BODY, HttpRefusal, HttpRequest

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_START = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Z-]+) ([\x21-\x7e]+) HTTP/([0-9]\.[0-9])\r\n")
# No blank before the colon, nothing folded, no control characters (RFC 9110, 5.1 and 5.5; RFC 9112, 5).
_FIELD = re.compile(rb"(" + _TOKEN + rb"):([^\x00-\x08\x0a-\x1f\x7f]*)\r\n")
_ONCE = ("host", "content-length", "content-type")

_AUTHORITY = rb"(?:\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z._~%!$&'()*+,;=-]+)(?::[0-9]*)?"
_PLAIN = rb"[0-9A-Za-z._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2}"  # a letter of a path (RFC 3986, 3.3)
_ORIGIN = rb"((?:/(?:" + _PLAIN + rb")*)*)(?:\?((?:" + _PLAIN + rb"|[/?])*))?"
_TARGET = re.compile(rb"(?:(?i:https?)://" + _AUTHORITY + rb"|(?=/))" + _ORIGIN)
"""With or without the authority: a server must take both (RFC 9112, 3.2.2). Groups: path, query."""
_OTHER_TARGETS = {b"CONNECT": re.compile(_AUTHORITY), b"OPTIONS": re.compile(rb"\*")}
_SLASH = re.compile(rb"%2F", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Limits:
    """Octets of a head and of a body that is kept. A larger body of up to `drained` octets is read and thrown away, so
    that the peer, who may not listen before it has sent everything, sees the 413 instead of a broken connection."""

    head: int = 8192
    body: int = LARGEST_BODY
    drained: int = 64 * 1024 * 1024


class Gathering:
    """`expects`: the peer waits for a 100 (Continue) before it sends the body; whoever sends it takes this back."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._octets = bytearray()  # from the first octet of a request on
        self._read = 0  # of these, in whole lines
        self._requests = self._gather()
        self.expects = False

    @property
    def held(self) -> int:
        """Octets that are kept here. None are where no request has begun."""
        return len(self._octets)

    def feed(self, octets: bytes = b"") -> HttpRequest | None:
        """Takes what came next. A request as soon as it is whole, else None; what is behind it is kept for the next call.

        A body that is too large, or of which no plain length is told, is None. Raises HttpRefusal for what is no request
        (400), too large a head (413, 414) or not served (501, 505); no more can be fed then."""
        self._octets += octets
        return next(self._requests)

    def end(self) -> None:
        """The peer sends no more. Raises HttpRefusal (400) where a request has begun."""
        if self._octets.removeprefix(b"\r\n"):
            raise HttpRefusal(HTTPStatus.BAD_REQUEST, f"the request ends after {len(self._octets)} octets")

    def drop(self) -> None:
        """Lets go of what is held, now and not when somebody collects the garbage. No more can be fed then."""
        self._requests.close()
        self._octets.clear()

    def _gather(self) -> Generator[HttpRequest | None, None, None]:
        while True:
            line = yield from self._line(HTTPStatus.REQUEST_URI_TOO_LONG)
            if line == b"\r\n":  # one is forgiven (RFC 9112, 2.2)
                line = yield from self._line(HTTPStatus.REQUEST_URI_TOO_LONG)
            method, path, query, version = _start(line)
            headers: dict[str, str] = {}
            while (line := (yield from self._line(HTTPStatus.REQUEST_ENTITY_TOO_LARGE))) != b"\r\n":
                _add(headers, line)
            length, last = _framing(method, version, headers)
            if length is None or length > self._limits.drained:
                body, last = None, True
            else:
                self.expects = length > 0 and version == b"1.1" and headers.get("expect", "").lower() == "100-continue"
                body = yield from self._body(length)
            head = bytes(self._octets[: self._read])
            del self._octets[: self._read + len(body or b"")]
            self._read = 0
            yield HttpRequest(method.decode("ascii"), path, query, headers, head, body, last)

    def _line(self, too_large: HTTPStatus) -> Generator[None, None, bytes]:
        """The head's next line with its end."""
        start = looked = self._read
        while (end := self._octets.find(b"\n", looked, self._limits.head)) < 0:
            looked = len(self._octets)
            if looked >= self._limits.head:
                raise HttpRefusal(too_large, f"a head has at most {self._limits.head} octets")
            yield None
        self._read = end + 1
        return bytes(self._octets[start : self._read])

    def _body(self, length: int) -> Generator[None, None, bytes | None]:
        """What follows the head: stays where it is, or is thrown away as it comes."""
        if length <= self._limits.body:
            end = self._read + length
            while len(self._octets) < end:
                yield None
            with memoryview(self._octets) as octets:
                return bytes(octets[self._read : end])
        while length > (came := len(self._octets) - self._read):
            length -= came
            del self._octets[self._read :]
            yield None
        del self._octets[self._read : self._read + length]
        return None


def _start(line: bytes) -> tuple[bytes, str, str, bytes]:
    """Method, path, query and version of HTTP. Raises HttpRefusal."""
    start = _START.fullmatch(line)
    if start is None:
        raise HttpRefusal(HTTPStatus.BAD_REQUEST, "the request line is malformed")
    method, target, version = start.groups()
    if version not in (b"1.0", b"1.1"):
        raise HttpRefusal(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "only HTTP/1.1 and 1.0 are served here")
    if method in _OTHER_TARGETS and _OTHER_TARGETS[method].fullmatch(target):
        return method, target.decode("ascii"), "", version
    found = None if method == b"CONNECT" else _TARGET.fullmatch(target)
    if found is None:
        raise HttpRefusal(HTTPStatus.BAD_REQUEST, "the request's target is malformed")
    # a slash in a name is none between names (RFC 3986, 2.2)
    path = b"%2F".join(unquote_to_bytes(part) for part in _SLASH.split(found[1] or b"/"))
    return method, path.decode("latin-1"), (found[2] or b"").decode("ascii"), version


def _add(headers: dict[str, str], line: bytes) -> None:
    field = _FIELD.fullmatch(line)
    if field is None:
        raise HttpRefusal(HTTPStatus.BAD_REQUEST, "a header line is malformed")
    name, value = field[1].decode("ascii").lower(), field[2].strip(b" \t").decode("latin-1")
    if name in headers and name in _ONCE:
        raise HttpRefusal(HTTPStatus.BAD_REQUEST, f"there is more than one {name}")
    headers[name] = f"{headers[name]}, {value}" if name in headers else value


def _framing(method: bytes, version: bytes, headers: dict[str, str]) -> tuple[int | None, bool]:
    """Octets of the body, None where they are not told in one plain way; whether the request is the connection's last."""
    if version == b"1.1" and "host" not in headers:  # RFC 9112, 3.2
        raise HttpRefusal(HTTPStatus.BAD_REQUEST, "there is no Host")
    text = headers.get("content-length", "" if method == b"POST" else "0")
    try:
        length = int(text or "0")
    except ValueError:
        raise HttpRefusal(HTTPStatus.BAD_REQUEST, "Content-Length is malformed") from None
    codings = headers.get("transfer-encoding")
    if codings is not None and any(coding.strip().lower() != "chunked" for coding in codings.split(",")):
        raise HttpRefusal(HTTPStatus.NOT_IMPLEMENTED, f"a transfer-coding is not known: {codings[:100]!r}")
    plain = codings is None and text.isdecimal()
    return (length if plain else None), version != b"1.1" or "close" in headers.get("connection", "").lower()
