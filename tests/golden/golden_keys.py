"""The keys of the golden messages: published on purpose, so of no use but for tests. They never end.

`python tests/golden/golden_keys.py` made them, once: with new ones every signed golden message would be another.
"""

from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from meterpost.model import KeyPair

FOLDER = Path(str(files("meterpost_wsdl") / "golden"))
KINDS = ("p256", "rsa2048")
_SINCE, _UNTIL = datetime(2000, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
_WARNING = b"TEST ONLY: this private key is published. Never trust its certificate outside a test.\n"
_AUTHORITY = "mp"
"""As short as a real one has to be: it stands in every message that names its key."""


@cache
def pair(holder: str, kind: str) -> KeyPair:
    """The `client`'s or `server`'s key of a kind. The file has both, as PEM files may: each reader finds its own."""
    octets = key_file(holder, kind).read_bytes()
    start = octets.index(b"-----BEGIN CERTIFICATE-----")
    return KeyPair(octets[:start].removeprefix(_WARNING), octets[start:])


def key_file(holder: str, kind: str) -> Path:
    return FOLDER / f"TEST-ONLY-{holder}-{kind}.pem"


def _make() -> None:
    authority = ec.generate_private_key(ec.SECP256R1())  # not kept: it has nothing more to sign
    ca = _builder(_AUTHORITY, authority).add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    (FOLDER / "TEST-ONLY-ca.pem").write_bytes(ca.sign(authority, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    for holder in ("client", "server"):
        for kind in KINDS:
            key = ec.generate_private_key(ec.SECP256R1()) if kind == "p256" else rsa.generate_private_key(65537, 2048)
            certificate = _builder(f"TEST ONLY {holder} {kind}", key).sign(authority, hashes.SHA256())
            private = key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            octets = _WARNING + private + certificate.public_bytes(serialization.Encoding.PEM)
            key_file(holder, kind).write_bytes(octets)


def _builder(name: str, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> x509.CertificateBuilder:
    subject, issuer = (x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)]) for text in (name, _AUTHORITY))
    serial = 2**62 | x509.random_serial_number() >> 98  # 19 digits, the longest of eight octets with a sign
    builder = x509.CertificateBuilder(issuer, subject, key.public_key(), serial, _SINCE, _UNTIL)
    return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)


if __name__ == "__main__":
    if key_file("client", "p256").exists():
        raise SystemExit("the keys are there; whoever wants others has to remove them first")
    _make()
