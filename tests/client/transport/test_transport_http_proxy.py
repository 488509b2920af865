"""The way through an HTTP proxy: which one, with which credentials, and what the person is told."""

import socket
from base64 import b64encode

import pytest
from transport_lab import ConnectProxy, Server, http, says
from urllib3.exceptions import ConnectTimeoutError

from meterpost.errors import NetworkError, SettingsError, TlsError
from meterpost.settings import ServerSettings
from meterpost.transport import HttpsTransport, Outbound
from meterpost.transport.http_proxy import HttpProxy
from meterpost.transport.trouble import Way, explain

PASSWORD = "hush: é"
GOOD = says(http(b"<reply/>"))


def basic(username: str, password: str) -> str:
    return "Basic " + b64encode(f"{username}:{password}".encode()).decode()


def test_the_way_leads_through_the_http_proxy_and_tls_ends_at_the_server(pki, reach) -> None:
    with Server(pki.server("good"), GOOD) as server, ConnectProxy() as http_proxy:
        transport = reach(server.port, host="meter.example", http_proxy=f"http://127.0.0.1:{http_proxy.port}")
        for _ in range(2):
            assert transport.post(Outbound.of("a", b"<reads/>")).body == b"<reply/>"
        assert transport.peer().issuer == "CN=house CA"
        assert http_proxy.connections == server.connections == 1
        assert http_proxy.heads[0].startswith(f"CONNECT meter.example:{server.port} HTTP/1.".encode())


def test_credentials_go_to_the_http_proxy_and_no_further(pki, reach, caplog, capfd) -> None:
    with Server(pki.server("good"), GOOD) as server, ConnectProxy(basic("agent", PASSWORD)) as http_proxy:
        way = {"http_proxy": f"127.0.0.1:{http_proxy.port}", "http_proxy_username": "agent"}
        with caplog.at_level("DEBUG"):
            reach(server.port, http_proxy_password=PASSWORD, **way).post(Outbound.of("a", b""))
        assert b"uthorization" not in server.requests[0].head
    for secret in (PASSWORD, basic("agent", PASSWORD)):
        assert secret not in caplog.text + "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("username", "password", "told"),
    [
        ("agent", "wrong", "does not accept our user name and password"),
        ("agent", None, "does not accept our user name and password"),
        ("", None, "wants a user name and password"),
    ],
)
def test_wrong_credentials_are_told_without_repeating_them(pki, reach, username: str, password: str | None, told: str) -> None:
    with Server(pki.server("good"), GOOD) as server, ConnectProxy(basic("agent", PASSWORD)) as http_proxy:
        way = {"http_proxy": f"http://127.0.0.1:{http_proxy.port}", "http_proxy_username": username}
        with pytest.raises(NetworkError, match=rf"{told} \(407\)") as caught:
            reach(server.port, http_proxy_password=password, **way).post(Outbound.of("a", b""))
        assert "server.http_proxy_password" in caught.value.advice
        assert "HTTPS_PROXY" in caught.value.advice  # there may be the credentials that were refused
        assert "wrong" not in repr(caught.value)
        assert not server.connections


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
def test_the_environments_http_proxy_with_its_credentials(pki, reach, monkeypatch, name: str) -> None:
    with Server(pki.server("good"), GOOD) as server, ConnectProxy(basic("a@b", "p:w/d")) as http_proxy:
        monkeypatch.setenv(name, f"http://a%40b:p%3Aw%2Fd@127.0.0.1:{http_proxy.port}")
        assert reach(server.port).post(Outbound.of("a", b"")).status == 200
        assert http_proxy.connections == 1


