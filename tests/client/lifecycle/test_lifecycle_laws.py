"""The laws of the life cycle, under arbitrary orders of events, on a network that loses, repeats and delays, with
restarts, refusals, printers that cannot be read, withdrawals and replacements.

While anything happens (asserted in `lifecycle_centre`): nothing is counted twice in a life, nothing is answered that was
not asked, no message changes between two attempts. When the network heals: everything was counted once, and silence.
"""

import random
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from lifecycle_centre import ENDED, ON, REGISTERED, SIGNED_UP, Centre
from lifecycle_site import VERSION, Site, meters_of

from meterpost.lifecycle import events as ev
from meterpost.lifecycle import messages as m
from meterpost.lifecycle.state import DeviceState, Outgoing, ProxyState
from meterpost.lifecycle.tables import ON_THE_BOOKS, PENDING

SERIALS = ("A", "B", "big", "late")
serials = st.sampled_from(SERIALS)
results = st.sampled_from(
    [m.Registration.ACCEPTED] * 3 + [m.Registration.UNKNOWN, m.Registration.ASSIGNED, m.Registration.INELIGIBLE]
)


class LifeCycle(RuleBasedStateMachine):
    """Every event is fed to a fresh Session made from the saved state (see Site.feed): a restart at every point."""

    @initialize(books=st.fixed_dictionaries({"late": results}), enrolled=st.sets(serials, min_size=2), in_service=st.booleans())
    def start(self, books: dict[str, m.Registration], enrolled: set[str], in_service: bool) -> None:
        self.site = Site()
        self.centre = Centre(books)
        self.unreadable: set[str] = set()
        self.delayed: list[ev.Replied] = []
        self.key = 1  # the newest; an older one is never offered again
        self.site.choose(*sorted(enrolled))
        self.order()
        if in_service:
            self.a_good_day()
            self.the_vendor_signs_up_and_bills()
            self.sync()

    # --- the operator and the vendor's people --------------------------------------------------------------

    @rule(chosen=st.sets(serials, min_size=1), ordered=st.booleans())
    def enrol(self, chosen: set[str], ordered: bool) -> None:
        self.site.choose(*sorted(chosen))
        if ordered:
            self.order()

    @rule()
    def order(self) -> None:
        self.site.order()

    @rule(serial=serials, new=serials, how=st.sampled_from(["withdrawn", "replaced", "turned off"]))
    def a_device_leaves(self, serial: str, new: str, how: str) -> None:
        if how == "withdrawn":
            self.site.feed(ev.Withdrawn(serial))
        elif how == "replaced":
            self.site.see(new)
            self.site.feed(ev.Replaced(serial, new))
        elif life := self.centre.life(serial):
            life.off = True

    @rule(off=st.booleans())
    def pause(self, off: bool) -> None:
        self.site.feed(ev.Paused() if off else ev.Resumed())

    @rule()
    def the_vendor_signs_up_and_bills(self) -> None:
        for serial in self.centre.in_stage(REGISTERED):
            self.centre.sign_up(serial)
        for serial in self.centre.in_stage(SIGNED_UP, ON):
            self.centre.bill(serial, self.site.now.date())

    @rule(new=st.booleans(), ordered=st.booleans())
    def a_key_is_due(self, new: bool, ordered: bool) -> None:
        self.key += new
        if ordered:
            self.site.feed(ev.RegistrationOrdered("host", "Linux", VERSION, f"K{self.key}", "proof"))
        elif self.site.state.proxy.state is not ProxyState.NEW:
            self.site.key_due(f"K{self.key}")

    # --- the clock and the printers ------------------------------------------------------------------------

    @rule()
    def sync(self) -> None:
        self.site.feed(ev.SyncDue(VERSION))

    @rule(hours=st.integers(1, 30))
    def time_passes(self, hours: int) -> None:
        self.site.advance(hours=hours)
        self.site.feed(ev.TimePassed(VERSION))

    @rule(chosen=st.sets(serials, min_size=1))
    def read(self, chosen: set[str]) -> None:
        for serial in sorted(chosen & self.unreadable):
            self.site.feed(ev.ReadFailed(serial, "no answer"))
        self.site.read(*sorted(chosen - self.unreadable))

    @rule(serial=serials)
    def switch(self, serial: str) -> None:
        self.unreadable ^= {serial}

    # --- the network ---------------------------------------------------------------------------------------

    @rule(times=st.integers(1, 4))
    def it_works(self, times: int) -> None:
        for _ in range(times):
            if outgoing := self.leave():
                self.site.feed(ev.Replied(outgoing.number, self.answer(outgoing)))

    @rule()
    def a_good_day(self) -> None:
        self.site.advance(days=1)
        self.sync()
        self.flush()
        self.read(set(SERIALS))
        self.flush()

    @rule()
    def the_request_is_lost(self) -> None:
        if outgoing := self.leave():
            self.site.feed(ev.SendFailed(outgoing.number, "time-out"))

    @rule()
    def the_reply_is_lost(self) -> None:
        if outgoing := self.leave():
            self.answer(outgoing)
            self.site.feed(ev.SendFailed(outgoing.number, "time-out"))

    @rule()
    def the_process_is_killed_while_sending(self) -> None:
        if outgoing := self.leave():
            self.answer(outgoing)

    @rule()
    def the_reply_is_late(self) -> None:
        if outgoing := self.leave():
            self.delayed.append(ev.Replied(outgoing.number, self.answer(outgoing)))
            self.site.feed(ev.SendFailed(outgoing.number, "time-out"))

    @rule()
    def a_late_reply_comes_twice(self) -> None:
        for reply in (*self.delayed[:1], *self.delayed[:1]):
            self.site.feed(reply)
        del self.delayed[:1]

    @rule(code=st.sampled_from(["try-later", "over-budget", "Client"]))
    def it_is_refused(self, code: str) -> None:
        """A message that was executed, or that ends a life, is refused for a time only: a server knows its own."""
        if outgoing := self.leave():
            self.site.feed(ev.SendRefused(outgoing.number, code if self.is_fresh(outgoing) else "try-later", "no"))

    @rule(serial=serials)
    def a_device_is_passed_over(self, serial: str) -> None:
        if outgoing := self.leave():
            self.centre.passed_over = {serial} if self.is_fresh(outgoing) else set()
            reply = self.answer(outgoing)
            self.centre.passed_over = set()
            self.site.feed(ev.Replied(outgoing.number, reply))

    def leave(self) -> Outgoing | None:
        if self.site.next is None:
            return None
        self.site.leave()
        return self.site.front

    def is_fresh(self, outgoing: Outgoing) -> bool:
        registers_again = bool(getattr(outgoing.message, "name", "")) and bool(self.centre.proxy)
        return outgoing.number not in self.centre.seen and not _farewell(outgoing.message) and not registers_again

    def answer(self, outgoing: Outgoing) -> m.Reply:
        return self.centre.answer(outgoing.number, outgoing.message, self.site.now)

    # --- and in the end ------------------------------------------------------------------------------------

    def teardown(self) -> None:
        if not hasattr(self, "site"):
            return
        self.site.feed(ev.Resumed())
        for _ in range(3):
            self.site.order()
            self.sync()
            for _ in range(3):
                self.flush()
                self.site.read(*SERIALS)
        self.site.key_due(f"K{self.key}")
        self.flush()
        self.everything_was_counted()
        self.silence()

    def flush(self) -> None:
        for _ in range(200):
            if not self.site.next:
                return
            self.it_works(1)
        raise AssertionError("the client never comes to rest")

    def everything_was_counted(self) -> None:
        state = self.site.state
        assert state.proxy.state is ProxyState.REGISTERED
        assert self.centre.proxy
        last = [effect for effect in self.site.effects if isinstance(effect, ev.Certified)][-1]
        assert last.certificates == (self.centre.certificates[f"K{self.key}"],)
        for serial, device in state.devices.items():
            life = self.centre.life(serial)
            assert (life is not None) == (device.state in ON_THE_BOOKS), (serial, device.state)
            assert device.state is not DeviceState.SELECTED
            assert device.state is not DeviceState.TURNED_ON
            if life:
                on = device.state in (DeviceState.CONFIRMED, DeviceState.REPORTED, DeviceState.BILLING_DUE)
                assert (life.stage == ON) == on == bool(life.statuses)
                assert life.stage != SIGNED_UP
            for past in self.centre.lives.get(serial, ()):
                assert len(past.registrations) == 1
                assert past is life or past.stage == ENDED
        for asked in self.centre.asked.values():
            assert asked.closed or asked.answered, asked
            if asked.answered:
                assert sorted(asked.meters) == sorted(meters_of(asked.bill.serial))
        assert not [request for request in state.requests.values() if request.state in PENDING]

    def silence(self) -> None:
        """Another day brings the daily question and nothing else."""
        before = self.site.state
        assert before.outbox == ()
        self.site.advance(days=1)
        self.site.order()
        self.sync()
        assert [type(message) for message in self.site.waiting] == [m.SyncProxy]
        self.flush()
        self.site.read(*SERIALS)
        assert self.site.state.outbox == ()
        assert dict(self.site.state.requests) == dict(before.requests)
        assert {s: d.state for s, d in self.site.state.devices.items() if d.state is not DeviceState.UNKNOWN_UNTIL}.items() <= {
            s: d.state for s, d in before.devices.items()
        }.items()


