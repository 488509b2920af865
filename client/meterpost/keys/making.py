"""A key of one's own: P-256, the point the server is told, and the proof that its private half is here."""

from base64 import b64encode

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from meterpost.errors import StoreError
from meterpost.keys.about import key_of

_OCTETS = 32  # of a coordinate, of r and of s


def make() -> bytes:
    """A new private key, PEM (PKCS #8)."""
    return pem(ec.generate_private_key(ec.SECP256R1()))


def pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def name(private_key: bytes) -> str:
    """What the key is called here."""
    return key_of(_load(private_key).public_key())


def offer(private_key: bytes, client: str) -> tuple[str, str]:
    """`key` and `proof` of a RegisterProxy: the compressed point (SEC 1, 2.3.3), and a signature (r and s, 32 octets
    each) over "{client} {key}"; both in base64. The proof is another one at each call."""
    secret = _load(private_key)
    key = b64encode(secret.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)).decode()
    r, s = decode_dss_signature(secret.sign(f"{client} {key}".encode(), ec.ECDSA(SHA256())))
    return key, b64encode(r.to_bytes(_OCTETS) + s.to_bytes(_OCTETS)).decode()


def _load(private_key: bytes) -> ec.EllipticCurvePrivateKey:
    try:
        key = load_pem_private_key(private_key, None)
    except ValueError:
        key = None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise StoreError("a key that was made here cannot be read", "'meterpost keys renew --released' gives it up.")
    return key
