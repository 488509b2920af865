"""Attacks on HTTP: requests within requests, content-codings that unfold, SOAPActions that lie, peers that are slow.

A smuggled request here is a good one, sealed by the honest client: were it taken for a request, it would be obeyed. The
rules of HTTP one by one are in tests/stub/test_stub_http.py, peers that leave in the middle in test_stub_hostile.py.
"""

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from attack_case import HONEST

Octets = Callable[["Words"], bytes]
CLOSE = "Connection: close"


@dataclass(frozen=True, slots=True)
class Words:
    """What a request can be made of: `host`, an honest `question` that changes nothing, and an `evil` envelope that would
    register a device. Both are well sealed."""

    host: str
    question: bytes
    evil: bytes

    def head(self, *lines: str, start: str = "POST /mp HTTP/1.1", action: str = "") -> bytes:
        """A head of these lines and what every head has."""
        fields = (f"Host: {self.host}", "Content-Type: text/xml; charset=utf-8", *lines)
        return "\r\n".join((start, *fields, "", "")).encode("latin-1")

    def whole(self, body: bytes, *lines: str, start: str = "POST /mp HTTP/1.1") -> bytes:
        """A whole request whose length is right."""
        return self.head(f"Content-Length: {len(body)}", *lines, start=start) + body

    @property
    def hidden(self) -> bytes:
        """The evil request, whole."""
        return self.whole(self.evil, CLOSE)


@dataclass(frozen=True, slots=True)
class Wire:
    """One attack in octets. `told` are the HTTP statuses of all that is answered, in order; then the connection ends."""

    id: str
    does: str
    clause: str
    policy: str
    octets: Octets
    told: tuple[int, ...]


DIGEST = "digest-2004"
_SMUGGLING = "RFC 9112, 11.2; CWE-444"


def framed(*lines: str, body: Octets) -> Octets:
    """A question with these lines for its framing, and a body that hides a request."""
    return lambda words: words.head(*lines) + body(words)


def chunked(words: Words) -> bytes:
    """An end of chunks, and behind it the hidden request."""
    return b"0\r\n\r\n" + words.hidden


def in_chunk(words: Words) -> bytes:
    """The hidden request in a chunk."""
    return b"%x\r\n%b\r\n0\r\n\r\n" % (len(words.hidden), words.hidden)


def both(length: Callable[[Words], int], encoding: str, body: Octets) -> Octets:
    return lambda words: words.head(f"Content-Length: {length(words)}", encoding) + body(words)


def edited(old: bytes, new: bytes) -> Octets:
    """A whole question whose head is edited, and the hidden request right behind it."""

    def octets(words: Words) -> bytes:
        question = words.whole(words.question, "X: y")
        assert old in question
        return question.replace(old, new, 1) + words.hidden

    return octets


def coded(body: Callable[[bytes], bytes], coding: str = "gzip") -> Octets:
    return lambda words: words.whole(body(words.evil), f"Content-Encoding: {coding}", CLOSE)


def acting(*lines: str) -> Octets:
    return lambda words: words.whole(words.question, *lines, CLOSE)


def member(plain: bytes, crc: int | None = None, size: int | None = None) -> bytes:
    """A gzip member, its trailer false where it is given."""
    packed = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (
        bytes.fromhex("1f8b08000000000000ff")
        + packed.compress(plain)
        + packed.flush()
        + struct.pack("<II", zlib.crc32(plain) if crc is None else crc, len(plain) if size is None else size)
    )


def named(plain: bytes) -> bytes:
    """A gzip member with a file name of a million letters (RFC 1952, 2.3)."""
    return bytes.fromhex("1f8b08080000000000ff") + b"n" * 1_000_000 + b"\0" + member(plain)[10:]


