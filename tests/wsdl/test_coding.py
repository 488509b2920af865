"""gzip, one member, bounded: what is written is read back, whatever else is read is refused in the decoder's own words."""

import gzip as peers_gzip
import struct
import tracemalloc
import zlib
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from meterpost_wsdl.coding import BadCoding, gunzip, gzip, is_gzip, readable

MEGABYTE = 1024 * 1024
TEXT = b"<s:Envelope>" + b"the same again, " * 50 + b"</s:Envelope>"
MEMBER = gzip(TEXT)
FNAME, FCOMMENT, FEXTRA, FHCRC = 8, 16, 4, 2


def member(flags: int, fields: bytes, plain: bytes = TEXT, crc: int | None = None, length: int | None = None) -> bytes:
    """A member with a head and trailer of the test's own (RFC 1952, 2.3)."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    head = b"\x1f\x8b\x08" + bytes([flags]) + bytes(4) + b"\x00\x03" + fields
    if flags & FHCRC:
        head += struct.pack("<H", zlib.crc32(head) & 0xFFFF)
    trailer = struct.pack("<II", zlib.crc32(plain) if crc is None else crc, len(plain) if length is None else length)
    return head + deflate.compress(plain) + deflate.flush() + trailer


def refused(coded: bytes, limit: int = MEGABYTE) -> str:
    """The kind of the refusal, and that it came cheap."""
    with pytest.raises(BadCoding) as caught:
        gunzip(coded, limit)
    assert len(str(caught.value)) < 100
    return caught.value.kind


@given(st.binary(max_size=5000) | st.builds(bytes.__mul__, st.binary(max_size=10), st.integers(0, 5000)))
def test_what_is_written_is_read_back_here_and_by_others(plain: bytes) -> None:
    coded = gzip(plain)
    assert gunzip(coded, len(plain)) == plain == peers_gzip.decompress(coded)
    assert gunzip(peers_gzip.compress(plain), len(plain)) == plain
    assert gzip(plain) == coded


def test_the_head_tells_nothing_of_when_and_where() -> None:
    assert MEMBER[:10] == bytes.fromhex("1f8b08000000000002ff")
    assert MEMBER[-8:] == struct.pack("<II", zlib.crc32(TEXT), len(TEXT))


@given(st.binary(max_size=200), st.sampled_from([0, 3, 10]))
@example(b"", 0)
def test_any_octets_are_read_or_refused(coded: bytes, start: int) -> None:
    """From the first octet on, or behind a good start."""
    with suppress(BadCoding):
        assert len(gunzip(MEMBER[:start] + coded, 100)) <= 100


@given(st.data())
def test_a_damaged_member_is_never_read_as_something_else(data: st.DataObject) -> None:
    """Some damage says nothing: time, system and flags of the head, or that a repetition is copied from elsewhere."""
    position = data.draw(st.integers(0, len(MEMBER) - 1))
    damaged = bytearray(MEMBER)
    damaged[position] ^= data.draw(st.integers(1, 255))
    with suppress(BadCoding):
        assert gunzip(bytes(damaged), MEGABYTE) == TEXT


@pytest.mark.parametrize("end", range(len(MEMBER)))
def test_a_member_that_ends_too_early(end: int) -> None:
    assert refused(MEMBER[:end]) == "broken"


@pytest.mark.parametrize(
    "coded",
    [
        MEMBER + b"\0",
        MEMBER + b"<more/>",
        MEMBER + MEMBER,
        MEMBER + gzip(b""),
        member(0, b"", crc=1),
        member(0, b"", length=len(TEXT) - 1),
        member(0, b"", length=len(TEXT) + 2**31),
        member(0x20, b""),  # a reserved flag
        member(FHCRC, b"")[:10] + b"\xff\xff" + member(FHCRC, b"")[12:],
        b"\x1f\x8b\x07" + MEMBER[3:],  # not deflate
        MEMBER[:10],
        zlib.compress(TEXT),  # zlib's own format
        zlib.compress(TEXT, wbits=-15),
        TEXT,
    ],
    ids=[
        "a-zero-behind", "text-behind", "two-members", "an-empty-member-behind", "wrong-crc", "too-short", "too-long",
        "reserved-flag", "wrong-head-crc", "unknown-method", "head-only", "zlib", "bare-deflate", "plain",
    ],
)  # fmt: skip
def test_what_is_not_exactly_one_member(coded: bytes) -> None:
    assert refused(coded) == "broken"


@pytest.mark.parametrize("length", [0, 1, 100_000])
def test_optional_fields_of_any_length_are_passed_over(length: int) -> None:
    name, extra = b"n" * length + b"\0", struct.pack("<H", min(length, 65535)) + b"e" * min(length, 65535)
    assert gunzip(member(FNAME, name), MEGABYTE) == TEXT
    assert gunzip(member(FCOMMENT, name), MEGABYTE) == TEXT
    assert gunzip(member(FEXTRA | FNAME | FCOMMENT | FHCRC, extra + name + name), MEGABYTE) == TEXT
    assert refused(b"\x1f\x8b\x08\x08" + bytes(6) + b"n" * length) == "broken"  # a name without end


def test_the_limit_is_exact() -> None:
    assert gunzip(MEMBER, len(TEXT)) == TEXT
    assert refused(MEMBER, len(TEXT) - 1) == "size"
    assert refused(gzip(b"x"), 0) == "size"
    assert gunzip(gzip(b""), 0) == b""


def zeros(count: int) -> bytes:
    """A member for so many mebibytes of zeros, made without holding them."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join([*(deflate.compress(bytes(MEGABYTE)) for _ in range(count)), deflate.flush()])


