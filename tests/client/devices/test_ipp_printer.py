"""Asking printers over sockets: paths, versions, TLS, and what is said when it does not work."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from ipp_kit import NOON, a_printer

from meterpost.devices import web
from meterpost.devices.ipp import attributes as ipp
from meterpost.devices.ipp import read_ipp
from meterpost.devices.ipp.printer import Printer
from meterpost.errors import DeviceError, SettingsError
from meterpost_stub.certificates import Authority
from meterpost_stub.printers.ipp import Attributes, IppServer


@contextmanager
def answering(status: int, body: bytes = b"") -> Iterator[int]:
    """A web server that is no printer; gives its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize("path", ipp.PATHS)
@pytest.mark.parametrize("slash", ["", "/"])
def test_without_a_path_the_usual_ones_are_tried(path: str, slash: str) -> None:
    with IppServer({path: a_printer()}) as server:
        found = read_ipp(f"ipp://127.0.0.1:{server.port}{slash}", NOON)
    assert found.serial == "ACME00042"
    assert found.address == f"ipp://127.0.0.1:{server.port}{slash}"
    assert found.port == server.port


@pytest.mark.parametrize("queues", [None, []], ids=["by HTTP", "by IPP"])
def test_a_path_that_is_not_there_may_be_said_in_two_ways(queues: list[Attributes] | None) -> None:
    with IppServer({"/ipp/printer": a_printer()}, queues=queues) as server:
        assert read_ipp(f"ipp://127.0.0.1:{server.port}", NOON).serial == "ACME00042"


def test_a_path_that_is_given_is_the_only_one() -> None:
    with IppServer({"/ipp/print": a_printer(), "/ipp/label": a_printer({"printer-device-id": "SN:LABEL1;"})}) as server:
        assert read_ipp(f"ipp://127.0.0.1:{server.port}/ipp/label", NOON).serial == "LABEL1"
        with pytest.raises(DeviceError, match="HTTP status 404") as caught:
            read_ipp(f"ipp://127.0.0.1:{server.port}/ipp/other", NOON)
        assert "/ipp/print" in caught.value.advice


def test_only_what_is_used_is_asked_and_only_once() -> None:
    with IppServer({"/ipp/print": a_printer()}) as server:
        read_ipp(f"ipp://127.0.0.1:{server.port}", NOON)
    (request,) = server.asked
    assert request.requested == set(ipp.REQUESTED)
    assert request.operation == 0x000B


@pytest.mark.parametrize(("knows", "asked"), [((2,), [2]), ((1,), [2, 1])])
def test_an_older_version_is_tried_where_the_newer_is_unknown(knows: tuple[int, ...], asked: list[int]) -> None:
    with IppServer({"/ipp/print": a_printer()}, versions=knows) as server:
        assert read_ipp(f"ipp://127.0.0.1:{server.port}/ipp/print", NOON).serial == "ACME00042"
    assert [request.version[0] for request in server.asked] == asked


def test_a_printer_that_knows_no_version_says_so() -> None:
    with (
        IppServer({"/ipp/print": a_printer()}, versions=()) as server,
        pytest.raises(DeviceError, match=r"none of the versions .* 0x0503"),
    ):
        read_ipp(f"ipp://127.0.0.1:{server.port}/ipp/print", NOON)
    assert [request.version for request in server.asked] == [(2, 0), (1, 1), (1, 0)]


def test_ipps_is_read_without_trust_and_with_it(tmp_path: Path) -> None:
    ours, other = Authority("ours"), Authority("other")
    certificate = ours.issue(tmp_path, "printer", ["127.0.0.1"])
    (tmp_path / "other").mkdir()
    trusted, untrusted = ours.write(tmp_path), other.write(tmp_path / "other")
    with IppServer({"/ipp/print": a_printer()}, certificate=certificate) as server:
        uri = f"ipps://127.0.0.1:{server.port}"
        assert read_ipp(uri, NOON).address == uri
        assert read_ipp(uri, NOON, ca_file=trusted).serial == "ACME00042"
        with pytest.raises(DeviceError, match=r"certificate of .* was not accepted"):
            read_ipp(uri, NOON, ca_file=untrusted)
        with pytest.raises(DeviceError, match=r"certificate of .* was not accepted"):
            read_ipp(uri.replace("127.0.0.1", "localhost"), NOON, ca_file=trusted)
        with pytest.raises(DeviceError, match=r"no connection|does not answer|not in whole HTTP"):
            read_ipp(uri.replace("ipps", "ipp"), NOON)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1 is deprecated")
