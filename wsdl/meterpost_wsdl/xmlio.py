"""Bounded reading and compact writing of XML: the only place where either side parses a message of a peer.

Reading refuses before it builds: size, number of elements and attributes, DTD, and after the build
processing instructions and depth. Nothing outside the bytes given is ever opened.
Writing is byte-stable: hoisted declarations, fixed prefixes, no white space, no XML declaration.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from lxml import etree

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LONGEST = 300
"""Characters of what libxml2 has to say, which quotes the peer."""
_ATTRIBUTE = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
_TEXT = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}
_ATTRIBUTE_TABLE = str.maketrans(_ATTRIBUTE)
_TEXT_TABLE = str.maketrans(_TEXT)


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one document: octets, elements, attributes, levels of nesting, attributes of one element."""

    octets: int = 16 * 1024 * 1024
    elements: int = 600_000
    attributes: int = 2_000_000
    depth: int = 32
    of_one: int = 64


class BadXml(ValueError):
    """A document that is not well-formed, or over a limit. `kind` is one of
    `empty`, `size`, `encoding`, `dtd`, `pi`, `elements`, `attributes`, `depth`, `malformed`."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


def parse(data: bytes, limits: Limits = Limits()) -> etree._Element:
    """The root element of `data` (UTF-8, or UTF-16 with a byte order mark; WS-I BP 1.1 R1012).

    Raises BadXml; never fetches, never expands an entity, never accepts a DTD (R1008) or a
    processing instruction (R1009).
    """
    if not data:
        raise BadXml("empty", "the message is empty")
    if len(data) > limits.octets:
        raise BadXml("size", f"the message has {len(data)} octets, the limit is {limits.octets}")
    data = _as_utf8(data)
    if b"<!DOCTYPE" in data:  # even in a comment: one search is harder to get round than a reading of the prolog
        raise BadXml("dtd", "a document type declaration is not allowed")
    if data.count(b"<") > 2 * limits.elements:
        raise BadXml("elements", f"more than {limits.elements} elements")
    if data.count(b"=") > limits.attributes:
        raise BadXml("attributes", f"more than {limits.attributes} attributes")
    parser = etree.XMLParser(
        encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        kind = "depth" if "depth" in str(error).lower() else "malformed"
        raise BadXml(kind, f"the message is not well-formed XML: {str(error.msg)[:_LONGEST]}") from None
    # lxml goes by the last thing libxml2 said: a warning, as of a relative namespace name, hides errors before it, such as an
    # undeclared prefix, an attribute that is there twice, or text behind the document element.
    if parser.error_log:
        raise BadXml("malformed", f"the message is not well-formed XML: {parser.error_log[0].message[:_LONGEST]}")
    if root.xpath("boolean(//processing-instruction())"):
        raise BadXml("pi", "a processing instruction is not allowed")
    if root.xpath("boolean(" + "/*" * (limits.depth + 1) + ")"):
        raise BadXml("depth", f"elements are nested deeper than {limits.depth}")
    if root.xpath(f"boolean(//*[@*[{limits.of_one + 1}]])"):  # canonical XML sorts them, in the square of their number
        raise BadXml("attributes", f"an element has more than {limits.of_one} attributes")
    return root


def _as_utf8(data: bytes) -> bytes:
    for mark, codec in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"), (b"\xef\xbb\xbf", "utf-8")):
        if data.startswith(mark):
            try:
                data = data[len(mark) :].decode(codec).encode("utf-8")
            except UnicodeDecodeError:
                raise BadXml("encoding", f"the message is not valid {codec}") from None
            return re.sub(rb"^\s*<\?xml[^>]*\?>", b"", data)
    declared = re.match(rb"""\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""", data)
    if declared and declared.group(1).lower() not in (b"utf-8", b"us-ascii", b"ascii"):
        raise BadXml("encoding", f"encoding {declared.group(1).decode()} is not accepted; use UTF-8")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        raise BadXml("encoding", "the message is not valid UTF-8") from None
    return data


def attribute(value: str) -> str:
    """`value` escaped for a double-quoted attribute."""
    return value.translate(_ATTRIBUTE_TABLE)


def text(value: str) -> str:
    """`value` escaped for element content."""
    return value.translate(_TEXT_TABLE)


def octets(value: str) -> int:
    """UTF-8 octets `value` takes in an attribute, after escaping: what a byte budget counts."""
    return len(attribute(value).encode("utf-8"))


def printable(value: str) -> str:
    """`value` without characters XML 1.0 cannot carry, white space folded to single blanks, trimmed."""
    return " ".join(_ILLEGAL.sub(" ", value).split())


def clip(value: str, limit: int) -> str:
    """The longest start of `printable(value)` that takes at most `limit` octets escaped.

    For descriptions only: an identifier that is too long is an error, never clipped.
    """
    value = printable(value)
    if octets(value) <= limit:
        return value
    size = 0
    for position, character in enumerate(value):
        size += octets(character)
        if size > limit:
            return value[:position].rstrip()
    return value


def write(element: etree._Element, prefixes: Mapping[str, str]) -> str:
    """`element` and all below it as compact XML, without declarations: `prefixes` maps each namespace
    to the prefix that an outer element binds. White space between elements is dropped.

    Raises KeyError for a namespace `prefixes` lacks.
    """
    name = _prefixed(str(element.tag), prefixes)
    attributes = "".join(f' {_prefixed(str(key), prefixes)}="{attribute(str(value))}"' for key, value in element.attrib.items())
    children = "".join(write(child, prefixes) for child in element)
    content = children if len(element) else text(element.text or "")
    return f"<{name}{attributes}>{content}</{name}>" if content else f"<{name}{attributes}/>"


def _prefixed(tag: str, prefixes: Mapping[str, str]) -> str:
    name = etree.QName(tag)
    return f"{prefixes[name.namespace]}:{name.localname}" if name.namespace else name.localname
