"""Signatures: made, and verified. The only importer of xmlsec.

A signature holds here only if every reference leads to a part of the envelope by its position, with the algorithms and
transforms of the table and a key from the trust store. xmlsec is called only after all that, for it would open any URI
and run any transform it is given.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import xmlsec
from lxml import etree

from meterpost.errors import SettingsError
from meterpost.wsse import key_names
from meterpost.wsse.algorithms import ENVELOPED, EXCLUSIVE, SHA256, KeyKind, why_not
from meterpost.wsse.coverage import Part, Parts
from meterpost.wsse.dialects import DS, XENC, Dialect
from meterpost.wsse.key_names import KeyName
from meterpost.wsse.policy import Place
from meterpost.wsse.shape import children, local, text
from meterpost.wsse.trust import Identity, Trusted, kind_of, loaded
from meterpost.wsse.verdict import Reason, Refusal

MOST_REFERENCES = 8
COORDINATE = 32
"""Octets of r and of s (RFC 4050, 3.3)."""

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_PREFIXES = 200
"""Characters of an InclusiveNamespaces PrefixList; peers write a dozen prefixes."""


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature taken apart, its shape in order, nothing verified yet. `name` is how it names its key; a `str` is the Id of
    a UsernameToken. `value` is decoded."""

    element: etree._Element
    method: str
    parts: tuple[Part, ...]
    name: KeyName | str
    value: bytes

    @property
    def covered(self) -> tuple[Place, ...]:
        """By position, in the order of the references."""
        return tuple(part.place for part in self.parts)


# --- writing ---------------------------------------------------------------------------------------------


def sign(parts: Iterable[Part], security: etree._Element, dialect: Dialect, identity: Identity, named: bool) -> None:
    """Adds a signature over `parts` by the identity's key to the Security header; with `named`, KeyInfo names the
    certificate by issuer and serial. Raises SettingsError for a key that cannot sign here."""
    pair = identity.key
    if pair is None:
        raise SettingsError("security.policy asks for a signature, and there is no key to sign with", "See 'meterpost keys'.")
    certificate = loaded(pair.certificate)
    kind = kind_of(certificate)
    if kind is None:
        raise SettingsError(
            "the certificate's key is neither P-256 nor RSA of 2048 bits or more", "Ask for another certificate."
        )
    try:
        key = xmlsec.Key.from_memory(pair.private_key, xmlsec.constants.KeyDataFormatPem)
    except xmlsec.Error:
        raise SettingsError("the private key is not a PEM file without passphrase", "Import it again.") from None
    _sign(parts, security, kind, key, key_names.write(certificate, dialect) if named else None)


def sign_with_secret(parts: Iterable[Part], security: etree._Element, dialect: Dialect, secret: bytes, token: str) -> None:
    """The same with HMAC; KeyInfo points to the UsernameToken whose Id is `token`."""
    pointer = etree.Element(dialect.tag("wsse", "SecurityTokenReference"))
    kind = dialect.spell("UsernameToken")
    etree.SubElement(pointer, dialect.tag("wsse", "Reference"), URI=f"#{token}", ValueType=kind)
    key = xmlsec.Key.from_binary_data(xmlsec.constants.KeyDataHmac, secret)
    _sign(parts, security, KeyKind.SECRET, key, pointer)


def _sign(
    parts: Iterable[Part], security: etree._Element, kind: KeyKind, key: xmlsec.Key, pointer: etree._Element | None
) -> None:
    covered = tuple(parts)
    prefix = None if pointer is None else "d"  # without KeyInfo nothing else is in there: each octet less is more address
    signature = etree.SubElement(security, _ds("Signature"), nsmap={prefix: DS})  # type: ignore[dict-item]  # its stubs know no default
    for encrypted in security.iterchildren(f"{{{XENC}}}*"):  # receivers work from front to back (R3212): check, then decrypt
        encrypted.addprevious(signature)
    info = etree.SubElement(signature, _ds("SignedInfo"))
    etree.SubElement(info, _ds("CanonicalizationMethod"), Algorithm=EXCLUSIVE)
    etree.SubElement(info, _ds("SignatureMethod"), Algorithm=kind.value)
    for part in covered:
        reference = etree.SubElement(info, _ds("Reference"), URI=f"#{part.id}")
        transforms = etree.SubElement(reference, _ds("Transforms"))
        for transform in _transforms(part.place):
            etree.SubElement(transforms, _ds("Transform"), Algorithm=transform)
        etree.SubElement(reference, _ds("DigestMethod"), Algorithm=SHA256)
        etree.SubElement(reference, _ds("DigestValue"))
    value = etree.SubElement(signature, _ds("SignatureValue"))
    if pointer is not None:
        etree.SubElement(signature, _ds("KeyInfo")).append(pointer)
    _context(covered, key).sign(signature)
    value.text = "".join((value.text or "").split())  # xmlsec breaks lines, and every octet counts


