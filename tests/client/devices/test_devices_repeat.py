"""A further visit asks only for what moves, and still reads what a first one would; whoever changed is met anew."""

import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from devices_kit import NOON, PROFILES, Mib, a_printer, numbered, read
from hypothesis import given
from hypothesis import strategies as st

from meterpost.devices.reading import contact, profile
from meterpost.devices.reading.interpret import interpret
from meterpost.devices.reading.remembered import Remembered, pack, unpack
from meterpost.devices.reading.repeat import KEEPS, visit
from meterpost.devices.snmp.memory import MemoryAgent
from meterpost.devices.snmp.port import Answer, Kind, Request, hold_at_once
from meterpost.devices.snmp.session import Abilities, Facts, Session
from meterpost.model import Reading
from meterpost.recording import Oid, Value, oid

LIFE = "1.3.6.1.2.1.43.10.2.1.4.1.1"
SERIAL = "1.3.6.1.2.1.43.5.1.1.17.1"
TONER, WASTE = "1.3.6.1.2.1.43.11.1.1.9.1.1", "1.3.6.1.2.1.43.11.1.1.9.1.2"
ERRORS = "1.3.6.1.2.1.25.3.5.1.2.1"
SUPPLY_COLORANT = "1.3.6.1.2.1.43.11.1.1.3"
ALERT_CODE, ALERT_TEXT = "1.3.6.1.2.1.43.18.1.1.7.1", "1.3.6.1.2.1.43.18.1.1.8.1"
NAME = "1.3.6.1.2.1.1.5.0"
LATER = NOON + timedelta(hours=2)
XEROX: dict[str, Value] = {
    "1.3.6.1.2.1.1.2.0": oid("1.3.6.1.4.1.253.8.62.1"),
    "1.3.6.1.4.1.253.8.53.13.2.1.6.1.20.1": 4711,
    "1.3.6.1.4.1.253.8.53.13.2.1.8.1.20.1": b"Total Impressions",
    "1.3.6.1.4.1.253.8.53.13.2.1.6.1.20.34": 4000,
    "1.3.6.1.4.1.253.8.53.13.2.1.8.1.20.34": b"Black Impressions",
}


class Asked(MemoryAgent):
    """Remembers what it was asked."""

    def __init__(self, mib: Mib, version: str = "2c") -> None:
        super().__init__(mib, version)
        self.requests: list[Request] = []

    def answer(self, request: Request) -> Answer:
        self.requests.append(request)
        return super().answer(request)


def meet(mib: Mib, version: str = "2c", profiles: profile.Profiles = PROFILES) -> Remembered:
    """What is known of the printer after its first visit, at noon, and as it comes back from a store."""
    agent = MemoryAgent(mib, version)
    session = Session(Abilities(agent.has_bulk))
    facts, anew = hold_at_once(visit(session, profiles, None, NOON), agent.answer)
    assert anew
    chosen = contact.chosen(facts, profiles)
    reading = interpret(facts, profiles, "10.1.2.3", 161, NOON)
    known = unpack(pack(Remembered(reading.serial, 0, session.abilities, NOON, f"{chosen.name} {chosen.version}", facts)))
    assert known is not None
    return known


def again(
    known: Remembered, agent: Asked, now: datetime = LATER, profiles: profile.Profiles = PROFILES
) -> tuple[Reading, bool]:
    """The reading of a further visit, and whether the printer was met anew. Its time is noon, for comparison."""
    facts, anew = hold_at_once(visit(Session(known.abilities), profiles, known, now), agent.answer)
    return interpret(facts, profiles, "10.1.2.3", 161, NOON), anew


@pytest.mark.parametrize("version", ["1", "2c"])
@pytest.mark.parametrize("extra", [{}, XEROX], ids=["any", "Xerox"])
def test_one_request_for_what_moves_and_the_serial_number(version: str, extra: dict[str, Value]) -> None:
    mib = a_printer(extra)
    known = meet(mib, version)
    mib |= numbered({LIFE: 12400, TONER: 1500, ERRORS: b"\x20"})
    agent = Asked(mib, version)
    reading, anew = again(known, agent)
    assert (reading, anew) == (read(mib, version), False)
    (request,) = [r for r in agent.requests if r.kind is not Kind.GET_NEXT] or agent.requests[:1]
    assert len(agent.requests) == 1 or version == "1", "v1 says the end of its MIB with an error"
    assert len(request.names) == 8 + len(extra) // 2