def lying(coded: bytes) -> bytes:
    """The same, of which the trailer says that it is small."""
    return coded[:-4] + struct.pack("<I", 7)


BOMB = zeros(300)
NESTED = gzip(BOMB)


@pytest.mark.parametrize("bomb", [BOMB, lying(BOMB), BOMB[:-9]], ids=["honest", "lying", "without-end"])
def test_a_bomb_is_refused_for_the_price_of_the_limit(bomb: bytes) -> None:
    assert len(bomb) < MEGABYTE
    tracemalloc.start()
    try:
        assert refused(bomb, MEGABYTE) == "size"
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2.5 * MEGABYTE  # what was decoded, once in pieces and once whole, and what is left of the bomb


def test_a_bomb_in_a_bomb_is_opened_once() -> None:
    assert len(NESTED) < 5000
    assert gunzip(NESTED, MEGABYTE) == BOMB


@pytest.mark.parametrize(
    ("field", "yes"),
    [
        ("gzip", True), ("GZip", True), ("x-gzip", True), (" gzip ", True), ("", False), ("identity", False),
        ("deflate", False), ("gzip, gzip", False), ("gzip, identity", False), ("gzip,", False), ("gzi", False), ("br", False),
    ],
)  # fmt: skip
def test_one_coding_has_two_names(field: str, yes: bool) -> None:
    assert is_gzip(field) is yes


HEAD = b"HTTP/1.1 200 OK\r\nX: gzip\r\ncontent-ENCODING:%b\r\nDate: gzip\r\n\r\n"


@pytest.mark.parametrize(
    ("head", "body", "shown"),
    [
        (HEAD % b" gzip", MEMBER, TEXT),
        (HEAD % b"x-gzip", MEMBER, TEXT),
        (HEAD % b" gzip\r\nContent-Encoding: br", MEMBER, MEMBER),
        (HEAD % b" br", MEMBER, MEMBER),
        (b"HTTP/1.1 200 OK\r\nX-Content-Encoding: gzip\r\n\r\n", MEMBER, MEMBER),
        (HEAD % b" gzip", MEMBER[:-1], MEMBER[:-1]),
        (HEAD % b" gzip", gzip(b"x" * 1001), gzip(b"x" * 1001)),
        (HEAD % b" \xff", TEXT, TEXT),
        (b"", b"", b""),
    ],
)
def test_people_are_shown_what_it_says_where_it_can_be_read(head: bytes, body: bytes, shown: bytes) -> None:
    assert readable(head, body, 1000) == shown
