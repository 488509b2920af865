"""TLS: verified always, 1.2 or newer, and what the person is told when it fails."""

import ssl
import warnings
from datetime import UTC, datetime, timedelta

import pytest
from transport_lab import Request, Server, http, says

from meterpost.errors import MeterpostError, NetworkError, SettingsError, TlsError
from meterpost.settings import ServerSettings
from meterpost.transport import HttpsTransport, Outbound

SAYS_REPLY = says(http(b"<reply/>"))


def refusal(pki, reach, certificate: str, **settings: object) -> MeterpostError:
    with Server(pki.server(certificate), SAYS_REPLY) as server:
        transport = reach(server.port, **settings)
        with pytest.raises(TlsError) as caught:
            transport.post(Outbound.of("a", b"<reads/>"))
        assert not server.requests  # not one octet of the message left
        assert caught.value.advice
        return caught.value


@pytest.mark.parametrize(
    ("certificate", "told"),
    [
        ("strange", "was issued by a CA this machine does not know"),
        ("elsewhere", "is for another address"),
        ("expired", "has expired"),
    ],
)
def test_somebody_elses_certificate_is_told_apart(pki, reach, certificate: str, told: str) -> None:
    assert told in str(refusal(pki, reach, certificate))


def test_the_host_name_is_checked(pki, reach) -> None:
    assert "is for another name" in str(refusal(pki, reach, "elsewhere", host="localhost"))


def test_an_expired_certificate_points_to_the_clock(pki, reach) -> None:
    assert "clock" in refusal(pki, reach, "expired").advice


