"""The shape of a part of the header: exactly these children, each once, each with plain text.

Strict on purpose: what is not looked at here cannot be smuggled past the checks that follow.
"""

from collections.abc import Collection

from lxml import etree

from meterpost.wsse.verdict import Reason, Refusal


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
