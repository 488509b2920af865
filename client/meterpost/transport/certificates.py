"""Whom we trust, who we say we are, and whom the server says it is. Opens no connection."""

import ssl
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.x509.oid import NameOID

from meterpost.errors import SettingsError
from meterpost.settings import ServerSettings
from meterpost.transport.meter import MeteredContext


@dataclass(frozen=True, slots=True)
class Peer:
    """Whom the server's certificate names (DNS names, addresses), the issuer's distinguished name (RFC 4514), and
    until when it is valid (UTC)."""

    names: tuple[str, ...]
    issuer: str
    valid_until: datetime

    @classmethod
    def of(cls, der: bytes) -> Self:
        """From a certificate in DER."""
        certificate = x509.load_der_x509_certificate(der)
        try:
            alternative = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except x509.ExtensionNotFound:
            names = [str(name.value) for name in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        else:
            names = [
                *alternative.get_values_for_type(x509.DNSName),
                *map(str, alternative.get_values_for_type(x509.IPAddress)),
            ]
        return cls(tuple(names), certificate.issuer.rfc4514_string(), certificate.not_valid_after_utc)


def trust(server: ServerSettings, base: Path) -> MeteredContext:
    """TLS as the settings want it. Without a CA file the operating system's store decides whom to trust, not a list
    bundled with a library: an administrator's own CA is there. With one, it alone decides. Raises SettingsError."""
    context = MeteredContext()
    if server.ca_file:
        path = base / server.ca_file
        try:
            context.load_verify_locations(path)
        except OSError as error:  # ssl.SSLError is one
            raise SettingsError(f"server.ca_file: {path} cannot be used: {_why(error)}", _PEM) from None
    else:
        context.load_default_certs()
    if server.client_certificate:
        path, key = base / server.client_certificate, base / server.client_key if server.client_key else None
        try:
            context.load_cert_chain(path, key, password=_no_passphrase)
        except OSError as error:
            raise SettingsError(
                f"server.client_certificate: {path}{f' with the key {key}' if key else ''} cannot be used: {_why(error)}",
                f"{_PEM} The key is in the same file, or in that of server.client_key.",
            ) from None
    elif server.client_key:
        raise SettingsError(
            "server.client_key is set, and server.client_certificate is not", "Set both for a client certificate, or neither."
        )
    return context


def _no_passphrase() -> str:
    # Without this OpenSSL asks at the terminal, and an unattended client stands still.
    raise SettingsError(
        "the key of server.client_certificate is protected by a passphrase, which an unattended client cannot enter",
        "Store the key without a passphrase, readable by meterpost's account only.",
    )


_PEM = "PEM is expected: text that begins with -----BEGIN."
_REASONS = {"KEY_VALUES_MISMATCH": "the key belongs to another certificate"}


def _why(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return _REASONS.get(error.reason or "", "it does not hold what is expected, as PEM")
    return error.strerror or type(error).__name__
