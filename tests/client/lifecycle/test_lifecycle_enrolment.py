"""Devices are met, chosen, registered, withdrawn and replaced."""

from datetime import timedelta

import pytest
from lifecycle_site import CLIENT, START, VERSION, Site, bill

from meterpost.lifecycle import Session, tables
from meterpost.lifecycle import events as ev
from meterpost.lifecycle import messages as m
from meterpost.lifecycle.events import NoticeKind
from meterpost.lifecycle.state import Device, DeviceState, ProxyState, RequestState, SiteState


def registrations(site: Site) -> list[tuple[str, ...]]:
    return [tuple(d.serial for d in message.devices) for message in site.waiting if isinstance(message, m.RegisterProxyDevices)]


def statuses(site: Site) -> list[tuple[str, m.ServiceState]]:
    return [(d.serial, d.state) for message in site.waiting if isinstance(message, m.SyncProxyStatus) for d in message.devices]


def test_a_device_met_again_is_described_anew_until_it_is_chosen(site: Site) -> None:
    site.feed(ev.Seen("A", "Acme", "One", None, "10.0.0.1", 161))
    site.feed(ev.Seen("A", "Acme", "Two", "lobby", "10.0.0.2", 1161))
    assert (site.device("A").model, site.device("A").asset, site.device("A").address) == ("Two", "lobby", "10.0.0.2")
    site.feed(ev.Selected(("A",)))
    site.feed(ev.Seen("A", "Acme", "Three", "attic", "10.0.0.3", 161))
    assert (site.device("A").model, site.device("A").asset) == ("Two", "lobby")
    assert (site.device("A").address, site.device("A").port) == ("10.0.0.3", 161)


def test_nothing_is_registered_that_was_not_chosen_and_ordered(site: Site) -> None:
    site.see("A", "B")
    site.feed(ev.Selected(("A",)))
    assert site.waiting == []
    site.order()
    assert site.waiting == [
        m.RegisterProxy(CLIENT, "host", "Linux", VERSION),
        m.RegisterProxyDevices(CLIENT, (m.DeviceToRegister("A", "Acme", "Model A"),)),
    ]
    assert site.at("B") is DeviceState.SEEN


def test_a_device_never_seen_cannot_be_chosen(site: Site) -> None:
    site.feed(ev.Selected(("ghost",)))
    assert site.state.devices == {}
    assert site.notices(NoticeKind.UNEXPECTED)[0].serial == "ghost"


def test_ordering_again_with_nothing_new_queues_nothing(site: Site) -> None:
    site.choose("A")
    site.order()
    before = site.state.outbox
    site.order()
    assert site.state.outbox == before
    site.choose("B")
    site.order()
    assert registrations(site) == [("A",), ("B",)]


def test_running_the_wizard_again_changes_nothing_else(site: Site) -> None:
    site.turn_on("A")
    before = site.device("A")
    site.choose("A", "B")
    site.order()
    assert site.device("A") == before
    assert registrations(site) == [("B",)]
    assert not site.notices(NoticeKind.UNEXPECTED)


def test_more_devices_than_one_message_holds_go_in_two(site: Site) -> None:
    serials = [f"S{number:05}" for number in range(tables.MAX_DEVICES + 1)]
    devices = {serial: Device(serial, DeviceState.SELECTED, START) for serial in serials}
    session = Session(SiteState(CLIENT, devices=devices), lambda *_: ())
    session.feed(ev.RegistrationOrdered("host", "Linux", VERSION), START)
    assert [len(o.message.devices) for o in session.state.outbox if isinstance(o.message, m.RegisterProxyDevices)] == [
        10_000,
        1,
    ]


def test_the_registration_is_answered(site: Site) -> None:
    site.register("A")
    assert site.state.proxy.state is ProxyState.REGISTERED
    assert site.at("A") is DeviceState.REGISTERED
    assert site.waiting == []


