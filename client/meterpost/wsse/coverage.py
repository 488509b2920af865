"""What a signature covers: elements found by their Id, known by their position.

An Id leads to a part only if no other element of the message has it; what the part is, is told by where it stands. So a
signed Body that was moved aside is no Body here (McIntosh and Austel, 2005; Somorovsky et al., 2012).
"""

import re
from dataclasses import dataclass

from lxml import etree

from meterpost.wsse.dialects import NAMESPACES, SECURITY, XENC
from meterpost.wsse.policy import Place
from meterpost.wsse.shape import Header
from meterpost.wsse.verdict import Reason, Refusal
from meterpost_wsdl.names import SERVICE, SOAP

_SERVICE = f"{{{SERVICE}}}"
_IDS = frozenset(("Id", "ID", "id", "AssertionID"))
"""Whatever any processor could take for an Id: with a namespace, or without one outside the protocol's own messages, where
`id` is the name of a billing request."""

_NAME = re.compile(r"[\w.:-]{1,256}")
"""An Id (with colons, though an xs:ID has none: toolkits write times into theirs). xmlsec puts what is referred to into an
XPointer: with a quote or a bracket it would be an expression of a stranger's."""

_OURS = frozenset({f"{{{wsu}}}Id" for _, wsu in NAMESPACES.values()} | {"Id"})
"""How parts write their Ids: wsu:Id, or Id on elements of signatures and encryption."""


@dataclass(frozen=True, slots=True)
class Part:
    """One element of an envelope, where it stands, and its Id ('' without one) with the namespace of that attribute."""

    element: etree._Element
    place: Place
    id: str = ""
    namespace: str | None = None


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one envelope, by position."""

    all: tuple[Part, ...]

    def at(self, place: Place) -> etree._Element | None:
        """The one element at `place`. Raises Refusal where there are several."""
        found = [part.element for part in self.all if part.place is place]
        if len(found) > 1:
            raise Refusal(Reason.PART_REPEATED, f"more than one {place}")
        return found[0] if found else None

    def referred(self, uri: str | None) -> Part:
        """What a Reference leads to. Raises Refusal for anything but `#id` of a part: an empty URI, a file, an XPointer
        are never followed (R3062)."""
        for part in self.all:
            if part.id and uri == f"#{part.id}":
                return part
        raise Refusal(Reason.SIGNATURE_COVERAGE, "a reference leads to no part of the envelope")

    def tokens(self) -> dict[str, etree._Element]:
        """The BinarySecurityTokens by their Id."""
        return {part.id: part.element for part in self.all if part.place is Place.BINARY_TOKEN and part.id}


def parts_of(root: etree._Element, header: Header) -> Parts:
    """Where everything is in the envelope `root`. Raises Refusal where an Id is there twice."""
    inside = {
        header.dialect.tag("wsse", "UsernameToken"): Place.USERNAME_TOKEN,
        header.dialect.tag("wsse", "BinarySecurityToken"): Place.BINARY_TOKEN,
        f"{{{XENC}}}EncryptedKey": Place.ENCRYPTED_KEY,
    }
    placed = [(root, Place.ENVELOPE)]
    placed += [(body, Place.BODY) for body in root.iterchildren(f"{{{SOAP}}}Body")]
    placed += [(stamp, Place.TIMESTAMP) for stamp in header.stamps]
    placed += [(part, inside[str(part.tag)]) for part in header.security.iterchildren(*inside)]
    blocks = [block for parent in root.iterchildren(f"{{{SOAP}}}Header") for block in parent.iterchildren("*")]
    placed += [(block, Place.HEADER_BLOCK) for block in blocks if block not in header.stamps and block.tag not in SECURITY]
    names = _names(root)
    return Parts(tuple(Part(element, place, *names.get(element, ("", None))) for element, place in placed))


def _names(root: etree._Element) -> dict[etree._Element, tuple[str, str | None]]:
    """Each element's Id and the namespace of the attribute, where it is one of ours. Raises Refusal for one that is there
    twice, whatever the attribute is called."""
    seen: set[str] = set()
    found: dict[etree._Element, tuple[str, str | None]] = {}
    for owner in root.iter("*"):  # not XPath: it sorts what it finds, and takes the square of their number
        for key, value in owner.items():
            namespace, _, local = str(key)[1:].rpartition("}") if key[0] == "{" else ("", "", str(key))
            if local not in _IDS or (not namespace and str(owner.tag).startswith(_SERVICE)):
                continue
            name = str(value)
            if name in seen or owner in found:
                raise Refusal(Reason.ID_REPEATED)
            if not _NAME.fullmatch(name):
                raise Refusal(Reason.SIGNATURE_COVERAGE, "an Id is not a name")
            seen.add(name)
            if key in _OURS:
                found[owner] = name, namespace or None
    return found
