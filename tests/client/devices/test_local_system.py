"""Which printing system is asked: CUPS (a scheduler on loopback that knows one queue), or the Windows spooler."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from meterpost.devices.local import LocalPrinter
from meterpost.devices.local.system import local_printers
from meterpost.devices.local.windows import PRINT, Values


def attribute(tag: int, name: str, value: str) -> bytes:
    return bytes([tag]) + b"".join(len(text).to_bytes(2, "big") + text.encode() for text in (name, value))


ONE_QUEUE = (
    b"\x02\x00\x00\x00\x00\x00\x00\x01\x01"
    + attribute(0x47, "attributes-charset", "utf-8")
    + attribute(0x48, "attributes-natural-language", "en")
    + b"\x04"
    + attribute(0x42, "printer-name", "hall")
    + attribute(0x41, "printer-make-and-model", "ACME Laser 9")
    + attribute(0x45, "device-uri", "usb://ACME/Laser%209?serial=AC00042")
    + b"\x03"
)


class Spooler:
    """A registry with one queue."""

    def keys(self, path: str) -> tuple[str, ...]:
        return ("Hall",) if path == f"{PRINT}\\Printers" else ()

    def values(self, path: str) -> Values:
        return {"Port": "USB001", "Printer Driver": "ACME Laser 9"}


@pytest.fixture
def scheduler() -> Iterator[str]:
    """Answers each request with ONE_QUEUE."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Type", "application/ipp")
            self.end_headers()
            self.wfile.write(ONE_QUEUE)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"ipp://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.mark.parametrize("platform", ["linux", "darwin", "freebsd14"])
def test_cups(platform: str, scheduler: str) -> None:
    (found,) = local_printers(platform, schedulers=(scheduler,))
    assert found == LocalPrinter(
        "hall", "ACME Laser 9", "usb://ACME/Laser%209?serial=AC00042", "usb", queue=f"{scheduler}printers/hall"
    )


def test_the_windows_spooler() -> None:
    assert local_printers("win32", Spooler()) == (LocalPrinter("Hall", "ACME Laser 9", "usb:USB001", "usb"),)
