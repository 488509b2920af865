"""How a message names the key it was signed with or encrypted to: written, read, and held against certificates.

A name chooses among the certificates that are trusted already. Even a certificate that stands in the message is only a
name here: it must be one of them, octet for octet.
"""

import base64
import hashlib
import re
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from lxml import etree

from meterpost.wsse.dialects import DS, OASIS_2004, Dialect
from meterpost.wsse.shape import children, text
from meterpost.wsse.verdict import Reason, Refusal

_BLANKS = re.compile(r"(?<!\\)\s*,\s*")
_LONGEST = 16 * 1024
"""Characters of a certificate in Base64; those of peers have some two thousand."""


@dataclass(frozen=True, slots=True)
class IssuerSerial:
    """The issuer's distinguished name as RFC 4514 writes it (peers differ in blanks and order), and the serial number."""

    issuer: str
    serial: int

    def means(self, certificate: x509.Certificate) -> bool:
        return self.serial == certificate.serial_number and _same_name(self.issuer, certificate.issuer)


@dataclass(frozen=True, slots=True)
class Thumbprint:
    """SHA-1 of the certificate (WSS 1.1, X.509 Token Profile). A name, not a signature: who finds a second certificate for
    it still lacks the key of the first."""

    sha1: bytes

    def means(self, certificate: x509.Certificate) -> bool:
        return certificate.fingerprint(hashes.SHA1()) == self.sha1  # noqa: S303  # the profile leaves no choice


@dataclass(frozen=True, slots=True)
class KeyIdentifier:
    """The subject key identifier: the certificate's extension, or SHA-1 of its key where it has none (RFC 5280, 4.2.1.2)."""

    ski: bytes

    def means(self, certificate: x509.Certificate) -> bool:
        try:
            return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest == self.ski
        except x509.ExtensionNotFound:
            return x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest == self.ski


@dataclass(frozen=True, slots=True)
class Embedded:
    """SHA-256 of a certificate that stands in the message, as a BinarySecurityToken or beside its issuer and serial."""

    sha256: bytes

    def means(self, certificate: x509.Certificate) -> bool:
        return certificate.fingerprint(hashes.SHA256()) == self.sha256


@dataclass(frozen=True, slots=True)
class Unnamed:
    """No KeyInfo: any key of the sender, whom the receiver knows otherwise."""

    def means(self, certificate: x509.Certificate) -> bool:
        return True


KeyName = IssuerSerial | Thumbprint | KeyIdentifier | Embedded | Unnamed


def write(certificate: x509.Certificate, dialect: Dialect) -> etree._Element:
    """A SecurityTokenReference by issuer and serial number: 112 octets shorter than a thumbprint, 134 than an SKI."""
    pointer = etree.Element(dialect.tag("wsse", "SecurityTokenReference"))
    data = etree.SubElement(etree.SubElement(pointer, f"{{{DS}}}X509Data"), f"{{{DS}}}X509IssuerSerial")
    etree.SubElement(data, f"{{{DS}}}X509IssuerName").text = certificate.issuer.rfc4514_string()
    etree.SubElement(data, f"{{{DS}}}X509SerialNumber").text = str(certificate.serial_number)
    return pointer


def read(pointer: etree._Element, dialect: Dialect, tokens: dict[str, etree._Element]) -> KeyName | str:
    """The name in a SecurityTokenReference; a `str` is the Id of a UsernameToken it points to. `tokens`: the
    BinarySecurityTokens of the header by their Id. Raises Refusal."""
    malformed = Reason.SIGNATURE_MALFORMED
    found = [child for child in pointer.iterchildren("*")]
    if len(found) != 1:  # R3061
        raise Refusal(malformed, "a SecurityTokenReference has not exactly one reference")
    (reference,) = found
    if reference.tag == f"{{{DS}}}X509Data":
        return _x509_data(reference)
    if reference.tag == dialect.tag("wsse", "KeyIdentifier"):
        return _key_identifier(reference, dialect)
    if reference.tag == dialect.tag("wsse", "Reference"):
        return _direct(reference, dialect, tokens)
    raise Refusal(malformed, "a SecurityTokenReference has a reference of an unknown kind")  # KeyName: R3027


def _x509_data(data: etree._Element) -> KeyName:
    """X509IssuerSerial; some toolkits put the certificate beside it, which then is the closer name."""
    malformed = Reason.SIGNATURE_MALFORMED
    parts = children(data, malformed, [f"{{{DS}}}X509IssuerSerial"], [f"{{{DS}}}X509Certificate"])
    if f"{{{DS}}}X509Certificate" in parts:
        return _embedded(parts[f"{{{DS}}}X509Certificate"])
    tags = [f"{{{DS}}}X509IssuerName", f"{{{DS}}}X509SerialNumber"]
    named = children(parts[f"{{{DS}}}X509IssuerSerial"], malformed, tags)
    issuer, serial = (text(named[tag], malformed).strip() for tag in tags)
    if not serial.isascii() or not serial.isdigit() or len(serial) > 60 or len(issuer) > 1000:  # RFC 5280: 20 octets
        raise Refusal(malformed, "X509SerialNumber is no number")
    return IssuerSerial(issuer, int(serial))


def _key_identifier(element: etree._Element, dialect: Dialect) -> KeyName:
    kind = dialect.term(element, "ValueType") or OASIS_2004.term(element, "ValueType")  # WSS 1.1 is spelled so everywhere
    octets = _octets(element)
    if kind == "ThumbprintSHA1":
        return Thumbprint(octets)
    if kind == "X509SubjectKeyIdentifier" or (kind is None and dialect.draft):
        return KeyIdentifier(octets)
    raise Refusal(Reason.SIGNATURE_MALFORMED, "a KeyIdentifier of an unknown ValueType")


def _direct(reference: etree._Element, dialect: Dialect, tokens: dict[str, etree._Element]) -> KeyName | str:
    uri = reference.get("URI", "")
    if not uri.startswith("#"):  # R3062; an external reference is never followed
        raise Refusal(Reason.SIGNATURE_MALFORMED, "a Reference points out of the message")
    kind = dialect.term(reference, "ValueType")
    if kind == "UsernameToken":
        return uri[1:]
    if uri[1:] not in tokens:
        raise Refusal(Reason.KEY_UNKNOWN, "a Reference points to no token of this header")
    token = tokens[uri[1:]]
    if kind not in (None, "X509v3") or dialect.term(token, "ValueType") != "X509v3":
        raise Refusal(Reason.SIGNATURE_MALFORMED, "a token is no X509v3 certificate")
    return _embedded(token)


def _embedded(element: etree._Element) -> Embedded:
    return Embedded(hashlib.sha256(_octets(element)).digest())


def _octets(element: etree._Element) -> bytes:
    written = "".join(text(element, Reason.SIGNATURE_MALFORMED).split())
    try:
        if len(written) > _LONGEST:
            raise ValueError
        return base64.b64decode(written, validate=True)
    except ValueError:
        raise Refusal(Reason.SIGNATURE_MALFORMED, "a key's name is not Base64") from None


def _same_name(written: str, name: x509.Name) -> bool:
    """Distinguished names as people's software writes them: blanks after commas, and either end first."""
    try:
        parsed = x509.Name.from_rfc4514_string(_BLANKS.sub(",", written))
    except ValueError:
        return False
    return parsed == name or list(parsed.rdns) == list(reversed(name.rdns))
