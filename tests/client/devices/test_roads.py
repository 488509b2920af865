"""Printers at URIs through the whole room: planned, found, read again, and one printer whichever road leads to it."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest
from devices_kit import NOON
from devices_kit import a_printer as an_agent
from ipp_kit import a_printer
from test_solidink_http import ABOUT, SUPPLIES, USAGE
from test_solidink_http import Printer as SolidInkPrinter

from meterpost import recording
from meterpost.devices import Devices, Progress
from meterpost.devices.finding.same import Found
from meterpost.errors import DeviceError, SettingsError
from meterpost.model import Meter, Reading
from meterpost.recording import Tag, Variable
from meterpost.settings import DiscoverySettings, SnmpSettings
from meterpost_stub.certificates import Authority
from meterpost_stub.printers.fleet import Fleet
from meterpost_stub.printers.ipp import IppServer

SNMP = SnmpSettings(versions=("2c",), timeout_s=0.5, retries=0)


def devices(ca_file: Path | None = None, **changes: object) -> Devices:
    return Devices(replace(SNMP, **changes), DiscoverySettings(packets_per_second=2000), (), lambda: NOON, ca_file=ca_file)


@contextmanager
def saying(octets: bytes | None) -> Iterator[int]:
    """A TCP port where everybody gets these octets, or nothing and no end (None)."""
    listener = socket.create_server(("127.0.0.1", 0))
    kept: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            kept.append(connection)
            if octets is not None:
                connection.recv(65536)
                connection.sendall(octets)
                connection.shutdown(socket.SHUT_RDWR)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        for each in (listener, *kept):
            each.close()
        thread.join(5)


@contextmanager
def solid_ink() -> Iterator[str]:
    printer = SolidInkPrinter({"/": b"", "/aboutprinter.html": ABOUT, "/usage.html": USAGE, "/supplies.html": SUPPLIES})
    try:
        yield printer.url
    finally:
        printer.stop()


def agent_of_the_same(folder: Path) -> Path:
    """The SNMP side of the printer of `ipp_kit`: it names no maker."""
    kinds = {int: Tag.INTEGER, bytes: Tag.OCTETS, tuple: Tag.OID}
    mib = an_agent({"1.3.6.1.2.1.43.5.1.1.17.1": b"ACME00042", "1.3.6.1.2.1.25.3.2.1.3.1": b"LaserJet 9"})
    path = folder / "laser.snmprec"
    path.write_text(recording.dump(Variable(name, kinds[type(value)], value) for name, value in mib.items()))
    return path


@pytest.mark.parametrize(
    ("targets", "sentence"),
    [
        (
            ("10.1.2.0/30", "ipp://p/ipp/print", "ipps://q", "http://r"),
            "2 addresses by SNMP: at most 2 packets (0 kB) in at most 1 second to see who answers; then about 8 packets "
            "(3 kB) for each printer, to read it. 2 printers by IPP, 1 printer by HTTP: read at once.",
        ),
        (("ipp://p/ipp/print",), "1 printer by IPP: read at once, in at most 1 second."),
        (
            tuple(f"ipp://printer{number}" for number in range(200)),
            "200 printers by IPP: read at once, in at most 4 seconds.",  # 32 at a time
        ),
    ],
)
def test_a_uri_is_no_probe(targets: tuple[str, ...], sentence: str) -> None:
    plan = devices().plan(targets)
    assert plan.sentence == sentence
    assert plan.addresses >= len(targets)
    assert plan.packets == (2 if "10.1.2.0/30" in targets else 0)
    assert plan.octets == plan.packets * 119


def test_every_road_leads_there_again(tmp_path: Path) -> None:
    """The address and port of a reading are kept with a device, and lead to it two hours later."""
    certificate = Authority().issue(tmp_path, "printer", ["127.0.0.1"])
    room = devices()
    with (
        IppServer({"/ipp/print": a_printer()}) as plain,
        IppServer({"/ipp/print": a_printer({"printer-device-id": "SN:ACME7;"})}, certificate=certificate) as tls,
        solid_ink() as url,
    ):
        uris = (f"ipp://127.0.0.1:{plain.port}/ipp/print", f"ipps://127.0.0.1:{tls.port}", url)
        found = room.discover(room.plan(uris))
        assert room.summary.visited == 3
        assert room.summary.packets == room.summary.octets == 0
        assert [(reading.address, reading.serial) for reading in found] == [
            (uris[0], "ACME00042"),
            (uris[1], "ACME7"),
            (uris[2], "WYP004321"),
        ]
        assert room.read_many([(reading.address, reading.port) for reading in found]) == found
        assert [room.read(uri).serial for uri in uris] == ["ACME00042", "ACME7", "WYP004321"]


def test_what_is_no_printer_costs_itself_only() -> None:
    room, steps = devices(), list[Progress]()
    with (
        saying(b"\x16\x03 rubbish\r\n\r\n") as rubbish,
        saying(None) as silent,
        socket.create_server(("127.0.0.1", 0)) as off,
        IppServer({"/ipp/print": a_printer()}) as printer,
    ):
        gone = off.getsockname()[1]
        off.close()
        uris = [f"ipp://127.0.0.1:{port}/ipp/print" for port in (rubbish, silent, gone, printer.port)]
        began = time.monotonic()
        found = room.discover(room.plan(uris), steps.append)
        assert time.monotonic() - began < 5
        assert [reading.serial for reading in found] == ["ACME00042"]
        assert (steps[-1].done, steps[-1].found) == (4, 1)
        *failures, reading = room.read_many([(uri, 631) for uri in uris])
    assert isinstance(reading, Reading)
    assert [
        str(failure).partition(f"127.0.0.1:{port}")[2] for failure, port in zip(failures, (rubbish, silent, gone), strict=True)
    ] == [
        " answered, but not in whole HTTP",
        " does not answer",
        ": Connection refused",
    ]
    assert all(isinstance(failure, DeviceError) and failure.advice for failure in failures)


def test_a_scan_is_stopped_though_a_printer_hangs() -> None:
    room, stop = devices(timeout_s=20.0), threading.Event()
    with saying(None) as silent, IppServer({"/ipp/print": a_printer()}) as printer:
        plan = room.plan([f"ipp://127.0.0.1:{port}/ipp/print" for port in (silent, printer.port)])
        began = time.monotonic()
        found = room.discover(plan, lambda step: stop.set() if step.reading else None, stop)
        assert time.monotonic() - began < 5
    assert [reading.serial for reading in found] == ["ACME00042"]


def test_a_certificate_is_held_to_the_ca_file_where_there_is_one(tmp_path: Path) -> None:
    authorities = {name: Authority(name) for name in ("ours", "other")}
    files = {}
    for name, authority in authorities.items():
        (tmp_path / name).mkdir()
        files[name] = authority.write(tmp_path / name)
    certificate = authorities["ours"].issue(tmp_path, "printer", ["127.0.0.1"])
    with IppServer({"/ipp/print": a_printer()}, certificate=certificate) as printer:
        uri = f"ipps://127.0.0.1:{printer.port}/ipp/print"
        assert devices(files["ours"]).read(uri).serial == devices().read(uri).serial == "ACME00042"
        https = f"https://127.0.0.1:{printer.port}"
        with pytest.raises(DeviceError, match="none of the expected pages"):
            devices(files["ours"]).read(https)
        for address in (https, uri):
            with pytest.raises(DeviceError, match="was not accepted") as caught:
                devices(files["other"]).read(address)
    assert "printers.ca_file" in caught.value.advice


def test_a_ca_file_that_is_none_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"missing\.pem cannot be used as a CA file"):
        devices(tmp_path / "missing.pem")


@pytest.mark.parametrize("snmp_first", [True, False])
def test_a_printer_that_answers_by_both_roads_is_one(tmp_path: Path, snmp_first: bool) -> None:
    with (
        Fleet([agent_of_the_same(tmp_path)], network="127.20.32.0/24", port=0) as fleet,
        IppServer({"/ipp/print": a_printer()}, address=fleet.printers[0].address) as printer,
    ):
        (at,) = fleet.printers
        targets = [f"{at.address}:{at.port}", f"ipp://{at.address}:{printer.port}/ipp/print"]
        room = devices()
        (found,) = room.discover(room.plan(targets if snmp_first else targets[::-1]))
        assert (found.address, found.port, found.serial) == (at.address, at.port, "ACME00042")
        assert found.meter("life.impressions") == 12345
        fleet.switch_off(at.address)
        (found,) = room.discover(room.plan(targets))
        assert (found.address, found.meter("impressions")) == (targets[1], 12345)


METERS = (Meter("impressions", 1, "impressions", ""),)
BY_SNMP = Reading("10.1.2.3", 161, NOON, "HP", "LaserJet 9", "AC42", macs=("02:00",), meters=METERS)
BY_IPP = replace(BY_SNMP, address="ipp://10.1.2.3/ipp/print", port=631)
AWAY = {"address": "ipp://printer.example/ipp/print", "macs": ()}


@pytest.mark.parametrize(
    "other",
    [
        replace(BY_IPP, **AWAY),
        replace(BY_IPP, **AWAY, manufacturer="Hewlett-Packard", model="Hewlett-Packard LaserJet-9"),
        replace(BY_IPP, **AWAY, manufacturer="", model="LASERJET 9"),
        replace(BY_IPP, **AWAY, model="LJ9"),
        replace(BY_IPP, manufacturer="", model="", macs=()),  # serial and host
        replace(BY_IPP, address=AWAY["address"], manufacturer="", model=""),  # serial and interface
        replace(BY_IPP, address=AWAY["address"], serial=""),  # model and interface
        replace(BY_IPP, serial="", macs=()),  # model and host, by the other road
        replace(BY_SNMP, address="10.1.2.4"),
        replace(BY_SNMP, address="10.1.2.4", serial=""),
    ],
)
def test_two_facts_that_agree_are_one_printer(other: Reading) -> None:
    for order in permutations([BY_SNMP, other]):
        found = Found()
        for place, reading in enumerate(order):
            found.add(place, reading)
        assert len(found) == 1
        best = order[0] if order[0].serial == order[1].serial and "://" not in other.address else BY_SNMP
        assert found.readings == (best,)


@pytest.mark.parametrize(
    "other",
    [
        replace(BY_IPP, serial="AC43"),
        replace(BY_IPP, **AWAY, manufacturer="Brother", model="Laser 7"),  # the serial alone
        replace(BY_IPP, **AWAY, serial=""),  # the model alone
        replace(BY_IPP, address=AWAY["address"], serial="", model=""),  # the interface alone
        replace(BY_IPP, serial="", model="", macs=()),  # the host alone
        replace(BY_SNMP, port=16100, serial="", macs=()),  # model and host, by the same road
        replace(BY_SNMP, serial="AC43"),
    ],
)
def test_one_fact_is_not_enough_and_two_numbers_are_two_printers(other: Reading) -> None:
    for order in permutations([BY_SNMP, other]):
        found = Found()
        for place, reading in enumerate(order):
            found.add(place, reading)
        assert found.readings == order


def test_what_neither_tells_is_no_fact() -> None:
    found = Found()
    for place in range(2):
        found.add(place, Reading(f"10.1.2.{place}", 161, NOON, serial="1234"))
    assert len(found) == 2


def test_a_third_reading_may_show_that_two_are_one_but_never_joins_two_numbers() -> None:
    nameless = replace(BY_SNMP, address="10.1.2.4", serial="", macs=("02:01",))
    both = replace(BY_IPP, address=AWAY["address"], serial="AC42", macs=("02:01",))
    for order in permutations([BY_SNMP, nameless, both]):
        found = Found()
        for place, reading in enumerate(order):
            found.add(place, reading)
        assert found.readings == (BY_SNMP,)
    neighbour = replace(BY_SNMP, serial="AC43", macs=("02:01",))
    shared = replace(BY_IPP, serial="", macs=("02:00", "02:01"))
    for order in permutations([BY_SNMP, neighbour, shared]):
        found = Found()
        for place, reading in enumerate(order):
            found.add(place, reading)
        assert {reading.serial for reading in found.readings} == {"AC42", "AC43"}


def test_what_can_be_billed_is_kept() -> None:
    found = Found()
    found.add(0, replace(BY_SNMP, serial=""))
    found.add(1, BY_IPP)
    assert found.readings == (BY_IPP,)
    found = Found()
    found.add(0, replace(BY_SNMP, meters=()))
    found.add(1, BY_IPP)
    assert found.readings == (BY_IPP,)
