"""Reading for a bill: what a printer may be like, and that its request stays open until there is a reading fit for it."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from agent_lab import Lab

from meterpost.agent import SyncReport
from meterpost.lifecycle import events as ev
from meterpost.lifecycle.state import DeviceState
from meterpost.model import Meter, Reading


@pytest.fixture
def billed(lab: Lab) -> Lab:
    """Three printers, each asked for a bill."""
    lab.enrol("A", "B", "C")
    with lab.agent() as agent:
        agent.read_enrolled()
    lab.printers.visits.clear()
    lab.clock.advance(hours=2)
    for serial in ("A", "B", "C"):
        lab.vendor.desk.bill(serial)
    return lab


def failures(report: SyncReport) -> dict[str, str]:
    return {read.serial: read.failure for read in report.reads if read.failure}


def answers(lab: Lab, serial: str, change: Callable[[Reading], Reading]) -> None:
    """From now on the printer called `serial` answers with a changed reading."""
    usual = lab.printers._reading

    def reading(endpoint: tuple[str, int]) -> Reading:
        found = usual(endpoint)
        return change(found) if found.serial == serial else found

    lab.printers._reading = reading


def only_b_is_open(lab: Lab, says: str) -> None:
    """The others are billed; B's request stays open here and there, and the report says why."""
    report = lab.sync()
    assert list(failures(report)) == ["B"]
    assert says in failures(report)["B"]
    assert report.open_requests == 1
    assert lab.open_requests() == lab.vendor.requests("open") == ["B"]
    assert lab.vendor.requests("answered") == ["A", "C"]
    assert lab.site().devices["B"].state is DeviceState.BILLING_DUE


def test_all_are_read_once_and_answered_in_one_message(billed: Lab) -> None:
    report = billed.sync()
    assert report.messages == (("T3", 0), ("T7", 3))
    assert len(billed.printers.visits) == 3
    assert billed.vendor.requests("answered") == ["A", "B", "C"]


def test_a_printer_that_does_not_answer(billed: Lab) -> None:
    billed.printers.off.add("B")
    only_b_is_open(billed, "does not answer")
    billed.printers.off.clear()
    billed.sync()
    assert billed.vendor.requests("open") == []


def test_another_device_at_the_address(billed: Lab) -> None:
    """A stranger's meters are never billed under the serial that was expected, nor under their own."""
    answers(billed, "B", lambda reading: replace(reading, serial="STRANGER", model="Model 9"))
    only_b_is_open(billed, "another device answers at 127.0.9.2: Model 9 with serial STRANGER")
    assert {serial for serial, _, _ in billed.vendor.parts()} == {"A", "C"}


def test_two_printers_that_changed_addresses(billed: Lab) -> None:
    """Neither is billed with the other's meters; each is again where discovery meets it."""
    at = billed.printers.at
    (a, b, *_) = at
    at[a], at[b] = at[b], at[a]
    report = billed.sync()
    assert sorted(failures(report)) == ["A", "B"]
    assert billed.vendor.requests("answered") == ["C"]
    with billed.agent() as agent:
        agent.remember(billed.printers.read_many([a, b]))
    billed.sync()
    assert billed.vendor.requests("open") == []


def test_a_reading_that_is_held(billed: Lab) -> None:
    """A counter that fell is not billed before the next reading confirms it."""
    billed.printers.meters["B"] = 3
    only_b_is_open(billed, "the reading is held: Meter 'total' fell from")
    billed.clock.advance(hours=2)
    billed.sync()
    assert billed.vendor.requests("open") == []


def test_a_printer_without_meters(billed: Lab) -> None:
    answers(billed, "B", lambda reading: replace(reading, meters=()))
    only_b_is_open(billed, "no meter at all")


def test_a_printer_that_says_no_serial(billed: Lab) -> None:
    answers(billed, "B", lambda reading: replace(reading, serial=""))
    only_b_is_open(billed, "with serial unknown")


def test_a_meter_with_more_digits_than_a_bill_has_room_for(billed: Lab) -> None:
    answers(billed, "B", lambda reading: replace(reading, meters=(Meter("total", 10**10, "impressions", "1.3"),)))
    only_b_is_open(billed, "ten digits")


def test_a_held_reading_is_kept_with_its_reason(billed: Lab) -> None:
    billed.printers.meters["B"] = 3
    billed.sync()
    ledger = billed.ledger()
    (_, before), (held, judgement) = ledger.readings("B")[-2:]
    ledger.close()
    assert not before.held
    assert held.meter("total") == 4
    assert judgement.held


def test_two_serials_at_one_address_cost_one_visit(billed: Lab) -> None:
    """The address of a printer that moved away was given to another; nobody is asked twice for it."""
    ledger = billed.ledger()
    site = ledger.load_site()
    assert site
    b = replace(site.devices["B"], address=site.devices["A"].address)
    ledger.save_site(replace(site, devices={**site.devices, "B": b}))
    ledger.close()
    only_b_is_open(billed, "another device answers")
    assert [address for _, address in billed.printers.visits] == ["127.0.9.1", "127.0.9.3"]


def test_a_printer_is_not_bothered_twice_in_one_turn(billed: Lab) -> None:
    """It failed for one request; a second request that comes in the same turn does not knock again."""
    billed.printers.off.add("B")
    with billed.agent() as agent, agent._work("sync") as work:
        for _ in range(2):
            work.feed(ev.SyncDue("0.1.0"))
            work.send_all()
            work.read(sorted(work.to_read))
    assert [address for _, address in billed.printers.visits].count("127.0.9.2") == 1


def test_the_two_hourly_round_tells_of_every_enrolled_printer(billed: Lab) -> None:
    billed.discover("D")  # seen, not chosen
    billed.printers.off.add("B")
    with billed.agent() as agent:
        reports = agent.read_enrolled()
    assert [(r.serial, r.reading is not None, bool(r.failure)) for r in reports] == [
        ("A", True, False),
        ("B", False, True),
        ("C", True, False),
    ]


def test_what_was_kept_before_the_failure_stays_kept(billed: Lab) -> None:
    """The answer cannot leave: the sync fails, the reads and the answer are there for the next."""

    def no_bills(action: str) -> None:
        if action.endswith("BillingTransaction"):
            raise OSError

    billed.vendor.on_post = no_bills
    with pytest.raises(OSError):  # nobody expected it, so it is told as it is
        billed.sync()
    (waiting,) = billed.site().outbox
    assert len(waiting.message.devices) == 3
    billed.vendor.on_post = lambda action: None
    billed.sync()
    assert len(billed.printers.visits) == 3
    assert billed.vendor.requests("answered") == ["A", "B", "C"]
