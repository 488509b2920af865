"""A billing request is asked, answered and acknowledged: once, and never lost on the way."""

from dataclasses import replace
from datetime import timedelta

import pytest
from lifecycle_site import CLIENT, START, VERSION, Site, bill, pack, receipts

from meterpost.errors import OverBudget
from meterpost.lifecycle import Session, tables
from meterpost.lifecycle import events as ev
from meterpost.lifecycle import messages as m
from meterpost.lifecycle.events import NoticeKind
from meterpost.lifecycle.state import BillingRequest, Device, DeviceState, RequestState, SiteState


def answers(site: Site) -> list[list[tuple[str, str, int]]]:
    """Serial, request and part of each Device element, message by message."""
    return [
        [(reads.serial, reads.id, reads.part) for reads in message.devices]
        for message in site.waiting
        if isinstance(message, m.BillingTransaction)
    ]


def test_a_request_is_read_answered_and_acknowledged(site: Site) -> None:
    site.turn_on("A")
    assert ev.ReadNow(("A",)) in site.sync(bills=[bill("A")])
    assert (site.at("A"), site.request("b-A")) == (DeviceState.BILLING_DUE, RequestState.OPEN)
    site.read("A")
    assert site.request("b-A") is RequestState.ANSWERED
    (message,) = site.waiting
    assert message == m.BillingTransaction(CLIENT, (m.DeviceReads("A", "b-A", START, 1, 1, (m.MeterValue("total", 1),), ()),))
    site.acknowledge()
    assert (site.at("A"), site.request("b-A"), site.waiting) == (DeviceState.REPORTED, RequestState.ACKNOWLEDGED, [])
    assert [notice.serial for notice in site.notices(NoticeKind.READS_REPORTED)] == ["A"]


def test_turn_on_and_bill_may_come_together(site: Site) -> None:
    site.register("A")
    site.sync(on=["A"], bills=[bill("A")])
    site.read("A")
    assert [type(message) for message in site.waiting] == [m.SyncProxyStatus, m.BillingTransaction]
    site.confirm()
    assert site.at("A") is DeviceState.BILLING_DUE
    site.acknowledge()
    assert site.at("A") is DeviceState.REPORTED


def test_nothing_is_answered_that_was_not_asked(site: Site) -> None:
    site.turn_on("A")
    before = site.state
    site.read("A", "ghost")
    assert site.state == before


def test_a_request_for_a_device_that_is_not_on_is_refused(site: Site) -> None:
    site.register("A")
    site.sync(bills=[bill("A"), bill("ghost")])
    assert site.state.requests == {}
    assert {notice.serial for notice in site.notices(NoticeKind.UNEXPECTED)} == {"A", "ghost"}


def test_a_repeated_request_is_nothing_new_at_any_time(site: Site) -> None:
    site.turn_on("A")
    site.sync(bills=[bill("A")])
    site.advance(days=1)
    site.sync(bills=[bill("A")])
    assert site.state.requests["b-A"].received == START
    site.feed(ev.SyncDue(VERSION))
    site.read("A")
    site.reply(site.commands(bills=[bill("A")]))  # asked again while the answer waits
    assert site.request("b-A") is RequestState.ANSWERED
    site.acknowledge()
    site.sync(bills=[bill("A")])
    site.read("A")
    assert (site.request("b-A"), site.waiting) == (RequestState.ACKNOWLEDGED, [])


def test_a_request_id_that_belongs_to_another_device_is_not_answered(site: Site) -> None:
    site.turn_on("A", "B")
    site.sync(bills=[bill("A", "one"), bill("B", "one")])
    assert site.state.requests["one"].serial == "A"
    assert site.at("B") is DeviceState.CONFIRMED
    assert site.notices(NoticeKind.UNEXPECTED)[0].serial == "B"


def test_all_devices_are_answered_in_one_message_and_further_parts_in_further_ones(site: Site) -> None:
    site.turn_on("A", "big")
    site.sync(bills=[bill("A"), bill("A", "b-A2"), bill("big")])
    site.read("A", "big")
    assert answers(site) == [
        [("A", "b-A", 1), ("A", "b-A2", 1), ("big", "b-big", 1)],
        [("big", "b-big", 2)],
        [("big", "b-big", 3)],
    ]
    site.acknowledge()
    assert (site.at("A"), site.at("big")) == (DeviceState.REPORTED, DeviceState.BILLING_DUE)
    site.acknowledge(m.Receipt.DUPLICATE)
    assert site.request("b-big") is RequestState.ANSWERED
    site.acknowledge()
    assert site.at("big") is DeviceState.REPORTED


