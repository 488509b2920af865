"""What a certificate says: whose it is, whose word that is, until when, and for which key. Believes nothing of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from meterpost.errors import SettingsError

LEAST_RSA = 2048
MAX_FILE = 4 * 1024 * 1024
"""Octets of a file of certificates; the largest systems' stores have a quarter of that."""


@dataclass(frozen=True, slots=True)
class About:
    """A certificate (`pem`). Subject and issuer are distinguished names (RFC 4514), `fingerprint` is SHA-256 over the DER,
    `key` names what identifies its public key, in any certificate. Valid from `start` to `end`, both included."""

    pem: bytes
    subject: str
    issuer: str
    start: datetime
    end: datetime
    kind: str
    fingerprint: str
    key: str

    @classmethod
    def of(cls, certificate: x509.Certificate) -> Self:
        """Raises ValueError for a certificate whose parts cannot be read."""
        with _as_value_error():
            key = certificate.public_key()
            iter(certificate.extensions)  # read lazily, and a key identifier is looked up in them
            return cls(
                certificate.public_bytes(Encoding.PEM),
                certificate.subject.rfc4514_string(),
                certificate.issuer.rfc4514_string(),
                certificate.not_valid_before_utc,
                certificate.not_valid_after_utc,
                kind_of(key),
                certificate.fingerprint(SHA256()).hex(),
                key_of(key),
            )

    def valid(self, now: datetime) -> bool:
        return self.start <= now <= self.end


def kind_of(key: CertificatePublicKeyTypes) -> str:
    """`EC P-256`, `RSA 3072`, or the name of what we cannot use."""
    if isinstance(key, ec.EllipticCurvePublicKey):
        return "EC P-256" if isinstance(key.curve, ec.SECP256R1) else f"EC {key.curve.name}"
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}"
    return type(key).__name__.strip("_").removesuffix("PublicKey")


def key_of(key: CertificatePublicKeyTypes) -> str:
    """What a public key is called here: the beginning of the SHA-256 of its SubjectPublicKeyInfo."""
    return sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()[:16]


def read_der(der: bytes) -> About:
    """Raises ValueError."""
    return _read(x509.load_der_x509_certificate, der)


def read_pem(pem: bytes) -> tuple[About, ...]:
    """The certificates in a PEM text, in order; other things in it, such as keys, are passed over. Raises ValueError."""
    return tuple(_read(x509.load_pem_x509_certificate, block) for block in _blocks(pem))


def _read(load: Callable[[bytes], x509.Certificate], octets: bytes) -> About:
    with _as_value_error():
        return About.of(load(octets))


@contextmanager
def _as_value_error() -> Iterator[None]:
    """Over a stranger's octets the library raises InvalidVersion, UnsupportedAlgorithm, TypeError and more."""
    try:
        yield
    except Exception as error:
        raise ValueError(str(error)) from None


def read_file(path: Path, setting: str) -> tuple[About, ...]:
    """The certificates of the PEM file `path`, which `setting` names. Raises SettingsError."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE + 1)
        if len(data) > MAX_FILE:
            raise ValueError
        found = read_pem(data)
    except OSError as error:
        raise SettingsError(f"{setting}: {path} cannot be read: {error.strerror}") from None
    except ValueError:
        found = ()
    if not found:
        raise SettingsError(
            f"{setting}: {path} does not hold certificates as PEM", "PEM begins with -----BEGIN CERTIFICATE-----."
        )
    return found


_BEGIN, _END = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----"


def _blocks(pem: bytes) -> Iterator[bytes]:
    position = 0
    while (start := pem.find(_BEGIN, position)) >= 0:
        end = pem.find(_END, start)
        if end < 0:
            raise ValueError("a certificate without its end")
        position = end + len(_END)
        yield pem[start:position] + b"\n"
