"""The listener between HTTP and TLS finds the blank line however the octets arrive."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterpost.errors import PeerError
from meterpost.transport.meter import HEAD_LIMIT, Head

LINES = st.lists(st.binary(min_size=1, max_size=20).filter(lambda line: b"\n" not in line and b"\r" not in line), max_size=5)


@given(
    lines=LINES,
    ending=st.sampled_from([b"\r\n", b"\n"]),
    interims=st.integers(0, 2),
    body=st.binary(max_size=40),
    cuts=st.lists(st.integers(0, 300), max_size=8),
)
def test_any_cutting_gives_the_same_head(
    lines: list[bytes], ending: bytes, interims: int, body: bytes, cuts: list[int]
) -> None:
    interim = b"HTTP/1.1 100 Continue" + ending + ending
    expected = interim * interims + ending.join([b"HTTP/1.1 200 OK", *lines, b"", b""])
    whole = expected + body
    head = Head()
    edges = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    for start, end in pairwise(edges):
        head.feed(whole[start:end])
    assert head.complete
    assert bytes(head.octets) == expected


@given(st.binary(max_size=60))
def test_an_unfinished_head_is_known_to_be_unfinished(start: bytes) -> None:
    head = Head()
    head.feed(b"HTTP/1.1 200 OK\r\nX: " + start.replace(b"\n", b""))
    assert not head.complete


def test_a_head_has_an_end_or_is_refused() -> None:
    head = Head()
    head.feed(b"X: y\r\n" * (HEAD_LIMIT // 6))
    with pytest.raises(PeerError, match="64 KiB"):
        head.feed(b"X: y\r\n")
