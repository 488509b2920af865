"""The dialects of WS-Security as data: namespaces, how attribute values are spelled, where the Timestamp stands.

Peers mixed the namespaces of different drafts, so wsse and wsu are looked up independently of each other.
Names are compared by namespace; the text of a prefix must never decide anything.
"""

from dataclasses import dataclass

from lxml import etree

_MICROSOFT = "http://schemas.xmlsoap.org/ws/"
_OASIS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"

# date: (wsse, wsu). The dates up to 2003/06 are drafts, "2002/xx" stood in the drafts' own text.
NAMESPACES = {
    "2002/xx": (f"{_MICROSOFT}2002/xx/secext", f"{_MICROSOFT}2002/xx/utility"),
    "2002/07": (f"{_MICROSOFT}2002/07/secext", f"{_MICROSOFT}2002/07/utility"),
    "2002/12": (f"{_MICROSOFT}2002/12/secext", f"{_MICROSOFT}2002/12/utility"),
    "2003/06": (f"{_MICROSOFT}2003/06/secext", f"{_MICROSOFT}2003/06/utility"),
    "2004/01": (f"{_OASIS}wssecurity-secext-1.0.xsd", f"{_OASIS}wssecurity-utility-1.0.xsd"),
}

DS = "http://www.w3.org/2000/09/xmldsig#"
XENC = "http://www.w3.org/2001/04/xmlenc#"
WSSE11 = "http://docs.oasis-open.org/wss/oasis-wss-wssecurity-secext-1.1.xsd"
"""The namespaces of signatures, of encryption, and of what came with WSS 1.1: the same in every dialect."""

# Attribute values: drafts write the QName wsse:<term>, the standard these URIs.
_URIS = {
    "PasswordText": f"{_OASIS}username-token-profile-1.0#PasswordText",
    "PasswordDigest": f"{_OASIS}username-token-profile-1.0#PasswordDigest",
    "Base64Binary": f"{_OASIS}soap-message-security-1.0#Base64Binary",
    "UsernameToken": f"{_OASIS}username-token-profile-1.0#UsernameToken",
    "X509v3": f"{_OASIS}x509-token-profile-1.0#X509v3",
    "X509SubjectKeyIdentifier": f"{_OASIS}x509-token-profile-1.0#X509SubjectKeyIdentifier",
    "ThumbprintSHA1": "http://docs.oasis-open.org/wss/oasis-wss-soap-message-security-1.1#ThumbprintSHA1",
    "EncryptedKeySHA1": "http://docs.oasis-open.org/wss/oasis-wss-soap-message-security-1.1#EncryptedKeySHA1",
}
_TERMS = {uri: term for term, uri in _URIS.items()}

WSSE_PREFIX, WSU_PREFIX = "w", "u"
"""Prefixes we write. One letter, for every octet counts against the budget."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """One pair of namespaces. `timestamp_beside`: the Timestamp is a header block beside Security, not in it."""

    wsse: str
    wsu: str
    timestamp_beside: bool

    @property
    def draft(self) -> bool:
        """Whether values are QNames and may be left out (all drafts) or URIs that WS-I BSP requires (the standard)."""
        return self.wsse != NAMESPACES["2004/01"][0]

    def tag(self, family: str, name: str) -> str:
        """The element `name` of the namespace `family` (`wsse` or `wsu`) as lxml names it."""
        return f"{{{self.wsse if family == 'wsse' else self.wsu}}}{name}"

    def spell(self, term: str) -> str:
        """`term` (`PasswordDigest`, ...) as an attribute value."""
        return f"{WSSE_PREFIX}:{term}" if self.draft else _URIS[term]

    def term(self, element: etree._Element, attribute: str) -> str | None:
        """The term an attribute of `element` means: None where it is absent, '' where it is no term of this dialect."""
        value = element.get(attribute)
        if value is None:
            return None
        if not self.draft:
            return _TERMS.get(value.replace("http://www.docs.oasis-open.org/", "http://docs.oasis-open.org/", 1), "")
        prefix, _, name = value.rpartition(":")
        return name if element.nsmap.get(prefix or None) == self.wsse and name in _URIS else ""


DRAFT_2002 = Dialect(*NAMESPACES["2002/07"], timestamp_beside=True)
OASIS_2004 = Dialect(*NAMESPACES["2004/01"], timestamp_beside=False)

SECURITY = {f"{{{wsse}}}Security": date for date, (wsse, _) in NAMESPACES.items()}
TIMESTAMP = {f"{{{wsu}}}Timestamp": wsu for _, wsu in NAMESPACES.values()}
UNDERSTOOD = frozenset(SECURITY) | frozenset(TIMESTAMP)
"""Header blocks this room understands, as lxml names them: for a receiver's mustUnderstand check."""


def observed(security: etree._Element, stamps: list[etree._Element]) -> Dialect:
    """The dialect of a message, told by its Security header and its Timestamp; without one, by the header's own date."""
    wsse, wsu = NAMESPACES[SECURITY[str(security.tag)]]
    if not stamps:
        return Dialect(wsse, wsu, timestamp_beside=wsse != OASIS_2004.wsse)
    return Dialect(wsse, TIMESTAMP[str(stamps[0].tag)], timestamp_beside=stamps[0].getparent() is not security)
