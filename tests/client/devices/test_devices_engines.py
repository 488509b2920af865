"""The same readings of real printers through every engine: recordings served as agents on loopback, and read from memory.

The recordings are other people's and not part of this repository: METERPOST_RECORDINGS names their folder.
"""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from devices_kit import NOON, PROFILES

from meterpost.devices import Devices, SnmpUserSecret
from meterpost.devices.recorded import replay
from meterpost.model import Reading
from meterpost.settings import DiscoverySettings, SnmpSettings
from meterpost_stub.printers.fleet import Fleet, recordings_in
from meterpost_stub.printers.usm import AgentUser

FOLDER = os.environ.get("METERPOST_RECORDINGS", "")
pytestmark = pytest.mark.skipif(
    not FOLDER, reason="METERPOST_RECORDINGS does not name a folder with recordings of real printers"
)
USER = AgentUser("reader", "auth-password", "priv-password", "SHA256", "AES")
SECRET = SnmpUserSecret("reader", "auth-password", "priv-password", "SHA256", "AES")
SOME = {"1": 3, "2c": 1, "3": 12}
"""Every so-manieth is read in a version: users' agents are slow to simulate, and v1 takes many requests."""


@pytest.fixture(scope="module")
def recordings() -> tuple[Path, ...]:
    return recordings_in(Path(FOLDER) / "snmprec")


@pytest.fixture(scope="module")
def fleet(recordings: tuple[Path, ...]) -> Iterator[Fleet]:
    with Fleet(recordings, "127.20.40.0/22", port=0, users=(USER,)) as started:
        yield started


@pytest.fixture(scope="module")
def from_memory(recordings: tuple[Path, ...]) -> list[Reading]:
    return [replay(path, NOON, PROFILES) for path in recordings]


@pytest.mark.parametrize(
    ("engine", "version"), [("wire", "2c"), ("wire", "1"), ("gufo", "2c"), ("gufo", "3"), ("pysnmp", "2c"), ("pysnmp", "3")]
)
def test_every_recording_is_read_alike(fleet: Fleet, from_memory: list[Reading], engine: str, version: str) -> None:
    versions, users = ((), (SECRET,)) if version == "3" else ((version,), ())
    settings = SnmpSettings(engine=engine, versions=versions, timeout_s=10.0, retries=1, concurrency=8)
    devices = Devices(settings, DiscoverySettings(), users, lambda: NOON)
    printers, expected = fleet.printers[:: SOME[version]], from_memory[:: SOME[version]]
    outcomes = devices.read_many([(printer.address, printer.port) for printer in printers])
    for printer, outcome, right in zip(printers, outcomes, expected, strict=True):
        assert isinstance(outcome, Reading), (printer.name, outcome)
        assert replace(outcome, address=right.address, port=right.port) == right, printer.name
