"""Signature wrapping: the signed element is kept where the verifier finds it, another one stands where it is acted upon.

McIntosh and Austel 2005 found it, Somorovsky et al. 2012 numbered eight shapes (XSW1 to XSW8) for documents with one signed
element; here the signed element is a Body, a Timestamp, a UsernameToken or the whole Envelope.
"""

import copy

from attack_case import Attack, Case, Loot, Reason, Soap
from attack_tools import SOAP, WSU, Element, Parts, edit, evil, named, octets, spoil, then, tree
from lxml import etree

SIGNED, TOKEN, WHOLE = "signed", "digest+signed", "compact-signed"
_AUSTEL, _SOMOROVSKY = "McIntosh & Austel 2005", "Somorovsky et al. 2012"
_COVERAGE, _REPEATED, _UNSUPPORTED = Reason.SIGNATURE_COVERAGE, Reason.ID_REPEATED, Reason.PART_UNSUPPORTED
_MALFORMED, _POLICY = Reason.SIGNATURE_MALFORMED, Reason.POLICY_REFUSED
ID = f"{{{WSU}}}Id"


def unnamed(element: Element) -> Element:
    """Without its Id, whatever the dialect calls it."""
    for name in [name for name in element.attrib if etree.QName(name).localname == "Id"]:
        del element.attrib[name]
    return element


def moved(to: str, ids: str | None = None, what: str = "Body") -> Attack:
    """The signed `what` goes into the place `to`, an evil copy takes its place, with the Id `ids` (None: without one)."""

    def change(parts: Parts, _: Loot) -> None:
        signed = parts.find(what)
        forged = unnamed(evil(signed))
        if ids is not None:
            forged.set(ID, ids)
        signed.getparent().replace(signed, forged)
        hidden(parts, to).append(signed)

    return tree(change)


def hidden(parts: Parts, place: str) -> Element:
    """An element at `place` that holds what is hidden."""
    if place == "Header":
        return named("Wrapper", parts.header, parts.body[0])
    if place == "Security":
        return named("Wrapper", parts.security, parts.body[0])
    if place == "BinarySecurityToken":
        return named("BinarySecurityToken", parts.security, parts.security)
    if place == "Object":
        return named("Object", parts.signature, parts.signature)
    if place == "SignedInfo":
        return named("Object", parts.signature[0], parts.signature)
    if place == "KeyInfo":
        return parts.find("Header/Security/Signature/KeyInfo")
    if place == "Body":
        return named("Wrapper", parts.body, parts.body[0])
    if place == "operation":
        return named("Wrapper", parts.body[0], parts.body[0])
    if place == "another's Security":
        other = copy.deepcopy(parts.security)
        other[:] = []
        other.set(f"{{{SOAP}}}actor", "urn:else")
        parts.header.append(other)
        return other
    assert place == "Envelope"
    return parts.root


def twin(before: bool, same: bool) -> Attack:
    """An evil Body beside the signed one."""

    def change(parts: Parts, _: Loot) -> None:
        forged = evil(parts.body)
        if not same:
            forged.set(ID, "X")
        (parts.body.addprevious if before else parts.body.addnext)(forged)

    return tree(change)


def spelled(name: str, value: str = "B") -> Attack:
    """The signed Body is hidden in the Header; the evil one has the same Id in another spelling."""

    def change(parts: Parts, _: Loot) -> None:
        parts.body.set(name, value)

    return then(moved("Header"), tree(change))


def timestamp(place: str) -> Attack:
    """The signed Timestamp is hidden, and a new one stands where it is looked for."""

    def change(parts: Parts, loot: Loot) -> None:
        signed = parts.stamp
        fresh = unnamed(copy.deepcopy(signed))
        fresh[0].text = f"{loot.now:%Y-%m-%dT%H:%M:%S}.5Z"
        signed.getparent().replace(signed, fresh)
        hidden(parts, place).append(signed)

    return tree(change)


