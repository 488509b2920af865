"""The queues of a CUPS scheduler, and a queue read as a printer."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from ipp_kit import NOON, a_printer

from meterpost.devices.ipp import read_ipp
from meterpost.devices.local import LocalPrinter, cups
from meterpost.errors import DeviceError, SettingsError
from meterpost_stub.printers.ipp import CUPS_GET_PRINTERS, Attributes, IppServer


def queue(device_uri: str) -> Attributes:
    return {"printer-name": "hall", "printer-make-and-model": "ACME Laser 9", "device-uri": device_uri, "printer-info": "Hall"}


def listed(*queues: Attributes) -> tuple[LocalPrinter, ...]:
    with IppServer({}, queues=queues) as scheduler:
        found = cups.printers((f"ipp://127.0.0.1:{scheduler.port}/",))
    (request,) = scheduler.asked
    assert (request.path, request.operation) == ("/", CUPS_GET_PRINTERS)
    assert request.requested == {"printer-name", "printer-make-and-model", "device-uri"}
    at = f"ipp://127.0.0.1:{scheduler.port}/printers/"
    assert [printer.queue for printer in found] == [at + printer.name if printer.name else "" for printer in found]
    return tuple(replace(printer, queue="") for printer in found)


@pytest.mark.parametrize(
    ("uri", "connection", "host", "port"),
    [
        ("socket://10.1.2.3", "network", "10.1.2.3", 9100),
        ("socket://10.1.2.3:9101/?waiteof=false", "network", "10.1.2.3", 9101),
        ("socket://[2001:db8::1]", "network", "2001:db8::1", 9100),
        ("ipp://printer.local/ipp/print", "network", "printer.local", 631),
        ("ipps://printer.local:443/ipp/print", "network", "printer.local", 443),
        ("lpd://10.1.2.3/PASSTHRU", "network", "10.1.2.3", 515),
        ("dnssd://ACME%20Laser%209%20%5B0042%5D._ipp._tcp.local/?uuid=1", "network", "ACME Laser 9 [0042]._ipp._tcp.local", 0),
        ("hp:/net/Laser_9?ip=10.1.2.3", "network", "10.1.2.3", 9100),
        ("hp:/net/Laser_9?hostname=printer", "network", "printer", 9100),
        ("hp:/usb/Laser_9?serial=AC42", "usb", "", 0),
        ("usb://ACME/Laser%209?serial=AC42", "usb", "", 0),
        ("parallel:/dev/lp0", "other", "", 0),
        ("socket://", "other", "", 0),
        ("smb://server/share", "other", "", 0),
        ("file:///dev/null", "other", "", 0),
        ("", "other", "", 0),
    ],
)
def test_a_queue_is_listed_with_its_way_to_the_printer(uri: str, connection: str, host: str, port: int) -> None:
    assert listed(queue(uri)) == (LocalPrinter("hall", "ACME Laser 9", uri, connection, host, port),)


def test_queues_keep_their_order() -> None:
    assert [found.name for found in listed(*({"printer-name": name} for name in ("b", "a", "c")))] == ["b", "a", "c"]


def test_a_password_in_a_queue_is_not_shown() -> None:
    (found,) = listed(queue("ipp://user:secret@10.1.2.3:8631/ipp"))
    assert (found.device_uri, found.host, found.port) == ("ipp://10.1.2.3:8631/ipp", "10.1.2.3", 8631)


@pytest.mark.parametrize("uri", ["ipp://user:secret@[10.1/", "ipp://user:secret@host:port/"])
def test_a_uri_that_is_none_is_shown_without_its_secret(uri: str) -> None:
    assert listed(queue(uri)) == (LocalPrinter("hall", "ACME Laser 9", "", "other"),)


@pytest.mark.parametrize("attributes", [{}, {"printer-name": 7, "device-uri": 9}, {"printer-name": [], "device-uri": {"a": 1}}])
def test_a_queue_that_says_nothing_has_nothing(attributes: Attributes) -> None:
    assert listed(attributes) == (LocalPrinter("", "", "", "other"),)


def test_no_queues_are_no_trouble() -> None:
    assert listed() == ()


def test_a_printer_is_no_scheduler() -> None:
    with IppServer({"/": a_printer()}) as printer, pytest.raises(DeviceError, match="does not know the operation"):
        cups.printers((f"ipp://127.0.0.1:{printer.port}",))
    with pytest.raises(SettingsError):
        cups.printers(("localhost",))


def test_a_queue_is_read_as_a_printer() -> None:
    with IppServer({"/printers/hall": a_printer()}, queues=[queue("usb://ACME")]) as scheduler:
        found = read_ipp(f"ipp://127.0.0.1:{scheduler.port}/printers/hall", NOON)
        with pytest.raises(DeviceError, match="there is no such printer"):
            read_ipp(f"ipp://127.0.0.1:{scheduler.port}/printers/other", NOON)
    assert found.serial == "ACME00042"


@pytest.mark.parametrize(
    ("server", "places"),
    [
        ("printhost", ("ipp://printhost/",)),
        ("127.0.0.1:8631", ("ipp://127.0.0.1:8631/",)),
        ("[2001:db8::1]:631/version=1.1", ("ipp://[2001:db8::1]:631/",)),
        ("/var/run/cups.sock", ("/var/run/cups.sock",)),
    ],
)
def test_the_environment_names_the_scheduler(server: str, places: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUPS_SERVER", server)
    assert cups.schedulers() == places
    assert cups.schedulers("other") == ("ipp://other/",)


@contextmanager
def through_a_socket(path: Path, port: int) -> Iterator[None]:
    """Whoever speaks to the Unix socket `path` speaks to the TCP port."""

    class Through(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(("127.0.0.1", port)) as beyond:
                beyond.sendall(self.request.recv(65536))
                while octets := beyond.recv(65536):
                    self.request.sendall(octets)

    with socketserver.ThreadingUnixStreamServer(str(path), Through) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield
        server.shutdown()
        thread.join(5)


def test_a_scheduler_on_a_unix_socket_is_asked_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "Cups.sock"
    with IppServer({}, queues=[queue("usb://ACME")]) as scheduler, through_a_socket(path, scheduler.port):
        (found,) = cups.printers((str(path),))
        assert found == LocalPrinter("hall", "ACME Laser 9", "usb://ACME", "usb"), "a queue there has no URI"
        monkeypatch.setattr(cups, "LOCALHOST", "ipp://127.0.0.1:9/")
        monkeypatch.setattr(cups, "SOCKETS", (str(tmp_path / "none.sock"), str(path)))
        assert cups.schedulers("") == ("ipp://127.0.0.1:9/", str(path))
        assert cups.printers(cups.schedulers("")) == (found,), "where nobody listens at the port"
    with pytest.raises(DeviceError, match=f"no connection with {path}"):
        cups.printers((str(path),))
