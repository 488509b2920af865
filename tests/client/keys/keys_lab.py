"""A vendor that certifies keys, a keyring, and power that can go at any step."""

import types
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from meterpost.keys import About, Holding, KeyStore, Origin, read_der
from meterpost.lifecycle.messages import Certificate, Holder

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
CLIENT = "6f1b2c1e-0000-4000-8000-000000000001"
YEAR = timedelta(days=365)


def days(number: float) -> datetime:
    return NOW + timedelta(days=number)


@cache
def _key(what: str, number: int) -> Any:
    if what.startswith("RSA"):
        return rsa.generate_private_key(65537, int(what[4:]))
    return ec.derive_private_key(number + 1, CURVES[what])


def key_of(what: str, number: int = 0) -> Any:
    """A private key of a kind, always the same one; on a curve in every process."""
    return _key(what, number)


CURVES = {"EC P-256": ec.SECP256R1(), "EC P-384": ec.SECP384R1()}


def issue(
    public: CertificatePublicKeyTypes, subject: str, start: datetime = NOW, end: datetime = NOW + YEAR
) -> x509.Certificate:
    """The vendor's word on whose key this is. The same arguments give the same certificate, but for its signature."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Vendor CA")])
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(name)
        .public_key(public)
        .serial_number(4711)
        .not_valid_before(start)
        .not_valid_after(end)
        .sign(key_of("EC P-256", 99), SHA256())
    )


@cache
def _about(number: int, start: datetime, end: datetime, kind: str) -> About:
    return About.of(issue(key_of(kind, number).public_key(), f"key {number}", start, end))


def about(number: int = 0, start: datetime = NOW, end: datetime = NOW + YEAR, kind: str = "EC P-256") -> About:
    """The certificate of the key called `number`, always the same one."""
    return _about(number, start, end, kind)


def on_the_wire(certificate: About | x509.Certificate, of: Holder) -> Certificate:
    pem = certificate.pem if isinstance(certificate, About) else certificate.public_bytes(Encoding.PEM)
    der = x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
    return Certificate(of, b64encode(der).decode())


@dataclass
class Vendor:
    """Answers a RegisterProxy: the same key has the same certificate, always."""

    lifetime: timedelta = YEAR
    server_ends: datetime = NOW + 10 * YEAR
    issued: dict[str, Certificate] = field(default_factory=dict)

    def answer(self, key: str, proof: str, now: datetime) -> tuple[Certificate, ...]:
        assert proves(key, proof)
        return self.certify(key, now)

    def certify(self, key: str, now: datetime) -> tuple[Certificate, ...]:
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b64decode(key))
        if key not in self.issued:
            made = issue(point, f"client, {len(self.issued)}", now, now + self.lifetime)
            self.issued[key] = on_the_wire(made, Holder.CLIENT)
        return self.issued[key], on_the_wire(self.server(), Holder.SERVER)

    def server(self) -> About:
        return about(50, self.server_ends - 10 * YEAR, self.server_ends)


def proves(key: str, proof: str, client: str = CLIENT) -> bool:
    """What the contract says of a proof, with nothing of the client's code."""
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b64decode(key, validate=True))
    both = b64decode(proof, validate=True)
    assert (len(b64decode(key)), len(key), len(both), len(proof)) == (33, 44, 64, 88)
    signature = encode_dss_signature(int.from_bytes(both[:32]), int.from_bytes(both[32:]))
    try:
        point.verify(signature, f"{client} {key}".encode(), ec.ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


class PowerCut(BaseException):
    """Not an Exception: nobody may catch it."""


@dataclass
class Mains:
    """Lets so many steps happen, then cuts the power; -1 is never. A step counts when it is done."""

    left: int = -1

    def step(self) -> None:
        if self.left == 0:
            raise PowerCut
        self.left -= 1


class Watched:
    """A store that can lose power before and after each of its steps."""

    def __init__(self, store: KeyStore, mains: Mains) -> None:
        self._store, self._mains = store, mains

    def holding(self) -> Holding:
        return self._store.holding()

    def private_key(self, name: str) -> bytes:
        return self._store.private_key(name)

    def add(self, name: str, origin: Origin, private_key: bytes, certificate: About | None = None) -> None:
        self._do(lambda: self._store.add(name, origin, private_key, certificate))

    def certify(self, name: str, certificate: About) -> None:
        self._do(lambda: self._store.certify(name, certificate))

    def remove(self, name: str) -> None:
        self._do(lambda: self._store.remove(name))

    def trust(self, server: Sequence[About]) -> None:
        self._do(lambda: self._store.trust(server))

    def _do(self, step: Callable[[], None]) -> None:
        self._mains.step()
        step()
        self._mains.step()


class Keyring(types.SimpleNamespace):
    """Stands where the module `keyring` does."""

    def __init__(self) -> None:
        held: dict[tuple[str, str], str] = {}

        def get(service: str, user: str) -> str | None:
            return held.get((service, user))

        def put(service: str, user: str, secret: str) -> None:
            held[service, user] = secret

        def delete(service: str, user: str) -> None:
            del held[service, user]

        super().__init__(get_password=get, set_password=put, delete_password=delete, held=held)


def der_of(certificate: Certificate) -> About:
    return read_der(b64decode(certificate.der))