CASES = (
    Wire("SMG-01", "A length and chunks: who goes by the length reads on, who goes by the chunks ends early (CL.TE)",
         _SMUGGLING, DIGEST, both(lambda w: len(chunked(w)), "Transfer-Encoding: chunked", chunked), (411,)),
    Wire("SMG-02", "A length and chunks, the hidden request in a chunk (TE.CL)", _SMUGGLING, DIGEST,
         both(lambda w: 4, "Transfer-Encoding: chunked", in_chunk), (411,)),
    Wire("SMG-03", "Chunks alone, the hidden request behind them", "RFC 9112, 7.1", DIGEST,
         framed("Transfer-Encoding: chunked", body=chunked), (411,)),
    Wire("SMG-04", "Two codings, one of them nobody's (TE.TE)", _SMUGGLING, DIGEST,
         both(lambda w: len(chunked(w)), "Transfer-Encoding: chunked, x", chunked), (501,)),
    Wire("SMG-05", "A coding that only looks like chunks", _SMUGGLING, DIGEST,
         both(lambda w: len(chunked(w)), "Transfer-Encoding: xchunked", chunked), (501,)),
    Wire("SMG-06", "A blank before the colon of Transfer-Encoding", "RFC 9112, 5.1", DIGEST,
         both(lambda w: len(chunked(w)), "Transfer-Encoding : chunked", chunked), (400,)),
    Wire("SMG-07", "A tab before the value of Transfer-Encoding", _SMUGGLING, DIGEST,
         both(lambda w: len(chunked(w)), "Transfer-Encoding:\tchunked", chunked), (411,)),
    Wire("SMG-08", "Transfer-Encoding folded onto a second line", "RFC 9112, 5.2", DIGEST,
         both(lambda w: len(chunked(w)), "Transfer-Encoding:\r\n chunked", chunked), (400,)),
    Wire("SMG-09", "Transfer-Encoding hidden behind a bare line feed", "RFC 9112, 2.2", DIGEST,
         both(lambda w: len(chunked(w)), "X: y\nTransfer-Encoding: chunked", chunked), (400,)),
    Wire("SMG-10", "Transfer-Encoding hidden behind a bare carriage return", "RFC 9112, 2.2", DIGEST,
         both(lambda w: len(chunked(w)), "X: y\rTransfer-Encoding: chunked", chunked), (400,)),
    Wire("SMG-11", "Two lengths that differ", "RFC 9112, 6.3", DIGEST,
         lambda w: w.head("Content-Length: 0", f"Content-Length: {len(w.hidden)}") + w.hidden, (400,)),
    Wire("SMG-12", "The same length twice", "RFC 9112, 6.3", DIGEST,
         lambda w: w.head(*[f"Content-Length: {len(w.question)}"] * 2) + w.question + w.hidden, (400,)),
    Wire("SMG-13", "A list of lengths", "RFC 9112, 6.3", DIGEST,
         lambda w: w.head(f"Content-Length: 0, {len(w.hidden)}") + w.hidden, (400,)),
    Wire("SMG-14", "A length with a sign", "RFC 9112, 6.2", DIGEST,
         lambda w: w.head(f"Content-Length: +{len(w.question)}") + w.question + w.hidden, (411,)),
    Wire("SMG-15", "A length in hexadecimal", "RFC 9112, 6.2", DIGEST,
         lambda w: w.head(f"Content-Length: {len(w.question):#x}") + w.question + w.hidden, (400,)),
    Wire("SMG-16", "A length with a digit of another script", "RFC 9112, 6.2", DIGEST,
         lambda w: w.head("Content-Length: \xb2") + w.question + w.hidden, (400,)),
    Wire("SMG-17", "A length that is too short: the rest of the message is no request", "RFC 9112, 6.3", DIGEST,
         lambda w: w.head(f"Content-Length: {len(w.question) - 13}") + w.question + b"\r\n\r\n", (400, 400)),
    Wire("SMG-18", "A NUL in a header", "RFC 9110, 5.5", DIGEST, edited(b"X: y", b"X: \0"), (400,)),
    Wire("SMG-19", "A header's line that is none", "RFC 9112, 5", DIGEST, edited(b"X: y", b"GET /mp HTTP/1.1"), (400,)),
    Wire("SMG-20", "A bare line feed at the end of a line", "RFC 9112, 2.2", DIGEST, edited(b"X: y\r\n", b"X: y\n"), (400,)),
    Wire("SMG-21", "A request line that ends in a bare line feed", "RFC 9112, 2.2", DIGEST,
         edited(b"HTTP/1.1\r\n", b"HTTP/1.1\n"), (400,)),
    Wire("SMG-22", "A bare carriage return in the request line", "RFC 9112, 2.2", DIGEST, edited(b" HTTP/1.1", b"\r HTTP/1.1"),
         (400,)),
    Wire("SMG-23", "Two blanks in the request line", "RFC 9112, 3", DIGEST, edited(b" HTTP/1.1", b" x HTTP/1.1"), (400,)),
    Wire("SMG-24", "A head of nine thousand octets", "RFC 9110, 15.5.14; RFC 6585, 5", DIGEST,
         edited(b"X: y", b"X: " + b"y" * 9000), (413,)),
    Wire("SMG-25", "A head of two thousand lines", "CWE-400", DIGEST, edited(b"X: y", b"X: y\r\n" * 2000 + b"X: y"), (413,)),
    Wire("SMG-26", "HTTP/0.9, which has no head", "RFC 9112, 2.3", DIGEST, lambda w: b"GET /mp\r\n" + w.hidden, (400,)),
    Wire("SMG-27", "The preface of HTTP/2 before a request", "RFC 9113, 3.4", DIGEST,
         lambda w: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + w.hidden, (505,)),
    Wire("SMG-28", "The target is another host's, in absolute form: who answers goes by the path", "RFC 9112, 3.2.2", DIGEST,
         lambda w: w.whole(w.question, CLOSE, start="POST https://elsewhere.example/mp HTTP/1.1"), (200,)),
    Wire("SMG-29", "A line break in the target, percent-encoded", "CWE-93", DIGEST,
         lambda w: w.whole(w.question, CLOSE, start="POST /mp%0d%0aX:%20y HTTP/1.1"), (404,)),
    Wire("SMG-30", "A path that leads out and back", "RFC 3986, 5.2.4; CWE-22", DIGEST,
         lambda w: w.whole(w.question, CLOSE, start="POST /x/../mp HTTP/1.1"), (404,)),
    Wire("SMG-31", "Pipelined: an attack between two honest requests gets its own answer", "RFC 9112, 9.3.2", DIGEST,
         lambda w: w.whole(w.question) + w.whole(w.evil.replace(HONEST.encode(), b"EVIL") + b"<") + w.whole(b"<a/>", CLOSE),
         (200, 400, 500)),
    Wire("SMG-32", "Trailers behind the chunks say what the head did not", "RFC 9110, 6.5.1", DIGEST,
         framed("Transfer-Encoding: chunked", "Trailer: X", body=lambda w: b"0\r\nContent-Length: 9\r\n\r\n" + w.hidden),
         (411,)),
    Wire("SMG-33", "GET with a body that hides a request", "RFC 9110, 9.3.1", DIGEST,
         lambda w: w.whole(w.hidden, CLOSE, start="GET /mp?wsdl HTTP/1.1"), (200,)),
    Wire("ACT-01", "SOAPAction names another operation than the Body", "Jensen et al. 2009 (SOAPAction spoofing); R2744",
         DIGEST, acting('SOAPAction: "urn:meterpost:1:RegisterProxyDevices"'), (200,)),
    Wire("ACT-02", "Two SOAPActions", "SOAP 1.1, 6.1.1; R2744", DIGEST,
         acting('SOAPAction: "urn:meterpost:1:SyncProxy"', 'SOAPAction: "urn:meterpost:1:RegisterProxyDevices"'), (200,)),
    Wire("ACT-03", "No SOAPAction, and no quotes round it", "R1109, R2744", DIGEST, acting("SOAPAction:"), (200,)),
    Wire("ACT-04", "The content type has an action, as SOAP 1.2 has it", "SOAP 1.2 Part 2, 7.1.4", DIGEST,
         lambda w: w.whole(w.question, CLOSE).replace(b"utf-8", b'utf-8; action="urn:meterpost:1:RegisterProxyDevices"', 1),
         (200,)),
    Wire("ZIP-01", "A gzip bomb: 20 kilobytes stand for 20 megabytes", "CWE-409", DIGEST,
         coded(lambda m: member(b" " * 20_000_000)), (413,)),
    Wire("ZIP-02", "A gzip bomb that says it is small", "CWE-409; RFC 1952, 2.3.1", DIGEST,
         coded(lambda m: member(b" " * 20_000_000, size=100)), (413,)),
    Wire("ZIP-03", "Gzip in gzip, told once", "CWE-409", DIGEST, coded(lambda m: member(member(m))), (400,)),
    Wire("ZIP-04", "Gzip in gzip, told twice", "CWE-409; RFC 9110, 8.4", DIGEST,
         coded(lambda m: member(member(m)), "gzip, gzip"), (415,)),
    Wire("ZIP-05", "A false checksum", "RFC 1952, 2.3.1", DIGEST, coded(lambda m: member(m, crc=0)), (400,)),
    Wire("ZIP-06", "A false length", "RFC 1952, 2.3.1", DIGEST, coded(lambda m: member(m, size=1)), (400,)),
    Wire("ZIP-07", "Gzip that ends in the middle", "RFC 1952", DIGEST, coded(lambda m: member(m)[:-20]), (400,)),
    Wire("ZIP-08", "A second member: two readers, two messages", "RFC 1952, 2.2", DIGEST,
         coded(lambda m: member(m) + member(m)), (400,)),
    Wire("ZIP-09", "Something behind the member", "RFC 1952, 2.2", DIGEST, coded(lambda m: member(m) + b"\0"), (400,)),
    Wire("ZIP-10", "A plain message that says it is gzip", "RFC 9110, 8.4", DIGEST, coded(lambda m: m), (400,)),
    Wire("ZIP-11", "Gzip that says it is plain", "RFC 9110, 8.4", DIGEST, coded(member, "identity"), (400,)),
    Wire("ZIP-12", "Deflate, which two readers read in two ways", "RFC 9110, 8.4.1.2", DIGEST, coded(zlib.compress, "deflate"),
         (415,)),
    Wire("ZIP-13", "Brotli", "RFC 9110, 8.4", DIGEST, coded(lambda m: m, "br"), (415,)),
    Wire("ZIP-14", "More elements than any message has, in four kilobytes", "CWE-409", DIGEST,
         coded(lambda m: member(b"<a>" + b"<b/>" * 1_300_000 + b"</a>")), (413,)),
    Wire("ZIP-15", "An entity bomb in gzip", "CWE-776, CWE-409", DIGEST,
         coded(lambda m: member(b'<!DOCTYPE a [<!ENTITY x "' + b"x" * 1_000_000 + b'">]><a>' + b"&x;" * 1000 + b"</a>")),
         (500,)),
    Wire("ZIP-16", "A member's file name of a million letters, and a broken end", "RFC 1952, 2.3; CWE-400", DIGEST,
         coded(lambda m: named(m)[:-4]), (400,)),
    Wire("ZIP-17", "A password in clear text beside text of the attacker's choosing, in gzip",
         "CVE-2012-4929 (CRIME); CVE-2013-3587", "text-2004", coded(member), (415,)),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Siege:
    """`peers` connections at the same time, each of which sends these octets and then nothing, and never reads. While they
    last, an honest client is served at once."""

    id: str
    does: str
    clause: str
    policy: str
    peers: int
    octets: Octets


SIEGES = (
    Siege("SLOW-01", "A few peers send the beginning of a body, and no more (R.U.D.Y.)", "CWE-400; RFC 9112, 9.5", DIGEST, 12,
          lambda w: w.head("Content-Length: 1000") + b"<"),
    Siege("SLOW-02", "A few peers send the beginning of a head, and no more (Slowloris)", "CVE-2007-6750; RFC 9112, 9.5",
          DIGEST, 12, lambda w: b"POST /mp HTTP/1.1\r\nHost: "),
    Siege("SLOW-03", "More peers than the server has threads send the beginning of a body", "CWE-400; CWE-770", DIGEST, 40,
          lambda w: w.head("Content-Length: 1000") + b"<"),
    Siege("SLOW-04", "More peers than the server has threads send the beginning of a head", "CVE-2007-6750; CWE-770", DIGEST,
          40, lambda w: b"POST /mp HTTP/1.1\r\nHost: "),
    Siege("SLOW-05", "A few peers ask for many pages and read none", "CWE-400 (slow read)", DIGEST, 12,
          lambda w: w.whole(b"", start="GET /mp?wsdl HTTP/1.1") * 1000),
    Siege("SLOW-06", "More peers than the server has threads say nothing at all", "CWE-400; CWE-770", DIGEST, 40,
          lambda w: b""),
)  # fmt: skip
