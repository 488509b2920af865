"""Sweeps over simulated printers on loopback: found, reported as they come, deduplicated, stopped, and in time."""

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from devices_kit import NOON, a_printer

from meterpost import recording
from meterpost.devices import Devices, Progress, SnmpUserSecret, read_recording, solidink
from meterpost.errors import DeviceError
from meterpost.model import Reading
from meterpost.recording import Tag, Variable
from meterpost.settings import DiscoverySettings, SnmpSettings
from meterpost_stub.printers.fleet import Fleet
from meterpost_stub.printers.usm import AgentUser

INTERFACE = "1.3.6.1.2.1.2.2.1.6.2"
NETWORK = "127.20.31.0/24"
USER = SnmpUserSecret("reader", "auth-password", "priv-password", auth="SHA256", priv="AES")


def recorded(path: Path, serial: str, extra: dict[str, recording.Value] | None = None) -> Path:
    kinds = {int: Tag.INTEGER, bytes: Tag.OCTETS, tuple: Tag.OID}
    mib = a_printer({"1.3.6.1.2.1.43.5.1.1.17.1": serial.encode(), **(extra or {})})
    path.write_text(recording.dump(Variable(name, kinds[type(value)], value) for name, value in mib.items()))
    return path


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("recordings")
    switch = folder / "switch.snmprec"
    switch.write_text("1.3.6.1.2.1.1.1.0|4|A switch\n1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.9.1.1\n")
    return [
        recorded(folder / "one.snmprec", "AC00001"),
        recorded(folder / "two.snmprec", "AC00002"),
        switch,
        recorded(folder / "two-again.snmprec", "AC00002"),
        recorded(folder / "nameless-1.snmprec", "0000000000", {INTERFACE: b"\x02\0\x5e\x10\0\x02"}),
        recorded(folder / "nameless-2.snmprec", "unknown", {INTERFACE: b"\x02\0\x5e\x10\0\x03"}),
        recorded(folder / "one-again-without-its-number.snmprec", "unknown"),
    ]


@pytest.fixture(scope="module")
def fleet(recordings: list[Path]) -> Iterator[Fleet]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.20.31.1", 0))
        port = free.getsockname()[1]
    agent_user = AgentUser(USER.name, USER.auth_password, USER.priv_password, USER.auth, USER.priv)
    with Fleet(recordings, network=NETWORK, port=port, communities=("ours",), users=(agent_user,)) as started:
        yield started


def devices(fleet: Fleet, *users: SnmpUserSecret, **changes: object) -> Devices:
    values = {"port": fleet.printers[0].port, "communities": ("ours",), "versions": ("2c",), "timeout_s": 1.0, "retries": 0}
    snmp = SnmpSettings(**values | changes)
    return Devices(snmp, DiscoverySettings(packets_per_second=2000), users, lambda: NOON)


def test_a_network_of_254_addresses_is_swept_in_a_few_seconds(fleet: Fleet) -> None:
    room = devices(fleet)
    steps: list[Progress] = []
    began = time.monotonic()
    found = room.discover(room.plan([NETWORK]), steps.append)
    took = time.monotonic() - began
    assert [(reading.address, reading.serial) for reading in found] == [
        ("127.20.31.1", "AC00001"),
        ("127.20.31.2", "AC00002"),  # the fourth address is the same printer, the third is none
        ("127.20.31.5", ""),
        ("127.20.31.6", ""),
    ]
    assert {step.done for step in steps} - {0} == set(range(1, 255))
    probes = [step.probes for step in steps]
    assert (probes, probes[-1], steps[-1].planned) == (sorted(probes), 254, 254)
    assert {step.total for step in steps} == {254}
    assert [step.found for step in steps if step.reading] == [1, 2, 3, 4]
    assert [step.done for step in steps if step.reading][-1] <= 7, "printers are reported before the dead addresses are done"
    assert took < 10, "254 addresses with a time-out of 1 s"


def test_a_reading_over_the_network_is_the_reading_of_its_recording(fleet: Fleet, recordings: list[Path]) -> None:
    over_the_network = devices(fleet).read("127.20.31.1")
    from_the_file = read_recording(recordings[0], NOON)
    assert from_the_file.address == "one.snmprec"
    assert over_the_network.to_json() | {"address": "", "port": 0} == from_the_file.to_json() | {"address": "", "port": 0}