def test_without_a_ca_file_the_systems_store_decides(pki, reach, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", pki.file("house-ca.pem"))
    monkeypatch.setenv("CURL_CA_BUNDLE", pki.file("house-ca.pem"))
    assert "does not know" in str(refusal(pki, reach, "good", ca_file=""))


def test_the_ca_file_alone_decides_where_it_is_set(pki, reach, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", pki.file("stranger-ca.pem"))
    assert "does not know" in str(refusal(pki, reach, "strange"))


@pytest.mark.skipif(not ssl.HAS_TLSv1_1, reason="this OpenSSL cannot play a server that old")
@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1"])
def test_a_server_that_is_too_old_is_refused(pki, reach, version: str) -> None:
    context = pki.server("good")
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
    with Server(context, SAYS_REPLY) as server, pytest.raises(TlsError, match=r"no TLS newer than 1\.1"):
        reach(server.port).post(Outbound.of("a", b""))


def test_tls_1_2_is_new_enough(pki, reach) -> None:
    context = pki.server("good")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with Server(context, SAYS_REPLY) as server:
        assert reach(server.port).post(Outbound.of("a", b"")).status == 200


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
class TestClientCertificate:
    def guarded(self, pki, version: str) -> ssl.SSLContext:
        context = pki.server("good")
        context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(pki.file("house-ca.pem"))
        return context

    def test_is_shown_when_asked_for(self, pki, reach, version: str) -> None:
        with Server(self.guarded(pki, version), SAYS_REPLY) as server:
            reach(server.port, client_certificate="client-7.pem", client_key="client-7.key").post(Outbound.of("a", b""))
            assert "client-7" in str(server.client_names)

    def test_is_missed(self, pki, reach, version: str) -> None:
        with Server(self.guarded(pki, version), SAYS_REPLY) as server, pytest.raises(TlsError) as caught:
            reach(server.port).post(Outbound.of("a", b""))
        assert "client certificate" in f"{caught.value} {caught.value.advice}"

    def test_of_another_ca_is_refused(self, pki, reach, version: str) -> None:
        with Server(self.guarded(pki, version), SAYS_REPLY) as server, pytest.raises(TlsError, match="does not accept our"):
            reach(server.port, client_certificate="strange.pem").post(Outbound.of("a", b""))


def test_plain_text_where_tls_should_be(reach) -> None:
    with Server(None, SAYS_REPLY) as server:
        server.serve = lambda connection: (connection.recv(1), connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
        with pytest.raises(TlsError, match="is not TLS") as caught:
            reach(server.port).post(Outbound.of("a", b""))
        assert "login page" in caught.value.advice


def test_a_handshake_that_is_hung_up(reach) -> None:
    with Server(None, SAYS_REPLY) as server:
        server.serve = lambda connection: connection.recv(1)
        with pytest.raises(NetworkError, match="closed the connection before TLS came about"):
            reach(server.port).post(Outbound.of("a", b""))


def test_a_handshake_that_never_ends(reach) -> None:
    with Server(None, SAYS_REPLY) as server:
        server.serve = lambda connection: server.closing.wait()
        with pytest.raises(NetworkError, match=r"no TLS came about within 0\.2 s; no message was sent$"):
            reach(server.port, connect_timeout_s=0.2).post(Outbound.of("a", b""))


def test_peer_says_whom_the_certificate_names_and_sends_no_message(pki, reach) -> None:
    with Server(pki.server("good"), SAYS_REPLY) as server:
        transport = reach(server.port)
        peer = transport.peer()
        assert peer.names == ("localhost", "meter.example", "127.0.0.1", "::1")
        assert peer.issuer == "CN=house CA"
        assert timedelta(hours=23) < peer.valid_until - datetime.now(UTC) <= timedelta(days=1)
        assert not server.requests
        transport.post(Outbound.of("a", b""))
        assert server.connections == 1
        assert transport.peer() == peer


def test_a_server_may_have_an_ipv6_address(pki, reach) -> None:
    try:
        server = Server(pki.server("good"), SAYS_REPLY, "::1")
    except OSError as error:
        pytest.skip(f"no IPv6 here: {error}")
    with server:
        transport = reach(server.port, host="[::1]")
        assert transport.post(Outbound.of("a", b"")).status == 200
        assert f"Host: [::1]:{server.port}\r\n".encode() in server.requests[0].head
        assert "::1" in transport.peer().names


def test_peer_of_a_server_that_cannot_be_trusted(pki, reach) -> None:
    with Server(pki.server("strange"), SAYS_REPLY) as server, pytest.raises(TlsError, match="does not know"):
        reach(server.port).peer()


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"ca_file": "missing.pem"}, "No such file"),
        ({"ca_file": "."}, "directory"),
        ({"ca_file": "good.key"}, "does not hold what is expected, as PEM"),
        ({"ca_file": "house-ca.der"}, "does not hold what is expected, as PEM"),
        ({"client_certificate": "missing.pem"}, "No such file"),
        ({"client_certificate": "house-ca.pem"}, "does not hold what is expected, as PEM"),
        ({"client_certificate": "good.pem", "client_key": "missing.key"}, r"missing\.key cannot be used: No such file"),
        ({"client_certificate": "good.pem", "client_key": "client-7.key"}, "the key belongs to another certificate"),
        ({"client_key": "client-7.key"}, "server.client_certificate is not"),
        ({"client_certificate": "locked.pem"}, "protected by a passphrase"),
        ({"client_certificate": "client-7.pem", "client_key": "locked.pem"}, "protected by a passphrase"),
    ],
)
def test_files_that_cannot_be_used_are_named(pki, settings: dict[str, str], told: str) -> None:
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_private_key((pki.folder / "client-7.key").read_bytes(), None)
    lock = serialization.BestAvailableEncryption(b"hush")
    locked = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)
    (pki.folder / "locked.pem").write_bytes(locked + (pki.folder / "client-7.pem").read_bytes().split(b"KEY-----\n")[-1])
    (pki.folder / "house-ca.der").write_bytes(ssl.PEM_cert_to_DER_cert((pki.folder / "house-ca.pem").read_text()))
    with pytest.raises(SettingsError, match=told) as caught:
        HttpsTransport(ServerSettings(url="https://127.0.0.1/mp", **settings), pki.folder)
    assert f"server.{next(iter(settings))}" in str(caught.value)
    assert caught.value.advice
    assert "hush" not in f"{caught.value} {caught.value.advice}"


def test_a_netrc_never_matters(pki, reach, monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password hush\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    seen: list[Request] = []
    with Server(
        pki.server("good"), lambda request, stream: bool(seen.append(request)) or SAYS_REPLY(request, stream)
    ) as server:
        reach(server.port).post(Outbound.of("a", b""))
    assert b"uthorization" not in seen[0].head


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://meter.example/mp",
        "https://me:hush@meter.example/mp",
        "https://",
        "https://meter.example:port/mp",
        "https://meter.example:99999/mp",
        "https://meter..example/mp",
        f"https://{'m' * 64}.example/mp",
        "https://[::1/mp",
    ],
)
def test_only_https_without_credentials_is_an_address(pki, url: str) -> None:
    with pytest.raises(SettingsError, match="not an https address") as caught:
        HttpsTransport(ServerSettings(url=url), pki.folder)
    assert "hush" not in f"{caught.value} {caught.value.advice}"
