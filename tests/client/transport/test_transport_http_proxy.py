"""The way through an HTTP proxy: which one, with which credentials, and what the person is told."""

import socket
from base64 import b64encode

import pytest
from transport_lab import ConnectProxy, Server, http, says

from meterpost.errors import NetworkError, SettingsError, TlsError
from meterpost.settings import ServerSettings
from meterpost.transport.http_proxy import HttpProxy

PASSWORD = "hush: é"
GOOD = says(http(b"<reply/>"))


def basic(username: str, password: str) -> str:
    return "Basic " + b64encode(f"{username}:{password}".encode()).decode()


def test_the_way_leads_through_the_http_proxy_and_tls_ends_at_the_server(pki, reach) -> None:
    with Server(pki.server("good"), GOOD) as server, ConnectProxy() as http_proxy:
        transport = reach(server.port, host="meter.example", http_proxy=f"http://127.0.0.1:{http_proxy.port}")
        for _ in range(2):
            assert transport.post("a", b"<reads/>").body == b"<reply/>"
        assert transport.peer().issuer == "CN=house CA"
        assert http_proxy.connections == server.connections == 1
        assert http_proxy.heads[0].startswith(f"CONNECT meter.example:{server.port} HTTP/1.".encode())


def test_credentials_go_to_the_http_proxy_and_no_further(pki, reach, caplog, capfd) -> None:
    with Server(pki.server("good"), GOOD) as server, ConnectProxy(basic("agent", PASSWORD)) as http_proxy:
        way = {"http_proxy": f"127.0.0.1:{http_proxy.port}", "http_proxy_username": "agent"}
        with caplog.at_level("DEBUG"):
            reach(server.port, http_proxy_password=PASSWORD, **way).post("a", b"")
        assert b"uthorization" not in server.requests[0].head
    for secret in (PASSWORD, basic("agent", PASSWORD)):
        assert secret not in caplog.text + "".join(capfd.readouterr())


@pytest.mark.parametrize("password", ["wrong", None])
def test_wrong_credentials_are_told_without_repeating_them(pki, reach, password: str | None) -> None:
    with Server(pki.server("good"), GOOD) as server, ConnectProxy(basic("agent", PASSWORD)) as http_proxy:
        way = {"http_proxy": f"http://127.0.0.1:{http_proxy.port}", "http_proxy_username": "agent"}
        with pytest.raises(NetworkError, match=r"without the right credentials \(407\)") as caught:
            reach(server.port, http_proxy_password=password, **way).post("a", b"")
        assert "server.http_proxy_password" in caught.value.advice
        assert "wrong" not in repr(caught.value)
        assert not server.connections


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
def test_the_environments_http_proxy_with_its_credentials(pki, reach, monkeypatch, name: str) -> None:
    with Server(pki.server("good"), GOOD) as server, ConnectProxy(basic("a@b", "p:w/d")) as http_proxy:
        monkeypatch.setenv(name, f"http://a%40b:p%3Aw%2Fd@127.0.0.1:{http_proxy.port}")
        assert reach(server.port).post("a", b"").status == 200
        assert http_proxy.connections == 1


@pytest.mark.parametrize("exception", ["127.0.0.1", "other.example,127.0.0.0/8", "*"])
def test_the_environments_exceptions_count(pki, reach, monkeypatch, exception: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", exception)
    with Server(pki.server("good"), GOOD) as server:
        assert reach(server.port).post("a", b"").status == 200


def test_none_means_straight_whatever_the_environment_says(pki, reach, monkeypatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    with Server(pki.server("good"), GOOD) as server:
        assert reach(server.port, http_proxy="none").post("a", b"").status == 200


def test_the_setting_comes_before_the_environment_and_its_exceptions(pki, reach, monkeypatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Server(pki.server("good"), GOOD) as server, ConnectProxy() as http_proxy:
        reach(server.port, http_proxy=f"http://127.0.0.1:{http_proxy.port}").post("a", b"")
        assert http_proxy.connections == 1


def test_the_systems_http_proxy_comes_last(monkeypatch) -> None:
    # Windows and macOS answer getproxies() from their own settings; elsewhere there is no such place.
    monkeypatch.setattr("requests.utils.getproxies", lambda: {"https": "http://proxy.example:3128"})
    assert HttpProxy.choose(ServerSettings(url="https://meter.example/mp"), None) == HttpProxy("proxy.example", 3128)


@pytest.mark.parametrize("address", ["https://secret:proxy@h:1", "socks5://secret@h:1", "http://secret@h:port", "http://"])
def test_an_address_that_is_none_is_refused_without_repeating_it(monkeypatch, address: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", address)
    with pytest.raises(SettingsError, match="http://host:port") as caught:
        HttpProxy.choose(ServerSettings(url="https://meter.example/mp"), None)
    assert "secret" not in f"{caught.value} {caught.value.advice}"


def test_the_password_is_in_no_repr() -> None:
    server = ServerSettings(url="https://meter.example/mp", http_proxy="http://h:1", http_proxy_username="agent")
    assert PASSWORD not in repr(HttpProxy.choose(server, PASSWORD))


def test_an_http_proxy_that_is_not_there(reach) -> None:
    with socket.create_server(("127.0.0.1", 0)) as spare:
        port = spare.getsockname()[1]
    with pytest.raises(NetworkError, match=rf"the HTTP proxy 127\.0\.0\.1:{port} refuses connections") as caught:
        reach(443, http_proxy=f"http://127.0.0.1:{port}").post("a", b"")
    assert "server.http_proxy" in caught.value.advice


def test_an_http_proxy_nobody_knows(reach) -> None:
    with pytest.raises(NetworkError, match=r"the name of the HTTP proxy nowhere\.invalid:80 is unknown"):
        reach(443, http_proxy="http://nowhere.invalid").post("a", b"")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"HTTP/1.1 302 Found\r\nLocation: http://login.example/\r\n\r\n", "sends us to a login page"),
        (b"HTTP/1.1 511 Network Authentication Required\r\n\r\n", "sends us to a login page"),
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", r"will not connect us to 127\.0\.0\.1:\d+ \(403\)"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", r"will not connect us to 127\.0\.0\.1:\d+ \(502\)"),
        (b"SSH-2.0-OpenSSH_9.9\r\n", "not HTTP"),
    ],
)
def test_an_http_proxy_that_will_not(reach, answer: bytes, told: str) -> None:
    with ConnectProxy(refusal=answer) as http_proxy, pytest.raises(NetworkError, match=told) as caught:
        reach(8443, http_proxy=f"http://127.0.0.1:{http_proxy.port}").post("a", b"")
    assert caught.value.advice


def test_a_captive_http_proxy_that_answers_itself(pki, reach) -> None:
    with Server(pki.server("strange"), says(http(b"<html>log in</html>"))) as portal, ConnectProxy() as http_proxy:
        transport = reach(portal.port, http_proxy=f"http://127.0.0.1:{http_proxy.port}")
        with pytest.raises(TlsError, match="CA this machine does not know"):
            transport.post("a", b"<reads/>")
        assert not portal.requests
