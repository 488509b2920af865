"""The shape of a message's header: which blocks are ours, and of each part exactly these children, with plain text.

Strict on purpose: what is not looked at here cannot be smuggled past the checks that follow.
"""

from collections.abc import Collection
from dataclasses import dataclass

from lxml import etree

from meterpost.wsse.dialects import SECURITY, TIMESTAMP, Dialect, observed
from meterpost.wsse.verdict import Reason, Refusal
from meterpost_wsdl.names import ACTOR_NEXT, SOAP


@dataclass(frozen=True, slots=True)
class Header:
    """What an envelope says to us about its security. `stamps` are the Timestamps, in Security or beside it."""

    security: etree._Element
    stamps: list[etree._Element]
    dialect: Dialect


def header_of(root: etree._Element) -> Header:
    """The one Security header of the envelope `root` for this receiver: without actor, or for the next one (SOAP 1.1,
    4.2.2). Only the header blocks are looked at. Raises Refusal where there is none, or more than one."""
    blocks = [block for header in root.iterchildren(f"{{{SOAP}}}Header") for block in header.iterchildren("*")]
    actors = [block.get(f"{{{SOAP}}}actor") for block in blocks if block.tag in SECURITY]
    blocks = [block for block in blocks if block.get(f"{{{SOAP}}}actor") in (None, ACTOR_NEXT)]
    found = [block for block in blocks if block.tag in SECURITY]
    if len(found) > 1 or len(set(actors)) < len(actors):
        raise Refusal(Reason.MANY_SECURITY)
    if not found:
        raise Refusal(Reason.NO_SECURITY)
    stamps = [element for element in (*blocks, *found[0].iterchildren("*")) if element.tag in TIMESTAMP]
    return Header(found[0], stamps, observed(found[0], stamps))


def children(
    parent: etree._Element,
    reason: Reason,
    required: Collection[str],
    optional: Collection[str] = (),
    ignored: Collection[str] = (),
) -> dict[str, etree._Element]:
    """The children of `parent` by tag. Raises Refusal(`reason`) where one is missing, repeated or unexpected."""
    found: dict[str, etree._Element] = {}
    for child in parent.iterchildren("*"):
        tag = str(child.tag)
        if tag in ignored:
            continue
        if tag in found:
            raise Refusal(reason, f"{local(parent)} has more than one {local(child)}")
        if tag not in required and tag not in optional:
            raise Refusal(reason, f"{local(parent)} has an unexpected child")
        found[tag] = child
    for tag in required:
        if tag not in found:
            raise Refusal(reason, f"{local(parent)} has no {etree.QName(tag).localname}")
    return found


def text(element: etree._Element, reason: Reason) -> str:
    """The text of `element`. Raises Refusal(`reason`) where there is more than text: a comment splits it in two."""
    if len(element):
        raise Refusal(reason, f"{local(element)} holds more than text")
    return element.text or ""


def local(element: etree._Element) -> str:
    return etree.QName(element).localname
