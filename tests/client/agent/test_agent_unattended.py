"""The unattended agent over months: what it does by itself, and what cannot stop it. Its own scheduler is not asked here:
the clock is the tests', and jumps from one job to the next."""

import logging
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from agent_lab import Lab

from meterpost.agent.schedule import LONGEST_PAUSE, READ, SEND, SYNC
from meterpost.errors import DeviceError, Refused, SettingsError
from meterpost.lifecycle.state import DeviceState
from meterpost.lifecycle.tables import LONGEST_PAUSE as LONGEST_OUTBOX_PAUSE
from meterpost.model import Reading
from meterpost_stub.centre import ClientSettings

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def gaps(times: list[datetime]) -> list[timedelta]:
    return [later - earlier for earlier, later in pairwise(times)]


def times(lab: Lab, name: str) -> list[datetime]:
    """When the job had its turn."""
    return [when for when, turn in lab.turns if turn == name]


def syncs(lab: Lab) -> list[datetime]:
    return lab.vendor.heard("T3")


# --- the ordinary life -------------------------------------------------------------------------------------


def test_it_reads_and_syncs_at_once_because_it_never_did_before(lab: Lab) -> None:
    lab.register("A")
    assert lab.unattended.due() == {READ: lab.clock.now, SYNC: lab.clock.now, SEND: lab.clock.now + HOUR + 5 * MINUTE}
    lab.live(minutes=1)
    assert len(lab.printers.visits) == len(syncs(lab)) == 1


def test_without_a_registration_it_says_nothing_to_anybody(lab: Lab) -> None:
    lab.discover("A")
    lab.live(days=2)
    assert lab.vendor.calls == []
    assert lab.printers.visits == []  # seen, not chosen


def test_it_syncs_once_a_day_and_answers_what_is_asked_once(lab: Lab) -> None:
    lab.enrol("A", "B")
    before = len(syncs(lab))
    lab.vendor.clocks.advance(timedelta(days=25))  # so that the billing month ends within the next days
    lab.live(days=8)
    daily = syncs(lab)[before:]
    assert len(daily) == len(set(lab.local_days(daily))) == 8
    assert {f"{when.astimezone(lab.zone):%H:%M}" for when in daily} == {"02:30"}
    assert lab.vendor.requests("answered") == ["A", "B"]
    assert lab.vendor.requests("open") == []
    assert len(lab.vendor.parts()) == 2


def test_printers_are_read_every_two_hours(lab: Lab) -> None:
    lab.configure(schedule={"read_every_minutes": 120})
    lab.enrol("A", "B")
    lab.live(hours=12)
    assert len(times(lab, READ)) == 7
    assert set(gaps(times(lab, READ))) == {2 * HOUR}
    assert len(lab.printers.visits) == 14


def test_the_extra_sync_after_a_registration_took_effect(lab: Lab) -> None:
    lab.register("A")
    lab.live(hours=1)
    lab.vendor.desk.sign_up()
    lab.live(hours=1)
    assert [name for _, name in lab.turns] == [READ, SYNC, SEND]
    assert lab.site().devices["A"].state is DeviceState.CONFIRMED


def test_the_clients_own_jitter_is_added(lab: Lab) -> None:
    lab.configure(schedule={"jitter_minutes": 720})
    lab.enrol("A")
    lab.live(days=3)
    moments = {f"{when.astimezone(lab.zone):%H:%M:%S}" for when in syncs(lab)[-2:]}
    assert len(moments) == 1
    assert moments != {"02:30:00"}


def test_off_for_five_days_it_catches_up_once(lab: Lab) -> None:
    lab.enrol("A")
    lab.live(days=1)
    lab.turns.clear()
    lab.clock.advance(days=5)
    lab.unattended = lab.start()
    started = lab.clock.now
    lab.live(hours=1)
    assert sorted(lab.turns) == [(started, READ), (started, SYNC)]


