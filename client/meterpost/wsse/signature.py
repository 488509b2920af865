"""X.509 signatures over Body and Timestamp: made, and verified. The only importer of xmlsec.

A signature holds here only if it covers the very elements that are acted upon, found by their position in the
envelope and never by their Id, with the algorithms below and with the certificate the caller trusts. What
KeyInfo says chooses no key; xmlsec is called only after the shape holds, for it would open any URI it is given.
"""

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from lxml import etree

from meterpost.errors import SettingsError
from meterpost.wsse.shape import children, header_of, text
from meterpost.wsse.verdict import Reason, Refusal
from meterpost_wsdl.names import SOAP

DS = "http://www.w3.org/2000/09/xmldsig#"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
ECDSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"

_IDS = ("B", "T")
_SAME_ID = etree.XPath("count(//@*[(local-name()='Id' or local-name()='ID' or local-name()='id') and .=$id])")


def sign(root: etree._Element, private_key: bytes, certificate: bytes) -> None:
    """Adds a signature by `private_key` (PEM) to the Security header of the sealed envelope `root`; names `certificate`
    (PEM) by issuer and serial number. Raises SettingsError for a key that is not P-256 or RSA of 2048 bits or more."""
    header, holder = header_of(root), x509.load_pem_x509_certificate(certificate)
    wsu_id, context = header.dialect.tag("wsu", "Id"), xmlsec.SignatureContext()
    for part, name in zip(_parts(root, header.stamps), _IDS, strict=True):
        part.set(wsu_id, name)
        context.register_id(part, "Id", header.dialect.wsu)
    signature = etree.SubElement(header.security, _ds("Signature"), nsmap={"d": DS})
    info = etree.SubElement(signature, _ds("SignedInfo"))
    etree.SubElement(info, _ds("CanonicalizationMethod"), Algorithm=EXCLUSIVE)
    etree.SubElement(info, _ds("SignatureMethod"), Algorithm=_algorithm_of(holder))
    for name in _IDS:
        reference = etree.SubElement(info, _ds("Reference"), URI=f"#{name}")
        etree.SubElement(etree.SubElement(reference, _ds("Transforms")), _ds("Transform"), Algorithm=EXCLUSIVE)
        etree.SubElement(reference, _ds("DigestMethod"), Algorithm=SHA256)
        etree.SubElement(reference, _ds("DigestValue"))
    value = etree.SubElement(signature, _ds("SignatureValue"))
    pointer = etree.SubElement(
        etree.SubElement(signature, _ds("KeyInfo")), header.dialect.tag("wsse", "SecurityTokenReference")
    )
    issuer = etree.SubElement(etree.SubElement(pointer, _ds("X509Data")), _ds("X509IssuerSerial"))
    etree.SubElement(issuer, _ds("X509IssuerName")).text = holder.issuer.rfc4514_string()
    etree.SubElement(issuer, _ds("X509SerialNumber")).text = str(holder.serial_number)
    context.key = xmlsec.Key.from_memory(private_key, xmlsec.constants.KeyDataFormatPem)
    context.sign(signature)
    value.text = "".join((value.text or "").split())  # xmlsec breaks lines, and every octet counts


