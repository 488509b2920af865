"""Which key counts and what is due: laws over everything a store may hold, and what happens when power goes at any step."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from keys_lab import CLIENT, NOW, YEAR, Mains, PowerCut, Vendor, Watched, about, days, der_of

from meterpost.keys import About, Holding, Keys, KeyState, MemoryStore, Origin, Own, Step, active, due, states
from meterpost.keys.due import spent
from meterpost.settings import SecuritySettings

LASTING = about(50, days(-1), days(900))


def own(number: int, start: float | None = None, end: float = 365, origin: Origin = Origin.MADE) -> Own:
    """The key that came as `number`, with a certificate from day `start` to day `end`; without `start` it waits for one."""
    certificate = None if start is None else named(number, start, end)
    return Own(f"{number:016x}", origin, certificate, number=number)


def named(number: int, start: float, end: float, kind: str = "EC P-256") -> About:
    """Like a certificate, and quick to make."""
    return About(b"pem", f"CN={number}", "CN=ca", days(start), days(end), kind, f"{number:064x}", f"{number:016x}")


# --- a table of cases --------------------------------------------------------------------------------------
CASES: Mapping[str, tuple[Holding, Step, str]] = {
    "nothing": (Holding(), Step.MAKE, ""),
    "a pending key": (Holding((own(1),), (LASTING,)), Step.ASK, "1"),
    "a pending key beside a good one": (Holding((own(1, -9), own(2)), (LASTING,)), Step.ASK, "2"),
    "all is well": (Holding((own(1, -9),), (LASTING,)), Step.NOTHING, ""),
    "31 days": (Holding((own(1, -335, 30.01),), (LASTING,)), Step.NOTHING, ""),
    "30 days": (Holding((own(1, -335, 30),), (LASTING,)), Step.MAKE, ""),
    "two thirds of a short one are over": (Holding((own(1, -40, 20),), (LASTING,)), Step.MAKE, ""),
    "less than that": (Holding((own(1, -39.99, 20),), (LASTING,)), Step.NOTHING, ""),
    "the server's is a short one": (Holding((own(1, -9),), (named(7, -39.99, 20),)), Step.NOTHING, ""),
    "two thirds of the server's are over": (Holding((own(1, -9),), (named(7, -40, 20),)), Step.ASK, "1"),
    "expired": (Holding((own(1, -9, -0.01),), (LASTING,)), Step.MAKE, ""),
    "the new one lasts": (Holding((own(1, -9, 20), own(2, -1, 300)), (LASTING,)), Step.NOTHING, ""),
    "not valid yet": (Holding((own(1, 0.01, 300),), (LASTING,)), Step.NOTHING, ""),
    "no server certificate": (Holding((own(1, -9),)), Step.ASK, "1"),
    "the server's ends": (Holding((own(1, -9),), (named(7, -335, 30),)), Step.ASK, "1"),
    "the server's has a successor": (Holding((own(1, -9),), (named(7, -9, 3), named(8, -1, 90))), Step.NOTHING, ""),
    "the server's has a successor, named first": (
        Holding((own(1, -9),), (named(8, -1, 90), named(7, -9, 3))),
        Step.NOTHING,
        "",
    ),
    "one of another kind is none": (
        Holding((own(1, -9),), (named(7, -9, 3), named(8, -1, 90, "RSA 2048"))),
        Step.ASK,
        "1",
    ),
    "imported": (Holding((own(1, -9, 5, Origin.IMPORTED),)), Step.NOTHING, ""),
    "imported and expired": (Holding((own(1, -9, -5, Origin.IMPORTED),)), Step.MAKE, ""),
    "imported without its certificate": (Holding((own(1, origin=Origin.IMPORTED),)), Step.MAKE, ""),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_due(case: str) -> None:
    holding, step, key = CASES[case]
    told = due(holding, NOW)
    assert (told.step, told.key) == (step, key and f"{int(key):016x}")
    assert bool(told.why) or told.step is Step.NOTHING


def test_renewal_when_it_is_asked_for_and_the_days_are_a_parameter() -> None:
    holding = Holding((own(1, -265, 100),), (LASTING,))
    assert due(holding, NOW, force=True).step is Step.MAKE
    assert due(holding, NOW, timedelta(days=100)).step is Step.MAKE
    assert due(holding, NOW, timedelta(days=99)).step is Step.NOTHING
    assert due(Holding((own(1, 1, 300),)), NOW, force=True).step is Step.MAKE
    assert due(Holding((own(1, -1, 300, Origin.IMPORTED),)), NOW, force=True).step is Step.NOTHING


def test_a_server_whose_certificates_are_configured_is_not_asked_for_them() -> None:
    assert due(Holding((own(1, -9),)), NOW, server_known=True).step is Step.NOTHING


def test_the_key_that_counts() -> None:
    old, new, imported = own(1, -20), own(2, -2), own(3, -90, 5, Origin.IMPORTED)
    assert active(Holding((new, old)), NOW) == new
    assert active(Holding((new, old)), days(-3)) == old
    assert active(Holding((new, imported, old)), NOW) == imported
    assert active(Holding((new, imported, old)), days(6)) == new
    assert active(Holding((own(4), own(5, 1), own(6, -9, -1))), NOW) is None


def test_of_two_certificates_of_one_second_that_of_the_later_key_counts() -> None:
    for first, second in (("a", "b"), ("b", "a")):
        holding = Holding(tuple(Own(name, Origin.MADE, named(1, -1, 300), number=n) for n, name in ((1, first), (2, second))))
        assert active(holding, NOW) == holding.own[1]


def test_a_clock_that_jumped_ahead_costs_no_key() -> None:
    holding = Holding((own(1, -9), own(2, -20, -1)))
    assert spent(holding, NOW) == (f"{2:016x}",)
    assert spent(holding, days(5000)) == ()


def test_the_states_in_words() -> None:
    holding = Holding((own(1), own(2, -9), own(3, -5), own(4, 5), own(5, -9, -1)))
    assert list(states(holding, NOW).values()) == ["pending", "superseded", "active", "future", "expired"]


# --- laws --------------------------------------------------------------------------------------------------
spans = st.tuples(st.integers(-60, 60), st.integers(0, 90)).map(lambda span: (span[0], span[0] + span[1]))
keys = st.builds(
    lambda number, span, origin: own(number, *(span or (None,)), origin=origin),
    st.integers(1, 99),
    st.none() | spans,
    st.sampled_from(Origin),
)
holdings = st.builds(
    Holding,
    st.lists(keys, max_size=5, unique_by=lambda key: key.name).map(tuple),
    st.lists(st.builds(lambda n, span: named(n, *span), st.integers(1, 9), spans), max_size=3).map(tuple),
)


@given(holdings, st.integers(-70, 150), st.randoms())
def test_nothing_depends_on_the_order_things_are_kept_in(holding: Holding, day: int, dice) -> None:
    shuffled, server = list(holding.own), list(holding.server)
    dice.shuffle(shuffled)
    dice.shuffle(server)
    other = Holding(tuple(shuffled), tuple(server))
    assert due(holding, days(day)) == due(other, days(day))
    assert active(holding, days(day)) == active(other, days(day))
    assert dict(states(holding, days(day))) == dict(states(other, days(day)))


@given(holdings, st.integers(-70, 150))
def test_one_key_counts_at_most_and_it_is_valid(holding: Holding, day: int) -> None:
    now = days(day)
    of_state = list(states(holding, now).values())
    current = active(holding, now)
    assert of_state.count(KeyState.ACTIVE) == (current is not None)
    assert not current or current.certificate.start <= now <= current.certificate.end
    assert (current is None) == (not any(key.certificate and key.certificate.valid(now) for key in holding.own))


@given(holdings, st.integers(-70, 150), st.booleans(), st.booleans())
def test_no_key_is_made_while_one_waits(holding: Holding, day: int, force: bool, known: bool) -> None:
    told = due(holding, days(day), force=force, server_known=known)
    waiting = {key.name for key in holding.own if key.certificate is None and key.origin is Origin.MADE}
    if waiting:
        assert told.step is Step.ASK
        assert told.key in waiting
    else:
        assert told.step is not Step.ASK or told.key == active(holding, days(day)).name


@given(st.integers(2, 1000), st.integers(0, 3000), st.integers(1, 200))
def test_daily_syncs_renew_in_time_and_no_certificate_twice(life: int, server_life: int, days_on: int) -> None:
    """Each key in the last third of its certificate's life, and in its last month; whatever ends, another one counts."""
    made, asked = [own(1, 0, life)], 0
    server = [named(500, 0, server_life)]
    for day in range(days_on):
        told = due(Holding(tuple(made), tuple(server)), days(day))
        if told.step is Step.MAKE:
            last = made[-1].certificate
            assert last.end - days(day) <= min(timedelta(days=30), (last.end - last.start) / 3)
            made.append(own(len(made) + 1, day, day + life))
        elif told.step is Step.ASK:
            asked += 1
            server = [named(500, day, day + server_life)]
        assert active(Holding(tuple(made)), days(day))
    assert len(made) <= 1 + days_on / max(life * 2 / 3, life - 30)
    assert not server_life or asked <= days_on / max(server_life * 2 / 3, server_life - 30)


