"""What attackers do to a message: to its octets, or to its tree. Serialising keeps every octet a digest is made of.

Nothing here asks the code under attack for help: names are looked up by their local part, as a forger's script would.
"""

import copy
import re
from collections.abc import Callable
from datetime import timedelta

from attack_case import EVIL, HONEST, Attack, Loot
from lxml import etree

Element = etree._Element
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"


def edit(*edits: tuple[str, str]) -> Attack:
    """Each text replaced at its first place; one that is not there is a mistake in the table."""

    def attack(message: bytes, _: Loot) -> bytes:
        text = message.decode()
        for old, new in edits:
            assert old in text, f"{old!r} is not in the message"
            text = text.replace(old, new, 1)
        return text.encode()

    return attack


def octets(change: Callable[[bytes], bytes]) -> Attack:
    return lambda message, _: change(message)


def tree(change: Callable[["Parts", Loot], None]) -> Attack:
    def attack(message: bytes, loot: Loot) -> bytes:
        root = etree.fromstring(message)
        change(Parts(root), loot)
        return etree.tostring(root)

    return attack


def then(*attacks: Attack) -> Attack:
    """One after the other."""

    def attack(message: bytes, loot: Loot) -> bytes:
        for one in attacks:
            message = one(message, loot)
        return message

    return attack


class Parts:
    """A message's places, by local name: the namespaces are the dialect's."""

    def __init__(self, root: Element) -> None:
        self.root = root

    def find(self, path: str) -> Element:
        """`Security/Timestamp`: children of the envelope by local names, `//Name` anywhere."""
        steps = re.sub(r"[A-Za-z]\w*", lambda name: f"*[local-name()='{name[0]}']", path)
        return self.root.xpath(steps if path.startswith("//") else f"./{steps}")[0]

    @property
    def header(self) -> Element:
        return self.find("Header")

    @property
    def body(self) -> Element:
        return self.find("Body")

    @property
    def security(self) -> Element:
        return self.find("Header/Security")

    @property
    def stamp(self) -> Element:
        return self.find("Header//Timestamp")

    @property
    def signature(self) -> Element:
        return self.find("Header/Security/Signature")


def evil(element: Element) -> Element:
    """A copy that speaks of the attacker's device."""
    forged = copy.deepcopy(element)
    forged.tail = None
    for inner in forged.iter("*"):
        for name, value in inner.attrib.items():
            inner.set(name, value.replace(HONEST, EVIL))
    return forged


def spoil(message: bytes) -> bytes:
    """The honest device replaced wherever it stands: the simplest change of a body."""
    assert HONEST.encode() in message
    return message.replace(HONEST.encode(), EVIL.encode())


def named(name: str, parent: Element, like: Element, **attributes: str) -> Element:
    """A new last child `name` of `parent` in the namespace of `like`, in which nobody has asked for it."""
    return etree.SubElement(parent, f"{{{etree.QName(like).namespace}}}{name}", attributes)


def shifted(path: str, **span: float) -> Attack:
    """The time at `path` moved."""

    def change(parts: Parts, loot: Loot) -> None:
        parts.find(path).text = f"{loot.now + timedelta(**span):%Y-%m-%dT%H:%M:%SZ}"

    return tree(change)


def texted(path: str, text: str) -> Attack:
    """The text at `path` replaced."""

    def change(parts: Parts, _: Loot) -> None:
        parts.find(path).text = text

    return tree(change)


def removed(path: str) -> Attack:
    def change(parts: Parts, _: Loot) -> None:
        element = parts.find(path)
        element.getparent().remove(element)

    return tree(change)


def doubled(path: str) -> Attack:
    def change(parts: Parts, _: Loot) -> None:
        element = parts.find(path)
        element.addnext(copy.deepcopy(element))

    return tree(change)


def commented(path: str) -> Attack:
    """A comment in the middle of a text: who takes the text up to the first node reads half of it."""

    def change(parts: Parts, _: Loot) -> None:
        element = parts.find(path)
        text, half = element.text, len(element.text) // 2
        element.text, comment = text[:half], etree.Comment("")
        comment.tail = text[half:]
        element.append(comment)

    return tree(change)