def token(parts: Parts, loot: Loot) -> None:
    """The signed UsernameToken hidden, and one of the attacker's, with his own account, where it is looked for."""
    signed = parts.find("Header/Security/UsernameToken")
    forged = unnamed(copy.deepcopy(signed))
    signed.getparent().replace(signed, forged)
    hidden(parts, "Header").append(signed)


def identified(count: int) -> Attack:
    """A header block with so many Ids, each another one, in all spellings by turns."""
    spellings = ("Id", "ID", "id", "AssertionID", "xml:id")
    inner = "".join(f'<e:e {spellings[number % len(spellings)]}="i{number}"/>' for number in range(count))
    return edit(("<s:Header>", f'<s:Header><e:e xmlns:e="urn:evil">{inner}</e:e>'))


def enveloped(place: str, name: str | None) -> Attack:
    """The signed Envelope lies in `place` of another, whose Id is `name`; the signature stands in the Security header."""

    def change(message: bytes, loot: Loot) -> bytes:
        inner = etree.fromstring(message)
        outer = Parts(unnamed(evil(inner)))
        if name is not None:
            outer.root.set(ID, name)
        signature = Parts(inner).signature
        outer.security.replace(outer.signature, signature)
        hidden(outer, place).append(inner)
        return etree.tostring(outer.root)

    return change