def test_what_stays_is_not_asked_again_within_a_day() -> None:
    mib = a_printer()
    known = meet(mib)
    mib |= numbered({NAME: b"new-name"})
    assert again(known, Asked(mib), NOON + KEEPS - timedelta(seconds=1))[0].name == "hall-printer"
    reading, anew = again(known, Asked(mib), NOON + KEEPS)
    assert (reading.name, anew) == ("new-name", True)


@pytest.mark.parametrize(
    "change",
    [
        {SERIAL: b"AC00043"},
        {SERIAL: None},
        {LIFE: 12344},
        {LIFE: b"12345"},
        {TONER: 2001},
        {WASTE: None},
    ],
    ids=[
        "another printer",
        "no number any more",
        "a counter fell",
        "no counter any more",
        "a supply was changed",
        "one is gone",
    ],
)
def test_who_is_not_what_it_was_is_met_anew_in_the_same_visit(change: dict[str, Value]) -> None:
    mib = a_printer()
    known = meet(mib)
    mib = a_printer({**change, NAME: b"new-name"})
    reading, anew = again(known, Asked(mib))
    assert (reading, anew) == (read(mib), True)
    assert reading.name == "new-name"


DEVICE_ID = "1.3.6.1.4.1.2699.1.2.1.2.1.1.3.1"


@pytest.mark.parametrize("place", [DEVICE_ID, "1.3.6.1.2.1.1.1.0"], ids=["device id", "sysDescr"])
def test_a_serial_number_is_looked_at_again_wherever_it_stands(place: str) -> None:
    one, other = (
        a_printer({SERIAL: None, place: b"MFG:ACME;MDL:Laser;SN: %b;" % number}) for number in (b"AC00042", b"AC00043")
    )
    known = meet(one)
    assert again(known, Asked(one)) == (read(one), False)
    reading, anew = again(known, Asked(other))
    assert (reading.serial, anew) == ("AC00043", True)


def test_what_an_earlier_meterpost_kept_is_read_anew_where_more_is_asked_today() -> None:
    known = meet(a_printer())
    del known.facts.columns[oid(SUPPLY_COLORANT)]
    reading, anew = again(known, Asked(a_printer()))
    assert (reading, anew) == (read(a_printer()), True)


def test_alerts_without_codes_stay_while_they_last() -> None:
    loud, quiet = a_printer({f"{ALERT_TEXT}.7": b"Toner low"}), a_printer()
    for after in (loud, quiet):
        assert again(meet(loud), Asked(after)) == (read(after), False)
    assert read(loud).alerts != ()


def test_a_clock_that_was_set_back_is_not_believed() -> None:
    assert again(meet(a_printer()), Asked(a_printer()), NOON - timedelta(seconds=1))[1]


def test_another_version_of_the_profile_reads_anew() -> None:
    known = meet(a_printer())
    newer = profile.Profiles((*PROFILES, profile.parse('version = "99"', "generic")))
    assert again(known, Asked(a_printer()), profiles=newer)[1]


@pytest.mark.parametrize("version", ["1", "2c"])
def test_alerts_come_and_go(version: str) -> None:
    quiet = a_printer()
    loud = a_printer({f"{ALERT_CODE}.7": 1104, f"{ALERT_TEXT}.7": b"Toner low", f"{ALERT_CODE}.9": 3})
    louder = loud | numbered({f"{ALERT_CODE}.11": 8, f"{ALERT_CODE}.12": 13})
    for before, after in ((quiet, loud), (loud, louder), (louder, quiet), (loud, loud)):
        reading, anew = again(meet(before, version), Asked(after, version))
        assert (reading, anew) == (read(after, version), False)
    assert [(alert.code, alert.description) for alert in read(loud).alerts] == [
        ("markerTonerAlmostEmpty", "Toner low"),
        ("coverOpen", ""),
    ]


