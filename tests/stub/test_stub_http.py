"""What HTTP itself asks of the service, octet by octet over a real TLS socket, one row a rule (RFC 9110, RFC 9112)."""

from typing import NamedTuple

import pytest
from stub_site import CLIENT, Site, compact

from meterpost_stub import StubServer

BODY = compact(f'<m:SyncProxy client="{CLIENT}" version="1"/>')
UNSEALED = "{http://schemas.xmlsoap.org/ws/2002/07/secext}InvalidSecurity"
"""What is answered to a message that passes every rule but has no security."""


class Case(NamedTuple):
    """A request and its answer. `replace` is made in a good request, which then is sent as it is."""

    id: str
    clause: str
    replace: tuple[str, str]
    status: int
    passes: bool = False


GOOD = (
    "POST /mp HTTP/1.1\r\nHost: h\r\nContent-Type: text/xml; charset=utf-8\r\n"
    f"Content-Length: {len(BODY)}\r\nConnection: close\r\n\r\n"
)
START, HOST, TYPE = "POST /mp HTTP/1.1", "Host: h\r\n", "Content-Type: text/xml; charset=utf-8\r\n"
LENGTH, CLOSE = f"Content-Length: {len(BODY)}\r\n", "Connection: close\r\n"

CASES = [
    # the start line
    Case("get", "R1114", (START, "GET /mp HTTP/1.1"), 405),
    Case("put", "R1114", (START, "PUT /mp HTTP/1.1"), 405),
    Case("options", "R1114", (START, "OPTIONS /mp HTTP/1.1"), 405),
    Case("options-star", "9112 3.2.4", (START, "OPTIONS * HTTP/1.1"), 405),
    Case("trace", "R1114", (START, "TRACE /mp HTTP/1.1"), 405),
    Case("connect", "R1114", (START, "CONNECT h:443 HTTP/1.1"), 405),
    Case("unknown-method", "R1114", (START, "BILL /mp HTTP/1.1"), 405),
    Case("small-method", "9110 9.1", (START, "post /mp HTTP/1.1"), 400),
    Case("another-path", "9110 15.5.5", (START, "POST /mp/ HTTP/1.1"), 404),
    Case("absolute-form", "9112 3.2.2", (START, "POST https://h/mp HTTP/1.1"), 500, passes=True),
    Case("absolute-form-malformed", "9112 3", (START, "POST https://[ HTTP/1.1"), 400),
    Case("target-malformed", "9112 3", (START, "POST //[ HTTP/1.1"), 400),
    Case("target-not-ascii", "9112 3", (START, "POST /\xff HTTP/1.1"), 400),
    Case("blank-in-target", "9112 3", (START, "POST /mp x HTTP/1.1"), 400),
    Case("http-1.0", "9112 2.3", (f"{START}\r\n{HOST}", "POST /mp HTTP/1.0\r\n"), 500, passes=True),
    Case("http-2", "9110 15.6.6", (START, "POST /mp HTTP/2.0"), 505),
    Case("no-version", "9112 2.3", (START, "POST /mp"), 400),
    Case("long-target", "9110 15.5.15", (START, f"POST /{'x' * 9000} HTTP/1.1"), 414),
    # header lines
    Case("other-letters", "9110 5.1", (TYPE, "cOnTeNt-TyPe:TEXT/XML \r\n"), 500, passes=True),
    Case("no-host", "9112 3.2", (HOST, ""), 400),
    Case("two-hosts", "9112 3.2", (HOST, HOST * 2), 400),
    Case("two-types", "9110 5.3", (TYPE, f"Content-Type: application/json\r\n{TYPE}"), 400),
    Case("not-a-header", "9112 5", (HOST, f"{HOST}nonsense\r\n"), 400),
    Case("no-name", "9110 5.1", (HOST, f"{HOST}: x\r\n"), 400),
    Case("blank-before-colon", "9112 5.1", (LENGTH, LENGTH.replace(":", " :")), 400),
    Case("folded", "9112 5.2", (TYPE, TYPE.replace("; ", ";\r\n ")), 400),
    Case("folded-first", "9112 2.2", (HOST, f" x\r\n{HOST}"), 400),
    Case("bare-line-feed", "9112 2.2", (HOST, "Host: h\n"), 400),
    Case("bare-carriage-return", "9112 2.2", (HOST, "Host: h\rX: y\r\n"), 400),
    Case("nul", "9110 5.5", (HOST, "Host: h\x00\r\n"), 400),
    Case("huge-head", "9110 15.5.14", (HOST, f"{HOST}X: {'x' * 9000}\r\n"), 413),
    Case("huge-head-of-many-lines", "9110 15.5.14", (HOST, HOST + "X: y\r\n" * 2000), 413),
    Case("blanks-that-end-badly", "9110 5.5", (HOST, f"Host: {' ' * 7000}\x00\r\n"), 400),
    Case("close-in-other-letters", "9110 7.6.1", (CLOSE, "Connection: x, Close\r\n"), 500, passes=True),
    # the body's framing: whatever two readers could understand in two ways is refused
    Case("no-length", "9110 15.5.12", (LENGTH, ""), 411),
    Case("two-lengths", "9112 6.3", (LENGTH, f"Content-Length: 3\r\n{LENGTH}"), 400),
    Case("one-length-twice", "9112 6.3", (LENGTH, LENGTH * 2), 400),
    Case("length-list", "9112 6.3", (LENGTH, "Content-Length: 3, 3\r\n"), 400),
    Case("length-folded", "9112 5.2", (LENGTH, f"{LENGTH} 0\r\n"), 400),
    Case("word-as-length", "9112 6.2", (LENGTH, "Content-Length: five\r\n"), 400),
    Case("negative-length", "9112 6.2", (LENGTH, "Content-Length: -5\r\n"), 411),
    Case("length-with-sign", "9112 6.2", (LENGTH, LENGTH.replace(": ", ": +")), 411),
    Case("length-with-underscore", "9112 6.2", (LENGTH, "Content-Length: 1_0\r\n"), 411),
    Case("length-of-5000-digits", "9112 6.2", (LENGTH, f"Content-Length: {'9' * 5000}\r\n"), 400),
    Case("length-of-terabytes", "9110 15.5.14", (LENGTH, "Content-Length: 1000000000000\r\n"), 413),
    Case("chunked", "9110 15.5.12", (LENGTH, "Transfer-Encoding: chunked\r\n"), 411),
    Case("length-and-chunked", "9112 6.1", (LENGTH, f"{LENGTH}Transfer-Encoding: chunked\r\n"), 411),
    Case("chunked-twice", "9112 6.1", (LENGTH, LENGTH + "Transfer-Encoding: chunked\r\n" * 2), 411),
    Case("another-coding", "9112 6.1", (LENGTH, f"{LENGTH}Transfer-Encoding: chunked, identity\r\n"), 501),
    # what the body is
    Case("soap-1.2-type", "R1115", (TYPE, "Content-Type: application/soap+xml\r\n"), 415),
    Case("json-type", "R1115", (TYPE, "Content-Type: application/json\r\n"), 415),
    Case("no-type", "R1115", (TYPE, ""), 415),
    Case("unknown-charset", "R1012", (TYPE, "Content-Type: text/xml; charset=klingon\r\n"), 415),
    Case("charset-in-rfc-2231", "R1012", (TYPE, "Content-Type: text/xml; charset*=x'y'utf-8\r\n"), 415),
    Case("utf-16", "R1012", (TYPE, 'Content-Type: TEXT/XML; charset="UTF-16"\r\n'), 500, passes=True),
    Case("gzip-that-is-none", "9110 8.4", (LENGTH, f"{LENGTH}Content-Encoding: gzip\r\n"), 400),
    Case("unknown-coding", "9110 15.5.16", (LENGTH, f"{LENGTH}Content-Encoding: br\r\n"), 415),
    Case("gzip-and-identity", "9110 8.4", (LENGTH, LENGTH + "Content-Encoding: gzip\r\nContent-Encoding: identity\r\n"), 415),
    # SOAPAction tells nothing
    Case("no-action", "R2744", (HOST, HOST), 500, passes=True),
    Case("another-action", "R2744", (HOST, f'{HOST}SOAPAction: "urn:meterpost:1:RegisterProxy"\r\n'), 500, passes=True),
    Case("unquoted-action", "R1109", (HOST, f"{HOST}SOAPAction: urn:meterpost:1:SyncProxy\r\n"), 500, passes=True),
    Case("another-expectation", "9110 10.1.1", (HOST, f"{HOST}Expect: the-unexpected\r\n"), 500, passes=True),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_rules_on_the_http_message(site: Site, stub: StubServer, case: Case):
    got = site.say(GOOD.replace(*case.replace).encode("latin-1") + BODY)
    assert got.status == case.status, (case.clause, got)
    assert got.faultcode == (UNSEALED if case.passes else ""), case.clause
    assert not case.passes or b"\r\nConnection: close\r\n" in got.head
    assert len(stub.journal()) <= 1  # what was sent as a body was never taken for a request


def test_each_method_that_is_refused_is_told_the_one_that_is_not(site: Site):
    assert b"\r\nAllow: POST\r\n" in site.say(GOOD.replace("POST", "DELETE").encode() + BODY).head


def test_one_after_the_other_in_one_packet(site: Site, stub: StubServer):
    """Pipelined requests are answered in their order (RFC 9112, 9.3.2), a body of a GET is not taken for a request."""
    kept = GOOD.replace(CLOSE, "")
    first = kept.replace(START, "POST /nowhere HTTP/1.1").encode() + BODY
    second = kept.replace(START, "GET /mp?wsdl HTTP/1.1").encode() + BODY
    got = site.say(first + second + GOOD.encode() + BODY)
    answers = got.head + got.body
    places = [answers.index(b"HTTP/1.1 " + status) for status in (b"404", b"200", b"500")]
    assert places == sorted(places)
    assert answers.count(b"HTTP/1.1 ") == 3


def test_a_body_that_waits_for_a_continue_gets_one(site: Site):
    """RFC 9110, 10.1.1."""
    got = site.say(GOOD.replace(HOST, f"{HOST}Expect: 100-continue\r\n").encode() + BODY)
    assert got.head == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert got.body.startswith(b"HTTP/1.1 500 ")


def test_a_body_may_come_after_the_continue(site: Site):
    with site.connect() as tls:
        tls.sendall(GOOD.replace(HOST, f"{HOST}Expect: 100-continue\r\n").encode())
        assert tls.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        tls.sendall(BODY)
        assert tls.recv(65536).startswith(b"HTTP/1.1 500 ")


def test_the_head_of_a_page_is_that_of_its_get(site: Site):
    """RFC 9110, 9.3.2: the same head, no body."""
    head = site.say(GOOD.replace(START, "HEAD /mp?wsdl HTTP/1.1").replace(LENGTH, "").encode())
    page = site.say(GOOD.replace(START, "GET /mp?wsdl HTTP/1.1").replace(LENGTH, "").encode())
    assert (head.head, head.body) == (page.head, b"")
    assert f"Content-Length: {len(page.body)}\r\n".encode() in head.head
