"""Who seals, and who is believed: keys and certificates as values. Keys come from here, never from a message.

What is refused about a key (too short, out of date, revoked) is refused here, for every use of it.
"""

import base64
import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from meterpost.errors import SettingsError
from meterpost.model import Credentials, KeyPair
from meterpost.wsse.algorithms import KeyKind
from meterpost.wsse.key_names import KeyName
from meterpost.wsse.verdict import Reason, Refusal

LEAST_RSA = 2048
"""Bits of the shortest RSA key: NIST SP 800-131A ended shorter ones in 2013."""


@dataclass(frozen=True, slots=True)
class ContentKey:
    """The key (32 octets) of one encrypted exchange: a request carries it `wrapped` for the receiver, the reply is encrypted
    with the same and names it by the SHA-1 of that (WSS 1.1, EncryptedKeySHA1). So a peer needs no RSA key to be answered."""

    octets: bytes = field(repr=False)
    wrapped: bytes

    @classmethod
    def to(cls, recipient: bytes, octets: bytes = b"") -> Self:
        """A fresh key, or the one with these `octets`, for the holder of the certificate `recipient` (PEM). Raises
        SettingsError for a certificate that is not RSA of 2048 bits or more."""
        public = loaded(recipient).public_key()
        if not isinstance(public, rsa.RSAPublicKey) or public.key_size < LEAST_RSA:
            raise SettingsError(
                "the certificate to encrypt to is not RSA of 2048 bits or more", "Ask the server's operator for another one."
            )
        octets = octets or secrets.token_bytes(32)
        sha1 = SHA1()  # noqa: S303  # why: `encryption.OAEP`
        return cls(octets, public.encrypt(octets, padding.OAEP(padding.MGF1(sha1), sha1, None)))

    @property
    def name(self) -> str:
        return base64.b64encode(hashlib.sha1(self.wrapped, usedforsecurity=False).digest()).decode("ascii")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who seals: the account for a UsernameToken, the key to sign with, the certificate (PEM) to encrypt to; for a reply no
    certificate, but the `content` key the request came with, and the tag of the signature it `answers`. A policy uses what
    it needs."""

    credentials: Credentials | None = None
    key: KeyPair | None = None
    recipient: bytes = b""
    content: ContentKey | None = None
    answers: str = ""


@dataclass(frozen=True, slots=True)
class Trusted:
    """A certificate (PEM) somebody here vouches for, and whose it is: an account; '' for the server, which has none."""

    certificate: bytes
    holder: str
    revoked: bool = False

    @property
    def x509(self) -> x509.Certificate:
        return loaded(self.certificate)

    @property
    def public_key(self) -> bytes:
        """SubjectPublicKeyInfo (DER): the same in every certificate of the key."""
        return self.x509.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def why_not(self, now: datetime, skew: timedelta) -> Refusal | None:
        """Why the key does not count at `now`; None where it does."""
        certificate = self.x509
        if self.revoked:
            return Refusal(Reason.KEY_REVOKED)
        # Times of certificates can be at the end of all times (RFC 5280, 4.1.2.5), so nothing is added to them.
        if not certificate.not_valid_before_utc <= now + skew or not now - skew <= certificate.not_valid_after_utc:
            return Refusal(Reason.KEY_EXPIRED)
        if kind_of(certificate) is None:
            return Refusal(Reason.ALGORITHM_UNSUPPORTED, "the key is neither P-256 nor RSA of 2048 bits or more")
        return None


def _nobody(_: str) -> None:
    return None


def _nothing(_: KeyName) -> Sequence[Trusted]:
    return ()


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom a receiver believes. `password_of` knows each user's password, None for a stranger. `keys` finds the
    certificates a message may mean; the room checks which of them it does mean, and whether they count. `own` are the
    key pairs messages to this receiver are encrypted to; `sent` is the key its request was encrypted with, `asked` the tag
    of the signature that made."""

    password_of: Callable[[str], str | None] = _nobody
    keys: Callable[[KeyName], Sequence[Trusted]] = _nothing
    own: Sequence[KeyPair] = field(default=(), repr=False)
    sent: ContentKey | None = None
    asked: str = ""


@lru_cache(256)
def loaded(pem: bytes) -> x509.Certificate:
    """The certificate in `pem`. Raises SettingsError."""
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError:
        raise SettingsError("this is not a certificate in PEM", "It begins with -----BEGIN CERTIFICATE-----.") from None


def kind_of(certificate: x509.Certificate) -> KeyKind | None:
    """What the certificate's key signs with; None for a key that is not accepted."""
    key = certificate.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return KeyKind.P256
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= LEAST_RSA and key.public_numbers().e > 2**16:
        return KeyKind.RSA
    return None


def recipient(certificates: Sequence[bytes], now: datetime) -> bytes:
    """The certificate (PEM) of `certificates` to encrypt to: of those with an RSA key that are in force, the one that lasts
    longest. Raises SettingsError where there is none."""
    fit = [
        pem
        for pem in certificates
        if kind_of(loaded(pem)) is KeyKind.RSA and Trusted(pem, "").why_not(now, timedelta()) is None
    ]
    if not fit:
        raise SettingsError(
            "security.policy encrypts, and there is no valid RSA certificate of the server here",
            "Ask the server's operator for it, and name it in security.server_certificates.",
        )
    return max(fit, key=lambda pem: loaded(pem).not_valid_after_utc)
