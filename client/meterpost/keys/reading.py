"""A key and its certificate as an administrator brings them: a PEM pair in one file or two, or PKCS #12."""

from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12

from meterpost.errors import SettingsError
from meterpost.keys.about import LEAST_RSA, About, key_of, read_pem
from meterpost.keys.making import pem
from meterpost.model import KeyPair

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

_WANTED = f"A P-256 key is wanted, or RSA of {LEAST_RSA} bits or more."


def read_pair(name: str, data: bytes, key_data: bytes | None, password: str | None, now: datetime) -> tuple[KeyPair, About]:
    """The pair in `data`, which people know as `name`: its key is in the same octets, or in `key_data`. Of several
    certificates the key's own is taken. Raises SettingsError that says what is wrong with it at `now`."""
    if data.lstrip().startswith(b"-----BEGIN") or b"\n-----BEGIN" in data:
        key, certificates = _pem(name, data, data if key_data is None else key_data, password)
    else:
        key, certificates = _pkcs12(name, data, password)
    _demand_kind(name, key)
    belonging = [certificate for certificate in certificates if certificate.key == key_of(key.public_key())]
    if not belonging:
        raise SettingsError(f"{name}: the key and the certificate do not belong together", "Look for the pair of that key.")
    certificate = max(belonging, key=lambda one: one.end)
    if now > certificate.end:
        raise SettingsError(f"{name}: the certificate ended on {certificate.end:%Y-%m-%d}", "Ask who issued it for a new one.")
    if now < certificate.start:
        raise SettingsError(
            f"{name}: the certificate is not valid before {certificate.start:%Y-%m-%d %H:%M} UTC",
            "Is this computer's clock right?",
        )
    return KeyPair(pem(key), certificate.pem), certificate


def _pem(name: str, data: bytes, key_data: bytes, password: str | None) -> tuple[PrivateKey, tuple[About, ...]]:
    try:
        certificates = read_pem(data)
    except ValueError:
        certificates = ()
    if not certificates:
        raise SettingsError(f"{name}: there is no certificate in it", "It begins with -----BEGIN CERTIFICATE-----.")
    if b"PRIVATE KEY-----" not in key_data:
        raise SettingsError(
            f"{name}: there is no private key", "It is in the same file, or in one of its own that is named too."
        )
    encrypted = b"-----BEGIN ENCRYPTED PRIVATE KEY-----" in key_data or b"Proc-Type: 4,ENCRYPTED" in key_data
    if encrypted and password is None:
        raise _no_password(name)
    try:
        key = load_pem_private_key(key_data, password.encode() if encrypted and password is not None else None)
    except Exception as error:  # the library has several for a wrong password, and unsupported kinds are another
        raise _unreadable(name, encrypted) from error.__cause__
    return _of_a_kind(name, key), certificates


def _pkcs12(name: str, data: bytes, password: str | None) -> tuple[PrivateKey, tuple[About, ...]]:
    try:
        bundle = pkcs12.load_pkcs12(data, password.encode() if password is not None else None)
    except ValueError:
        if password is None and data[:1] == b"\x30":  # a DER sequence, as PKCS #12 is
            raise _no_password(name) from None
        raise _unreadable(name, password is not None) from None
    if bundle.key is None or bundle.cert is None:
        raise SettingsError(f"{name}: it does not hold a key and its certificate", "Export both into one file.")
    found = [bundle.cert.certificate, *(one.certificate for one in bundle.additional_certs)]
    return _of_a_kind(name, bundle.key), tuple(_about(name, certificate) for certificate in found)


def _about(name: str, certificate: x509.Certificate) -> About:
    try:
        return About.of(certificate)
    except ValueError:
        raise _unreadable(name, False) from None


def _of_a_kind(name: str, key: object) -> PrivateKey:
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise SettingsError(f"{name}: messages cannot be signed with such a key", _WANTED)
    return key


def _demand_kind(name: str, key: PrivateKey) -> None:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        if not isinstance(key.curve, ec.SECP256R1):
            raise SettingsError(f"{name}: messages are not signed with a key on the curve {key.curve.name}", _WANTED)
    elif key.key_size < LEAST_RSA:
        raise SettingsError(f"{name}: an RSA key of {key.key_size} bits is too short", _WANTED)
    elif key.public_key().public_numbers().e <= 2**16:
        raise SettingsError(f"{name}: an RSA key with so small an exponent is not accepted", _WANTED)


def _no_password(name: str) -> SettingsError:
    return SettingsError(
        f"{name}: the key is encrypted, and there is no password", "Give it: security.key_password refers to it."
    )


def _unreadable(name: str, encrypted: bool) -> SettingsError:
    if encrypted:
        return SettingsError(f"{name}: the key cannot be opened with this password", "Check the password.")
    return SettingsError(f"{name}: it cannot be read as a key with its certificate", "PEM or PKCS #12 is expected.")
