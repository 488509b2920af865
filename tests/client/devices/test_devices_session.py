"""Agents that are old, weak or hostile: what exists is found, and the work is bounded."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from meterpost.devices.snmp.memory import MemoryAgent
from meterpost.devices.snmp.port import Answer, Binding, ErrorStatus, Kind, Request, Talk, Unanswered, hold, hold_at_once
from meterpost.devices.snmp.session import BULK_NAMES, GET_NAMES, MAX_EXCHANGES, MAX_ROWS, Abilities, Facts, Session, Want
from meterpost.errors import DeviceError
from meterpost.recording import Oid, Value

T = TypeVar("T")
Mib = dict[Oid, Value]

A, B, C = (1, 3, 1), (1, 3, 2), (1, 3, 9)
S, S_MISSING, ROW_SCALAR = (1, 2, 1, 0), (1, 2, 2, 0), (1, 2, 5, 7)
TABLE: Mib = (
    {(*A, row): row for row in range(1, 31)}
    | {(*B, row): -row for row in (2, 9)}
    | {S: b"single", ROW_SCALAR: 5, (1, 4, 1): b"beyond"}
)
ROWS = {A: {(row,): row for row in range(1, 31)}, B: {(2,): -2, (9,): -9}, C: {}}
ALL = Facts({S: b"single", ROW_SCALAR: 5}, ROWS)


class Counting(MemoryAgent):
    """Remembers the requests it was asked."""

    def __init__(self, mib: Mib, version: str = "2c") -> None:
        super().__init__(mib, version)
        self.asked: list[Request] = []

    def answer(self, request: Request) -> Answer:
        self.asked.append(request)
        return self.said(request)

    def said(self, request: Request) -> Answer:
        return super().answer(request)

    @property
    def kinds(self) -> list[Kind]:
        return [request.kind for request in self.asked]


def talk_with(agent: MemoryAgent, talk: Talk[T]) -> T:
    async def ask(request: Request, _: int) -> Answer:
        return agent.answer(request)

    return asyncio.run(hold(talk, ask, 1, None))


def get(agent: MemoryAgent, oids: Sequence[Oid]) -> dict[Oid, Value]:
    return talk_with(agent, Session(Abilities(agent.has_bulk)).get(oids))


def collect(agent: MemoryAgent, scalars: Sequence[Oid] = (), *wants: Oid | Want, session: Session | None = None) -> Facts:
    wanted = [want if isinstance(want, Want) else Want(want) for want in wants]
    return talk_with(agent, (session or Session(Abilities(agent.has_bulk))).collect(scalars, wanted))


# --- defects --------------------------------------------------------------------------------------------------------


def changed(change: Callable[[tuple[Binding, ...]], Sequence[Binding]]) -> Callable[[Request, Answer], Answer]:
    def spoil(request: Request, answer: Answer) -> Answer:
        return Answer(tuple(change(answer.bindings))) if request.kind is Kind.GET_BULK else answer

    return spoil


def without(place: int) -> Callable[[Request, Answer], Answer]:
    """One value short."""
    return changed(lambda found: [*found[:place], *found[place:][1:]])


def bulk_says(answer: Answer) -> Callable[[Request, Answer], Answer]:
    return lambda request, right: answer if request.kind is Kind.GET_BULK else right


def silence(request: Request, answer: Answer) -> Answer:
    if request.kind is Kind.GET_BULK:
        raise Unanswered("nothing")
    return answer


def one_at_a_time(status: int) -> Callable[[Request, Answer], Answer]:
    def refuse(request: Request, answer: Answer) -> Answer:
        return answer if len(request.names) == 1 and request.kind is not Kind.GET_BULK else Answer(status=status, index=1)

    return refuse


BAD_AT_BULK: dict[str, Callable[[Request, Answer], Answer]] = {
    "is silent": silence,
    "is too big": bulk_says(Answer(status=ErrorStatus.TOO_BIG)),
    "is a general error": bulk_says(Answer(status=ErrorStatus.GEN_ERR, index=1)),
    "is an error nobody knows": bulk_says(Answer(status=99, index=-4)),
    "is empty": bulk_says(Answer()),
    "repeats the question": lambda request, answer: (
        Answer(tuple((name, 1) for name in request.names) * 3) if request.kind is Kind.GET_BULK else answer
    ),
    "goes backwards": changed(lambda found: found[::-1]),
    "repeats its rows": changed(lambda found: (*found, *found)),
    "has a row too many": changed(lambda found: (*found, *(((*name[:-1], name[-1] + 500), 1) for name, _ in found))),
    "is of the first names only": changed(lambda found: found[:1]),
    **{f"lacks value {place}": without(place) for place in range(12)},
}
SPEAKS_OF_LITTLE = {
    "says genErr to two names": one_at_a_time(ErrorStatus.GEN_ERR),
    "says tooBig to two names": one_at_a_time(ErrorStatus.TOO_BIG),
}


def defective(defect: Callable[[Request, Answer], Answer], mib: Mib = TABLE) -> Counting:
    class Defective(Counting):
        def said(self, request: Request) -> Answer:
            return defect(request, super().said(request))

    return Defective(mib)


@pytest.mark.parametrize("rows", [1, 2, 5, 12])
@pytest.mark.parametrize("defect", (BAD_AT_BULK | SPEAKS_OF_LITTLE).values(), ids=BAD_AT_BULK | SPEAKS_OF_LITTLE)
def test_all_is_found_whatever_is_wrong_with_getbulk(defect: Callable[[Request, Answer], Answer], rows: int) -> None:
    wants = [Want(column, rows) for column in (A, B, C)]
    assert collect(defective(defect), [S, S_MISSING, ROW_SCALAR], *wants) == ALL
    assert collect(defective(defect), [ROW_SCALAR, S_MISSING, S], *wants[::-1]) == ALL
    assert collect(defective(defect), [S, S_MISSING, ROW_SCALAR]) == Facts(ALL.scalars)


@given(st.data(), st.integers(1, 8))
def test_a_value_that_lacks_anywhere_in_any_answer_is_found(data: st.DataObject, rows: int) -> None:
    def lacks(request: Request, answer: Answer) -> Answer:
        """Of one column alone nobody can see that it lacks a row in the middle."""
        if request.kind is not Kind.GET_BULK:
            return answer
        last = len(answer.bindings) - 1
        alone = len(request.names) - request.non_repeaters == 1
        place = data.draw(st.sampled_from([*range(request.non_repeaters), last]) if alone else st.integers(0, last))
        return without(place)(request, answer)

    wants = [Want(column, rows) for column in data.draw(st.permutations([A, B, C]))]
    scalars = data.draw(st.permutations([S, S_MISSING, ROW_SCALAR]))
    assert collect(defective(lacks), scalars, *wants) == ALL


BROKEN = [name for name in BAD_AT_BULK if not name.startswith("lacks")]


@pytest.mark.parametrize("name", BROKEN)
def test_an_agent_without_working_getbulk_is_asked_so_once(name: str) -> None:
    agent = defective(BAD_AT_BULK[name])
    session = Session(Abilities(True))
    collect(agent, [S], Want(A, 5), Want(B, 5), session=session)
    assert agent.kinds.count(Kind.GET_BULK) == 1
    assert session.abilities == Abilities(False)
    collect(agent, [S], A, session=session)
    assert agent.kinds.count(Kind.GET_BULK) == 1, "it is remembered"


def test_how_many_names_an_agent_takes_is_remembered() -> None:
    def at_most_four(request: Request, answer: Answer) -> Answer:
        return answer if len(request.names) <= 4 else Answer(status=ErrorStatus.TOO_BIG)

    agent, session = defective(at_most_four), Session(Abilities(True))
    scalars = [(1, 2, n, 0) for n in range(20)]
    assert collect(agent, scalars, A, session=session).columns == {A: ROWS[A]}
    assert session.abilities.names <= 4
    asked = len(agent.asked)
    collect(agent, scalars, session=session)
    assert max(len(request.names) for request in agent.asked[asked:]) <= 4


def test_silence_without_getbulk_is_silence() -> None:
    class Silent(MemoryAgent):
        def answer(self, request: Request) -> Answer:
            raise Unanswered("nothing")

    for version in ("1", "2c"):
        with pytest.raises(Unanswered):
            collect(Silent({}, version), [S], A)
        with pytest.raises(Unanswered):
            get(Silent({}, version), [S])


@pytest.mark.parametrize("kind", [Kind.GET_NEXT, Kind.GET_BULK])
def test_an_agent_that_loops_ends(kind: Kind) -> None:
    def loop(request: Request, answer: Answer) -> Answer:
        return Answer(tuple(((*A, 1), 1) for _ in request.names)) if request.kind is kind else answer

    facts = collect(defective(loop), [], A, B)
    if kind is Kind.GET_BULK:
        assert facts.columns == {A: ROWS[A], B: ROWS[B]}
    else:
        broken = Session(Abilities(False))
        facts = collect(defective(loop), [], A, B, session=broken)
        assert facts.columns[A] in ({}, {(1,): 1})
        assert facts.cut, "what did not come to its end is told"


def test_values_of_the_wrong_type_are_values() -> None:
    wrong: Mib = {(*A, 1): b"12", (*A, 2): (1, 3), (*A, 3): -1, (*A, 4): 2**64 - 1, (*A, 5): b"", (*A, 6): ()}
    assert collect(MemoryAgent(wrong), [], Want(A, 7)).columns[A] == {(row,): wrong[*A, row] for row in range(1, 7)}


class Endless(Counting):
    """Every column goes on for ever."""

    def said(self, request: Request) -> Answer:
        rows = range(1, request.repetitions + 1) if request.kind is Kind.GET_BULK else range(1, 2)
        return Answer(tuple(((*name[:3], (*name, 0)[3] + row), 1) for row in rows for name in request.names))


def test_an_endless_column_is_cut() -> None:
    facts = collect(Endless({}), [], Want(A, 24))
    assert len(facts.columns[A]) == MAX_ROWS
    assert facts.cut == {A}


def test_a_column_is_not_walked_beyond_its_most_and_is_whole_then() -> None:
    agent = Endless({})
    facts = collect(agent, [], Want(A, rows=9, most=10))
    assert (len(facts.columns[A]), facts.cut) == (10, set())
    assert [request.repetitions for request in agent.asked] == [9, 1]


def test_an_agent_that_never_ends_is_given_up() -> None:
    agent = Endless({}, "1")
    with pytest.raises(DeviceError, match=f"within {MAX_EXCHANGES} requests") as caught:
        collect(agent, [], *((1, 3, n) for n in range(1, 2 + BULK_NAMES)))
    assert "firmware" in caught.value.advice
    assert len(agent.asked) == MAX_EXCHANGES


# --- SNMPv1 ---------------------------------------------------------------------------------------------------------


def test_v1_loses_a_pdu_over_one_missing_name_and_is_asked_again_without_it() -> None:
    agent = Counting(TABLE, "1")
    assert get(agent, [(*A, 1), (*A, 99), (*A, 2)]) == {(*A, 1): 1, (*A, 2): 2}
    assert [len(request.names) for request in agent.asked] == [3, 2]


def test_v2c_needs_one_pdu_for_names_that_are_missing() -> None:
    agent = Counting(TABLE)
    assert get(agent, [(*A, 1), (*A, 99), (*A, 2)]) == {(*A, 1): 1, (*A, 2): 2}
    assert len(agent.asked) == 1


def test_a_missing_single_object_costs_no_pdu_in_v1() -> None:
    agent = Counting(TABLE, "1")
    assert collect(agent, [S, S_MISSING, ROW_SCALAR]) == Facts({S: b"single", ROW_SCALAR: 5})
    assert len(agent.asked) == 1


def test_v1_columns_end_at_the_end_of_the_mib() -> None:
    assert collect(MemoryAgent({(*B, 1): 5}, "1"), [(9, 9, 0)], A, B) == Facts({}, {A: {}, B: {(1,): 5}})
    assert collect(MemoryAgent({}, "1"), [S], A, B) == Facts({}, {A: {}, B: {}})


@pytest.mark.parametrize("index", [-1, 0, 3, 99])
def test_no_such_name_of_no_name_ends(index: int) -> None:
    says = Answer(status=ErrorStatus.NO_SUCH_NAME, index=index)
    agent = defective(lambda request, answer: answer if len(request.names) == 1 else says)
    assert collect(agent, [S], A).columns == {A: ROWS[A]}
    assert get(agent, [S, (*A, 1)]) == {S: b"single", (*A, 1): 1}


# --- GET ------------------------------------------------------------------------------------------------------------


def test_many_names_are_asked_in_datagrams_of_ordinary_size() -> None:
    agent = Counting(TABLE)
    assert len(get(agent, [(*A, row) for row in range(1, 31)])) == 30
    assert sorted(len(request.names) for request in agent.asked) == [30 - GET_NAMES, GET_NAMES]


def test_nothing_is_sent_for_nothing() -> None:
    agent = Counting(TABLE)
    assert (get(agent, []), collect(agent), agent.asked) == ({}, Facts(), [])


@pytest.mark.parametrize("defect", SPEAKS_OF_LITTLE.values(), ids=SPEAKS_OF_LITTLE)
def test_a_get_survives_an_agent_that_cannot_take_two_names(defect: Callable[[Request, Answer], Answer]) -> None:
    assert get(defective(defect), [(*A, 1), (*A, 2), (*A, 99)]) == {(*A, 1): 1, (*A, 2): 2}


# --- laws -----------------------------------------------------------------------------------------------------------

arcs = st.integers(0, 3)
names = st.lists(arcs, min_size=1, max_size=4).map(lambda rest: (1, 3, *rest))
values = st.integers(-2, 2) | st.binary(max_size=3)
columns = st.lists(st.tuples(arcs, arcs).map(lambda rest: (1, 3, *rest)), unique=True, max_size=6)


@given(
    st.dictionaries(names, values, max_size=40),
    st.lists(names, max_size=5, unique=True),
    columns,
    st.booleans(),
    st.integers(1, 30),
    st.integers(1, 12) | st.just(MAX_ROWS),
    st.integers(1, 200),
    st.integers(1, 8),
)
@example({(1, 3, 0, 0): 1, (1, 3, 0, 0, 1): 2}, [(1, 3, 0, 0)], [(1, 3, 0, 0)], True, 1, 1, 1, 1)
def test_whole_columns_come_out_whatever_is_assumed_of_them(
    mib: Mib, scalars: list[Oid], wanted: list[Oid], bulk: bool, rows: int, most: int, octets: int, at_once: int
) -> None:
    facts = collect(
        MemoryAgent(mib, "2c" if bulk else "1"),
        scalars,
        *(Want(column, rows, most, octets) for column in wanted),
        session=Session(Abilities(bulk, at_once)),
    )
    for column in wanted:
        whole = [name[len(column) :] for name in sorted(mib) if len(name) > len(column) and name[: len(column)] == column]
        assert facts.columns[column] == {instance: mib[column + instance] for instance in whole[:most]}
    assert facts.cut == set()
    assert facts.scalars.items() <= mib.items()
    leaves = {
        name
        for name in scalars
        if name in mib and not any(other[: len(name) - 1] == name[:-1] for other in mib if other != name)
    }
    assert leaves <= facts.scalars.keys() <= set(scalars)


wild = st.lists(st.integers(0, 4), min_size=1, max_size=5).map(tuple)
bindings = st.lists(st.tuples(wild, st.none() | values), max_size=9).map(tuple)
answers = st.builds(Answer, bindings, st.integers(-1, 6), st.integers(-1, 4)) | st.none()


@given(
    st.lists(answers, min_size=1, max_size=6),
    st.lists(wild.filter(lambda name: len(name) > 1), max_size=4, unique=True),
    columns,
    st.booleans(),
    st.integers(1, 5),
)
def test_any_answers_at_all_come_to_an_end_and_only_what_was_asked_is_taken(
    script: list[Answer | None], scalars: list[Oid], wanted: list[Oid], bulk: bool, rows: int
) -> None:
    class Hostile(Counting):
        """Answers what a list says, whatever is asked."""

        def said(self, request: Request) -> Answer:
            answer = script[len(self.asked) % len(script)]
            if answer is None:
                raise Unanswered("nothing")
            return answer

    agent = Hostile({})
    with suppress(DeviceError):
        assert get(agent, scalars).keys() <= set(scalars)
    assert len(agent.asked) <= MAX_EXCHANGES
    agent.asked.clear()
    said = {binding for answer in script if answer for binding in answer.bindings}
    with suppress(DeviceError):
        facts = collect(agent, scalars, *(Want(column, rows) for column in wanted), session=Session(Abilities(bulk)))
        assert facts.scalars.keys() <= set(scalars)
        assert facts.columns.keys() == set(wanted)
        assert facts.cut <= set(wanted)
        rows_ = {(column + rest, value) for column, found in facts.columns.items() for rest, value in found.items()}
        assert rows_ | set(facts.scalars.items()) <= said
        assert all(len(found) <= MAX_ROWS for found in facts.columns.values())
    assert len(agent.asked) <= MAX_EXCHANGES


# --- how many requests ----------------------------------------------------------------------------------------------

PRINTER: Mib = {(1, 3, 6, 1, 2, 1, 1, n, 0): n for n in range(1, 8)} | {
    (1, 3, 6, 1, 2, 1, 43, 11, 1, 1, column, 1, row): row for column in range(2, 10) for row in range(1, 7)
}
PRINTER[1, 3, 6, 1, 4, 1, 1] = b"a maker's own"
SUPPLIES = [(1, 3, 6, 1, 2, 1, 43, 11, 1, 1, column) for column in range(2, 10)]
NAMES = [(1, 3, 6, 1, 2, 1, 1, n, 0) for n in range(1, 8)]


@pytest.mark.parametrize(
    ("scalars", "wants", "bulk", "requests"),
    [
        (NAMES, [], True, 1),
        (NAMES, [], False, 1),
        (NAMES, [Want(SUPPLIES[0], 7)], True, 1),
        ([], [Want(column, 7) for column in SUPPLIES[:4]], True, 1),
        (NAMES, [Want(column, 7) for column in SUPPLIES], True, 2),
        ([], [Want(column, 7) for column in SUPPLIES], False, 7),
        (NAMES, [Want(column, 7) for column in SUPPLIES], False, 7),
        ([], [Want(column, 6, 6) for column in SUPPLIES], True, 1),
        ([], [Want(column, 1) for column in SUPPLIES], True, 7),
    ],
)
def test_usual_tables_take_few_requests(scalars: list[Oid], wants: list[Want], bulk: bool, requests: int) -> None:
    agent = Counting(PRINTER, "2c" if bulk else "1")
    facts = collect(agent, scalars, *wants)
    assert facts.scalars == {name: PRINTER[name] for name in scalars}
    assert all(len(facts.columns[want.column]) == 6 for want in wants)
    assert len(agent.asked) == requests


def test_a_session_counts_its_requests_and_whether_it_was_heard() -> None:
    session = Session(Abilities(True))
    assert (session.requests, session.heard) == (0, False)
    collect(Counting(TABLE), [S], session=session)
    assert (session.requests, session.heard) == (1, True)


def test_v1_says_the_end_of_its_mib_once_for_all_that_lies_beyond() -> None:
    requests: list[Request] = []

    class Counted(MemoryAgent):
        def answer(self, request: Request) -> Answer:
            requests.append(request)
            return super().answer(request)

    agent = Counted({(1, 3, 1, 1): 1, (1, 3, 2, 1): 2}, "1")
    beyond = [(1, 3, 9, column) for column in range(20)]
    facts = hold_at_once(Session(Abilities(False)).collect([(1, 3, 8, 0)], [Want((1, 3, 2)), *map(Want, beyond)]), agent.answer)
    assert facts.columns == {(1, 3, 2): {(1,): 2}, **{column: {} for column in beyond}}
    assert len(requests) <= 4
