"""Requests are gathered from octets the same way however these were cut. Real sockets are in test_stub_http.py."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterpost_stub.gathering import Gathering, Limits
from meterpost_stub.web import HttpRefusal, HttpRequest

SMALL = Limits(head=150, body=40, drained=80)
PIECES = (
    b"POST /mp HTTP/1.1\r\n", b"GET /%6dp?wsdl HTTP/1.0\r\n", b"OPTIONS * HTTP/1.1\r\n", b"CONNECT h:1 HTTP/1.1\r\n",
    b"HEAD https://h HTTP/1.1\r\n", b"GET / HTTP/3.0\r\n", b"get / HTTP/1.1\r\n", b"Host: h\r\n", b"X: y\r\n", b" z\r\n",
    b"Content-Length: 5\r\n", b"Content-Length: 41\r\n", b"Content-Length: 81\r\n", b"Content-Length: -1\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n", b"Expect: 100-continue\r\n", b"\r\n", b"\n", b"\r", b"<abc>",
    b"-" * 41, b"+" * 100,
)  # fmt: skip
streams = st.lists(st.sampled_from(PIECES) | st.binary(max_size=3), max_size=20).map(b"".join)


@st.composite
def whole(draw: st.DrawFn) -> bytes:
    """A request that no rule forbids."""
    body = draw(st.binary(max_size=SMALL.drained))
    start = draw(st.sampled_from([b"POST /mp", b"PUT /a/b?c=d", b"GET http://h/"]))
    lines = draw(st.lists(st.sampled_from([b"X: y", b"x:", b"Expect: 100-continue", b"Accept: */*"]), max_size=3))
    fields = draw(st.permutations([b"Host: h", b"Content-Length: %d" % len(body), *lines]))
    return draw(st.sampled_from([b"", b"\r\n"])) + b"\r\n".join([start + b" HTTP/1.1", *fields, b"", body])


def cut(octets: bytes, places: list[int]) -> list[bytes]:
    at = sorted({0, len(octets), *(place % (len(octets) + 1) for place in places)})
    return [octets[start:end] for start, end in pairwise(at)]


def gathered(pieces: list[bytes], limits: Limits = SMALL) -> list[HttpRequest | int]:
    """The requests up to the connection's last, and the status of what is none, or of what is cut by the end."""
    gathering, found = Gathering(limits), list[HttpRequest | int]()
    try:
        for piece in pieces:
            request = gathering.feed(piece)
            while request is not None:
                found.append(request)
                if request.last:
                    return found
                request = gathering.feed()
            assert gathering.held <= limits.head + limits.body
        gathering.end()
    except HttpRefusal as refused:
        found.append(refused.status)
    return found


@given(streams, st.lists(st.integers(0, 10_000), max_size=12))
def test_it_does_not_matter_where_octets_are_cut(octets: bytes, places: list[int]):
    at_once = gathered([octets])
    assert gathered(cut(octets, places)) == at_once
    assert gathered([octets[at : at + 1] for at in range(len(octets))]) == at_once


@given(st.lists(whole(), max_size=4), st.lists(st.integers(0, 10_000), max_size=12))
def test_what_is_whole_comes_out_as_it_came_in(requests: list[bytes], places: list[int]):
    found = gathered(cut(b"".join(requests), places))
    assert len(found) == len(requests)
    for octets, request in zip(requests, found, strict=True):
        assert isinstance(request, HttpRequest)
        head, body = octets[: len(request.head)], octets[len(request.head) :]
        assert request.head == head
        assert head.endswith(b"\r\n\r\n")
        assert request.body == (body if len(body) <= SMALL.body else None)
        assert not request.last


@given(whole(), st.integers(1, 10_000))
def test_nothing_is_a_request_before_it_is_whole(octets: bytes, place: int):
    """Nor is it one when the peer ends there."""
    start = octets[: place % len(octets)]
    assert gathered([start]) == ([400] if start.removeprefix(b"\r\n") else [])


