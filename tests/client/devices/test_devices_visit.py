"""Which credential a device answers to: the order of trying, remembering, forgetting."""

import asyncio
from datetime import timedelta

import pytest
from devices_kit import NOON, PROFILES, a_printer

from meterpost.devices.finding.addresses import Endpoint
from meterpost.devices.finding.visit import Visit, Visitor
from meterpost.devices.snmp.credentials import HELLO, Credential, SnmpUserSecret, in_order, in_turn
from meterpost.devices.snmp.memory import MemoryAgent
from meterpost.devices.snmp.port import Agent, Answer, Request, T, Talk, Unanswered, Unresolved
from meterpost.errors import DeviceError
from meterpost.model import Reading
from meterpost.settings import SnmpSettings

USER = SnmpUserSecret("reader", "auth-password", "priv-password")
WAYS = in_order(SnmpSettings(communities=("public", "ours")), (USER,))
PRINTER = ("10.1.2.3", 161)


class Deaf(MemoryAgent):
    def answer(self, request: Request) -> Answer:
        raise Unanswered("nothing")


class Refusing(MemoryAgent):
    def answer(self, request: Request) -> Answer:
        raise DeviceError("who are you?")


class Site:
    """A network with one printer that answers to `way` only, and what it was asked with. It `refuses` other users, or is
    deaf to them."""

    def __init__(self, way: Credential | None, ways: tuple[Credential, ...] = WAYS, refuses: bool = False) -> None:
        self.way, self.ways, self.refuses = way, ways, refuses
        self.visits: list[Visit] = []
        self.asked: list[Credential] = []
        self.open = 0
        self.now = NOON
        self.memory: dict[str, bytes] = {}

    async def agent(self, host: str, port: int, credential: Credential, tries: int) -> Agent:
        self.asked.append(credential)
        self.open += 1
        site = self

        other = Refusing if self.refuses and credential.user else Deaf

        class Counted(MemoryAgent if credential == self.way else other):  # type: ignore[misc, valid-type]
            async def close(self) -> None:
                site.open -= 1

        return Counted(a_printer(), credential.version)

    def read(self, heard: Credential | None = None) -> Reading:
        async def run() -> Reading:
            visitor = Visitor(self, self.ways, 2, 1.0, PROFILES, lambda: self.now, self.memory, self.visits.append)
            return await visitor.read(PRINTER, heard)

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
    offered = [WAYS[place - 2]] if WAYS[place].version == "1" else []  # v2c once more: the packet may have been lost
    assert site.asked == [*WAYS[: place + 1], *offered]
    site.asked.clear()
    assert site.read().serial == "AC00042"
    assert site.asked == [WAYS[place]]
    assert site.open == 0


def test_a_silent_device_is_asked_one_packet_a_try_for_each_community_and_each_user_once() -> None:
    site = Site(None)
    with pytest.raises(DeviceError):
        site.read()
    assert site.asked == [*WAYS]
    assert site.open == 0


def test_a_way_that_is_closed_is_followed_by_all_others_in_the_same_visit() -> None:
    site = Site(WAYS[1])
    site.read()
    site.way = WAYS[0]
    site.asked.clear()
    assert site.read().serial == "AC00042"
    assert site.asked == [WAYS[1], WAYS[0]]
    site.asked.clear()
    site.read()
    assert site.asked == [WAYS[0]]


def test_a_printer_that_is_off_for_a_while_is_not_forgotten() -> None:
    site = Site(WAYS[0])
    site.read()
    known = dict(site.memory)
    site.way = None
    with pytest.raises(DeviceError):
        site.read()
    assert site.memory == known != {}


def test_who_was_heard_in_v1_is_asked_in_v2c_first() -> None:
    site = Site(WAYS[0])
    assert site.read(heard=WAYS[2]).serial == "AC00042"
    assert site.asked == [WAYS[0]]
    site = Site(WAYS[2])
    assert site.read(heard=WAYS[2]).serial == "AC00042"
    assert site.asked == [WAYS[0], WAYS[2]]


def test_who_speaks_v1_only_is_offered_v2c_again_after_a_day() -> None:
    site = Site(WAYS[2])
    site.read()
    site.way = WAYS[0]
    site.now += timedelta(days=1)
    assert site.read().serial == "AC00042"
    assert site.asked[-1] == WAYS[0]


def test_a_greeted_engine_is_asked_by_users_only() -> None:
    site = Site(WAYS[4])
    assert site.read(heard=HELLO).serial == "AC00042"
    assert site.asked == [WAYS[4]]


@pytest.mark.parametrize(
    ("communities", "users", "tries", "versions"),
    [(1, 0, 2, "2c 1"), (1, 0, 1, "2c 1"), (2, 0, 3, "2c 2c 1 1 2c 2c"), (1, 2, 2, "2c 1 3 3")],
)
def test_the_silent_are_asked_once_a_try(communities: int, users: int, tries: int, versions: str) -> None:
    ways = in_order(SnmpSettings(communities=("public", "ours")[:communities]), (USER,) * users)
    assert [way.version for way in in_turn(ways, tries)] == versions.split()