def test_only_the_meters_asked_for_are_sent(site: Site) -> None:
    site.turn_on("big")
    site.sync(bills=[bill("big", meters=("color",))])
    site.read("big")
    assert site.waiting == [
        m.BillingTransaction(CLIENT, (m.DeviceReads("big", "b-big", START, 1, 1, (m.MeterValue("color", 1),), ()),))
    ]


def test_a_device_that_cannot_be_read_is_answered_when_it_can(site: Site) -> None:
    site.turn_on("A", "B")
    site.sync(bills=[bill("A"), bill("B")])
    site.feed(ev.ReadFailed("B", "no answer"))
    site.read("A")
    site.acknowledge()
    assert (site.request("b-A"), site.request("b-B")) == (RequestState.ACKNOWLEDGED, RequestState.OPEN)
    site.advance(days=1)
    assert ev.ReadNow(("B",)) in site.sync(bills=[bill("B")])
    site.read("A", "B")
    assert answers(site) == [[("B", "b-B", 1)]]


def test_of_two_readings_the_newer_answers(site: Site) -> None:
    site.turn_on("A")
    site.sync(bills=[bill("A")])
    old = site.reading("A")
    new = replace(site.reading("A"), taken_at=START + timedelta(minutes=1))
    site.feed(ev.ReadingTaken((new, old)))
    (message,) = site.waiting
    assert isinstance(message, m.BillingTransaction)
    assert message.devices[0].meters == (m.MeterValue("total", 2),)


def test_one_printers_nonsense_does_not_hold_back_the_others(site: Site) -> None:
    site.turn_on("A", "B")
    site.sync(bills=[bill("A"), bill("B")])

    def strict(request, at, reading, wanted):
        if reading.serial == "A":
            raise OverBudget("a meter has eleven digits")
        return pack(request, at, reading, wanted)

    session = Session(site.state, strict)
    effects = session.feed(ev.ReadingTaken((site.reading("A"), site.reading("B"))), START)
    assert session.state.requests["b-A"].state is RequestState.OPEN
    assert session.state.requests["b-B"].state is RequestState.ANSWERED
    assert any(isinstance(effect, ev.Notice) and "eleven digits" in effect.text for effect in effects)


def test_a_request_the_server_does_not_know_is_rejected_and_never_answered_again(site: Site) -> None:
    site.turn_on("big")
    site.sync(bills=[bill("big")])
    site.read("big")
    site.acknowledge(m.Receipt.UNKNOWN)
    assert (site.request("b-big"), site.at("big"), site.waiting) == (RequestState.REJECTED, DeviceState.CONFIRMED, [])
    assert site.notices(NoticeKind.NOT_ACCEPTED)
    site.sync(bills=[bill("big")])
    site.read("big")
    assert site.waiting == []


@pytest.mark.parametrize("code", ["over-budget", "other-account", "Client", "anything"])
def test_a_refused_answer_is_given_again_with_the_next_reading(site: Site, code: str) -> None:
    site.turn_on("A", "big")
    site.sync(bills=[bill("A"), bill("big")])
    site.read("A", "big")
    site.refuse(code)
    assert (site.request("b-A"), site.request("b-big"), site.waiting) == (RequestState.OPEN, RequestState.OPEN, [])
    site.read("A", "big")
    assert [len(message) for message in answers(site)] == [2, 1, 1]


def test_a_refused_answer_of_a_device_that_left_is_not_given_again(site: Site) -> None:
    site.turn_on("A")
    site.sync(bills=[bill("A")])
    site.read("A")
    site.feed(ev.Withdrawn("A"))
    assert site.request("b-A") is RequestState.ANSWERED  # it may be on its way; only what was not read is given up
    site.refuse("over-budget")
    assert site.request("b-A") is RequestState.REJECTED


