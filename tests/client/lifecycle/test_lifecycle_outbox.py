"""Messages leave from the front, one at a time, unchanged until they are answered."""

from datetime import timedelta, timezone

import pytest
from lifecycle_site import CLIENT, START, VERSION, Site

from meterpost.lifecycle import events as ev
from meterpost.lifecycle import messages as m
from meterpost.lifecycle.events import NoticeKind
from meterpost.lifecycle.state import DeviceState, ProxyState


def test_the_front_is_given_again_until_it_is_answered(site: Site) -> None:
    site.choose("A")
    site.order()
    first = site.next
    assert first is not None
    site.leave()
    assert site.next is not None
    assert (site.next.number, site.next.message, site.next.attempts) == (
        first.number,
        first.message,
        1,
    )
    site.feed(ev.Replied(first.number, m.RegisterProxyResponse(CLIENT, START)))
    assert site.next is not None
    assert site.next.number == first.number + 1


def test_a_failed_message_stays_and_its_pauses_double_up_to_four_hours(site: Site) -> None:
    site.choose("A")
    site.order()
    message = site.waiting[0]
    pauses = []
    for _ in range(11):
        site.fail()
        assert site.next is None
        assert site.wakeup is not None
        pauses.append((site.wakeup - site.now) / timedelta(minutes=1))
        site.now = site.wakeup
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 240, 240, 240]
    assert site.waiting[0] == message
    assert len(site.notices(NoticeKind.COMMUNICATION_ERROR)) == 11


def test_failing_before_it_left_pauses_too(site: Site) -> None:
    site.order()
    site.feed(ev.SendFailed(1, "over its budget"))
    assert site.wakeup == START + timedelta(minutes=1)


@pytest.mark.parametrize("asking", [ev.SyncDue(VERSION), ev.RegistrationOrdered("h", "o", VERSION), ev.Resumed()])
def test_who_asks_does_not_wait_out_the_pause(site: Site, asking: ev.Event) -> None:
    site.order()
    site.fail()
    assert site.next is None
    site.feed(asking)
    assert site.next is not None
    assert site.next.number == 1


def test_a_wake_up_does_not_shorten_the_pause(site: Site) -> None:
    site.order()
    site.fail()
    site.feed(ev.TimePassed(VERSION))
    assert site.next is None


def test_a_message_whose_reply_was_lost_is_the_same_message_again(site: Site) -> None:
    site.turn_on("A")
    site.feed(ev.SyncDue(VERSION))
    message = site.leave()
    site.feed(ev.SendFailed(site.state.outbox[0].number, "connection reset"))
    site.advance(hours=1)
    assert site.leave() == message


@pytest.mark.parametrize(
    "event",
    [
        ev.SendStarted(99),
        ev.SendFailed(99, "no"),
        ev.SendRefused(99, "try-later", "no"),
        ev.Replied(99, m.RegisterProxyResponse(CLIENT, START)),
    ],
)
def test_what_is_said_of_another_message_changes_nothing(site: Site, event: ev.Event) -> None:
    site.order()
    before = site.state
    site.feed(event)
    assert site.state == before
    assert len(site.notices(NoticeKind.UNEXPECTED)) == 1


@pytest.mark.parametrize("reply", [m.SyncProxyResponse(START), m.RegisterProxyResponse(CLIENT[::-1], START)])
def test_a_reply_to_something_else_is_not_believed(site: Site, reply: m.Reply) -> None:
    site.order()
    message = site.waiting[0]
    site.reply(reply)
    assert (site.state.proxy.state, site.waiting) == (ProxyState.REGISTERING, [message])
    assert site.next is None
    assert site.wakeup is not None
    assert site.notices(NoticeKind.UNEXPECTED)


def test_try_later_is_like_a_failure(site: Site) -> None:
    site.choose("A")
    site.order()
    waiting = site.waiting
    site.refuse("try-later")
    assert site.waiting == waiting
    assert site.next is None
    assert site.state.proxy.state is ProxyState.REGISTERING


def test_paused_nothing_leaves_and_nothing_is_lost(site: Site) -> None:
    site.turn_on("A")
    site.feed(ev.Paused())
    site.choose("B")
    site.order()
    site.feed(ev.SyncDue(VERSION))
    site.feed(ev.Withdrawn("A"))
    assert site.next is None
    assert len(site.waiting) == 3
    site.feed(ev.Resumed())
    assert isinstance(site.leave(), m.RegisterProxyDevices)


def test_paused_the_outbox_calls_for_no_wake_up(site: Site) -> None:
    site.order()
    site.fail()
    site.feed(ev.Paused())
    assert site.wakeup is None


def test_a_reply_that_was_under_way_when_paused_still_counts(site: Site) -> None:
    site.register("A")
    site.feed(ev.SyncDue(VERSION))
    site.leave()
    site.feed(ev.Paused())
    site.feed(ev.Replied(site.state.outbox[0].number, site.commands(on=["A"])))
    assert site.at("A") is DeviceState.TURNED_ON
    assert len(site.waiting) == 1


def test_times_in_messages_are_whole_seconds_in_utc(site: Site) -> None:
    site.turn_on("A")
    site.now = (START + timedelta(microseconds=123456)).astimezone(timezone(timedelta(hours=9)))
    site.feed(ev.Withdrawn("A"))
    (status,) = site.waiting[-1].devices
    assert status.at == START
    assert status.at.utcoffset() == timedelta(0)
    assert status.at.microsecond == 0
