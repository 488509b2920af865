"""The algorithms as data: what is accepted, for which keys, and why the rest is not.

A name is looked up for the kind of key the trust store gave, never the other way round: a message that says "HMAC" cannot
turn a public key into a shared secret.
"""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

_DSIG = "http://www.w3.org/2000/09/xmldsig#"
_MORE = "http://www.w3.org/2001/04/xmldsig-more#"

EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
"""Canonicalisation: BSP R5404. The inclusive one lets the surroundings of a part into its digest."""

ENVELOPED = f"{_DSIG}enveloped-signature"
"""Only where the signature lies within what it covers: a reference to the whole envelope."""

SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"


class KeyKind(Enum):
    """What signs; the value is the one SignatureMethod that goes with it."""

    P256 = f"{_MORE}ecdsa-sha256"
    RSA = f"{_MORE}rsa-sha256"
    SECRET = f"{_MORE}hmac-sha256"


_SHA1 = "SHA-1 collides since 2017 (Stevens et al., SHAttered): two texts can have one signature"
_XPATH = "a transform that selects or computes signs something else than what is acted upon (McIntosh and Austel, 2005)"
_CBC = "CBC without authentication is a decryption oracle (Jager and Somorovsky, 2011)"

REFUSED: Mapping[str, str] = MappingProxyType(
    {
        f"{_DSIG}rsa-sha1": _SHA1,
        f"{_DSIG}dsa-sha1": _SHA1,
        f"{_DSIG}hmac-sha1": _SHA1,
        f"{_MORE}ecdsa-sha1": _SHA1,
        f"{_DSIG}sha1": _SHA1,
        f"{_MORE}rsa-md5": "MD5 has been broken since 2004",
        f"{_MORE}md5": "MD5 has been broken since 2004",
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315": "inclusive canonicalisation depends on where a part stands (R5404)",
        "http://www.w3.org/2001/10/xml-exc-c14n#WithComments": "comments are nobody's message here, and are not read",
        "http://www.w3.org/TR/1999/REC-xslt-19991116": "a style sheet from a message would be a program from a message",
        "http://www.w3.org/TR/1999/REC-xpath-19991116": _XPATH,
        "http://www.w3.org/2002/06/xmldsig-filter2": _XPATH,
        f"{_DSIG}base64": _XPATH,
        "http://www.w3.org/2001/04/xmlenc#aes128-cbc": _CBC,
        "http://www.w3.org/2001/04/xmlenc#aes256-cbc": _CBC,
        "http://www.w3.org/2001/04/xmlenc#tripledes-cbc": _CBC,
        "http://www.w3.org/2001/04/xmlenc#rsa-1_5": "its padding is a decryption oracle (Bleichenbacher, 1998)",
    }
)
"""What peers are known to send and is not taken, with the reason for our journal. Whatever stands in neither list is
refused without one."""


def why_not(uri: str) -> str:
    """For the detail of a refusal; '' for an algorithm nobody here has heard of."""
    return REFUSED.get(uri, "")
