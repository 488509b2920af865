"""Bounded reading and compact writing."""

import contextlib
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from meterpost_wsdl import xmlio
from meterpost_wsdl.xmlio import BadXml, Limits

legal = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=40)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "empty"),
        (b"<a/>" + b" " * 100, "size"),
        (b"<!DOCTYPE a><a/>", "dtd"),
        (b"<!-- x --><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "dtd"),
        (b"<?xml version='1.0'?>\n<!DOCTYPE a><a/>", "dtd"),
        (b"<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", "dtd"),
        ("<!DOCTYPE a><a/>".encode("utf-16"), "dtd"),
        (b"<!-- x ", "malformed"),
        (b"<?go?><a/>", "pi"),
        (b"<a><?go?></a>", "pi"),
        (b"<a/><?go?>", "pi"),
        (b"<a>" * 9 + b"</a>" * 9, "depth"),
        (b"<a>" * 300, "size"),
        (b"<a>&lol;</a>", "malformed"),
        (b"<a></b>", "malformed"),
        (b"<a/><b/>", "malformed"),
        (b"not xml", "malformed"),
        (b"<a>\x00</a>", "malformed"),
        (b"<a>\xff\xfe</a>", "encoding"),
        (b"<?xml version='1.0' encoding='UTF-7'?><a/>", "encoding"),
        (b"<?xml version='1.0' encoding='utf-16'?><a/>", "encoding"),
        (b"\xff\xfe<\x00a\x00/\x00>", "encoding"),
    ],
)
def test_refused_with_its_kind(data: bytes, kind: str) -> None:
    with pytest.raises(BadXml) as caught:
        xmlio.parse(data, Limits(octets=100, depth=8))
    assert caught.value.kind == kind


@pytest.mark.parametrize("prolog", [b"<!---->" + b" " * 1_000_000, b"<!---->" * 200_000], ids=["blanks", "comments"])
def test_a_long_prolog_takes_no_more_room_than_itself(prolog: bytes) -> None:
    tracemalloc.start()
    with contextlib.suppress(BadXml):
        xmlio.parse(prolog + b"<a/>")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * len(prolog)


def test_width_is_bounded() -> None:
    with pytest.raises(BadXml, match="elements"):
        xmlio.parse(b"<a>" + b"<b/>" * 1000 + b"</a>", Limits(elements=100))
    with pytest.raises(BadXml, match="attributes"):
        xmlio.parse(b"<a " + b" ".join(b'x%d="1"' % i for i in range(1000)) + b"/>", Limits(attributes=100))


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16"])
def test_both_encodings_of_the_profile_are_read(codec: str) -> None:  # R1012
    text = "<a>Büro 字</a>" if codec == "utf-8" else '<?xml version="1.0" encoding="UTF-16"?><a>Büro 字</a>'
    if codec == "utf-8-sig":
        text = "<a>Büro 字</a>"
    assert xmlio.parse(text.encode(codec)).text == "Büro 字"


@given(st.binary(max_size=200))
def test_any_octets_are_a_tree_or_a_clear_error(data: bytes) -> None:
    with contextlib.suppress(BadXml):  # and nothing else
        assert isinstance(xmlio.parse(data), etree._Element)


@given(legal, legal)
def test_what_is_written_is_read_back(attribute: str, text: str) -> None:
    root = etree.Element("{urn:a}x", {"y": attribute})
    child = etree.SubElement(root, "{urn:b}z")
    child.text = text
    written = xmlio.write(root, {"urn:a": "a", "urn:b": "b"})
    again = xmlio.parse(f'<e xmlns:a="urn:a" xmlns:b="urn:b">{written}</e>'.encode())[0]
    assert again.get("y") == attribute
    assert (again[0].text or "") == text
    assert xmlio.write(again, {"urn:a": "a", "urn:b": "b"}) == written


@given(st.text(max_size=80), st.integers(0, 64))
def test_clipping_keeps_to_the_octets_and_cuts_no_character(value: str, limit: int) -> None:
    clipped = xmlio.clip(value, limit)
    assert xmlio.octets(clipped) <= limit
    assert xmlio.printable(value).startswith(clipped)
    assert etree.fromstring(f'<a b="{xmlio.attribute(clipped)}"/>'.encode()).get("b") == clipped


def test_a_namespace_nobody_bound_is_an_error() -> None:
    with pytest.raises(KeyError):
        xmlio.write(etree.Element("{urn:other}x"), {"urn:a": "a"})