@pytest.mark.parametrize(
    ("result", "state"),
    [
        (m.Registration.UNKNOWN, DeviceState.UNKNOWN_UNTIL),
        (m.Registration.ASSIGNED, DeviceState.ASSIGNED_ELSEWHERE),
        (m.Registration.INELIGIBLE, DeviceState.INELIGIBLE),
    ],
)
def test_a_registration_that_is_not_accepted_is_told_with_its_reason(
    site: Site, result: m.Registration, state: DeviceState
) -> None:
    site.choose("A")
    site.order()
    site.reply(m.RegisterProxyResponse(CLIENT, START))
    site.reply(m.RegisterProxyDevicesResponse(START, (m.RegisteredDevice("A", result, None, "ask Kim"),)))
    assert (site.at("A"), site.device("A").reason) == (state, "ask Kim")
    (notice,) = site.notices(NoticeKind.NOT_ACCEPTED)
    assert notice.serial == "A"
    assert "ask Kim" in notice.text


def test_a_device_unknown_until_a_day_is_registered_when_it_comes(site: Site) -> None:
    site.register("A", result=m.Registration.UNKNOWN, until=START + timedelta(days=9))
    site.sync()
    site.feed(ev.TimePassed())
    assert site.at("A") is DeviceState.UNKNOWN_UNTIL
    site.now = START.replace(hour=0) + timedelta(days=9)
    assert site.wakeup is not None
    assert site.wakeup <= site.now
    site.feed(ev.TimePassed())
    assert site.at("A") is DeviceState.REGISTERED
    assert site.wakeup is None


def test_the_hour_a_registration_takes_effect_calls_for_one_extra_sync(site: Site) -> None:
    site.register("A")
    assert site.wakeup == START + timedelta(hours=1, minutes=5)
    site.advance(hours=2)
    site.feed(ev.TimePassed(VERSION))
    site.feed(ev.TimePassed(VERSION))
    assert site.waiting == [m.SyncProxy(CLIENT, VERSION)]
    assert site.wakeup is None


def test_the_servers_calendar_is_not_waited_for(site: Site) -> None:
    site.register("A")
    site.sync(on=["A"])
    assert site.at("A") is DeviceState.TURNED_ON


def test_a_device_the_reply_lacks_stays_selected_until_ordered_again(site: Site) -> None:
    site.choose("A", "B")
    site.order()
    site.reply(m.RegisterProxyResponse(CLIENT, START))
    site.reply(
        m.RegisterProxyDevicesResponse(
            START,
            (m.RegisteredDevice("A", m.Registration.ACCEPTED), m.RegisteredDevice("X", m.Registration.ACCEPTED)),
        )
    )
    assert (site.at("A"), site.at("B")) == (DeviceState.REGISTERED, DeviceState.SELECTED)
    assert "X" not in site.state.devices
    assert {notice.serial for notice in site.notices(NoticeKind.UNEXPECTED)} == {"B", "X"}
    site.order()
    assert registrations(site) == [("B",)]


# --- refusals: nothing half registered ---------------------------------------------------------------------


def test_a_refused_client_takes_everything_back(site: Site) -> None:
    site.choose("A")
    site.order()
    site.refuse("other-account")
    assert (site.state.proxy.state, site.at("A"), site.waiting) == (ProxyState.NEW, DeviceState.SELECTED, [])
    assert site.notices(NoticeKind.COMMUNICATION_ERROR)
    site.order()
    assert len(site.waiting) == 2


def test_refused_devices_stay_selected_and_wait_for_the_next_order(site: Site) -> None:
    site.choose("A")
    site.order()
    site.reply(m.RegisterProxyResponse(CLIENT, START))
    site.refuse("Client")
    assert (site.at("A"), site.waiting) == (DeviceState.SELECTED, [])
    site.order()
    assert registrations(site) == [("A",)]


def test_a_server_that_was_reset_is_told_everything_again_when_ordered(site: Site) -> None:
    site.turn_on("A", "B")
    site.sync(bills=[bill("A"), bill("B")])
    site.read("A")
    site.refuse("not-registered")
    assert (site.state.proxy.state, site.waiting) == (ProxyState.NEW, [])
    assert (site.at("A"), site.device("A").life) == (DeviceState.SELECTED, 2)
    assert (site.request("b-A"), site.request("b-B")) == (RequestState.REJECTED, RequestState.REJECTED)
    site.feed(ev.SyncDue(VERSION))
    assert site.waiting == []
    site.order()
    assert [type(message) for message in site.waiting] == [m.RegisterProxy, m.RegisterProxyDevices]
    assert registrations(site) == [("A", "B")]


# --- out again ---------------------------------------------------------------------------------------------