def verify(root: etree._Element, certificate: bytes) -> None:
    """Raises Refusal unless the one signature in the Security header of `root` covers its Body and its Timestamp
    and was made by the holder of `certificate` (PEM)."""
    header, holder = header_of(root), x509.load_pem_x509_certificate(certificate)
    malformed, context = Reason.SIGNATURE_MALFORMED, xmlsec.SignatureContext()
    signatures = header.security.findall(_ds("Signature"))
    if len(signatures) != 1:
        raise Refusal(malformed, "not exactly one signature")
    # No Object, so no Manifest (R5403) and nothing enveloped (R3102).
    outer = _children(signatures[0], "SignedInfo", "SignatureValue", "KeyInfo")
    info = children(
        outer["SignedInfo"], malformed, [_ds("CanonicalizationMethod"), _ds("SignatureMethod")], ignored=[_ds("Reference")]
    )
    _demand(info[_ds("CanonicalizationMethod")], EXCLUSIVE)  # R5404
    _demand(info[_ds("SignatureMethod")], _algorithm_of(holder))
    expected = {}
    for part in _parts(root, header.stamps):
        name = part.get(header.dialect.tag("wsu", "Id"))
        if not name or _SAME_ID(root, id=name) != 1:
            raise Refusal(Reason.SIGNATURE_COVERAGE, "Body or Timestamp has no Id of its own")
        expected[f"#{name}"] = part
        context.register_id(part, "Id", header.dialect.wsu)
    references = outer["SignedInfo"].findall(_ds("Reference"))
    if sorted(str(reference.get("URI")) for reference in references) != sorted(expected):
        raise Refusal(Reason.SIGNATURE_COVERAGE, "the references are not Body and Timestamp, each once")
    for reference in references:
        inner = _children(reference, "Transforms", "DigestMethod", "DigestValue")  # R5411
        _demand(_children(inner["Transforms"], "Transform")["Transform"], EXCLUSIVE)
        _demand(inner["DigestMethod"], SHA256)
    _check_key_info(outer["KeyInfo"], header.dialect.tag("wsse", "SecurityTokenReference"), holder)
    context.key = xmlsec.Key.from_memory(certificate, xmlsec.constants.KeyDataFormatCertPem)
    try:
        context.verify(signatures[0])
    except xmlsec.Error:
        raise Refusal(Reason.SIGNATURE_WRONG) from None


def _parts(root: etree._Element, stamps: list[etree._Element]) -> list[etree._Element]:
    """Body and Timestamp, by position."""
    bodies = root.findall(f"{{{SOAP}}}Body")
    if len(bodies) != 1 or len(stamps) != 1:
        raise Refusal(Reason.SIGNATURE_COVERAGE, "not exactly one Body and one Timestamp")
    return bodies + stamps


def _check_key_info(key_info: etree._Element, pointer: str, holder: x509.Certificate) -> None:
    """One SecurityTokenReference (R5402, R5417) with one reference (R3061), no KeyName (R3027), by issuer and serial."""
    malformed = Reason.SIGNATURE_MALFORMED
    data = _children(children(key_info, malformed, [pointer])[pointer], "X509Data")["X509Data"]
    issuer = _children(_children(data, "X509IssuerSerial")["X509IssuerSerial"], "X509IssuerName", "X509SerialNumber")
    if text(issuer["X509SerialNumber"], malformed).strip() != str(holder.serial_number):
        raise Refusal(Reason.KEY_UNKNOWN)


def _children(parent: etree._Element, *names: str) -> dict[str, etree._Element]:
    found = children(parent, Reason.SIGNATURE_MALFORMED, [_ds(name) for name in names])
    return {etree.QName(tag).localname: element for tag, element in found.items()}


def _demand(element: etree._Element, algorithm: str) -> None:
    """The algorithm, without parameters (R5401) but the prefixes exclusive canonicalisation takes."""
    if element.get("Algorithm") != algorithm:
        raise Refusal(Reason.ALGORITHM_UNSUPPORTED, f"{etree.QName(element).localname} is not the one accepted")
    children(element, Reason.SIGNATURE_MALFORMED, [], [f"{{{EXCLUSIVE}}}InclusiveNamespaces"] if algorithm == EXCLUSIVE else [])


def _algorithm_of(holder: x509.Certificate) -> str:
    key = holder.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return ECDSA_SHA256
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= 2048:
        return RSA_SHA256
    raise SettingsError("the certificate's key is neither P-256 nor RSA of 2048 bits or more", "Ask for another certificate.")


def _ds(name: str) -> str:
    return f"{{{DS}}}{name}"