def test_what_a_reply_passes_over_is_not_lost(site: Site) -> None:
    site.turn_on("A", "B")
    site.sync(bills=[bill("A"), bill("B")])
    site.read("A", "B")
    message = site.waiting[0]
    assert isinstance(message, m.BillingTransaction)
    whole = receipts(message)
    stranger = m.BillingReceipt("B", "b-X", 1, m.Receipt.ACCEPTED)
    site.reply(replace(whole, devices=(whole.devices[0], stranger)))
    assert (site.request("b-A"), site.request("b-B")) == (RequestState.ACKNOWLEDGED, RequestState.ANSWERED)
    assert "b-X" not in site.state.requests
    assert len(site.notices(NoticeKind.UNEXPECTED)) == 2
    assert site.waiting == [m.BillingTransaction(CLIENT, message.devices[1:])]  # the same reads again
    assert site.next is None
    site.feed(ev.SyncDue(VERSION))
    site.acknowledge(m.Receipt.DUPLICATE)
    assert site.at("B") is DeviceState.REPORTED


def test_what_a_reply_passes_over_is_given_up_if_the_device_has_left(site: Site) -> None:
    site.turn_on("A", "B")
    site.sync(bills=[bill("A"), bill("B")])
    site.read("A", "B")
    message = site.waiting[0]
    assert isinstance(message, m.BillingTransaction)
    site.feed(ev.Withdrawn("B"))
    site.reply(m.BillingTransactionResponse(receipts(message).devices[:1]))
    assert site.request("b-B") is RequestState.REJECTED
    assert [type(waiting) for waiting in site.waiting] == [m.SyncProxyStatus]


def test_of_an_answer_the_server_holds_in_part_the_same_readings_other_parts_follow(site: Site) -> None:
    site.turn_on("A", "big")
    site.sync(bills=[bill("A"), bill("big")])
    site.read("A", "big")
    second, third = site.waiting[1:]
    site.acknowledge()
    site.refuse("over-budget")
    site.read("big")
    assert site.request("b-big") is RequestState.ANSWERED
    assert site.waiting == [third, second]
    site.acknowledge()
    site.advance(hours=4)
    site.acknowledge()
    assert site.at("big") is DeviceState.REPORTED


def test_an_open_request_of_an_ended_life_is_answered_if_it_is_asked_in_the_next(site: Site) -> None:
    site.turn_on("A")
    site.sync(bills=[bill("A")])
    site.feed(ev.Withdrawn("A"))
    site.confirm()
    assert site.request("b-A") is RequestState.REJECTED
    site.turn_on("A")
    site.sync(bills=[bill("A")])
    site.read("A")
    assert answers(site) == [[("A", "b-A", 1)]]


def test_settled_requests_are_remembered_for_more_than_a_year(site: Site) -> None:
    site.turn_on("A", "B", "C")
    site.sync(bills=[bill("A"), bill("B"), bill("C")])
    site.read("A", "B")
    site.acknowledge()
    site.advance(days=400)
    site.sync()
    assert set(site.state.requests) == {"b-A", "b-B", "b-C"}
    site.advance(seconds=1)
    site.sync(bills=[bill("A")])
    assert set(site.state.requests) == {"b-A", "b-C"}  # A was mentioned just now, C is still open


def test_more_answers_than_one_message_holds_go_in_two(site: Site) -> None:
    serials = [f"S{number:05}" for number in range(tables.MAX_DEVICES + 1)]
    day = START.date()
    state = SiteState(
        CLIENT,
        devices={serial: Device(serial, DeviceState.BILLING_DUE, START) for serial in serials},
        requests={serial: BillingRequest(serial, serial, day, day, m.Cycle.MONTHLY, day, (), START) for serial in serials},
    )
    session = Session(state, pack)
    session.feed(ev.ReadingTaken(tuple(site.reading(serial) for serial in serials)), START)
    assert [len(outgoing.message.devices) for outgoing in session.state.outbox] == [10_000, 1]
    for outgoing in session.state.outbox:
        assert isinstance(outgoing.message, m.BillingTransaction)
        session.feed(ev.Replied(outgoing.number, receipts(outgoing.message)), START)
    assert {device.state for device in session.state.devices.values()} == {DeviceState.REPORTED}
