"""A throw-away certification authority and the certificates it signs, for tests on one machine.

Nothing here is ever trusted outside the files it writes. Private keys are written readable by their owner only; the
authority's own is kept only where it is given a folder to keep it in.
"""

import ipaddress
import os
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from meterpost.errors import SettingsError
from meterpost.model import KeyPair

_VALID = timedelta(days=90)
_AUTHORITY_VALID = timedelta(days=3650)
EARLY = timedelta(days=1)
"""How long before its making a certificate counts already: the clocks of peers are behind ours."""
_SERIAL_OCTETS = 8  # RFC 5280, 4.1.2.2 allows 20; CAs of the web have to have 8 random ones. It stands in every signature.
LOOPBACK = ("localhost", "127.0.0.1", "::1")
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey


class Authority:
    """`name` is short, because it stands in messages. With a `folder` it is the one that folder has, if it has one."""

    def __init__(self, name: str = "mp", folder: Path | None = None) -> None:
        kept = read_pair(folder, "ca") if folder else None
        if kept is not None:
            self._key = _private(kept)
            self._certificate = x509.load_pem_x509_certificate(kept.certificate)
            self._name = self._certificate.subject
            return
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        now = datetime.now(UTC)
        self._certificate = (
            self._start(self._name, self._key.public_key(), now - EARLY, now + _AUTHORITY_VALID)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        if folder:
            write_pair(folder, "ca", KeyPair(pem_of(self._key), self._certificate.public_bytes(serialization.Encoding.PEM)))

    def write(self, folder: Path) -> Path:
        """`ca.pem`: what a client has to trust."""
        path = folder / "ca.pem"
        path.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))
        return path

    def issue(self, folder: Path, name: str, hosts: Iterable[str] = ()) -> tuple[Path, Path]:
        """`{name}.pem` and `{name}.key` (readable by its owner only), for TLS: a server's certificate for `hosts`, or a
        client's where there are none."""
        hosts = tuple(dict.fromkeys(hosts))
        key = ec.generate_private_key(ec.SECP256R1())
        use = ExtendedKeyUsageOID.SERVER_AUTH if hosts else ExtendedKeyUsageOID.CLIENT_AUTH
        now = datetime.now(UTC)
        builder = (
            self._start(_name(name), key.public_key(), now - EARLY, now + _VALID)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([use]), critical=False)
        )
        if hosts:
            builder = builder.add_extension(x509.SubjectAlternativeName([_alternative(host) for host in hosts]), critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        return write_pair(folder, name, KeyPair(pem_of(key), certificate.public_bytes(serialization.Encoding.PEM)))

    def certify(self, name: str, key: PublicKey, since: datetime, until: datetime) -> bytes:
        """A certificate (PEM) for signing messages, for `name` (at most 64 characters); for an RSA key, also to encrypt to.
        It says no more than RFC 5280 asks of every certificate, and what the key is for."""
        usage = _usage(digital_signature=True, key_encipherment=isinstance(key, rsa.RSAPublicKey))
        builder = self._start(_name(name), key, since, until).add_extension(usage, critical=True)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def _start(self, subject: x509.Name, key: PublicKey, since: datetime, until: datetime) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(int.from_bytes(secrets.token_bytes(_SERIAL_OCTETS)) >> 1 or 1)  # the sign takes no octet more
            .not_valid_before(since)
            .not_valid_after(until)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )


def pem_of(key: PrivateKey) -> bytes:
    """PKCS#8, not encrypted."""
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def write_pair(folder: Path, name: str, pair: KeyPair) -> tuple[Path, Path]:
    """`{name}.pem` and `{name}.key`, the key first: who finds the certificate finds the key."""
    certificate_file, key_file = folder / f"{name}.pem", folder / f"{name}.key"
    key_file.unlink(missing_ok=True)
    with os.fdopen(os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # a link is not followed
        file.write(pair.private_key)
    certificate_file.write_bytes(pair.certificate)
    return certificate_file, key_file


def read_pair(folder: Path, name: str) -> KeyPair | None:
    """What `write_pair` wrote, None where it did not. Raises SettingsError for files that are no pair."""
    certificate_file, key_file = folder / f"{name}.pem", folder / f"{name}.key"
    if not (certificate_file.exists() and key_file.exists()):
        return None
    try:
        pair = KeyPair(key_file.read_bytes(), certificate_file.read_bytes())
        if _private(pair).public_key() != x509.load_pem_x509_certificate(pair.certificate).public_key():
            raise ValueError("the key is another certificate's")
    except (OSError, ValueError, TypeError) as error:
        raise SettingsError(
            f"{key_file} and {certificate_file.name} are not a key and its certificate: {error}",
            "Remove them: they are made anew.",
        ) from None
    return pair


def _private(pair: KeyPair) -> PrivateKey:
    key = serialization.load_pem_private_key(pair.private_key, None)
    if not isinstance(key, PrivateKey):
        raise ValueError("neither an elliptic curve's nor an RSA key")
    return key


def _usage(
    *, digital_signature: bool = False, key_encipherment: bool = False, key_cert_sign: bool = False, crl_sign: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_encipherment=key_encipherment,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
