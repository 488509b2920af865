"""What an administrator brings: PEM in its kinds, PKCS #12, and clear words for each thing that is wrong with it."""

from contextlib import suppress
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)
from hypothesis import example, given, settings
from hypothesis import strategies as st
from keys_lab import NOW, about, days, issue, key_of

from meterpost.errors import SettingsError
from meterpost.keys.about import read_pem
from meterpost.keys.reading import read_pair

PASSWORD = "correct horse"


def pem(key: Any, how: PrivateFormat = PrivateFormat.PKCS8, password: str | None = None) -> bytes:
    encryption = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, how, encryption)


def crt(kind: str = "EC P-256", number: int = 0, start: float = -1, end: float = 99) -> bytes:
    return about(number, days(start), days(end), kind).pem


@cache
def p12(password: str | None, kind: str = "EC P-256", others: int = 0) -> bytes:
    """A bundle, with so many certificates of others before."""
    encryption = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    certificate = issue(key_of(kind).public_key(), "site", days(-1), days(99))
    chain = [issue(key_of(kind, 20 + number).public_key(), f"ca {number}", days(-1), days(999)) for number in range(others)]
    return pkcs12.serialize_key_and_certificates(b"site", key_of(kind), certificate, chain or None, encryption)


GOOD = {
    "one file": (pem(key_of("EC P-256")) + crt(), None, None),
    "certificate first": (crt() + pem(key_of("EC P-256")), None, None),
    "two files": (crt(), pem(key_of("EC P-256")), None),
    "SEC 1": (crt(), pem(key_of("EC P-256"), PrivateFormat.TraditionalOpenSSL), None),
    "RSA": (crt("RSA 2048") + pem(key_of("RSA 2048")), None, None),
    "PKCS #1": (crt("RSA 2048"), pem(key_of("RSA 2048"), PrivateFormat.TraditionalOpenSSL), None),
    "encrypted": (crt(), pem(key_of("EC P-256"), password=PASSWORD), PASSWORD),
    "encrypted, the old way": (crt(), pem(key_of("EC P-256"), PrivateFormat.TraditionalOpenSSL, PASSWORD), PASSWORD),
    "a password too much": (crt(), pem(key_of("EC P-256")), PASSWORD),
    "words before": (b"Bag Attributes\n  friendlyName: site\n" + crt() + b"and\n" + pem(key_of("EC P-256")), None, None),
    "a chain, ours last": (crt(number=20) + crt(number=21) + crt() + pem(key_of("EC P-256")), None, None),
    "curve parameters before": (
        b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
        + pem(key_of("EC P-256"), PrivateFormat.TraditionalOpenSSL)
        + crt(),
        None,
        None,
    ),
    "PKCS #12": (p12(PASSWORD), None, PASSWORD),
    "PKCS #12, open": (p12(None), None, None),
    "PKCS #12, RSA with a chain": (p12(PASSWORD, "RSA 2048", 2), None, PASSWORD),
}


@pytest.mark.parametrize("case", GOOD)
def test_what_is_read(case: str) -> None:
    data, key, password = GOOD[case]
    pair, certificate = read_pair("pair", data, key, password, NOW)
    kind = "RSA 2048" if "RSA" in case or case == "PKCS #1" else "EC P-256"
    assert certificate.kind == kind
    assert load_pem_private_key(pair.private_key, None).private_numbers() == key_of(kind).private_numbers()
    assert read_pem(pair.certificate) == (certificate,)
    assert certificate.key == about(kind=kind).key


BAD = {
    "encrypted, no password": (
        (crt(), pem(key_of("EC P-256"), password=PASSWORD), None),
        "encrypted, and there is no password",
    ),
    "encrypted the old way": (
        (crt(), pem(key_of("EC P-256"), PrivateFormat.TraditionalOpenSSL, PASSWORD), None),
        "encrypted, and there is no password",
    ),
    "wrong password": ((crt(), pem(key_of("EC P-256"), password=PASSWORD), "hunter2"), "cannot be opened with this password"),
    "PKCS #12, no password": ((p12(PASSWORD), None, None), "encrypted, and there is no password"),
    "PKCS #12, wrong password": ((p12(PASSWORD), None, "hunter2"), "cannot be opened with this password"),
    "another's certificate": ((crt(number=1), pem(key_of("EC P-256")), None), "do not belong together"),
    "RSA and EC": ((crt("RSA 2048"), pem(key_of("EC P-256")), None), "do not belong together"),
    "RSA 1024": ((crt("RSA 1024") + pem(key_of("RSA 1024")), None, None), "an RSA key of 1024 bits is too short"),
    "P-384": ((crt("EC P-384") + pem(key_of("EC P-384")), None, None), "curve secp384r1"),
    "Ed25519": ((crt(), pem(ed25519.Ed25519PrivateKey.generate()), None), "cannot be signed with such a key"),
    "expired": ((crt(end=-0.01) + pem(key_of("EC P-256")), None, None), "ended on 2026-11-20"),
    "not yet valid": ((crt(start=0.01) + pem(key_of("EC P-256")), None, None), "not valid before 2026-11-20 12:14"),
    "no key": ((crt(), None, None), "there is no private key"),
    "no certificate": ((pem(key_of("EC P-256")), None, None), "there is no certificate"),
    "a key that is none": (
        (crt() + b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", None, None),
        "cannot be read as a key",
    ),
    "a certificate that is none": (
        (pem(key_of("EC P-256")) + b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", None, None),
        "there is no certificate",
    ),
    "nothing": ((b"", None, None), "cannot be read as a key"),
    "noise": ((b"\x30\x82" + b"\x07" * 99, None, PASSWORD), "cannot be opened with this password"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_said(case: str) -> None:
    (data, key, password), says = BAD[case]
    with pytest.raises(SettingsError) as caught:
        read_pair("pair.pem", data, key, password, NOW)
    text = f"{caught.value} {caught.value.advice}"
    assert text.startswith("pair.pem: ")
    assert says in text
    assert caught.value.advice
    assert "hunter2" not in text


def test_of_two_certificates_for_the_key_the_one_that_lasts_is_taken() -> None:
    data = crt(end=9) + crt(end=90) + crt(end=50) + pem(key_of("EC P-256"))
    assert read_pair("pair", data, None, None, NOW)[1].end == days(90)


@given(st.binary(max_size=300) | st.sampled_from([pem(key_of("EC P-256")) + crt(), p12(PASSWORD)]), st.data())
@example(b"-----BEGIN CERTIFICATE-----", None)
@settings(deadline=None, max_examples=150)
def test_whatever_is_in_a_file_is_an_error_of_the_operator(data: bytes, draw: Any) -> None:
    """Noise, and good files of which some octets were changed or cut off."""
    if draw is not None and data:
        position = draw.draw(st.integers(0, len(data) - 1))
        data = draw.draw(
            st.sampled_from([data[:position], data[:position] + b"\x00" + data[position + 1 :], data + b"\n-----BEGIN"])
        )
    with suppress(SettingsError):
        read_pair("pair", data, None, PASSWORD, NOW)
