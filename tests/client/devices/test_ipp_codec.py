"""Octets of IPP, in both directions: what comes back right, and that no octets do harm."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterpost.devices.ipp import codec
from meterpost.devices.ipp.codec import Answer, BadAnswer, decode, encode
from meterpost_stub.printers.ipp import Request

HEAD = bytes.fromhex("0200 0000 00000001 04")
END = b"\x03"


def item(tag: int, name: str, value: bytes) -> bytes:
    return bytes([tag]) + len(name).to_bytes(2, "big") + name.encode() + len(value).to_bytes(2, "big") + value


def printer(*items: bytes) -> codec.Attributes:
    (found,) = decode(HEAD + b"".join(items) + END).of(codec.PRINTER_GROUP)
    return found


def test_a_request_is_what_the_rfc_says() -> None:
    octets = encode((1, 1), 0x000B, 7, ((codec.KEYWORD, "requested-attributes", ("a", "bc")),))
    assert octets.hex(" ") == (
        "01 01 00 0b 00 00 00 07 01 "
        "44 00 14 72 65 71 75 65 73 74 65 64 2d 61 74 74 72 69 62 75 74 65 73 00 01 61 "
        "44 00 00 00 02 62 63 03"
    )


@pytest.mark.parametrize(
    ("tag", "octets", "value"),
    [
        (0x21, b"\0\0\x30\x39", 12345),
        (0x21, b"\xff\xff\xff\xfd", -3),
        (0x23, b"\0\0\0\x05", 5),
        (0x22, b"\x01", 1),
        (0x22, b"\0", 0),
        (0x21, b"\x01", b"\x01"),  # of a wrong length
        (0x22, b"", b""),
        (0x41, "Größe".encode(), "Größe".encode()),
        (0x35, b"\0\x02de\0\x05Toner", b"Toner"),
        (0x36, b"\0\x02", b""),
        (0x31, b"\x07\xe4\x01\x15\x15,\x19\0+\0\0", b"\x07\xe4\x01\x15\x15,\x19\0+\0\0"),
        (0x33, b"\0\0\0\x01\0\0\0\x09", b"\0\0\0\x01\0\0\0\x09"),
        (0x7F, b"\x40\0\0\0", b"\x40\0\0\0"),
    ],
)
def test_each_syntax_has_its_value(tag: int, octets: bytes, value: codec.Value) -> None:
    assert printer(item(tag, "x", octets)) == {"x": [value]}


def test_an_attribute_has_its_values_in_order_and_none_for_out_of_band() -> None:
    found = printer(item(0x44, "a", b"1"), item(0x44, "", b"2"), item(0x13, "b", b""), item(0x44, "c", b"3"))
    assert found == {"a": [b"1", b"2"], "b": [], "c": [b"3"]}


def test_collections_hold_collections() -> None:
    inner = item(0x34, "", b"") + item(0x4A, "", b"x") + item(0x21, "", b"\0\0\0\x09") + item(0x37, "", b"")
    outer = item(0x34, "col", b"") + item(0x4A, "", b"size") + inner + item(0x4A, "", b"type") + item(0x44, "", b"a")
    found = printer(outer + item(0x44, "", b"b") + item(0x37, "", b""), item(0x34, "", b"") + item(0x37, "", b""))
    assert found == {"col": [{"size": [{"x": [9]}], "type": [b"a", b"b"]}, {}]}


def test_each_group_stands_for_itself() -> None:
    answer = decode(HEAD + item(0x44, "a", b"1") + b"\x04" + item(0x44, "a", b"2") + b"\x05" + END + b"document")
    assert answer == Answer(0, ((4, {"a": [b"1"]}), (4, {"a": [b"2"]}), (5, {})))
    assert answer.ok
    assert [found["a"] for found in answer.of(4)] == [[b"1"], [b"2"]]


def test_an_ignored_attribute_is_still_a_success_and_a_refusal_is_none() -> None:
    assert decode(b"\x02\0\0\x01\0\0\0\x01\x03").ok
    assert not decode(b"\x02\0\x04\x06\0\0\0\x01\x03").ok


def test_the_last_of_an_attribute_that_comes_twice_counts() -> None:
    assert printer(item(0x44, "a", b"1"), item(0x44, "a", b"2"), item(0x44, "", b"3")) == {"a": [b"2", b"3"]}


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"", "not in IPP"),
        (b"<!DOCTYPE html><html>", "not in IPP"),
        (b"\x02\0\0\0\0\0\0\x01", "not in IPP"),
        (HEAD, "too early"),
        (HEAD + b"\x44\0\x05abc", "too early"),
        (HEAD + b"\x44\xff\xff", "too early"),
        (HEAD + item(0x44, "a", b"1")[:-1], "too early"),
        (HEAD + item(0x44, "a", b"1"), "too early"),
        (HEAD + item(0x44, "", b"1") + END, "belongs to no attribute"),
        (HEAD[:8] + item(0x44, "", b"1") + END, "belongs to no attribute"),
        (HEAD + item(0x34, "c", b"") + item(0x44, "", b"1") + END, "no end"),
        (HEAD + item(0x34, "c", b"") + item(0x4A, "", b"m") + item(0x03, "", b"") + END, "no end"),
        (HEAD + item(0x34, "c", b"") + (item(0x4A, "", b"m") + item(0x34, "", b"")) * 50 + END, "inside"),
        (HEAD + item(0x44, "a", b"") + item(0x44, "", b"") * codec.MAX_ITEMS + END, "too many values"),
        (
            HEAD + item(0x34, "c", b"") + item(0x4A, "", b"m") * (codec.MAX_ITEMS) + item(0x37, "", b"") + END,
            "too many values",
        ),
        (HEAD + b"\x04" * (codec.MAX_ITEMS - 1) + END, "too many values"),
    ],
)
def test_broken_answers_are_named(octets: bytes, why: str) -> None:
    with pytest.raises(BadAnswer, match=why) as caught:
        decode(octets)
    assert caught.value.advice


def test_collections_may_be_as_deep_as_allowed() -> None:
    depth = codec.MAX_DEPTH - 1
    nested = item(0x34, "c", b"") + (item(0x4A, "", b"m") + item(0x34, "", b"")) * (depth - 1) + item(0x37, "", b"") * depth
    assert printer(nested)["c"]


@given(st.binary(max_size=400) | st.binary(max_size=400).map(lambda octets: HEAD + octets))
def test_any_octets_are_attributes_or_a_bad_answer(octets: bytes) -> None:
    try:
        answer = decode(octets)
    except BadAnswer:
        return
    assert all(isinstance(name, str) for _, found in answer.groups for name in found)


_TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
_NAMES = st.text("abcdefghij-", min_size=1, max_size=12)
_VALUES = st.recursive(
    st.integers(-(2**31), 2**31 - 1) | _TEXTS | st.binary(max_size=12),
    lambda inner: st.dictionaries(_NAMES, inner, max_size=3),
    max_leaves=5,
)


def _as_decoded(value: object) -> object:
    if isinstance(value, dict):
        return {name: [_as_decoded(inner)] for name, inner in value.items()}
    return value.encode() if isinstance(value, str) else value


@given(st.dictionaries(_NAMES, st.lists(_VALUES, min_size=1, max_size=3), max_size=4))
def test_what_the_simulated_printer_says_is_what_is_decoded(attributes: dict[str, list[codec.Value]]) -> None:
    octets = Request("/", (2, 0), 0x000B, bytes(4), frozenset()).reply(0, (attributes,))
    expected = {name: [_as_decoded(value) for value in values] for name, values in attributes.items()}
    assert decode(octets).of(codec.PRINTER_GROUP) == (expected,)


def test_the_largest_answers_are_decoded_in_a_moment() -> None:
    many = HEAD + item(0x44, "a", b"") + item(0x44, "", b"x" * 15) * (codec.MAX_ITEMS - 3) + END
    began = time.process_time()
    assert len(printer(many[9:-1])["a"]) == codec.MAX_ITEMS - 2
    assert time.process_time() - began < 1
