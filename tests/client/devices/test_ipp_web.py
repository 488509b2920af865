"""The bounded GET and POST, against listeners on loopback that answer whatever a test wants."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from meterpost.devices import web
from meterpost.errors import DeviceError, SettingsError
from meterpost_stub.certificates import Authority

Listen = Callable[..., int]
TLS_HANDSHAKE = b"\x16"  # a record's first octet (RFC 8446, 5.1)


@pytest.fixture
def listen() -> Iterator[Listen]:
    """Starts a TCP server that sends one of `answers` for each connection, in turn; `seen` gets the requests.
    Returns its port. With `hold` a connection stays open until the client has closed it."""
    running: list[tuple[socket.socket, threading.Thread]] = []

    def serve(
        server: socket.socket, answers: tuple[bytes, ...], seen: list[bytes], hold: bool, tls: ssl.SSLContext | None
    ) -> None:
        for answer in answers:
            line, _ = server.accept()
            with tls.wrap_socket(line, server_side=True) if tls else line as line:
                request = line.recv(65536)
                while request and _missing(request):
                    request += line.recv(65536)
                seen.append(request)
                line.sendall(answer)
                while hold and line.recv(1):
                    pass

    def start(*answers: bytes, seen: list[bytes] | None = None, hold: bool = False, tls: ssl.SSLContext | None = None) -> int:
        server = socket.create_server(("127.0.0.1", 0))
        thread = threading.Thread(target=serve, args=(server, answers, [] if seen is None else seen, hold, tls), daemon=True)
        thread.start()
        running.append((server, thread))
        port: int = server.getsockname()[1]
        return port

    yield start
    for server, thread in running:
        server.close()
        thread.join(5)
        assert not thread.is_alive()


def _missing(request: bytes) -> bool:
    head, blank, body = request.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    return not request.startswith(TLS_HANDSHAKE) and (not blank or len(body) < length)


def answer(body: bytes = b"", status: str = "200 OK", *fields: str) -> bytes:
    head = "\r\n".join((f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *fields))
    return f"{head}\r\n\r\n".encode() + body


def test_a_page_comes_back_with_its_type(listen: Listen) -> None:
    seen: list[bytes] = []
    port = listen(answer(b"<html>", "200 OK", "Content-Type: Text/HTML; charset=utf-8"), seen=seen)
    page = web.get(f"http://127.0.0.1:{port}/status page.html?x=1")
    assert (page.status, page.content_type, page.body) == (200, "text/html", b"<html>")
    assert seen[0].startswith(b"GET /status%20page.html?x=1 HTTP/1.1\r\n")


def test_a_body_is_posted_with_its_type(listen: Listen) -> None:
    seen: list[bytes] = []
    port = listen(answer(b"yes", "404 Not Found"), seen=seen)
    page = web.post(f"http://127.0.0.1:{port}", b"\0question", "application/ipp")
    assert (page.status, page.body) == (404, b"yes")
    assert seen[0].startswith(b"POST / HTTP/1.1\r\n")
    assert b"\r\nContent-Type: application/ipp\r\n" in seen[0]
    assert seen[0].endswith(b"\r\n\r\n\0question")


def test_the_environment_names_no_http_proxy(listen: Listen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert web.get(f"http://127.0.0.1:{listen(answer(b'direct'))}").body == b"direct"


def test_a_redirect_on_the_same_host_is_followed_with_the_same_question(listen: Listen) -> None:
    seen: list[bytes] = []
    port = listen(answer(b"", "301 Moved", "Location: /new"), answer(b"here"), seen=seen)
    page = web.post(f"http://127.0.0.1:{port}/old", b"question", "text/plain")
    assert (page.url, page.body) == (f"http://127.0.0.1:{port}/new", b"here")
    assert seen[1].startswith(b"POST /new ")
    assert seen[1].endswith(b"question")


@pytest.mark.parametrize(
    "location", ["http://127.0.0.2/", "//printer.invalid/", "ftp://127.0.0.1/", "http://[/", "http://u:p@127.0.0.1/"]
)
def test_a_redirect_elsewhere_is_not_followed(listen: Listen, location: str) -> None:
    port = listen(answer(b"", "302 Found", f"Location: {location}"))
    with pytest.raises(DeviceError, match="redirects to another place"):
        web.get(f"http://127.0.0.1:{port}/")


def test_a_redirect_never_leads_out_of_tls(listen: Listen, tmp_path: Path) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*Authority().issue(tmp_path, "printer", ["127.0.0.1"]))
    port = listen(answer(b"inside"), tls=tls)
    plain = listen(answer(b"", "301 Moved", f"Location: https://127.0.0.1:{port}/"))
    assert web.get(f"http://127.0.0.1:{plain}/").body == b"inside"
    port = listen(answer(b"", "301 Moved", "Location: http://127.0.0.1:1/"), tls=tls)
    with pytest.raises(DeviceError, match="redirects to another place"):
        web.get(f"https://127.0.0.1:{port}/")


def test_redirects_have_an_end(listen: Listen) -> None:
    port = listen(*[answer(b"", "302 Found", "Location: /again")] * 4)
    with pytest.raises(DeviceError, match="without end"):
        web.get(f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (b"", "it was closed"),
        (b"SSH-2.0-printer\r\n", "not in whole HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", "not in whole HTTP"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "not in whole HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200 + b"\r\n", "not in whole HTTP"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"a" * 70000 + b"\r\n\r\n", "not in whole HTTP"),
        (answer(b"zipped", "200 OK", "Content-Encoding: gzip"), "content-coding"),
        (answer(b"12345678901"), "more than 10 octets"),
        (b"HTTP/1.0 200 OK\r\n\r\n12345678901", "more than 10 octets"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n12345678901", "more than 10 octets"),
    ],
)
def test_a_bad_answer_is_named(listen: Listen, reply: bytes, message: str) -> None:
    port = listen(reply)
    with pytest.raises(DeviceError, match=message) as caught:
        web.get(f"http://127.0.0.1:{port}/", limit=10)
    assert f"127.0.0.1:{port}" in str(caught.value)
    assert caught.value.advice


def test_as_many_octets_as_allowed_are_taken(listen: Listen) -> None:
    assert web.get(f"http://127.0.0.1:{listen(answer(b'1234567890'))}/", limit=10).body == b"1234567890"


def test_nobody_there_is_said() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))  # and not listening
        with pytest.raises(DeviceError, match=r"no connection with .*refused"):
            web.get(f"http://127.0.0.1:{reserved.getsockname()[1]}/")
    with pytest.raises(DeviceError, match=r"the name no-such-printer\.invalid cannot be resolved"):
        web.get("http://no-such-printer.invalid/")


def test_silence_ends_after_the_time_out(listen: Listen) -> None:
    port = listen(b"", hold=True)
    with pytest.raises(DeviceError, match="does not answer"):
        web.get(f"http://127.0.0.1:{port}/", timeout_s=0.05)


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\n\r\nthis has no length"])
def test_an_exchange_has_an_end_however_patient_the_reader_is(
    listen: Listen, monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(web, "WHOLE_S", 0.1)
    port = listen(begun, hold=True)
    with pytest.raises(DeviceError, match=r"did not end its answer within 0\.1 s"):
        web.get(f"http://127.0.0.1:{port}/", timeout_s=60)


def test_a_port_without_tls_is_named(listen: Listen) -> None:
    port = listen(b"HTTP/1.0 400 Bad Request\r\n\r\n")
    with pytest.raises(DeviceError, match="no TLS with"):
        web.get(f"https://127.0.0.1:{port}/")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "printer",
        "ftp://printer/",
        "http://",
        "http://[::1",
        "http://p:99999/",
        "http://p:0/",
        "http://u:pw@p/",
        "http://p/\r\nX: y",
    ],
)
def test_an_address_that_is_none_is_the_operators(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        web.get(url)
    assert "pw" not in str(caught.value)


def test_a_ca_file_that_is_none_is_the_operators(tmp_path: Path) -> None:
    empty = tmp_path / "ca.pem"
    empty.touch()
    for path in (empty, tmp_path / "absent.pem"):
        with pytest.raises(SettingsError, match=r"cannot be used as a CA file"):
            web.get("https://127.0.0.1:1/", ca_file=path)
