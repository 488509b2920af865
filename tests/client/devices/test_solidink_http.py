"""The visit to a solid-ink printer, against a web server on loopback. Its pages are written after the documented structure
(see test_solidink.py): not recorded from a device."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from meterpost.devices.solidink import read_solid_ink, visit, visiting
from meterpost.devices.solidink.page import MAX_OCTETS
from meterpost.errors import DeviceError, SettingsError
from meterpost.model import SupplyState

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ABOUT = (
    b"<title>About Printer - Xerox Phaser 8860MFP</title>"
    b"<tr><td>Serial Number</td><td>WYP004321</td></tr><tr><td>System Version</td>\n<td>1.3.8.P</td></tr>"
)
USAGE = b"<pre>Total Impressions: 84,517\nColor Impressions: 60,001\n</pre>"
SUPPLIES = b"<table><tr><td>Black Ink</td><td>75%</td></tr></table>"
HTML = "text/html; charset=iso-8859-1"

Answer = bytes | tuple[int, dict[str, str], bytes]


class Printer:
    """A web server with the pages of `answers`; `asked` are the paths in the order they came."""

    def __init__(self, answers: dict[str, Answer]) -> None:
        printer = self
        self.asked: list[str] = []
        self.done = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                printer.asked.append(self.path)
                answer = answers.get(self.path, (404, {"Content-Type": HTML}, b"<title>Not Found</title>"))
                if answer == SILENCE:
                    printer.done.wait(2)
                    return
                status, headers, body = (200, {"Content-Type": HTML}, answer) if isinstance(answer, bytes) else answer
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                with suppress(OSError):  # the visitor may have seen enough
                    self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        self.done.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


SILENCE = (0, {"Content-Type": HTML}, b"")


@pytest.fixture
def serve() -> Iterator[Callable[[dict[str, Answer]], Printer]]:
    running: list[Printer] = []

    def start(answers: dict[str, Answer]) -> Printer:
        running.append(Printer(answers))
        return running[-1]

    yield start
    for printer in running:
        printer.stop()


Serve = Callable[[dict[str, Answer]], Printer]


def test_a_printer_is_read(serve: Serve) -> None:
    printer = serve({"/": b"<p>Welcome</p>", "/aboutprinter.html": ABOUT, "/usage.html": USAGE, "/supplies.html": SUPPLIES})
    reading = read_solid_ink(printer.url + "/", NOON)
    assert (reading.address, reading.port, reading.taken_at) == (printer.url + "/", printer.port, NOON)
    assert (reading.manufacturer, reading.model, reading.serial) == ("Xerox", "Phaser 8860MFP", "WYP004321")
    assert (reading.firmware, reading.meter("impressions"), reading.meter("impressions.color")) == ("1.3.8.P", 84517, 60001)
    (ink,) = reading.supplies
    assert (ink.color, ink.percent, ink.state) == ("black", 75, SupplyState.KNOWN)
    assert printer.asked == ["/", "/aboutprinter.html", "/usage.html", "/supplies.html"]
    assert list(visit(printer.url + "/")) == printer.asked[:4]


def test_pages_elsewhere_are_found_by_the_names_of_their_links_and_in_frames(serve: Serve) -> None:
    printer = serve(
        {
            "/": b'<frameset><frame src="/menu"><frame src="/hello"></frameset>',
            "/menu": b'<a href="/properties/aboutPrinter.html">About Printer</a>'
            b'<a href="/jobs">Jobs</a><a href="/x">Reboot</a>',
            "/jobs": b'<a href="jobs">Jobs</a><a href="up.html">View Usage Profile</a>'
            b'<a href="/print-it">Print Usage Profile</a>',
            "/properties/aboutPrinter.html": ABOUT,
            "/up.html": USAGE,
        }
    )
    reading = read_solid_ink(printer.url, NOON)
    assert (reading.serial, reading.meter("impressions")) == ("WYP004321", 84517)
    assert not {"/x", "/print-it"} & set(printer.asked)
    assert len(printer.asked) == len(set(printer.asked))


def test_a_maze_of_links_ends(serve: Serve) -> None:
    maze: dict[str, Answer] = {"/": b'<a href="/1">Status</a>'}
    maze |= {f"/{step}": f'<a href="/{step + 1}">Status</a>'.encode() for step in range(1, 50)}
    printer = serve(maze)
    with pytest.raises(DeviceError, match="name no model"):
        read_solid_ink(printer.url, NOON)
    assert len(printer.asked) == visiting.MOST_PAGES


def test_a_visit_that_takes_too_long_ends(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visiting, "monotonic", iter(range(0, 1000, 8)).__next__)
    printer = serve({"/": b"a", "/aboutprinter.html": ABOUT})
    visit(printer.url)
    assert printer.asked == ["/"]


def test_another_device_is_no_solid_ink_printer(serve: Serve) -> None:
    printer = serve({"/": b"<title>Phaser 6180</title><table><tr><td>Model</td><td>Phaser 6180MFP</td></tr></table>"})
    with pytest.raises(DeviceError, match="it says 'Phaser 6180MFP'"):
        read_solid_ink(printer.url, NOON)


def test_a_login_page_asks_the_administrator(serve: Serve) -> None:
    login = b"<form>" + ABOUT + b"<input type=password></form>"
    printer = serve({"/": (401, {"Content-Type": HTML}, b"no"), "/aboutprinter.html": login, "/usage.html": login})
    with pytest.raises(DeviceError, match="asks for a password") as caught:
        read_solid_ink(printer.url, NOON)
    assert caught.value.advice


@pytest.mark.parametrize("status", [401, 403])
def test_a_server_that_refuses_everything_is_a_matter_of_a_password(serve: Serve, status: int) -> None:
    paths = ("/", "/aboutprinter.html", "/usage.html", "/supplies.html")
    with pytest.raises(DeviceError, match="asks for a password"):
        read_solid_ink(serve(dict.fromkeys(paths, (status, {"Content-Type": HTML}, b"no"))).url, NOON)


def test_what_is_locked_leaves_the_rest(serve: Serve) -> None:
    printer = serve({"/": b"a", "/aboutprinter.html": ABOUT, "/usage.html": (403, {"Content-Type": HTML}, USAGE)})
    reading = read_solid_ink(printer.url, NOON)
    assert (reading.serial, reading.meters) == ("WYP004321", ())


@pytest.mark.parametrize(
    "bad",
    [
        (200, {"Content-Type": HTML}, USAGE + b" " * (10 * 1024 * 1024)),
        (200, {"Content-Type": HTML, "Content-Length": str(MAX_OCTETS * 20)}, USAGE),
        (302, {"Location": "http://127.0.0.2:9/usage.html"}, b""),
        (200, {"Content-Type": HTML}, b'<meta http-equiv="refresh" content="0; url=/elsewhere">'),
        (200, {"Content-Type": "image/png"}, USAGE),
        (200, {"Content-Type": "application/json"}, USAGE),
        (500, {"Content-Type": HTML}, USAGE),
        (200, {"Content-Type": HTML}, b"<div>" * 90_000 + USAGE),
        (200, {"Content-Type": HTML}, b"\xff\0" * 1000),
        SILENCE,
    ],
)
def test_a_bad_page_costs_only_itself(serve: Serve, bad: Answer) -> None:
    elsewhere: dict[str, Answer] = {"/elsewhere": USAGE}
    printer = serve({"/": b"a", "/aboutprinter.html": ABOUT, "/usage.html": bad, "/supplies.html": SUPPLIES} | elsewhere)
    reading = read_solid_ink(printer.url, NOON, timeout_s=0.3)
    assert (reading.serial, reading.meters, len(reading.supplies)) == ("WYP004321", (), 1)
    assert "/elsewhere" not in printer.asked


def test_a_silent_printer_is_asked_once(serve: Serve) -> None:
    printer = serve({"/": SILENCE})
    with pytest.raises(DeviceError, match="does not answer"):
        read_solid_ink(printer.url, NOON, timeout_s=0.2)
    assert printer.asked == ["/"]


def test_a_printer_that_falls_silent_is_left_in_peace(serve: Serve) -> None:
    printer = serve({"/": ABOUT, "/aboutprinter.html": SILENCE, "/usage.html": SILENCE, "/supplies.html": SUPPLIES})
    assert read_solid_ink(printer.url, NOON, timeout_s=0.2).serial == "WYP004321"
    assert printer.asked == ["/", "/aboutprinter.html", "/usage.html"]


def test_a_server_without_these_pages(serve: Serve) -> None:
    with pytest.raises(DeviceError, match="none of the expected pages"):
        read_solid_ink(serve({}).url, NOON)


@pytest.mark.parametrize("url", ["10.1.2.3", "ftp://10.1.2.3", "http://", "http://[", "http://u:secret@127.0.0.1", ""])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_solid_ink(url, NOON)
    assert "secret" not in str(caught.value)