def _transforms(place: Place) -> tuple[str, ...]:
    return (ENVELOPED, EXCLUSIVE) if place is Place.ENVELOPE else (EXCLUSIVE,)


# --- reading ---------------------------------------------------------------------------------------------


def read(element: etree._Element, parts: Parts, dialect: Dialect) -> Signature:
    """The signature `element` taken apart. Raises Refusal for whatever this room would not sign itself."""
    malformed = Reason.SIGNATURE_MALFORMED
    # No Object, so no Manifest (R5403) and nothing enveloped (R3102).
    outer = _children(element, ["SignedInfo", "SignatureValue"], ["KeyInfo"])
    info = children(
        outer["SignedInfo"], malformed, [_ds("CanonicalizationMethod"), _ds("SignatureMethod")], ignored=[_ds("Reference")]
    )
    _demand(info[_ds("CanonicalizationMethod")], EXCLUSIVE)  # R5404
    method = info[_ds("SignatureMethod")].get("Algorithm", "")
    _demand(info[_ds("SignatureMethod")], *(kind.value for kind in KeyKind))
    references = outer["SignedInfo"].findall(_ds("Reference"))
    if not 0 < len(references) <= MOST_REFERENCES:
        raise Refusal(Reason.SIGNATURE_COVERAGE, f"not one to {MOST_REFERENCES} references")
    covered = tuple(_reference(reference, parts) for reference in references)
    if len({part.id for part in covered}) < len(covered):
        raise Refusal(Reason.SIGNATURE_COVERAGE, "two references lead to the same part")
    return Signature(element, method, covered, _name(outer.get("KeyInfo"), parts, dialect), _value(outer["SignatureValue"]))


def _reference(reference: etree._Element, parts: Parts) -> Part:
    """The part a Reference leads to, its transforms and its digest being those of the table."""
    if set(map(str, reference.attrib)) - {"URI", "Id"}:  # a Type makes it a Manifest's, or a Signature's property
        raise Refusal(Reason.SIGNATURE_MALFORMED, "a Reference with an unexpected attribute")
    part = parts.referred(reference.get("URI"))
    inner = _children(reference, ["Transforms", "DigestMethod", "DigestValue"])  # R5411
    transforms = list(inner["Transforms"].iterchildren("*"))
    for transform in transforms:
        _demand(transform, EXCLUSIVE, ENVELOPED)
    algorithms = tuple(transform.get("Algorithm") for transform in transforms)
    if any(transform.tag != _ds("Transform") for transform in transforms) or algorithms != _transforms(part.place):
        raise Refusal(Reason.SIGNATURE_MALFORMED, f"the transforms are not those of a {part.place}")
    _demand(inner["DigestMethod"], SHA256)
    return part


def _name(key_info: etree._Element | None, parts: Parts, dialect: Dialect) -> KeyName | str:
    """KeyInfo is one SecurityTokenReference (R5402, R5417), or missing: then the receiver knows the sender otherwise."""
    if key_info is None:
        return key_names.Unnamed()
    pointer = dialect.tag("wsse", "SecurityTokenReference")
    return key_names.read(children(key_info, Reason.SIGNATURE_MALFORMED, [pointer])[pointer], dialect, parts.tokens())


def _value(element: etree._Element) -> bytes:
    try:
        return base64.b64decode("".join(text(element, Reason.SIGNATURE_MALFORMED).split()), validate=True)
    except ValueError:
        raise Refusal(Reason.SIGNATURE_WRONG) from None


# --- verifying -------------------------------------------------------------------------------------------