def _farewell(message: m.Request) -> bool:
    return isinstance(message, m.SyncProxyStatus) and any(s.state is not m.ServiceState.ON for s in message.devices)


@pytest.mark.parametrize("seed", range(60))
def test_the_laws_hold_on_long_walks(seed: int) -> None:
    """Months of one site's life, each site with a fate of its own; the machine above finds short counter-examples."""
    dice = random.Random(seed)
    walk = LifeCycle()

    def serial() -> str:
        return dice.choice(SERIALS)

    steps: list[Callable[[], None]] = [
        walk.order,
        walk.sync,
        walk.a_good_day,
        walk.the_vendor_signs_up_and_bills,
        walk.the_request_is_lost,
        walk.the_reply_is_lost,
        walk.the_process_is_killed_while_sending,
        walk.the_reply_is_late,
        lambda: walk.a_key_is_due(dice.random() < 0.3, dice.random() < 0.2),
        walk.a_late_reply_comes_twice,
        lambda: walk.enrol({serial(), serial()}, dice.random() < 0.5),
        lambda: walk.a_device_leaves(serial(), serial(), dice.choice(["withdrawn", "replaced", "turned off"])),
        lambda: walk.pause(dice.random() < 0.3),
        lambda: walk.time_passes(dice.randint(1, 30)),
        lambda: walk.read({serial(), serial()}),
        lambda: walk.switch(serial()),
        lambda: walk.it_works(dice.randint(1, 4)),
        lambda: walk.it_is_refused(dice.choice(["try-later", "over-budget", "Client"])),
        lambda: walk.a_device_is_passed_over(serial()),
    ]
    weights = [dice.choice((0, 1, 1, 5)) for _ in steps]
    walk.start({"late": dice.choice(list(m.Registration))}, set(SERIALS), dice.random() < 0.5)
    for step in dice.choices(steps, weights, k=150):
        step()
    walk.teardown()


TestLaws = LifeCycle.TestCase
TestLaws.settings = settings(
    derandomize=True, max_examples=50, stateful_step_count=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