@pytest.mark.parametrize("exception", ["127.0.0.1", "other.example,127.0.0.0/8", "*"])
def test_the_environments_exceptions_count(pki, reach, monkeypatch, exception: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", exception)
    with Server(pki.server("good"), GOOD) as server:
        assert reach(server.port).post(Outbound.of("a", b"")).status == 200


def test_none_means_straight_whatever_the_environment_says(pki, reach, monkeypatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    with Server(pki.server("good"), GOOD) as server:
        assert reach(server.port, http_proxy="none").post(Outbound.of("a", b"")).status == 200


def test_the_setting_comes_before_the_environment_and_its_exceptions(pki, reach, monkeypatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Server(pki.server("good"), GOOD) as server, ConnectProxy() as http_proxy:
        reach(server.port, http_proxy=f"http://127.0.0.1:{http_proxy.port}").post(Outbound.of("a", b""))
        assert http_proxy.connections == 1


def test_the_systems_http_proxy_comes_last(monkeypatch) -> None:
    # Windows and macOS answer getproxies() from their own settings; elsewhere there is no such place.
    monkeypatch.setattr("requests.utils.getproxies", lambda: {"https": "http://proxy.example:3128"})
    chosen = HttpProxy.choose(ServerSettings(url="https://meter.example/mp"), None)
    assert chosen is not None
    assert (chosen.host, chosen.port) == ("proxy.example", 3128)


@pytest.mark.parametrize("address", ["https://secret:proxy@h:1", "socks5://secret@h:1", "http://secret@h:port", "http://"])
def test_an_address_that_is_none_is_refused_without_repeating_it(monkeypatch, address: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", address)
    with pytest.raises(SettingsError, match="http://host:port") as caught:
        HttpProxy.choose(ServerSettings(url="https://meter.example/mp"), None)
    assert "secret" not in f"{caught.value} {caught.value.advice}"


def test_the_password_is_in_no_repr() -> None:
    server = ServerSettings(url="https://meter.example/mp", http_proxy="http://h:1", http_proxy_username="agent")
    assert PASSWORD not in repr(HttpProxy.choose(server, PASSWORD))


@pytest.mark.parametrize(("by", "advice"), [("setting", "(server.http_proxy)"), ("environment", "HTTPS_PROXY in the env")])
def test_an_http_proxy_that_is_not_there_is_told_with_the_place_it_is_named(reach, monkeypatch, by: str, advice: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as spare:
        address = f"127.0.0.1:{spare.getsockname()[1]}"
    monkeypatch.setenv("HTTPS_PROXY", f"http://{address}")
    setting = f"http://{address}" if by == "setting" else ""
    with pytest.raises(NetworkError, match=f"the HTTP proxy {address} refuses connections") as caught:
        reach(443, http_proxy=setting).post(Outbound.of("a", b""))
    assert advice in caught.value.advice


@pytest.mark.parametrize(("http_proxy", "one_may_be_needed"), [(None, True), (HttpProxy("proxy.example", 3128), False)])
def test_an_http_proxy_is_proposed_where_there_is_none(http_proxy: HttpProxy | None, one_may_be_needed: bool) -> None:
    way = Way("meter.example", http_proxy, connect_timeout_s=15, read_timeout_s=120, secured=False)
    told = explain(ConnectTimeoutError(), way)
    assert ("an HTTP proxy may be needed" in told.advice) is one_may_be_needed


def test_an_http_proxy_nobody_knows(reach) -> None:
    with pytest.raises(NetworkError, match=r"the name of the HTTP proxy nowhere\.invalid:80 is unknown"):
        reach(443, http_proxy="http://nowhere.invalid").post(Outbound.of("a", b""))


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"HTTP/1.1 302 Found\r\nLocation: http://login.example/\r\n\r\n", "sends us to a login page"),
        (b"HTTP/1.1 511 Network Authentication Required\r\n\r\n", "sends us to a login page"),
        (b"HTTP/1.1 403 Forbidden\r\n\r\n<html>no</html>", r"will not connect us to 127\.0\.0\.1:\d+ \(403\)"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", r"could not reach 127\.0\.0\.1:\d+ \(502\)"),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", r"could not reach 127\.0\.0\.1:\d+ \(503\)"),
        (b"HTTP/1.1 405 Method Not Allowed\r\n\r\n", r"does not behave like an HTTP proxy \(405\)"),
        (b"HTTP/1.1 501 Not Implemented\r\n\r\n", r"does not behave like an HTTP proxy \(501\)"),
        (b"<html>a web page</html>\r\n", "not HTTP"),
        (b"SSH-2.0-OpenSSH_9.9\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK", "closed the connection before TLS came about"),
    ],
)
def test_an_http_proxy_that_will_not(reach, answer: bytes, told: str) -> None:
    with ConnectProxy(refusal=answer) as http_proxy, pytest.raises(NetworkError, match=told) as caught:
        reach(8443, http_proxy=f"http://127.0.0.1:{http_proxy.port}").post(Outbound.of("a", b""))
    assert caught.value.advice


def test_an_http_proxy_whose_tunnel_is_a_web_page(reach) -> None:
    page = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\n\r\n<html>what was that?</html>"
    with ConnectProxy(refusal=b"HTTP/1.1 200 OK\r\n\r\n", then=page) as http_proxy:
        transport = reach(8443, http_proxy=f"http://127.0.0.1:{http_proxy.port}")
        with pytest.raises(TlsError, match=r"through the HTTP proxy 127\.0\.0\.1:\d+ is not TLS") as caught:
            transport.post(Outbound.of("a", b""))
    assert "set server.http_proxy" not in caught.value.advice  # it is set


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://[2001:db8::1]/mp", b"CONNECT [2001:db8::1]:443 HTTP/1."),
        ("https://[2001:db8::1]:8443/mp", b"CONNECT [2001:db8::1]:8443 HTTP/1."),
        ("https://B\u00fccher.example/mp", b"CONNECT xn--bcher-kva.example:443 HTTP/1."),
    ],
)
def test_the_server_is_named_to_the_http_proxy_as_the_wire_wants_it(pki, url: str, target: bytes) -> None:
    with ConnectProxy(refusal=b"HTTP/1.1 403 Forbidden\r\n\r\n") as http_proxy:
        server = ServerSettings(url=url, ca_file="house-ca.pem", http_proxy=f"http://127.0.0.1:{http_proxy.port}")
        transport = HttpsTransport(server, pki.folder)
        with pytest.raises(NetworkError, match="will not connect us"):
            transport.post(Outbound.of("a", b""))
        transport.close()
    assert http_proxy.heads[0].startswith(target)


def test_an_http_proxy_may_have_an_ipv6_address(reach) -> None:
    chosen = HttpProxy.choose(ServerSettings(url="https://meter.example/mp", http_proxy="http://[::1]:3128"), None)
    assert chosen is not None
    assert (chosen.host, chosen.port, chosen.authority) == ("::1", 3128, "[::1]:3128")


def test_a_captive_http_proxy_that_answers_itself(pki, reach) -> None:
    with Server(pki.server("strange"), says(http(b"<html>log in</html>"))) as portal, ConnectProxy() as http_proxy:
        transport = reach(portal.port, http_proxy=f"http://127.0.0.1:{http_proxy.port}")
        with pytest.raises(TlsError, match="CA this machine does not know"):
            transport.post(Outbound.of("a", b"<reads/>"))
        assert not portal.requests
