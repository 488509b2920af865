"""Which row of the policy table a message follows, told by what stands in its header. Nothing is verified here."""

from collections.abc import Mapping
from dataclasses import replace

from lxml import etree

from meterpost.wsse import username
from meterpost.wsse.dialects import DS, TIMESTAMP, XENC, Dialect
from meterpost.wsse.policy import ROWS, Acceptance, Password, Policy
from meterpost.wsse.shape import Header, local
from meterpost.wsse.verdict import Reason, Refusal
from meterpost_wsdl.names import SOAP

SIGNATURE, ENCRYPTED_KEY, LIST = f"{{{DS}}}Signature", f"{{{XENC}}}EncryptedKey", f"{{{XENC}}}ReferenceList"
_ENCRYPTED_DATA = f"{{{XENC}}}EncryptedData"
_MOST_TOKENS = 4
"""BinarySecurityTokens in one header; some toolkits send the certificate they sign with and the one they encrypt to."""


def elements_of(header: Header) -> dict[str, etree._Element]:
    """The children of the Security header, and the Timestamp beside it, by tag: each once and nothing else."""
    if len(header.stamps) > 1:  # R3227, whatever their namespaces and places
        raise Refusal(Reason.PART_REPEATED, "more than one Timestamp")
    tag = header.dialect.tag
    known = {tag("wsu", "Timestamp"), tag("wsse", "UsernameToken"), SIGNATURE, ENCRYPTED_KEY, LIST}
    found: dict[str, etree._Element] = {}
    tokens = 0
    for element in (*header.stamps, *(e for e in header.security.iterchildren("*") if e.tag not in TIMESTAMP)):
        name = str(element.tag)
        if name == tag("wsse", "BinarySecurityToken") and tokens < _MOST_TOKENS:
            tokens += 1
        elif name not in known:
            algorithm = etree.QName(element).namespace in (DS, XENC)
            raise Refusal(Reason.ALGORITHM_UNSUPPORTED if algorithm else Reason.PART_UNSUPPORTED)
        elif name in found:
            raise Refusal(Reason.PART_REPEATED, f"more than one {local(element)}")
        else:
            found[name] = element
    return found


def policy_of(root: etree._Element, header: Header, elements: Mapping[str, etree._Element], accept: Acceptance) -> Policy:
    """The row, in the message's own dialect. Raises Refusal for one that is not accepted, or is none."""
    dialect = header.dialect
    token = elements.get(dialect.tag("wsse", "UsernameToken"))
    password = None if token is None else username.kind(token, dialect)
    signed = SIGNATURE in elements
    whole = signed and _covers_all(root, elements[SIGNATURE])
    encrypted = bool({ENCRYPTED_KEY, LIST} & set(elements)) or root.find(f"{{{SOAP}}}Body/{_ENCRYPTED_DATA}") is not None
    row = ROWS.get((dialect.draft, password, signed, whole, encrypted))
    if row is not None and row.name in accept.policies:
        return replace(row, dialect=dialect)
    if token is None and not signed:
        raise Refusal(Reason.PART_MISSING, "neither UsernameToken nor Signature")
    if password is Password.TEXT:
        raise Refusal(Reason.DIGEST_REQUIRED, "Password is not of type PasswordDigest")
    raise Refusal(Reason.POLICY_REFUSED, f"{row.name} is not accepted" if row else "no policy has these parts together")


def plain(dialect: Dialect) -> Policy:
    """The first row of the dialect's era: a refusal of what follows no row is written with it."""
    return next(row for row in ROWS.values() if row.dialect.draft == dialect.draft)


def _covers_all(root: etree._Element, signature: etree._Element) -> bool:
    """Whether a reference leads to the whole envelope, by any Id it has."""
    ids = {f"#{value!s}" for name, value in root.items() if etree.QName(str(name)).localname == "Id"}
    return any(reference.get("URI") in ids for reference in signature.iterfind(f"{{{DS}}}SignedInfo/{{{DS}}}Reference"))