def test_one_empty_line_is_forgiven_and_no_more():
    """RFC 9112, 2.2."""
    assert isinstance(gathered([b"\r\nGET / HTTP/1.0\r\n\r\n"])[0], HttpRequest)
    assert gathered([b"\r\n\r\nGET / HTTP/1.0\r\n\r\n"]) == [400]


@pytest.mark.parametrize("head", [b"GET / HTTP/1.0\r\n\r\n", b"GET / HTTP/1.1\r\nHost: h\r\nConnection: x, Close\r\n\r\n"])
def test_a_request_may_be_the_last(head: bytes):
    request = Gathering().feed(head)
    assert request is not None
    assert request.last


@pytest.mark.parametrize(("octets", "status"), [(151, 413), (150, None)])
def test_a_head_has_so_many_octets(octets: int, status: int | None):
    start = b"GET / HTTP/1.1\r\nHost: "
    (found,) = gathered([start + b"h" * (octets - len(start) - 4) + b"\r\n\r\n"])
    assert found == status if status else isinstance(found, HttpRequest)


@pytest.mark.parametrize("octets", [b"GET /" + b"x" * 145, b"\r\nGET /" + b"x" * 143])
def test_a_line_without_an_end_is_refused_as_soon_as_it_is_too_long(octets: bytes):
    assert gathered([octets]) == [414]
    assert Gathering(SMALL).feed(octets[:-1]) is None


def test_of_a_body_that_is_too_large_nothing_is_kept():
    gathering = Gathering(SMALL)
    head = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 41\r\n\r\n"
    assert gathering.feed(head + b"x" * 30) is None
    assert gathering.held == len(head)
    request = gathering.feed(b"x" * 11 + b"GET")
    assert request is not None
    assert (request.head, request.body, request.last) == (head, None, False)
    assert gathering.held == len(b"GET")


def test_for_a_body_that_is_far_too_large_nobody_waits():
    request = Gathering(SMALL).feed(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 81\r\n\r\n")
    assert request is not None
    assert (request.body, request.last) == (None, True)


@pytest.mark.parametrize(
    ("fields", "version", "expects"),
    [
        (b"Content-Length: 3\r\nExpect: 100-Continue\r\n", b"1.1", True),
        (b"Content-Length: 3\r\nExpect: 100-continue\r\n", b"1.0", False),
        (b"Content-Length: 3\r\nExpect: another\r\n", b"1.1", False),
        (b"Content-Length: 0\r\nExpect: 100-continue\r\n", b"1.1", False),
        (b"Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n", b"1.1", False),
    ],
)
def test_whoever_waits_for_a_continue_is_known(fields: bytes, version: bytes, expects: bool):
    """RFC 9110, 10.1.1: only where a body is to be read."""
    gathering = Gathering()
    gathering.feed(b"POST / HTTP/%b\r\nHost: h\r\n%b\r\n" % (version, fields))
    assert gathering.expects is expects


@pytest.mark.parametrize(
    ("start", "path", "query"),
    [
        (b"GET /mp?wsdl", "/mp", "wsdl"),
        (b"GET http://h:1/mp?a/b?c", "/mp", "a/b?c"),
        (b"GET HTTPS://[::1]", "/", ""),
        (b"GET //h/mp", "//h/mp", ""),
        (b"GET /%6dp/a%2fb%2Fc?%6d", "/mp/a%2Fb%2Fc", "%6d"),
        (b"OPTIONS *", "*", ""),
        (b"CONNECT h:1", "h:1", ""),
    ],
)
def test_targets(start: bytes, path: str, query: str):
    request = Gathering().feed(start + b" HTTP/1.1\r\nHost: h\r\n\r\n")
    assert request is not None
    assert (request.path, request.query) == (path, query)


@pytest.mark.parametrize(
    "start", [b"GET mp", b"GET ?x", b"GET *", b"CONNECT /mp", b"GET /a#b", b"GET /%zz", b"GET http://u@h/", b"GET http:///mp"]
)
def test_targets_that_are_none(start: bytes):
    with pytest.raises(HttpRefusal) as refused:
        Gathering().feed(start + b" HTTP/1.1\r\n")
    assert refused.value.status == 400