@pytest.mark.parametrize(
    ("users", "changes"),
    [
        ((), {"versions": ("2c", "1"), "communities": ("public", "ours"), "timeout_s": 0.3}),
        ((), {"versions": ("1",)}),
        ((USER,), {"versions": (), "timeout_s": 2.0}),
        ((USER,), {"communities": ("public",), "timeout_s": 0.6}),
    ],
    ids=["second community", "v1", "v3", "v3 after communities"],
)
def test_the_way_in_is_found(fleet: Fleet, users: tuple[SnmpUserSecret, ...], changes: dict[str, object]) -> None:
    assert devices(fleet, *users, **changes).read("127.20.31.1").serial == "AC00001"


def test_a_wrong_v3_password_is_said_as_such(fleet: Fleet) -> None:
    wrong = SnmpUserSecret(USER.name, "not-the-password", USER.priv_password, auth=USER.auth, priv=USER.priv)
    with pytest.raises(DeviceError, match="does not accept the SNMPv3 user reader") as caught:
        devices(fleet, wrong, versions=(), timeout_s=2.0).read("127.20.31.1")
    assert "not-the-password" not in f"{caught.value}{caught.value.advice}"


def test_many_are_read_in_the_order_asked_and_failures_stand_in_their_place(fleet: Fleet) -> None:
    port = fleet.printers[0].port
    outcomes = devices(fleet, timeout_s=0.4).read_many([("127.20.31.2", port), ("127.20.31.99", port), ("127.20.31.1", port)])
    assert [outcome.serial if isinstance(outcome, Reading) else type(outcome).__name__ for outcome in outcomes] == [
        "AC00002",
        "Unanswered",
        "AC00001",
    ]


def test_a_printer_named_twice_that_fails_fails_twice(fleet: Fleet) -> None:
    room = devices(fleet, timeout_s=0.3)
    endpoint = ("127.20.31.2", fleet.printers[0].port)
    room.read(*endpoint)
    fleet.switch_off(endpoint[0])
    outcomes = room.read_many([endpoint, endpoint])
    fleet.switch_on(endpoint[0])
    assert [type(outcome).__name__ for outcome in outcomes] == ["Unanswered", "Unanswered"]


def test_a_printer_that_was_switched_off_is_asked_anew_when_it_is_back(fleet: Fleet) -> None:
    room = devices(fleet, timeout_s=0.4)
    assert room.read("127.20.31.1").serial == "AC00001"
    fleet.switch_off("127.20.31.1")
    with pytest.raises(DeviceError, match="does not answer SNMP"):
        room.read("127.20.31.1")
    fleet.switch_on("127.20.31.1")
    assert room.read("127.20.31.1").serial == "AC00001"


def test_stopping_keeps_what_was_found(fleet: Fleet) -> None:
    room = devices(fleet, timeout_s=30.0)  # without the stop, dead addresses would be waited for half a minute
    stop = threading.Event()
    began = time.monotonic()
    found = room.discover(room.plan([NETWORK]), lambda step: stop.set() if step.reading else None, stop)
    assert 1 <= len(found) <= 4
    assert time.monotonic() - began < 15


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


def test_an_interrupted_discovery_leaves_nothing_behind(fleet: Fleet) -> None:
    room, before = devices(fleet, USER, timeout_s=30.0), descriptors()
    asked: list[str] = []

    class Remembering(dict[str, bytes]):
        def get(self, endpoint: str, default: object = None) -> object:  # type: ignore[override]
            asked.append(endpoint)
            return super().get(endpoint, default)

    def interrupt(step: Progress) -> None:
        if step.reading and step.found == 1:
            signal.raise_signal(signal.SIGINT)

    room._memory = Remembering()
    with pytest.raises(KeyboardInterrupt):
        room.discover(room.plan([NETWORK]), interrupt)
    assert descriptors() == before
    assert room.summary.visited == len(asked), "every visit that began has ended"


def test_what_stops_the_progress_is_raised_as_it_is(fleet: Fleet) -> None:
    def gone(_: Progress) -> None:
        raise BrokenPipeError

    room, before = devices(fleet), descriptors()
    with pytest.raises(BrokenPipeError):
        room.discover(room.plan(["127.20.31.0/28"]), gone)
    assert descriptors() == before


def test_who_takes_one_reading_of_many_leaves_nothing_behind(fleet: Fleet) -> None:
    room, before = devices(fleet, timeout_s=30.0), descriptors()
    dead = [(f"127.20.31.{host}", fleet.printers[0].port) for host in range(100, 120)]
    each = room.read_each([("127.20.31.1", fleet.printers[0].port), *dead])
    assert next(each)[0] == ("127.20.31.1", fleet.printers[0].port)
    assert descriptors() > before
    each.close()  # type: ignore[attr-defined]
    assert descriptors() == before
    assert room.summary.visited == 21