moves = st.fixed_dictionaries(
    {
        LIFE: st.integers(0, 2**33),
        TONER: st.integers(-3, 8000),
        WASTE: st.sampled_from([-3, -2, 100, 0]),
        ERRORS: st.binary(max_size=2),
        SERIAL: st.sampled_from([b"AC00042", b"AC00043", b"0000000000", None]),
        "1.3.6.1.2.1.25.3.2.1.5.1": st.integers(1, 5),
        f"{ALERT_CODE}.1": st.none() | st.integers(1, 1200),
        "1.3.6.1.4.1.253.8.53.13.2.1.6.1.20.1": st.none() | st.integers(0, 9000),
    }
)


@given(st.sampled_from([{}, XEROX]), moves, st.sampled_from(["1", "2c"]))
def test_a_further_visit_reads_what_a_first_one_would(extra: dict[str, Value], change: dict[str, Value], version: str) -> None:
    mib = a_printer({**extra, **change})
    assert again(meet(a_printer(extra), version), Asked(mib, version))[0] == read(mib, version)


names = st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=12).map(tuple)
oids = st.lists(st.integers(0, 2**32 - 1), min_size=2, max_size=9).map(lambda arcs: (1, 3, *arcs))
values: st.SearchStrategy[Value] = st.none() | st.integers(-(2**63), 2**64) | st.binary(max_size=40) | oids
columns = st.dictionaries(names, values, max_size=5)


@given(
    st.builds(
        Remembered,
        st.text(max_size=10),
        st.integers(0, 9),
        st.builds(Abilities, st.booleans(), st.integers(1, 32)),
        st.just(NOON),
        st.text(max_size=9),
        st.builds(Facts, columns, st.dictionaries(names, columns, max_size=4), st.sets(names, max_size=3)),
    )
)
def test_what_is_packed_comes_back(known: Remembered) -> None:
    assert unpack(pack(known)) == known


def test_more_than_any_printer_says_is_not_kept() -> None:
    known = meet(a_printer())
    for rows in ({(row,): bytes(300) for row in range(500)}, {(row, *[2**32 - 1] * 40): row for row in range(5000)}):
        facts = Facts(dict(known.facts.scalars), known.facts.columns | {oid(ALERT_TEXT): rows})
        assert pack(replace(known, facts=facts)) is None


def test_a_time_without_a_zone_is_no_trouble() -> None:
    packed = pack(meet(a_printer()))
    assert packed
    assert zlib.decompress(packed).count(b"2026-11-20T12:00:00Z") == 1
    known = unpack(zlib.compress(zlib.decompress(packed).replace(b"12:00:00Z", b"12:00:00", 1)))
    assert known
    assert again(known, Asked(a_printer()))[0] == read(a_printer())


@given(st.binary(max_size=60))
def test_what_was_never_packed_is_nothing(octets: bytes) -> None:
    assert unpack(octets) is None
    assert unpack(zlib.compress(octets)) is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda octets: octets[:-9],
        lambda octets: zlib.compress(zlib.decompress(octets).replace(b"[1,", b"[2,", 1)),
        lambda octets: zlib.compress(zlib.decompress(octets).replace(b"1.3.6", b"1.x.6", 1)),
        lambda octets: zlib.compress(zlib.decompress(octets).replace(b",32]", b",0]", 1)),
        lambda octets: zlib.compress(zlib.decompress(octets).replace(b",32]", b",Infinity]", 1)),
        lambda octets: zlib.compress(b"[" * 100_000),
        lambda octets: zlib.compress(b" " * 64 * 1024 * 1024),
    ],
    ids=["cut short", "another format", "a bad name", "no names at once", "endless", "deep", "a bomb"],
)
def test_a_spoilt_memory_is_no_memory(spoil: Callable[[bytes], bytes]) -> None:
    assert unpack(spoil(pack(meet(a_printer())))) is None


def test_names_are_oids() -> None:
    known = meet(a_printer())
    name: Oid = oid(LIFE)
    assert known.facts.columns[name[:-2]] == {(1, 1): 12345}
