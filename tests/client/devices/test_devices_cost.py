"""What looking at printers costs on the wire, over all recordings together: round trips, and IP octets (UDP payload and 28 of
heads a packet). Measured floors stand beside each line; a plan that asks for more, or forgets a value, fails here.

The recordings are other people's: METERPOST_RECORDINGS names their folder.
"""

import os
from datetime import timedelta
from functools import cache
from pathlib import Path
from statistics import mean, median
from typing import NamedTuple

import pytest
from devices_kit import NOON, PROFILES

from meterpost import recording
from meterpost.devices.finding.sweep import PROBE
from meterpost.devices.finding.targets import OCTETS_PER_PRINTER, OCTETS_PER_TRY, OCTETS_TO_READ, PACKETS_TO_READ
from meterpost.devices.reading import contact
from meterpost.devices.reading.interpret import interpret
from meterpost.devices.reading.remembered import Remembered, pack, unpack
from meterpost.devices.reading.repeat import visit
from meterpost.devices.snmp import ber
from meterpost.devices.snmp.port import Answer, Request, T, Talk, hold_at_once
from meterpost.devices.snmp.session import Abilities, Session
from meterpost.model import Reading
from meterpost_stub.printers.agent import Agent
from meterpost_stub.printers.mib import Mib
from meterpost_stub.printers.usm import Usm

FOLDER = os.environ.get("METERPOST_RECORDINGS", "")
pytestmark = pytest.mark.skipif(
    not FOLDER, reason="METERPOST_RECORDINGS does not name a folder with recordings of real printers"
)
IP_AND_UDP = 28


class Line:
    """To one simulated printer; counts what passes."""

    def __init__(self, path: Path) -> None:
        self._agent = Agent(Mib(recording.load(path)), ("public",), Usm(b"", (), 0))
        self.trips = self.octets = 0

    def hold(self, talk: Talk[T]) -> T:
        self.trips = self.octets = 0
        return hold_at_once(talk, self.answer)

    def answer(self, request: Request) -> Answer:
        message = ber.encode(request, "2c", "public", 0x40000000)
        reply = self._agent.answer(message)
        assert reply is not None
        self.trips += 1
        self.octets += len(message) + len(reply) + 2 * IP_AND_UDP
        return ber.decode(reply)[1]


class Cost(NamedTuple):
    """Of one printer's first and second visit."""

    trips: int
    octets: int
    further_trips: int
    further_octets: int
    first: Reading
    further: Reading


@cache
def costs() -> tuple[Cost, ...]:
    return tuple(filter(None, map(cost, sorted((Path(FOLDER) / "snmprec").glob("*.snmprec")))))


def cost(path: Path) -> Cost | None:
    """None for what is no printer."""
    line, session = Line(path), Session(Abilities(True))
    facts, _ = line.hold(visit(session, PROFILES, None, NOON))
    first = interpret(facts, PROFILES, path.stem, 161, NOON)
    if not first.is_printer:
        return None
    trips, octets = line.trips, line.octets
    profile = contact.chosen(facts, PROFILES)
    known = unpack(pack(Remembered(first.serial, 0, session.abilities, NOON, f"{profile.name} {profile.version}", facts)))
    assert known is not None
    facts, anew = line.hold(visit(Session(known.abilities), PROFILES, known, NOON + timedelta(hours=2)))
    assert not anew
    return Cost(trips, octets, line.trips, line.octets, first, interpret(facts, PROFILES, path.stem, 161, NOON))


def test_first_contact(capsys: pytest.CaptureFixture[str]) -> None:
    trips, octets = [c.trips for c in costs()], [c.octets for c in costs()]
    with capsys.disabled():
        print(f"\nfirst contact: {median(trips):.0f} round trips (at most {max(trips)}), {mean(octets):.0f} octets")
    assert median(trips) <= 4
    assert abs(2 * mean(trips) - PACKETS_TO_READ) < 1
    assert abs(mean(octets) - OCTETS_TO_READ) < 0.1 * OCTETS_TO_READ
    assert max(trips) <= 10
    assert mean(octets) <= 1.1 * 3286


def test_a_further_visit(capsys: pytest.CaptureFixture[str]) -> None:
    trips, octets = [c.further_trips for c in costs()], [c.further_octets for c in costs()]
    with capsys.disabled():
        print(f"\na further visit: {median(trips):.0f} round trip (at most {max(trips)}), {mean(octets):.0f} octets")
    assert median(trips) == 1
    assert max(trips) <= 2
    assert mean(octets) <= 1.1 * 546


def test_a_further_visit_loses_no_value() -> None:
    assert [c.first.address for c in costs() if c.further != c.first] == []


def test_discovery(capsys: pytest.CaptureFixture[str]) -> None:
    octets = []
    for path in sorted((Path(FOLDER) / "snmprec").glob("*.snmprec")):
        line = Line(path)
        line.answer(PROBE)
        octets.append(line.octets)
    with capsys.disabled():
        print(f"\ndiscovery: {mean(octets):.0f} octets for a printer that answers")
    assert len(ber.encode(PROBE, "2c", "public", 0x40000000)) + IP_AND_UDP == OCTETS_PER_TRY == 119
    assert mean(octets) <= OCTETS_PER_PRINTER == 334
