"""Which credential a device answers to: the order of trying, remembering, forgetting."""

import asyncio
from collections.abc import Sequence

import pytest
from devices_kit import NOON, PROFILES, a_printer

from meterpost.devices.finding.targets import Endpoint
from meterpost.devices.finding.visit import Visitor
from meterpost.devices.snmp.credentials import Credential, SnmpUserSecret, in_order
from meterpost.devices.snmp.memory import MemoryAgent
from meterpost.devices.snmp.port import Agent, Answer, Unanswered
from meterpost.errors import DeviceError
from meterpost.model import Reading
from meterpost.recording import Oid
from meterpost.settings import SnmpSettings

USER = SnmpUserSecret("reader", "auth-password", "priv-password")
WAYS = in_order(SnmpSettings(communities=("public", "ours")), (USER,))
PRINTER = ("10.1.2.3", 161)


class Deaf(MemoryAgent):
    async def get(self, oids: Sequence[Oid]) -> Answer:
        raise Unanswered("nothing")


class Site:
    """A network with one printer that answers to `way` only, and what it was asked with."""

    def __init__(self, way: Credential | None) -> None:
        self.way = way
        self.asked: list[Credential] = []
        self.open = 0
        self.known: dict[Endpoint, Credential] = {}

    async def agent(self, host: str, port: int, credential: Credential, tries: int) -> Agent:
        self.asked.append(credential)
        self.open += 1
        site = self

        class Counted(MemoryAgent if credential == self.way else Deaf):
            async def close(self) -> None:
                site.open -= 1

        return Counted(a_printer(), credential.version)

    def read(self) -> Reading:
        async def run() -> Reading:
            visitor = Visitor(self, WAYS, 2, 4, PROFILES, lambda: NOON, self.known)
            return await visitor.read(PRINTER)

        return asyncio.run(run())


def test_every_community_over_v2c_then_over_v1_then_the_users() -> None:
    assert [(way.version, way.community or way.user.name) for way in WAYS] == [
        ("2c", "public"),
        ("2c", "ours"),
        ("1", "public"),
        ("1", "ours"),
        ("3", "reader"),
    ]


def test_versions_that_are_not_wanted_are_not_tried() -> None:
    assert {way.version for way in in_order(SnmpSettings(versions=("1",)), ())} == {"1"}


@pytest.mark.parametrize("place", range(5))
def test_the_way_in_is_found_and_remembered(place: int) -> None:
    site = Site(WAYS[place])
    assert site.read().serial == "AC00042"
    assert site.asked == [*WAYS[: place + 1], WAYS[place]]  # the probes, then the reading
    site.asked.clear()
    assert site.read().serial == "AC00042"
    assert site.asked == [WAYS[place]]
    assert site.open == 0


def test_a_silent_device_is_tried_with_everything_as_often_as_set() -> None:
    site = Site(None)
    with pytest.raises(DeviceError):
        site.read()
    assert site.asked == [*WAYS, *WAYS]
    assert site.open == 0


def test_a_way_that_is_closed_is_forgotten_and_looked_for_anew() -> None:
    site = Site(WAYS[0])
    site.read()
    site.way = WAYS[1]
    with pytest.raises(DeviceError):
        site.read()
    assert site.read().serial == "AC00042"
    assert site.known == {PRINTER: WAYS[1]}