@given(holdings, st.integers(-70, 150))
def test_what_is_spent_is_not_missed(holding: Holding, day: int) -> None:
    now = days(day)
    rest = Holding(tuple(key for key in holding.own if key.name not in spent(holding, now)), holding.server)
    assert active(rest, now) == active(holding, now)
    assert due(rest, now) == due(holding, now)


# --- power cuts --------------------------------------------------------------------------------------------


class Renewals(RuleBasedStateMachine):
    """Years of renewals at a vendor, whose answers get lost, while the power goes at any step of any run."""

    @initialize(lifetime=st.sampled_from([40, 365]), server=st.sampled_from([50, 400, 3000]))
    def start(self, lifetime: int, server: int) -> None:
        self.now = NOW
        self.mains = Mains()
        self.store = MemoryStore()
        self.vendor = Vendor(timedelta(days=lifetime), NOW + timedelta(days=server))
        self.certified: set[str] = set()  # names of keys that ever had a certificate here

    def run(self, arrives: bool, answered: bool, force: bool) -> None:
        """One daily run, as the agent does it."""
        keys = Keys(Watched(self.store, self.mains), SecuritySettings(), base=None)
        keys.tidy(self.now)
        offer = keys.offer(keys.due(self.now, force=force), CLIENT)
        if offer is None or not arrives:
            return
        had = keys.identity(self.now)
        answer = self.vendor.answer(*offer, self.now)
        if answered:
            assert keys.certified(answer) == ()
            assert keys.identity(self.now) or had is None

    @rule(steps=st.integers(-1, 8), arrives=st.booleans(), answered=st.booleans(), force=st.booleans())
    def a_day(self, steps: int, arrives: bool, answered: bool, force: bool) -> None:
        self.now += timedelta(days=1)
        self.mains.left = steps
        with suppress(PowerCut):
            self.run(arrives, answered, force)
        self.mains.left = -1

    @rule(days=st.integers(2, 200))
    def the_computer_is_off(self, days: int) -> None:
        self.now += timedelta(days=days)

    @rule()
    def the_vendor_rolls_over(self) -> None:
        self.vendor.server_ends = self.now + YEAR

    @precondition(lambda self: hasattr(self, "store"))
    @invariant()
    def never_two_wait(self) -> None:
        waiting = [key for key in self.store.holding().own if key.certificate is None]
        assert len(waiting) <= 1
        self.certified |= {key.name for key in self.store.holding().own if key.certificate}
        asked_for = {der_of(certificate).key for certificate in self.vendor.issued.values()}
        assert len(asked_for - self.certified) <= 1, "another key was asked for while one waited"

    @precondition(lambda self: hasattr(self, "store"))
    @invariant()
    def what_is_kept_is_what_the_vendor_said(self) -> None:
        said = {der_of(certificate).pem for certificate in self.vendor.issued.values()}
        assert {key.certificate.pem for key in self.store.holding().own if key.certificate} <= said

    def teardown(self) -> None:
        """Undisturbed runs heal everything; then there is silence, but for a server whose certificate ends."""
        if not hasattr(self, "store"):
            return
        self.now += timedelta(days=1)
        self.vendor.server_ends = self.now + YEAR
        for _ in range(3):  # a key that waits may turn out to have ended; then another one is made; then the first can go
            self.run(arrives=True, answered=True, force=False)
        keys = Keys(self.store, SecuritySettings(), base=None)
        assert keys.identity(self.now)
        assert keys.due(self.now, timedelta(days=1)).step is Step.NOTHING
        kept = states(self.store.holding(), self.now).values()
        assert set(kept) <= {KeyState.ACTIVE, KeyState.SUPERSEDED}


TestRenewals = Renewals.TestCase
TestRenewals.settings = settings(derandomize=True, max_examples=60, stateful_step_count=40, deadline=None)