CASES = (
    Case("XSW-01", "The signed Body moved into a header block, an evil one without Id in its place", f"{_AUSTEL}, 4.1", SIGNED,
         moved("Header"), _COVERAGE),
    Case("XSW-02", "The same, the evil Body with an Id of its own", f"{_AUSTEL}, 4.1", SIGNED, moved("Header", "X"),
         _COVERAGE),
    Case("XSW-03", "The same, the evil Body with the very Id that was signed", f"{_SOMOROVSKY}, XSW7", SIGNED,
         moved("Header", "B"), _REPEATED),
    Case("XSW-04", "The signed Body moved into an unknown element of the Security header", f"{_AUSTEL}, 4.3", SIGNED,
         moved("Security"), _UNSUPPORTED),
    Case("XSW-05", "The signed Body moved into a token of the Security header", f"{_AUSTEL}, 4.3", SIGNED,
         moved("BinarySecurityToken"), _COVERAGE),
    Case("XSW-06", "The signed Body moved into an Object of the signature", f"{_SOMOROVSKY}, XSW8; BSP R3102", SIGNED,
         moved("Object"), _MALFORMED),
    Case("XSW-07", "The same, with the same Id on the evil Body", f"{_SOMOROVSKY}, XSW6", SIGNED, moved("Object", "B"),
         _REPEATED),
    Case("XSW-08", "The signed Body moved into SignedInfo", f"{_SOMOROVSKY}, XSW5", SIGNED, moved("SignedInfo"), _MALFORMED),
    Case("XSW-09", "The signed Body moved into KeyInfo", f"{_SOMOROVSKY}, XSW6", SIGNED, moved("KeyInfo"), _COVERAGE),
    Case("XSW-10", "The signed Body moved into the evil Body", f"{_SOMOROVSKY}, XSW4", SIGNED, moved("Body"), Soap.CLIENT,
         alone=_COVERAGE),
    Case("XSW-11", "The signed Body moved into the evil operation", f"{_SOMOROVSKY}, XSW4", SIGNED, moved("operation"),
         Soap.CLIENT, alone=_COVERAGE),
    Case("XSW-12", "The signed Body behind the evil one (sibling order)", f"{_SOMOROVSKY}, XSW3; {_AUSTEL}, 4.2", SIGNED,
         moved("Envelope"), Soap.CLIENT, alone=Reason.PART_REPEATED),
    Case("XSW-13", "An evil Body before the signed one, with another Id", f"{_SOMOROVSKY}, XSW3", SIGNED, twin(True, False),
         Soap.CLIENT, alone=Reason.PART_REPEATED),
    Case("XSW-14", "An evil Body behind the signed one, with another Id", f"{_AUSTEL}, 4.2; R1011", SIGNED, twin(False, False),
         Soap.CLIENT, alone=Reason.PART_REPEATED),
    Case("XSW-15", "An evil Body before the signed one, with the same Id", f"{_SOMOROVSKY}, XSW3", SIGNED, twin(True, True),
         Soap.CLIENT, alone=_REPEATED),
    Case("XSW-16", "An evil Body behind the signed one, with the same Id", f"{_SOMOROVSKY}, XSW3", SIGNED, twin(False, True),
         Soap.CLIENT, alone=_REPEATED),
    Case("XSW-17", "The signed Body in a Security header for another actor", f"{_AUSTEL}, 4.3; SOAP 1.1, 4.2.2", SIGNED,
         moved("another's Security"), _COVERAGE),
    Case("XSW-18", "The signed Timestamp moved into a header block, a fresh one in its place", f"{_AUSTEL}, 4.4", SIGNED,
         timestamp("Header"), _COVERAGE),
    Case("XSW-19", "The signed Timestamp in a Security header for another actor, a fresh one in ours", f"{_AUSTEL}, 4.4",
         SIGNED, timestamp("another's Security"), _COVERAGE),
    Case("XSW-20", "The signed Timestamp in an Object of the signature, a fresh one in its place", f"{_SOMOROVSKY}, XSW8",
         SIGNED, timestamp("Object"), _MALFORMED),
    Case("XSW-21", "The signed Timestamp moved into a header block, in the draft's order", f"{_AUSTEL}, 4.4", "signed-2002",
         timestamp("Header"), _COVERAGE),
    Case("XSW-22", "The signed UsernameToken moved into a header block, an unsigned one in its place", f"{_AUSTEL}, 4.4",
         TOKEN, tree(token), _COVERAGE),
    Case("XSW-23", "The signed Body of an HMAC moved into a header block", f"{_AUSTEL}, 4.1", "hmac", moved("Header"),
         _COVERAGE),
    Case("XSW-24", "The signed, encrypted Body moved into a header block, another one in its place",
         f"{_AUSTEL}, 4.1; " "Jager & Somorovsky 2011, 6", "signed+encrypted", moved("Header"), _REPEATED),
    Case("XSW-25", "The signed Envelope in a header block of an evil one", f"{_SOMOROVSKY}, XSW1", WHOLE,
         enveloped("Header", None), _POLICY),
    Case("XSW-26", "The same, the evil Envelope with the same Id", f"{_SOMOROVSKY}, XSW2", WHOLE, enveloped("Header", "E"),
         _REPEATED),
    Case("XSW-27", "The same, the evil Envelope with an Id of its own", f"{_SOMOROVSKY}, XSW2", WHOLE,
         enveloped("Header", "X"), _POLICY),
    Case("XSW-28", "The signed Envelope in the evil one's Body", f"{_SOMOROVSKY}, XSW4", WHOLE, enveloped("Body", "E"),
         Soap.CLIENT, alone=_REPEATED),
    Case("XSW-29", "The signed Envelope in an Object of the signature that the enveloped transform takes out",
         f"{_SOMOROVSKY}, XSW1; XML Signature, 6.6.4", WHOLE, enveloped("Object", "E"), _REPEATED),
    Case("XSW-30", "The signed Envelope as a child of the evil one", f"{_SOMOROVSKY}, XSW5", WHOLE, enveloped("Envelope", "E"),
         Soap.CLIENT, alone=_REPEATED),
    Case("XSW-31", "The evil Body in the signature, which the enveloped transform takes out of what is digested",
         "XML Signature, 6.6.4; Jensen et al. 2011", WHOLE,
         tree(lambda parts, _: hidden(parts, "Object").append(evil(parts.body))), _MALFORMED),
    Case("IDS-01", "The evil Body has the signed Id as Id without namespace", f"{_AUSTEL}, 4; SAML 1.1", SIGNED, spelled("Id"),
         _REPEATED),
    Case("IDS-02", "The evil Body has the signed Id as ID", "SAML 2.0, 1.3.4", SIGNED, spelled("ID"), _REPEATED),
    Case("IDS-03", "The evil Body has the signed Id as id", f"{_AUSTEL}, 4", SIGNED, spelled("id"), _REPEATED),
    Case("IDS-04", "The evil Body has the signed Id as xml:id", "xml:id 1.0, 4", SIGNED,
         spelled("{http://www.w3.org/XML/1998/namespace}id"), _REPEATED),
    Case("IDS-05", "The evil Body has the signed Id as wsu:Id of a draft", f"{_AUSTEL}, 4", SIGNED,
         spelled("{http://schemas.xmlsoap.org/ws/2002/07/utility}Id"), _REPEATED),
    Case("IDS-06", "The evil Body has the signed Id as AssertionID", "SAML 1.1, 2.3.2", SIGNED, spelled("AssertionID"),
         _REPEATED),
    Case("IDS-07", "The evil Body has the signed Id as xml:id, with blanks a reader takes away", "xml:id 1.0, 4", SIGNED,
         spelled("{http://www.w3.org/XML/1998/namespace}id", " B "), _COVERAGE),
    Case("IDS-08", "The signed Id a second time on a header block, before the signed Body", f"{_AUSTEL}, 4", SIGNED,
         tree(lambda parts, _: named("Wrapper", parts.header, parts.body[0], **{ID: "B"})), _REPEATED),
    Case("IDS-09", "One element with two Ids, the signed one and another", f"{_AUSTEL}, 4", SIGNED,
         then(moved("Header", "X"), tree(lambda parts, _: parts.body.set("Id", "B"))), _REPEATED),
    Case("IDS-10", "Sixty thousand Ids, in five spellings, to be sorted and compared each with each", "CWE-407", SIGNED,
         then(identified(60_000), octets(spoil)), Reason.SIGNATURE_WRONG),
    Case("IDS-11", "Sixty thousand Ids, and the signed one once more behind them", "CWE-407; McIntosh & Austel 2005, 4", SIGNED,
         then(identified(60_000), tree(lambda parts, _: named("Wrapper", parts.header, parts.body[0], **{ID: "B"}))),
         _REPEATED),
    Case("IDS-12", "Sixty thousand Ids before the whole envelope, which all are signed", "CWE-407", WHOLE,
         then(identified(60_000), octets(spoil)), Reason.SIGNATURE_WRONG),
    Case("NSI-01", "A foreign namespace bound to the prefix of the envelope: an evil Body that looks like one",
         "Jensen et al. 2009 (namespace injection)", SIGNED,
         tree(lambda parts, _: parts.header.append(etree.fromstring(f'<s:Body xmlns:s="urn:evil" xmlns:u="{WSU}" u:Id="B"/>'))),
         _REPEATED),
    Case("NSI-02", "The signed Body in a foreign namespace of the same prefix", "Jensen et al. 2009 (namespace injection)",
         SIGNED, lambda m, _: etree.tostring(etree.fromstring(m)).replace(b"<s:Body", b'<s:Body xmlns:s="urn:evil"'),
         Soap.CLIENT, alone=_COVERAGE),
    Case("NSI-03", "Another namespace for the payload's prefix", "Jensen et al. 2009 (namespace injection)", SIGNED,
         lambda m, _: m.replace(b"<s:Body", b'<s:Body xmlns:m="urn:evil"'), Soap.CLIENT, alone=Reason.SIGNATURE_WRONG),
    Case("NSI-04", "The payload's default namespace taken away by the surroundings", "Jensen et al. 2009; Exclusive C14N, 3",
         SIGNED, tree(lambda parts, _: inclusive(parts, "#default m")), Reason.SIGNATURE_WRONG),
    Case("NSI-05", "A list of prefixes of a million letters", "Exclusive C14N, 4; CWE-400", SIGNED,
         tree(lambda parts, _: inclusive(parts, "m " * 500_000)), _MALFORMED),
)  # fmt: skip


def inclusive(parts: Parts, prefixes: str) -> None:
    """A PrefixList in the first reference's transform."""
    uri = "http://www.w3.org/2001/10/xml-exc-c14n#"
    transform = parts.find("//Transform")
    etree.SubElement(transform, f"{{{uri}}}InclusiveNamespaces", PrefixList=prefixes)
