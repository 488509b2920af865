"""Agents that are old, weak or hostile: what exists is found, and the work is bounded."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterpost.devices.snmp.memory import MemoryAgent
from meterpost.devices.snmp.port import Answer, ErrorStatus, Unanswered
from meterpost.devices.snmp.session import MAX_EXCHANGES, MAX_ROWS, Session
from meterpost.errors import DeviceError
from meterpost.recording import Oid, Value

A, B = (1, 3, 1), (1, 3, 2)
TABLE: dict[Oid, Value] = (
    {(*A, row): row for row in range(1, 31)} | {(*B, row): -row for row in (2, 9)} | {(1, 4, 1): b"beyond"}
)
ROWS = {A: {(row,): row for row in range(1, 31)}, B: {(2,): -2, (9,): -9}}


def get(agent: MemoryAgent, oids: Sequence[Oid]) -> dict[Oid, Value]:
    return asyncio.run(Session(agent).get(oids))


def columns(agent: MemoryAgent, *names: Oid) -> object:
    return asyncio.run(Session(agent).columns(names))


class Counting(MemoryAgent):
    """Remembers the PDUs it was asked."""

    def __init__(self, mib: dict[Oid, Value], version: str = "2c") -> None:
        super().__init__(mib, version)
        self.asked: list[tuple[str, int]] = []

    async def get(self, oids: Sequence[Oid]) -> Answer:
        self.asked.append(("get", len(oids)))
        return await super().get(oids)

    async def get_next(self, oids: Sequence[Oid]) -> Answer:
        self.asked.append(("get_next", len(oids)))
        return await super().get_next(oids)

    async def get_bulk(self, oids: Sequence[Oid], repetitions: int) -> Answer:
        self.asked.append(("get_bulk", len(oids)))
        return await super().get_bulk(oids, repetitions)


class SilentOnBulk(Counting):
    async def get_bulk(self, oids: Sequence[Oid], repetitions: int) -> Answer:
        self.asked.append(("get_bulk", len(oids)))
        raise Unanswered("nothing")


class TooBigForBulk(Counting):
    async def get_bulk(self, oids: Sequence[Oid], repetitions: int) -> Answer:
        self.asked.append(("get_bulk", len(oids)))
        return Answer(status=ErrorStatus.TOO_BIG)


class RepeatsItself(Counting):
    """GETBULK returns the names it was asked for."""

    async def get_bulk(self, oids: Sequence[Oid], repetitions: int) -> Answer:
        self.asked.append(("get_bulk", len(oids)))
        return Answer(tuple((name, 1) for name in oids) * repetitions)


class OneNameAtATime(Counting):
    """Answers genErr as soon as two names are asked."""

    async def get(self, oids: Sequence[Oid]) -> Answer:
        return await super().get(oids) if len(oids) == 1 else Answer(status=ErrorStatus.GEN_ERR, index=1)

    async def get_next(self, oids: Sequence[Oid]) -> Answer:
        return await super().get_next(oids) if len(oids) == 1 else Answer(status=ErrorStatus.TOO_BIG)

    async def get_bulk(self, oids: Sequence[Oid], repetitions: int) -> Answer:
        return Answer(status=99, index=-4)


class Endless(MemoryAgent):
    """Every column goes on for ever."""

    async def get_next(self, oids: Sequence[Oid]) -> Answer:
        return await self.get_bulk(oids, 1)

    async def get_bulk(self, oids: Sequence[Oid], repetitions: int) -> Answer:
        rows = range(1, repetitions + 1)
        return Answer(tuple(((*name[:3], (*name, 0)[3] + row), 1) for row in rows for name in oids))


def test_v1_loses_a_pdu_over_one_missing_name_and_is_asked_again_without_it() -> None:
    agent = Counting(TABLE, "1")
    assert get(agent, [(*A, 1), (*A, 99), (*A, 2)]) == {(*A, 1): 1, (*A, 2): 2}
    assert agent.asked == [("get", 3), ("get", 2)]


def test_v2c_needs_one_pdu_for_names_that_are_missing() -> None:
    agent = Counting(TABLE)
    assert get(agent, [(*A, 1), (*A, 99), (*A, 2)]) == {(*A, 1): 1, (*A, 2): 2}
    assert agent.asked == [("get", 3)]


def test_many_names_are_asked_in_datagrams_of_ordinary_size() -> None:
    agent = Counting(TABLE)
    assert len(get(agent, [(*A, row) for row in range(1, 31)])) == 30
    assert sorted(agent.asked) == [("get", 14), ("get", 16)]


def test_nothing_is_sent_for_no_names() -> None:
    agent = Counting(TABLE)
    assert (get(agent, []), columns(agent), agent.asked) == ({}, {}, [])


@pytest.mark.parametrize("kind", [Counting, SilentOnBulk, TooBigForBulk, RepeatsItself, OneNameAtATime])
def test_columns_are_whole_whatever_the_agent_cannot_do(kind: type[Counting]) -> None:
    assert columns(kind(TABLE), A, B, (1, 9)) == {**ROWS, (1, 9): {}}


@pytest.mark.parametrize("kind", [SilentOnBulk, TooBigForBulk, RepeatsItself])
def test_an_agent_without_working_getbulk_is_asked_so_once(kind: type[Counting]) -> None:
    agent = kind(TABLE)
    columns(agent, A, B)
    assert [pdu for pdu, _ in agent.asked].count("get_bulk") == 1


def test_v1_columns_end_at_the_end_of_the_mib() -> None:
    last: dict[Oid, Value] = {(*B, 1): 5}
    assert columns(MemoryAgent(last, "1"), A, B) == {A: {}, B: {(1,): 5}}


def test_a_get_survives_an_agent_that_cannot_take_two_names() -> None:
    assert get(OneNameAtATime(TABLE), [(*A, 1), (*A, 2), (*A, 99)]) == {(*A, 1): 1, (*A, 2): 2}


def test_an_endless_column_is_cut() -> None:
    session = Session(Endless({}))
    found = asyncio.run(session.columns([A]))
    assert len(found[A]) == MAX_ROWS
    assert session.cut == {A}


def test_an_agent_that_never_ends_is_given_up() -> None:
    agent = Endless({}, "1")
    with pytest.raises(DeviceError, match=f"within {MAX_EXCHANGES} requests"):
        asyncio.run(Session(agent).columns([A, B, (1, 3, 3)]))


class Hostile(MemoryAgent):
    """Answers what a list says, whatever is asked."""

    def __init__(self, answers: list[Answer]) -> None:
        super().__init__({})
        self._answers = answers

    async def get(self, oids: Sequence[Oid]) -> Answer:
        self._answers = self._answers[1:] + self._answers[:1]
        return self._answers[0]

    async def get_next(self, oids: Sequence[Oid]) -> Answer:
        return await self.get(oids)

    async def get_bulk(self, oids: Sequence[Oid], repetitions: int) -> Answer:
        return await self.get(oids)


names = st.lists(st.integers(0, 4), min_size=1, max_size=5).map(tuple)
bindings = st.lists(st.tuples(names, st.none() | st.integers(-2, 2) | st.binary(max_size=3)), max_size=9).map(tuple)
answers = st.builds(Answer, bindings, st.integers(-1, 6), st.integers(-1, 4))


@given(st.lists(answers, min_size=1, max_size=6), st.lists(names, max_size=4, unique=True))
def test_any_answers_at_all_come_to_an_end_and_only_what_was_asked_is_taken(script: list[Answer], asked: list[Oid]) -> None:
    with suppress(DeviceError):
        assert get(Hostile(script), asked).keys() <= set(asked)
    with suppress(DeviceError):
        assert columns(Hostile(script), *asked).keys() == set(asked)