def test_settings_of_the_centre_are_in_effect_at_the_next_run(lab: Lab) -> None:
    lab.enrol("A")
    lab.vendor.desk.set_client_settings(ClientSettings("04:15", 0, 240))
    lab.live(days=1)  # the sync at 02:30 learns of it
    assert [f"{when.astimezone(lab.zone):%H:%M}" for when in syncs(lab)[-2:]] == ["02:30", "04:15"]
    lab.live(days=1)
    assert set(gaps(times(lab, READ))[-3:]) == {4 * HOUR}
    assert len(times(lab, SYNC)) == 3


def test_the_configuration_file_counts_from_the_next_plan(lab: Lab) -> None:
    lab.enrol("A")
    lab.live(hours=1)
    lab.configure(schedule={"daily_time": "18:00", "read_every_minutes": 180})
    lab.live(hours=12)
    assert f"{syncs(lab)[-1].astimezone(lab.zone):%H:%M}" == "18:00"
    assert set(gaps(times(lab, READ))[-3:]) == {3 * HOUR}


def test_what_somebody_did_meanwhile_is_not_done_again(lab: Lab) -> None:
    lab.enrol("A")
    lab.clock.now = lab.unattended.due()[SYNC]
    lab.sync()  # a person, a minute before the planned job gets its turn
    with lab.agent() as agent:
        agent.read_enrolled()
    lab.clock.advance(minutes=1)
    said = len(lab.vendor.calls), len(lab.printers.visits)
    for job in (SYNC, READ, SEND):
        lab.unattended.turn(job)
    assert (len(lab.vendor.calls), len(lab.printers.visits)) == said


def test_a_reading_that_came_late_is_sent_when_it_is_there(lab: Lab) -> None:
    """The printer is off on its billing day. The next round of reads meets it, and nobody waits for tomorrow's sync."""
    lab.configure(schedule={"read_every_minutes": 120})
    lab.enrol("A", "B")
    lab.vendor.desk.bill("A")
    lab.vendor.desk.bill("B")
    lab.printers.off.add("A")
    lab.live(hours=18)
    assert (lab.vendor.requests("open"), lab.open_requests()) == (["A"], ["A"])
    lab.printers.off.clear()
    lab.live(hours=2)
    assert lab.vendor.requests("open") == []
    assert len(lab.vendor.parts()) == 2


def test_paused_it_reads_and_says_nothing_and_catches_up_when_resumed(lab: Lab) -> None:
    lab.enrol("A")
    lab.vendor.desk.bill("A")
    with lab.agent() as agent:
        agent.pause()
    said, read = len(lab.vendor.calls), len(lab.printers.visits)
    lab.live(days=3)
    assert len(lab.vendor.calls) == said
    assert len(lab.printers.visits) == read + 4
    with lab.agent() as agent:
        agent.resume()
    lab.live(minutes=1)
    assert lab.vendor.requests("answered") == ["A"]


# --- clocks ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("day", ["2026-10-25", "2027-03-28"], ids=["the clocks go back", "the clocks go forward"])
def test_one_sync_in_the_night_the_clocks_change(lab: Lab, day: str) -> None:
    lab.clock.now = datetime.fromisoformat(f"{day} 12:00").replace(tzinfo=UTC) - 3 * DAY
    lab.enrol("A")
    before = len(syncs(lab))
    lab.live(days=4)
    daily = lab.local_days(syncs(lab)[before:])
    assert len(daily) == len(set(daily)) == 4


@pytest.mark.parametrize("jump", [4000 * DAY, -10 * MINUTE, -4000 * DAY], ids=str)
def test_a_clock_that_jumps_stops_nothing(lab: Lab, jump: timedelta) -> None:
    lab.enrol("A")
    lab.live(days=1, hours=1)
    lab.vendor.down = True  # a message waits for its next try, in the old time
    lab.live(days=1)
    lab.vendor.down = False
    lab.clock.now += jump
    lab.turns.clear()
    before = len(syncs(lab))
    lab.live(days=3)
    assert 3 <= len(syncs(lab)) - before <= 4
    assert len(times(lab, READ)) in (3, 4)


