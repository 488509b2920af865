"""The daily question, the commands in its answer, and the statuses."""

from lifecycle_site import CLIENT, START, VERSION, Site, bill

from meterpost.lifecycle import events as ev
from meterpost.lifecycle import messages as m
from meterpost.lifecycle.events import NoticeKind
from meterpost.lifecycle.state import DeviceState, RequestState


def statuses(site: Site) -> list[list[tuple[str, m.ServiceState]]]:
    return [
        [(d.serial, d.state) for d in message.devices] for message in site.waiting if isinstance(message, m.SyncProxyStatus)
    ]


def test_a_client_that_is_not_registered_does_not_sync(site: Site) -> None:
    site.feed(ev.SyncDue(VERSION))
    assert site.waiting == []


def test_one_sync_request_waits_at_most(site: Site) -> None:
    site.register("A")
    site.feed(ev.SyncDue(VERSION))
    site.feed(ev.SyncDue(VERSION))
    site.leave()
    site.feed(ev.SyncDue(VERSION))
    assert site.waiting == [m.SyncProxy(CLIENT, VERSION)]


def test_nothing_for_you(site: Site) -> None:
    site.register("A")
    site.sync()
    assert (site.waiting, site.state.last_sync) == ([], START)


def test_settings_are_handed_on_and_add_up(site: Site) -> None:
    site.register("A")
    assert ev.SettingsReceived(m.RemoteSettings("03:15")) in site.sync(settings=m.RemoteSettings(sync_at="03:15"))
    site.sync(settings=m.RemoteSettings(jitter=0))
    assert site.state.settings == m.RemoteSettings("03:15", 0, None)


def test_turning_on_is_confirmed_once_in_one_message(site: Site) -> None:
    site.register("A", "B")
    site.sync(on=["A", "B"])
    assert statuses(site) == [[("A", m.ServiceState.ON), ("B", m.ServiceState.ON)]]
    assert len(site.notices(NoticeKind.TURNED_ON)) == 2
    site.confirm()
    site.sync(on=["A", "B"])
    assert (site.at("A"), site.waiting) == (DeviceState.CONFIRMED, [])
    assert not site.notices(NoticeKind.UNEXPECTED)


def test_a_status_counted_before_is_confirmed_too(site: Site) -> None:
    site.register("A")
    site.sync(on=["A"])
    site.confirm(m.Receipt.DUPLICATE)
    assert site.at("A") is DeviceState.CONFIRMED


def test_whoever_is_assigned_elsewhere_or_unknown_can_still_be_turned_on(site: Site) -> None:
    site.register("A", result=m.Registration.ASSIGNED)
    site.register("B", result=m.Registration.UNKNOWN)
    site.sync(on=["A", "B"])
    assert (site.at("A"), site.at("B")) == (DeviceState.TURNED_ON, DeviceState.TURNED_ON)


def test_whoever_was_not_registered_is_not_turned_on(site: Site) -> None:
    site.register("A")
    site.see("B")
    site.sync(on=["B", "ghost"])
    assert (site.at("B"), site.waiting) == (DeviceState.SEEN, [])
    assert {notice.serial for notice in site.notices(NoticeKind.UNEXPECTED)} == {"B", "ghost"}


def test_a_status_the_server_did_not_take_is_told_anew_when_it_says_turn_on_again(site: Site) -> None:
    for lose in (
        lambda: site.refuse("over-budget"),
        lambda: site.confirm(m.Receipt.UNKNOWN),
        lambda: site.reply(m.SyncProxyStatusResponse(())),
    ):
        site.state = Site().state
        site.register("A")
        site.sync(on=["A"], bills=[bill("A")])
        lose()
        assert (site.at("A"), site.waiting) == (DeviceState.REGISTERED, [])
        assert site.request("b-A") is RequestState.OPEN
        site.sync(on=["A"])
        assert statuses(site) == [[("A", m.ServiceState.ON)]]
        assert site.at("A") is DeviceState.BILLING_DUE


def test_turning_off_ends_the_life_and_its_open_requests(site: Site) -> None:
    site.turn_on("A")
    site.sync(bills=[bill("A")])
    site.sync(off=["A"])
    assert (site.at("A"), site.device("A").reason, site.request("b-A")) == (DeviceState.OFF, "moved", RequestState.REJECTED)
    assert statuses(site) == [[("A", m.ServiceState.OFF)]]
    assert site.notices(NoticeKind.ENROLMENT_CANCELLED)[0].serial == "A"
    site.confirm()
    assert (site.at("A"), site.waiting) == (DeviceState.OFF, [])


def test_on_and_off_in_one_breath_is_off(site: Site) -> None:
    site.register("A")
    site.sync(on=["A"], off=["A"])
    assert statuses(site) == [[("A", m.ServiceState.OFF)]]


def test_a_command_that_crosses_a_withdrawal_changes_nothing(site: Site) -> None:
    site.turn_on("A")
    site.feed(ev.SyncDue(VERSION))
    site.leave()
    site.feed(ev.Withdrawn("A"))
    site.feed(ev.Replied(site.state.outbox[0].number, site.commands(on=["A"], bills=[bill("A")])))
    assert (site.at("A"), dict(site.state.requests)) == (DeviceState.WITHDRAWN, {})
    assert statuses(site) == [[("A", m.ServiceState.WITHDRAWN)]]


def test_a_server_that_did_not_take_a_farewell_is_told_again(site: Site) -> None:
    site.turn_on("A")
    site.feed(ev.Withdrawn("A"))
    site.refuse("over-budget")
    assert site.waiting == []
    site.sync(bills=[bill("A")])
    assert statuses(site) == [[("A", m.ServiceState.WITHDRAWN)]]
    assert site.state.requests == {}


def test_a_receipt_that_comes_after_the_withdrawal_confirms_nothing(site: Site) -> None:
    site.register("A")
    site.sync(on=["A"])
    site.leave()
    site.feed(ev.Withdrawn("A"))
    receipt = m.SyncProxyStatusResponse((m.StatusReceipt("A", m.Receipt.ACCEPTED),))
    site.feed(ev.Replied(site.state.outbox[0].number, receipt))
    assert site.at("A") is DeviceState.WITHDRAWN
    assert not site.notices(NoticeKind.UNEXPECTED)