TWO_USERS = in_order(SnmpSettings(), (USER, SnmpUserSecret("other", "auth-password", "priv-password")))


@pytest.mark.parametrize("refuses", [False, True], ids=["silent", "refused"])
@pytest.mark.parametrize("heard", [None, HELLO], ids=["not heard", "greeted"])
def test_a_user_that_is_no_longer_welcome_is_followed_by_the_others(heard: Credential | None, refuses: bool) -> None:
    site = Site(TWO_USERS[-2], TWO_USERS, refuses)
    site.read()
    site.way = TWO_USERS[-1]
    site.asked.clear()
    assert site.read(heard).serial == "AC00042"
    assert site.asked.count(TWO_USERS[-2]) == 1, "or it may be locked"
    site.asked.clear()
    site.read()
    assert site.asked == [TWO_USERS[-1]]


@pytest.mark.parametrize("heard", [None, HELLO], ids=["not heard", "greeted"])
def test_where_no_user_is_welcome_each_was_asked_once(heard: Credential | None) -> None:
    site = Site(WAYS[4], refuses=True)
    site.read()
    site.way = None
    site.asked.clear()
    with pytest.raises(DeviceError, match="who are you"):
        site.read(heard)
    assert site.asked.count(WAYS[4]) == 1


def test_who_had_a_community_and_is_heard_in_v3_now_is_asked_by_users() -> None:
    site = Site(WAYS[0])
    site.read()
    site.way = WAYS[4]
    site.asked.clear()
    assert site.read(heard=HELLO).serial == "AC00042"
    assert site.asked == [WAYS[4]]


def test_who_answered_just_now_and_is_silent_is_not_asked_in_other_ways() -> None:
    site = Site(WAYS[0])
    site.read()
    site.way = None
    site.asked.clear()
    with pytest.raises(DeviceError):
        site.read(heard=WAYS[0])
    assert site.asked == [WAYS[0]]


def test_a_name_that_leads_nowhere_is_looked_up_once() -> None:
    class Nowhere(Site):
        async def agent(self, host: str, port: int, credential: Credential, tries: int) -> Agent:
            self.asked.append(credential)
            raise Unresolved("the name is unknown")

    known = Site(WAYS[0])
    known.read()
    for memory in ({}, known.memory):
        site = Nowhere(None)
        site.memory = memory
        with pytest.raises(DeviceError, match="the name is unknown"):
            site.read()
        assert len(site.asked) == 1


def test_a_visit_is_accounted_for_however_it_ends() -> None:
    site = Site(WAYS[2])
    site.read()
    site.way = None
    with pytest.raises(DeviceError):
        site.read()
    first, second = site.visits
    assert (first.endpoint, first.why) == (PRINTER, "2 other ways in tried before, no working GETBULK")
    assert first.requests > 3
    assert (second.requests, second.why) == (len(WAYS) + 1, "no answer"), "the user also without GETBULK"


def test_pages_that_come_too_late_do_not_cost_the_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(_: Reading) -> Reading:
        return await asyncio.get_running_loop().create_future()

    monkeypatch.setattr("meterpost.devices.finding.visit.roads.completed", never)
    monkeypatch.setattr("meterpost.devices.finding.visit.READING_S", 0.0)
    assert Site(WAYS[0]).read().serial == "AC00042"


def test_one_conversation_at_a_time_with_a_device() -> None:
    class Single(Site):
        talking = most = 0

        async def agent(self, host: str, port: int, credential: Credential, tries: int) -> Agent:
            site, inner = self, await super().agent(host, port, credential, tries)

            class Slow(MemoryAgent):
                async def hold(self, talk: Talk[T], first_tries: int | None = None) -> T:
                    site.talking += 1
                    site.most = max(site.most, site.talking)
                    for _ in range(3):
                        await asyncio.sleep(0)  # others may try meanwhile
                    try:
                        return await inner.hold(talk, first_tries)
                    finally:
                        site.talking -= 1

            return Slow({}, credential.version)

    async def run(*endpoints: Endpoint) -> int:
        site = Single(WAYS[0])
        visitor = Visitor(site, WAYS, 2, 1.0, PROFILES, lambda: NOON, site.memory)
        await asyncio.gather(*map(visitor.read, endpoints))
        return site.most

    assert asyncio.run(run(PRINTER, PRINTER, PRINTER)) == 1
    assert asyncio.run(run(PRINTER, ("10.1.2.4", 161))) == 2


def test_who_lost_one_packet_is_asked_in_v2c_the_next_time() -> None:
    class Lossy(Site):
        async def agent(self, host: str, port: int, credential: Credential, tries: int) -> Agent:
            self.way = credential if len(self.asked) else None  # the very first packet is lost
            return await super().agent(host, port, credential, tries)

    site = Lossy(None)
    assert site.read().serial == "AC00042"
    site.asked = site.asked[-1:]
    assert site.read().serial == "AC00042"
    assert site.asked[-1].version == "2c"