def test_probes_leave_no_faster_than_the_setting_allows() -> None:
    snmp = SnmpSettings(port=9, timeout_s=0.01, retries=0, versions=("2c",))
    room = Devices(snmp, DiscoverySettings(packets_per_second=100), (), lambda: NOON)
    began = time.monotonic()
    assert room.discover(room.plan(["127.20.31.200-230"])) == ()
    assert time.monotonic() - began > 0.29, "31 packets at 100 a second"


def test_a_plan_of_nothing_is_done_at_once(fleet: Fleet) -> None:
    room = devices(fleet)
    assert room.discover(room.plan([])) == ()


def test_a_recording_that_cannot_be_read_is_a_device_error(tmp_path: Path) -> None:
    broken = tmp_path / "broken.snmprec"
    broken.write_text("1.3.6.1|2|seven\n")
    with pytest.raises(DeviceError, match=r"broken\.snmprec line 1"):
        read_recording(broken, datetime.now(UTC))
    with pytest.raises(DeviceError, match="cannot be read"):
        read_recording(tmp_path / "missing.snmprec", datetime.now(UTC))


def test_a_walk_of_net_snmp_is_a_recording_too(tmp_path: Path) -> None:
    walk = tmp_path / "walk.txt"
    walk.write_text(
        ".1.3.6.1.2.1.25.3.2.1.2.1 = OID: .1.3.6.1.2.1.25.3.1.5\n"
        '.1.3.6.1.2.1.43.5.1.1.17.1 = STRING: "AC00042"\n'
        ".1.3.6.1.2.1.43.10.2.1.3.1.1 = INTEGER: 8\n"
        ".1.3.6.1.2.1.43.10.2.1.4.1.1 = Counter32: 4711\n"
    )
    reading = read_recording(walk, NOON)
    assert (reading.serial, reading.meter("life.sheets")) == ("AC00042", 4711)


@pytest.mark.parametrize(("communities", "tries"), [(("public",), 2), (("public", "ours"), 2), (("public",), 3)])
def test_a_dead_address_costs_one_planned_packet_a_try_and_nothing_else(communities: tuple[str, ...], tries: int) -> None:
    snmp = SnmpSettings(port=9, timeout_s=0.05, retries=tries - 1, communities=communities)
    room = Devices(snmp, DiscoverySettings(packets_per_second=100_000), (), lambda: NOON)
    plan = room.plan(["127.20.31.200-230"])
    assert room.discover(plan) == ()
    assert room.summary.packets == plan.packets == 31 * tries * len(communities)
    assert 0.97 * plan.octets <= room.summary.octets <= plan.octets


def test_what_users_ask_is_counted_too(fleet: Fleet) -> None:
    room = devices(fleet, USER, versions=(), timeout_s=2.0)
    room.read("127.20.31.1")
    assert room.summary.packets >= 6
    assert room.summary.octets > 100 * room.summary.packets


def test_who_answered_and_could_not_be_read_is_told_with_the_reason(fleet: Fleet) -> None:
    wrong = SnmpUserSecret(USER.name, "not-the-password", USER.priv_password, auth=USER.auth, priv=USER.priv)
    room = devices(fleet, wrong, versions=(), timeout_s=2.0)
    assert room.discover(room.plan(["127.20.31.1", "no-such-printer.invalid", "127.20.31.99"])) == ()
    ((first, refused), (second, unknown)) = room.summary.failed
    assert (first[0], second[0]) == ("127.20.31.1", "no-such-printer.invalid")
    assert "does not accept the SNMPv3 user" in refused
    assert "cannot be resolved" in unknown
    assert room.summary.unfinished == 0


def test_what_snmp_told_is_kept_where_a_printers_own_pages_never_end(
    fleet: Fleet, recordings: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = threading.Event()
    monkeypatch.setattr(solidink, "pages", lambda model: ("/",))
    monkeypatch.setattr(solidink, "visit", lambda url: ended.wait(20) and {})
    room = Devices(
        SnmpSettings(port=fleet.printers[0].port, communities=("ours",), versions=("2c",)),
        DiscoverySettings(packets_per_second=2000, deadline_s=1),
        (),
        lambda: NOON,
    )
    try:
        found = room.discover(room.plan(["127.20.31.1", "127.20.31.2"]))
    finally:
        ended.set()
    assert {reading.serial for reading in found} == {"AC00001", "AC00002"}
    assert room.summary.took_s < 10
