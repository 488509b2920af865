"""Keys that are nobody's, as large as real ones: for showing what messages will look like before there are keys."""

from datetime import UTC, datetime
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from meterpost.keys import making
from meterpost.model import KeyPair


@cache
def stand_in() -> tuple[KeyPair, tuple[bytes, ...]]:
    """A pair to sign with, and a server's certificates (PEM), one of them to encrypt to. Made once, kept nowhere."""
    pair = _self_signed(ec.generate_private_key(ec.SECP256R1()))
    return pair, (pair.certificate, _self_signed(rsa.generate_private_key(65537, 2048)).certificate)


def _self_signed(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> KeyPair:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mp")])
    since, until = datetime(2000, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
    serial = x509.random_serial_number() >> 95  # eight octets, as short as servers make them
    certificate = x509.CertificateBuilder(name, name, key.public_key(), serial, since, until).sign(key, SHA256())
    return KeyPair(making.pem(key), certificate.public_bytes(Encoding.PEM))
