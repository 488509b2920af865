"""One page of a printer's web server, whatever its layout: rows of text, links, whether it asks for a password.

Hostile pages are bounded by the parser (256 levels, no network, no entities) and by `MAX_OCTETS`; nothing is evaluated.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from urllib.parse import urldefrag, urljoin, urlsplit

from lxml import etree

MAX_OCTETS = 512 * 1024
_MAX_CELL = 255
_MAX_ROWS = 5000
_MAX_CELLS = 24  # of a row

_INLINE = {"a", "b", "big", "code", "em", "font", "i", "img", "nobr", "small", "span", "strong", "sub", "sup", "tt", "u"}
_UNSEEN = {"script", "style", "textarea", "select", "option"}


@dataclass(frozen=True, slots=True)
class Page:
    """What is written on a page: its title, rows of two and more cells, lines `label: value`; and its links
    (text, address)."""

    title: str = ""
    rows: tuple[tuple[str, ...], ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    asks_for_password: bool = False


def parse(content: bytes, url: str = "") -> Page:
    """The page in `content`, UTF-8 or Latin-1; an empty one where there is nothing to read or too much. Links are those
    that stay with the server of `url`; frames are links without a text. Never raises."""
    root = _root(content)
    if root is None:
        return Page()
    return Page(
        title=_text(next(root.iter("title"), None)),
        rows=tuple(islice(_rows(root), _MAX_ROWS)),
        links=tuple(_links(root, url)),
        asks_for_password=any((field.get("type") or "").strip().lower() == "password" for field in root.iter("input")),
    )


def _root(content: bytes) -> etree._Element | None:
    if not content.strip() or len(content) > MAX_OCTETS:
        return None
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("latin-1")  # what a page of these years is without a word about it
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True, huge_tree=False)
    try:
        root: etree._Element | None = etree.fromstring(text.encode("utf-8"), parser)
    except etree.XMLSyntaxError:
        return None
    return root


def _rows(root: etree._Element) -> Iterator[tuple[str, ...]]:
    for row in root.iter("tr"):
        # A cell around another table is layout; what is in it has rows of its own.
        cells = [_text(cell) for cell in islice(row, _MAX_CELLS) if cell.tag in ("td", "th") and cell.find(".//table") is None]
        written = tuple(filter(None, cells))
        if len(written) > 1:
            yield written
    for line in "".join(_lines(root)).splitlines():
        label, _, value = line.partition(":")
        said = _clean(label), _clean(value)
        if all(said):
            yield said


def _lines(root: etree._Element) -> Iterator[str]:
    """The text in an element; breaks, cells and blocks end a line."""
    for event, element in etree.iterwalk(root, events=("start", "end")):
        tag = element.tag
        if tag not in _INLINE:
            yield "\n"
        if event == "start":
            yield (element.text or "") if tag not in _UNSEEN else ""
        else:
            yield (element.tail or "") if element is not root else ""


def _links(root: etree._Element, url: str) -> Iterator[tuple[str, str]]:
    here = urlsplit(url)
    for element in root.iter("a", "frame", "iframe"):
        target = element.get("href" if element.tag == "a" else "src")
        try:
            goal = urldefrag(urljoin(url, target or "")).url
            there = urlsplit(goal)
        except ValueError:
            continue
        # A query may be an order to the printer.
        if target and not there.query and (there.scheme, there.netloc) == (here.scheme, here.netloc):
            yield (_text(element) if element.tag == "a" else ""), goal


def _text(element: etree._Element | None) -> str:
    return "" if element is None else _clean("".join(_lines(element)))


def _clean(text: str) -> str:
    printable = (character if character.isprintable() else " " for character in text[: 4 * _MAX_CELL])
    return " ".join("".join(printable).split())[:_MAX_CELL]
