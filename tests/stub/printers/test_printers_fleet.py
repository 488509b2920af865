"""A fleet: who has which address, off and on, many at once, and what is said when it cannot start."""

import os
import socket
import threading
from pathlib import Path

import pytest
from pysnmp.proto.api import v2c
from snmp_manager import request

from meterpost.errors import SettingsError
from meterpost.recording import load
from meterpost_stub.printers import BUILT_IN, Fleet, FleetError, recordings_in

DESCR, LIFE = "1.3.6.1.2.1.1.1.0", "1.3.6.1.2.1.43.10.2.1.4.1.1"
RECORDINGS = os.environ.get("METERPOST_RECORDINGS")


def test_each_recording_answers_on_an_address_of_its_own(fleet_of, manager_of):
    paths = recordings_in(BUILT_IN)
    fleet = fleet_of(paths, network="127.33.0.0/28")
    assert [printer.name for printer in fleet.printers] == [path.stem for path in paths]
    assert [printer.address for printer in fleet.printers] == [f"127.33.0.{host}" for host in range(1, len(paths) + 1)]
    for printer in fleet.printers:
        manager = manager_of(printer)
        assert manager.get(DESCR).values == (printer.get(DESCR),)
        assert manager.socket.getpeername() == (printer.address, printer.port)


def test_sixty_four_agents_at_once(fleet_of, manager_of):
    """All are asked before any answer is taken."""
    fleet = fleet_of((recordings_in(BUILT_IN) * 6)[:64], network="127.34.0.0/25")
    managers = [manager_of(printer) for printer in fleet.printers]
    for manager in managers:
        manager.send(request(v2c.GetBulkRequestPDU, "1.3.6.1.2.1.43.5.1.1", bulk=(0, 20)))
    for printer, manager in zip(fleet.printers, managers, strict=True):
        bindings = manager.receive().bindings
        assert len(bindings) > 10
        assert all(printer.get(name) == value for name, value in bindings)


def test_an_off_printer_is_silent_and_keeps_its_counters(fleet_of, manager_of, built_in):
    fleet = fleet_of([built_in("lexmark"), built_in("epson")])
    printer, other = fleet.printers
    manager = manager_of(printer, timeout=0.1)
    before = printer.get(LIFE)
    fleet.switch_off(printer.address)
    with pytest.raises(TimeoutError):
        manager.get(LIFE)
    assert not printer.on
    assert manager_of(other).get(LIFE).values == (other.get(LIFE),)
    fleet.advance(printer.address, 3)
    fleet.switch_on(printer.address)
    assert manager_of(printer).get(LIFE).values == (before + 3,)


def test_what_is_set_is_what_a_manager_reads(fleet_of, manager_of, built_in):
    printer = fleet_of([built_in("sharp")]).printers[0]
    printer.set("1.3.6.1.2.1.1.5.0", "R&D")
    printer.set("1.3.6.1.2.1.43.18.1.1.8.1.99", b"Jam")
    manager = manager_of(printer)
    assert manager.get("1.3.6.1.2.1.1.5.0").values == (b"R&D",)
    assert manager.next("1.3.6.1.2.1.43.18.1.1.8.1.98").values == (b"Jam",)


@pytest.mark.parametrize(("name", "value"), [(LIFE, "many"), ("1.3.6.1.2.1.1.5.0", 5), ("1.3.6.1.9", None)])
def test_a_value_of_another_type_is_refused(fleet_of, built_in, name, value):
    printer = fleet_of([built_in("sharp")]).printers[0]
    with pytest.raises(TypeError):
        printer.set(name, value)


def test_an_unknown_object_or_address_is_a_key_error(fleet_of, built_in):
    fleet = fleet_of([built_in("sharp")])
    with pytest.raises(KeyError):
        fleet.printers[0].get("1.3.6.1.9")
    for act in (fleet.switch_on, fleet.switch_off, lambda address: fleet.advance(address, 1)):
        with pytest.raises(KeyError):
            act("127.20.0.200")


@pytest.mark.parametrize(
    ("network", "said"),
    [
        ("192.0.2.0/24", "not on loopback"),
        ("0.0.0.0/0", "not on loopback"),
        ("127.20.0.1/24", "not an IPv4 network"),
        ("somewhere", "not an IPv4 network"),
        ("127.20.0.0/29", "room for 6 printers, not for 12"),
    ],
)
def test_a_network_that_cannot_be_used_is_an_input_error(network, said):
    with pytest.raises(SettingsError, match=said):
        Fleet(recordings_in(BUILT_IN), network=network)


def test_a_recording_that_cannot_be_read_is_an_input_error_with_its_line(tmp_path):
    bad = tmp_path / "bad.snmprec"
    bad.write_text("1.3.6.1|2|1\n1.3.6.2|99|1\n")
    with pytest.raises(SettingsError, match="line 2"):
        Fleet([bad])
    with pytest.raises(SettingsError, match="cannot be served"):
        Fleet([tmp_path / "missing.snmprec"])


def test_a_folder_without_recordings_is_an_input_error(tmp_path):
    with pytest.raises(SettingsError, match="no recording"):
        recordings_in(tmp_path)
    with pytest.raises(SettingsError, match="not a folder"):
        recordings_in(tmp_path / "missing")


def test_an_address_in_use_is_named_and_nothing_is_left_running(running, built_in):
    taken = running.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    taken.bind(("127.35.0.2", 0))
    port = taken.getsockname()[1]
    threads = threading.active_count()
    with pytest.raises(FleetError, match=rf"epson.* 127\.35\.0\.2:{port}"), Fleet(
        [built_in("canon"), built_in("epson")], network="127.35.0.0/24", port=port
    ):  # fmt: skip
        pass
    assert threading.active_count() == threads
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
        again.bind(("127.35.0.1", port))


def test_a_fleet_starts_stops_and_starts_again_on_the_same_addresses(built_in, manager_of):
    fleet = Fleet([built_in("canon")], network="127.36.0.0/24", port=0)
    for _ in range(2):
        with fleet:
            assert manager_of(fleet.printers[0]).get(DESCR).status == 0


@pytest.mark.skipif(not RECORDINGS, reason="METERPOST_RECORDINGS does not name a folder of recordings")
def test_all_recordings_of_real_printers_at_once(fleet_of, manager_of):
    paths = recordings_in(Path(RECORDINGS, "snmprec"))
    printers = fleet_of(paths, network="127.37.0.0/23").printers
    managers, firsts = [manager_of(printer) for printer in printers], [load(path)[0] for path in paths]
    for manager, first in zip(managers, firsts, strict=True):
        manager.send(request(v2c.GetRequestPDU, first.oid))
    for manager, first in zip(managers, firsts, strict=True):
        assert manager.receive().bindings == ((first.oid, first.value),)