def test_a_device_that_was_only_selected_just_goes_back(site: Site) -> None:
    site.choose("A")
    site.feed(ev.Withdrawn("A"))
    assert (site.at("A"), site.waiting) == (DeviceState.SEEN, [])


def test_a_registration_that_never_left_is_taken_out_of_its_message(site: Site) -> None:
    site.choose("A", "B")
    site.order()
    site.feed(ev.Withdrawn("A"))
    assert (site.at("A"), registrations(site)) == (DeviceState.SEEN, [("B",)])
    site.feed(ev.Withdrawn("B"))
    assert [type(message) for message in site.waiting] == [m.RegisterProxy]


def test_a_registration_that_may_have_arrived_is_not_changed_but_followed_by_a_farewell(site: Site) -> None:
    site.choose("A", "B")
    site.order()
    site.reply(m.RegisterProxyResponse(CLIENT, START))
    site.fail()
    site.feed(ev.Withdrawn("A"))
    assert registrations(site) == [("A", "B")]
    assert statuses(site) == [("A", m.ServiceState.WITHDRAWN)]
    site.advance(hours=5)
    accepted = tuple(m.RegisteredDevice(serial, m.Registration.ACCEPTED) for serial in "AB")
    site.reply(m.RegisterProxyDevicesResponse(START, accepted))
    assert (site.at("A"), site.at("B")) == (DeviceState.WITHDRAWN, DeviceState.REGISTERED)
    assert not site.notices(NoticeKind.UNEXPECTED)


def test_the_reply_of_an_earlier_life_does_not_count_for_the_next(site: Site) -> None:
    site.choose("A")
    site.order()
    site.reply(m.RegisterProxyResponse(CLIENT, START))
    site.fail()
    site.feed(ev.Withdrawn("A"))
    site.choose("A")
    site.order()
    assert registrations(site) == [("A",), ("A",)]
    site.advance(hours=5)
    answer = m.RegisterProxyDevicesResponse(START, (m.RegisteredDevice("A", m.Registration.ACCEPTED),))
    site.reply(answer)
    assert (site.at("A"), site.device("A").life) == (DeviceState.SELECTED, 2)
    site.confirm()
    site.reply(answer)
    assert site.at("A") is DeviceState.REGISTERED


def test_a_registered_device_is_withdrawn_at_the_server_too(site: Site) -> None:
    site.turn_on("A")
    site.sync(bills=[bill("A")])
    site.feed(ev.Withdrawn("A"))
    assert statuses(site) == [("A", m.ServiceState.WITHDRAWN)]
    assert (site.at("A"), site.request("b-A")) == (DeviceState.WITHDRAWN, RequestState.REJECTED)
    site.feed(ev.Withdrawn("A"))
    assert len(site.waiting) == 1
    assert site.notices(NoticeKind.UNEXPECTED)


def test_an_ineligible_device_leaves_without_a_word(site: Site) -> None:
    site.register("A", result=m.Registration.INELIGIBLE)
    site.feed(ev.Withdrawn("A"))
    assert (site.at("A"), site.waiting) == (DeviceState.WITHDRAWN, [])


@pytest.mark.parametrize("end", [ev.Withdrawn("A"), ev.Replaced("A", "B"), "off"])
def test_choosing_a_device_again_starts_its_next_life(site: Site, end: ev.Event | str) -> None:
    site.turn_on("A")
    site.see("B")
    if isinstance(end, str):
        site.sync(off=["A"])
    else:
        site.feed(end)
    site.confirm()
    site.choose("A")
    assert (site.at("A"), site.device("A").life, site.device("A").reason) == (DeviceState.SELECTED, 2, "")
    site.order()
    assert "A" in registrations(site)[0]


def test_a_replaced_device_hands_over(site: Site) -> None:
    site.turn_on("A")
    site.see("B")
    site.feed(ev.Replaced("A", "B"))
    assert (site.at("A"), site.at("B")) == (DeviceState.REPLACED, DeviceState.SELECTED)
    assert statuses(site) == [("A", m.ServiceState.REPLACED)]


@pytest.mark.parametrize("new", ["ghost", "A"])
def test_a_device_is_not_given_up_for_one_that_cannot_be_chosen(site: Site, new: str) -> None:
    site.turn_on("A")
    before = site.state
    site.feed(ev.Replaced("A", new))
    assert site.state == before
    assert site.notices(NoticeKind.UNEXPECTED)
