"""Key pairs for tests, as the files an administrator would bring: certificates that vouch for themselves."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

_PEM = serialization.Encoding.PEM


@dataclass(frozen=True)
class Pair:
    """Two PEM files."""

    key: str
    certificate: str


@cache
def _private(holder: str, kind: str) -> ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048) if kind == "rsa" else ec.generate_private_key(ec.SECP256R1())


def pair(folder: Path, holder: str, kind: str) -> Pair:
    """`holder`'s key pair of `kind` ("rsa", "p256"), written into `folder`."""
    key = _private(holder, kind)
    # Two parts, one with a comma: stacks differ in how they write a name and in which end comes first.
    attributes = {x509.NameOID.ORGANIZATION_NAME: "Prints, Inc.", x509.NameOID.COMMON_NAME: f"{holder} {kind}"}
    name = x509.Name([x509.NameAttribute(oid, value) for oid, value in attributes.items()])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=90))
        .sign(key, hashes.SHA256())
    )
    files = folder / f"{holder}.{kind}.key", folder / f"{holder}.{kind}.pem"
    files[0].touch(mode=0o600)
    files[0].write_bytes(key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    files[1].write_bytes(certificate.public_bytes(_PEM))
    return Pair(*map(str, files))


def of_kind(bundle: Path, kind: str, folder: Path) -> str:
    """The file of the one certificate in the PEM file `bundle` whose key is of `kind`; '' where there is none."""
    wanted = rsa.RSAPublicKey if kind == "rsa" else ec.EllipticCurvePublicKey
    for certificate in x509.load_pem_x509_certificates(bundle.read_bytes()):
        if isinstance(certificate.public_key(), wanted):
            file = folder / f"theirs.{kind}.pem"
            file.write_bytes(certificate.public_bytes(_PEM))
            return str(file)
    return ""