def test_a_clock_corrected_by_minutes_does_not_sync_twice(lab: Lab) -> None:
    lab.enrol("A")
    lab.live(hours=18)
    done = len(syncs(lab))
    lab.clock.now = syncs(lab)[-1] - 5 * MINUTE
    lab.live(hours=20)
    assert len(syncs(lab)) == done


# --- failures ----------------------------------------------------------------------------------------------


def test_a_server_that_is_down_is_not_hammered_and_nothing_is_lost(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    lab.enrol("A", "B")
    lab.vendor.desk.bill("A")
    lab.vendor.desk.bill("B")
    lab.vendor.down = True
    said = len(lab.vendor.calls)
    lab.live(days=3)
    tries = [when for when, _ in lab.vendor.calls[said:]]
    assert len(tries) <= 3 * (24 // 4) + 3 * 8  # each day's sync begins with short pauses
    assert min(gaps(tries)) >= MINUTE
    assert max(gaps(tries)) == LONGEST_OUTBOX_PAUSE
    assert {action for _, action in lab.vendor.calls[said:]} == {"SyncProxy"}
    lab.vendor.down = False
    lab.live(hours=4)
    assert lab.vendor.requests("answered") == ["A", "B"]
    assert len(lab.vendor.parts()) == 2
    assert lab.site().outbox == ()


def test_a_restart_while_the_server_is_down_keeps_the_message(lab: Lab) -> None:
    lab.enrol("A")
    lab.vendor.down = True
    lab.live(days=1)
    (waiting,) = lab.site().outbox
    lab.unattended = lab.start()
    lab.live(minutes=1)
    (still,) = lab.site().outbox
    assert (still.number, still.message) == (waiting.number, waiting.message)


def test_a_refused_sync_waits_for_the_next_day(lab: Lab) -> None:
    lab.enrol("A")
    lab.vendor.on_post = _refuse_as_another_contract
    said = len(lab.vendor.calls)
    lab.live(days=3)
    assert len(lab.vendor.calls) - said == 3


def _refuse_as_another_contract(action: str) -> None:
    raise Refused("the server answers Client", "Update.", "Client")


def test_printers_that_are_off_stop_nothing(lab: Lab) -> None:
    lab.enrol("A", "B")
    lab.printers.off |= {"A", "B"}
    lab.live(days=2)
    assert len(times(lab, READ)) == 3
    assert len(times(lab, SYNC)) == 2


def test_a_broken_configuration_is_said_once_and_survived(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    lab.enrol("A")
    whole = lab.config.read_text()
    lab.config.write_text("[server")
    for _ in range(10):
        lab.unattended.plan()
        lab.unattended.turn(SYNC)
    errors = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert [error.split(":")[0] for error in errors] == ["plan", "sync"]
    assert "meterpost.toml cannot be read" in errors[0]
    lab.config.write_text(whole)
    lab.live(days=1)
    assert len(times(lab, SYNC)) == 1


def test_a_password_that_is_gone_costs_the_days_sync_only_until_it_is_back(lab: Lab) -> None:
    lab.enrol("A")
    (lab.folder / "password").rename(lab.folder / "elsewhere")
    said = len(lab.vendor.calls)
    lab.live(days=1)
    assert len(lab.vendor.calls) == said
    (lab.folder / "elsewhere").rename(lab.folder / "password")
    lab.live(hours=1)
    assert len(lab.vendor.calls) == said + 1


def test_a_store_that_a_person_holds_is_waited_for(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    lab.enrol("A")
    lab.clock.now = lab.unattended.due()[SYNC]
    said = len(lab.vendor.calls)
    ledger = lab.ledger()
    with ledger.writer("discover"):
        lab.turns.clear()
        lab.live(minutes=10)
        assert set(gaps(times(lab, SYNC))) == {MINUTE}
        assert len(lab.vendor.calls) == said
    ledger.close()
    busy = [record for record in caplog.records if "is being written by discover" in record.getMessage()]
    assert [record.levelno for record in busy if record.levelno > logging.DEBUG] == [logging.INFO] * 2  # read and sync
    lab.live(minutes=1)
    assert len(lab.vendor.calls) == said + 1


def test_an_error_nobody_expected_is_survived_and_not_repeated_in_a_circle(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    lab.enrol("A")

    def explode(*_: object) -> None:
        raise ZeroDivisionError("with who knows what in its text")

    lab.vendor.on_reply = explode
    lab.printers.read_many = explode
    said = len(lab.vendor.calls)
    lab.live(days=1)
    assert 20 < len(times(lab, READ)) < 35  # pauses grow to an hour
    assert max(gaps(times(lab, READ))) == LONGEST_PAUSE
    assert len(lab.vendor.calls) - said < 12  # as for any failed message
    assert "unexpected ZeroDivisionError" in caplog.text
    assert "who knows what" not in caplog.text


def test_one_line_for_each_event_worth_it(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    lab.register("A", "B")
    lab.clock.advance(hours=1, minutes=5)
    lab.vendor.desk.sign_up()
    caplog.set_level(logging.INFO, "meterpost.agent")
    caplog.clear()
    lab.printers.off.add("B")
    lab.live(minutes=1)
    lab.vendor.desk.bill("A")
    lab.vendor.desk.bill("B")
    lab.live(days=1)
    assert [record.getMessage() for record in caplog.records] == [
        "read 1 printers, 1 not",
        "turned-on A: the vendor turned the service on",
        "turned-on B: the vendor turned the service on",
        "sync: sent T3, T5 for 2; 0 waiting, 0 billing requests open",
        "send: sent T3; 0 waiting, 0 billing requests open",
        "reads-reported A: the server has the reads it asked for",
        "sync: sent T3, T7 for 1; 0 waiting, 1 billing requests open",
        "B at 127.0.9.2 not read: 127.0.9.2 does not answer",
        "read 1 printers, 1 not",
    ]


def test_that_communication_is_off_is_said_once(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    lab.enrol("A")
    caplog.set_level(logging.INFO, "meterpost.agent")
    with lab.agent() as agent:
        agent.pause()
    for _ in range(3):
        lab.unattended.due()
    with lab.agent() as agent:
        agent.resume()
    lab.unattended.due()
    said = [record.getMessage() for record in caplog.records if "communication" in record.getMessage()]
    assert said == ["communication is off; 'meterpost resume' turns it on", "communication is on"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"security": {"policy": "digest-2040"}},
        {"account": {"password": {"file": "nowhere"}}},
        {"account": {"username": ""}},
        {"snmp": {"users": [{"name": "x", "auth_password": {"file": "nowhere"}, "priv_password": {"file": "nowhere"}}]}},
    ],
    ids=str,
)
def test_a_configuration_that_cannot_work_is_told_at_the_start(lab: Lab, wrong: dict[str, dict[str, object]]) -> None:
    lab.configure(**wrong)
    stop = threading.Event()
    stop.set()
    lab.printers = None  # then the configured ones are asked for
    with pytest.raises(SettingsError):
        lab.unattended.run(stop)


# --- its own scheduler -------------------------------------------------------------------------------------


class Ear(logging.Handler):
    """Hears whether something was said."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text
        self.heard = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        if record.getMessage() == self._text:
            self.heard.set()


def test_told_to_end_it_finishes_its_job_and_begins_no_other(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    lab.clock.now = datetime.now(UTC)  # here the scheduler's own clock counts
    lab.register("A")
    stop, stopping = threading.Event(), Ear("stopping")
    read = lab.printers.read_many

    def slowly(endpoints: Sequence[tuple[str, int]]) -> tuple[Reading | DeviceError, ...]:
        stop.set()
        assert stopping.heard.wait(30)
        return read(endpoints)

    lab.printers.read_many = slowly
    logging.getLogger("meterpost").addHandler(stopping)
    said = len(lab.vendor.calls)
    lab.unattended.run(stop)
    logging.getLogger("meterpost").removeHandler(stopping)
    assert "read 1 printers, 0 not" in caplog.text
    assert len(lab.vendor.calls) == said  # the sync was due too
    assert caplog.messages[-1] == "stopped"