def verify(signature: Signature, candidates: Sequence[Trusted]) -> Trusted:
    """Whose key made the signature: one of `candidates`, which are trusted, named by it, and in force. Raises Refusal."""
    usable = [(candidate, kind_of(candidate.x509)) for candidate in candidates]
    fitting = [candidate for candidate, kind in usable if kind is not None and kind.value == signature.method]
    if usable and not fitting:
        raise Refusal(Reason.ALGORITHM_UNSUPPORTED, "the algorithm is not the one of the key that is trusted")
    if signature.method == KeyKind.P256.value and len(signature.value) != 2 * COORDINATE:
        raise Refusal(Reason.SIGNATURE_WRONG)  # another spelling of the same two numbers would be no replay to `once`
    for candidate in fitting:
        if _holds(signature, candidate.certificate):
            return candidate
    raise Refusal(Reason.SIGNATURE_WRONG)


def verify_with_secret(signature: Signature, secret: bytes) -> None:
    """Raises Refusal unless the signature is the HMAC of exactly this. It is made anew and compared in constant time: a key
    from a salt of the sender's choice could otherwise be probed octet by octet."""
    if signature.method != KeyKind.SECRET.value:
        raise Refusal(Reason.ALGORITHM_UNSUPPORTED, "a shared secret goes with HMAC-SHA256")
    value = _children(signature.element, ["SignedInfo", "SignatureValue"], ["KeyInfo"])["SignatureValue"]
    written = value.text
    try:
        _context(signature.parts, xmlsec.Key.from_binary_data(xmlsec.constants.KeyDataHmac, secret)).sign(signature.element)
        expected = _value(value)
    except xmlsec.Error:
        raise Refusal(Reason.SIGNATURE_WRONG) from None
    finally:
        value.text = written  # a message that is refused must not leave with the right value
    if not hmac.compare_digest(expected, signature.value):
        raise Refusal(Reason.SIGNATURE_WRONG)


def _holds(signature: Signature, certificate: bytes) -> bool:
    key = xmlsec.Key.from_memory(certificate, xmlsec.constants.KeyDataFormatCertPem)
    try:
        _context(signature.parts, key).verify(signature.element)
    except xmlsec.Error:
        return False
    return True


def _context(parts: Iterable[Part], key: xmlsec.Key) -> xmlsec.SignatureContext:
    context = xmlsec.SignatureContext()
    context.key = key
    for part in parts:
        context.register_id(part.element, "Id", part.namespace)
    return context


def once(signature: Signature) -> bytes:
    """What a replay of the signature has in common with it. Of ECDSA (r, s) and (r, n - s) are both good, and anybody can
    make one of the other."""
    return _one_of_two(signature.value) if signature.method == KeyKind.P256.value else signature.value


def _one_of_two(value: bytes) -> bytes:
    r, s = value[:COORDINATE], int.from_bytes(value[COORDINATE:], "big")
    return r + min(s, -s % P256_ORDER).to_bytes(COORDINATE, "big")


def tag(value: bytes) -> str:
    """What an answer names a signature by: 16 hexadecimal digits, the same for both spellings of an ECDSA value."""
    return hashlib.sha256(_one_of_two(value) if len(value) == 2 * COORDINATE else value).hexdigest()[:16]


def tag_of(sealed: bytes) -> str:
    """The tag of the signature in a message of our own; '' without one."""
    found = re.search(rb"SignatureValue>([A-Za-z0-9+/=]+)<", sealed)
    return tag(base64.b64decode(found[1])) if found else ""


def _children(parent: etree._Element, required: Sequence[str], optional: Sequence[str] = ()) -> dict[str, etree._Element]:
    found = children(parent, Reason.SIGNATURE_MALFORMED, [_ds(name) for name in required], [_ds(name) for name in optional])
    return {etree.QName(tag).localname: element for tag, element in found.items()}


def _demand(element: etree._Element, *algorithms: str) -> None:
    """One of the algorithms, without parameters (HMACOutputLength: R5401) but the prefixes exclusive canonicalisation
    takes."""
    algorithm = element.get("Algorithm", "")
    if algorithm not in algorithms:
        because = why_not(algorithm)
        raise Refusal(
            Reason.ALGORITHM_UNSUPPORTED, f"{local(element)} is not one accepted here{f': {because}' if because else ''}"
        )
    prefixes = f"{{{EXCLUSIVE}}}InclusiveNamespaces"
    found = children(element, Reason.SIGNATURE_MALFORMED, [], [prefixes] if algorithm == EXCLUSIVE else [])
    if prefixes in found and len(found[prefixes].get("PrefixList", "")) > _PREFIXES:
        raise Refusal(Reason.SIGNATURE_MALFORMED, "a PrefixList is too long")


def _ds(name: str) -> str:
    return f"{{{DS}}}{name}"