def test_an_old_printer_with_an_old_tls_is_read(tmp_path: Path) -> None:
    certificate = Authority().issue(tmp_path, "printer", ["127.0.0.1"])
    with IppServer({"/ipp/print": a_printer()}, certificate=certificate) as server:
        tls = server.tls
        assert tls
        tls.minimum_version = tls.maximum_version = ssl.TLSVersion.TLSv1
        tls.set_ciphers("DEFAULT:@SECLEVEL=0")
        assert read_ipp(f"ipps://127.0.0.1:{server.port}", NOON).serial == "ACME00042"


def test_tls_that_is_none_is_said() -> None:
    with IppServer({"/ipp/print": a_printer()}) as server, pytest.raises(DeviceError, match="no TLS with"):
        read_ipp(f"ipps://127.0.0.1:{server.port}", NOON)


@pytest.mark.parametrize(
    ("status", "body", "message", "advice"),
    [
        (200, b"<html>router</html>", "the answer is not in IPP", "Check address and path"),
        (200, b"\x02\x00\x00\x00", "the answer is not in IPP", "Check address and path"),
        (200, b"\x02\0\0\0\0\0\0\x01\x04\x44\0\x05ab", "ends too early", "firmware"),
        (200, b"\x02\0\0\0\0\0\0\x01\x01\x03", "has no printer attributes", "/ipp/printer"),
        (200, b"\x02\0\x04\x01\0\0\0\x01\x03", "forbids it.*0x0401", "Allow IPP"),
        (200, b"\x02\0\x04\x06\0\0\0\x01\x03", "no such printer.*0x0406", "/ipp/print"),
        (200, b"\x02\0\x05\x07\0\0\0\x01\x03", "busy.*0x0507", "later"),
        (200, b"\x02\0\x04\x99\0\0\0\x01\x03", "refuses the question.*0x0499", "firmware"),
        (401, b"", "HTTP status 401", "without an account"),
        (403, b"", "HTTP status 403", "Allow IPP"),
        (405, b"", "HTTP status 405", "/ipp/print"),
        (426, b"", "HTTP status 426", "ipps://"),
        (500, b"", "HTTP status 500", "/ipp/print"),
    ],
)
@pytest.mark.parametrize("path", ["", "/ipp/print"])
def test_what_is_no_reading_says_why(status: int, body: bytes, message: str, advice: str, path: str) -> None:
    with (
        answering(status, body) as port,
        pytest.raises(DeviceError, match=f"ipp://127.0.0.1:{port}/ipp/print.*{message}") as caught,
    ):
        read_ipp(f"ipp://127.0.0.1:{port}{path}", NOON)
    assert advice in caught.value.advice


def test_more_than_any_answer_is_not_read() -> None:
    with answering(200, b"\x02" * (web.BODY_LIMIT + 1)) as port, pytest.raises(DeviceError, match="answered more than"):
        read_ipp(f"ipp://127.0.0.1:{port}/ipp/print", NOON)


def test_nobody_there_is_asked_once() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))  # and not listening
        with pytest.raises(DeviceError, match=r"no connection with 127\.0\.0\.1"):
            read_ipp(f"ipp://127.0.0.1:{reserved.getsockname()[1]}", NOON)


@pytest.mark.parametrize(
    ("uri", "normal", "url", "port"),
    [
        ("ipp://Printer", "ipp://printer", "http://printer:631/", 631),
        ("IPP://printer:631/IPP/Print", "ipp://printer/IPP/Print", "http://printer:631/IPP/Print", 631),
        ("ipps://printer:443/ipp", "ipps://printer:443/ipp", "https://printer:443/ipp", 443),
        ("ipp://[2001:DB8::1]/x?y#z", "ipp://[2001:db8::1]/x", "http://[2001:db8::1]:631/x", 631),
    ],
)
def test_addresses_have_one_form(uri: str, normal: str, url: str, port: int) -> None:
    printer = Printer.of(uri)
    assert (printer.uri, printer.url, printer.port) == (normal, url, port)
    assert Printer.of(normal) == printer


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "printer",
        "http://printer/",
        "ipp://",
        "ipp:///ipp",
        "ipp://p:0/",
        "ipp://p:x/",
        "ipp://[::1",
        "ipp://u:pw@p/",
        "ipp://p/\n",
    ],
)
def test_an_address_that_is_none_is_the_operators(uri: str) -> None:
    with pytest.raises(SettingsError, match="ipp://host/path") as caught:
        read_ipp(uri, NOON)
    assert "pw" not in str(caught.value)
