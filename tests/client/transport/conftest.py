"""A throw-away PKI, and transports that trust it."""

import ipaddress
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from meterpost.settings import ServerSettings
from meterpost.transport import HttpsTransport

PROXY_VARIABLES = ("https_proxy", "http_proxy", "all_proxy", "no_proxy")


@dataclass(frozen=True)
class Pki:
    """Certificates in PEM files: `<name>.pem` with key and chain, `<name>.key`, and for CAs `<name>-ca.pem`."""

    folder: Path

    def file(self, name: str) -> str:
        return str(self.folder / name)

    def server(self, name: str) -> ssl.SSLContext:
        """A server context that shows the certificate `name`."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file(f"{name}.pem"))
        return context

    def authority(self, name: str) -> "Authority":
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name} CA")])
        certificate = (
            _builder(subject, subject, key.public_key(), timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        (self.folder / f"{name}-ca.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return Authority(self.folder, certificate, key)


@dataclass(frozen=True)
class Authority:
    folder: Path
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def issue(self, name: str, *hosts: str, valid_for: timedelta = timedelta(days=1)) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = _builder(subject, self.certificate.subject, key.public_key(), valid_for)
        if hosts:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([_general_name(host) for host in hosts]), critical=False
            )
        certificate = builder.sign(self.key, hashes.SHA256())
        secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        (self.folder / f"{name}.key").write_bytes(secret)
        (self.folder / f"{name}.pem").write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, valid_for: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now + valid_for)
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    pki = Pki(tmp_path_factory.mktemp("pki"))
    house = pki.authority("house")
    house.issue("good", "127.0.0.1", "::1", "localhost", "meter.example")
    house.issue("elsewhere", "elsewhere.example")
    house.issue("expired", "127.0.0.1", "localhost", valid_for=timedelta(days=-1))
    house.issue("client-7")
    pki.authority("stranger").issue("strange", "127.0.0.1", "localhost")
    return pki


@pytest.fixture(autouse=True)
def no_http_proxy_here(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def reach(pki: Pki, request: pytest.FixtureRequest) -> Callable[..., HttpsTransport]:
    """`reach(port, **settings)`: a transport to that port of loopback which trusts the house's CA."""

    def build(port: int, host: str = "127.0.0.1", http_proxy_password: str | None = None, **settings: object) -> HttpsTransport:
        defaults = {"ca_file": pki.file("house-ca.pem"), "connect_timeout_s": 30.0, "read_timeout_s": 30.0}
        server = ServerSettings(url=f"https://{host}:{port}/mp", **(defaults | settings))
        transport = HttpsTransport(server, pki.folder, http_proxy_password)
        request.addfinalizer(transport.close)
        return transport

    return build
