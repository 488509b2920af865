"""A key needs a certificate: asked for in front of everything else, once, and never in the way of what else waits."""

from dataclasses import replace
from datetime import timedelta

import pytest
from lifecycle_site import CLIENT, START, VERSION, Site, bill

from meterpost.lifecycle import events as ev
from meterpost.lifecycle import messages as m
from meterpost.lifecycle.events import NoticeKind
from meterpost.lifecycle.state import DeviceState, ProxyState

CERTIFICATES = (m.Certificate(m.Holder.CLIENT, "Y2xpZW50"), m.Certificate(m.Holder.SERVER, "c2VydmVy"))
RENEWED = m.RegisterProxyResponse(CLIENT, START + timedelta(days=9), CERTIFICATES)


@pytest.fixture
def busy(site: Site) -> Site:
    """A registered client with reads in the outbox, which have left once; nobody knows whether they arrived."""
    site.turn_on("A")
    site.sync(bills=[bill("A")])
    site.read("A")
    site.leave()
    return site


def keys(site: Site) -> list[str | None]:
    return [message.key for message in site.waiting if isinstance(message, m.RegisterProxy)]


def certified(site: Site) -> list[ev.Effect]:
    return [effect for effect in site.effects if isinstance(effect, ev.Certified)]


def test_the_first_registration_takes_the_key_along(site: Site) -> None:
    site.feed(ev.RegistrationOrdered("host", "Linux", VERSION, "K1", "proof"))
    assert site.waiting == [m.RegisterProxy(CLIENT, "host", "Linux", VERSION, "K1", "proof")]
    site.reply(RENEWED)
    assert site.state.proxy.state is ProxyState.REGISTERED
    assert site.state.proxy.effective == RENEWED.effective
    assert certified(site) == [ev.Certified(CERTIFICATES)]


def test_a_renewal_overtakes_what_waits_and_says_nothing_of_the_client(busy: Site) -> None:
    reads = busy.front
    busy.key_due()
    assert busy.front.message == m.RegisterProxy(CLIENT, "", "", VERSION, "K1", f"proof {busy.count}")
    before = busy.state.proxy
    busy.reply(RENEWED)
    assert (busy.state.proxy, busy.front) == (before, reads)
    assert certified(busy) == [ev.Certified(CERTIFICATES)]


def test_what_paused_for_want_of_a_key_leaves_once_there_is_one(busy: Site) -> None:
    busy.fail()
    reads = busy.front
    assert busy.next is None
    busy.key_due()
    busy.reply(RENEWED)
    assert busy.next == replace(reads, not_before=None)


def test_an_answer_without_certificates_asks_for_nothing(busy: Site) -> None:
    busy.key_due()
    busy.reply(m.RegisterProxyResponse(CLIENT, START))
    assert certified(busy) == []


def test_the_same_key_is_not_asked_for_twice(busy: Site) -> None:
    busy.key_due()
    waiting = busy.state.outbox
    busy.key_due()
    assert busy.state.outbox == waiting
    busy.leave()
    busy.key_due()
    assert len(busy.state.outbox) == len(waiting)


def test_another_key_takes_the_place_of_the_one_that_waits(busy: Site) -> None:
    busy.key_due("K1")
    busy.key_due("K2")
    assert keys(busy) == ["K2"]


def test_a_registration_that_waits_takes_the_key_along(site: Site) -> None:
    site.choose("A")
    site.order()
    site.fail()
    site.feed(ev.RegistrationOrdered("other", "other", VERSION, "K1", "proof"))
    assert site.front.message == m.RegisterProxy(CLIENT, "host", "Linux", VERSION, "K1", "proof")
    assert [type(message) for message in site.waiting] == [m.RegisterProxyDevices, m.RegisterProxy]
    site.reply(m.RegisterProxyResponse(CLIENT, START))
    assert isinstance(site.front.message, m.RegisterProxyDevices)


def test_an_order_of_a_registered_client_asks_for_the_key_alone(site: Site) -> None:
    site.register("A")
    site.feed(ev.RegistrationOrdered("host", "Linux", VERSION, "K1", "proof"))
    assert site.waiting == [m.RegisterProxy(CLIENT, "", "", VERSION, "K1", "proof")]


def test_a_client_that_never_registered_has_no_key_due(site: Site) -> None:
    site.key_due()
    assert site.waiting == []
    assert site.notices(NoticeKind.UNEXPECTED)


# --- a renewal that comes to nothing -----------------------------------------------------------------------


def wrong_answer(site: Site) -> None:
    site.reply(m.SyncProxyResponse(START))


@pytest.mark.parametrize(
    ("happens", "kind", "says"),
    [
        (Site.fail, NoticeKind.COMMUNICATION_ERROR, "no route"),
        (wrong_answer, NoticeKind.UNEXPECTED, "does not answer"),
        (lambda site: site.refuse("try-later"), NoticeKind.COMMUNICATION_ERROR, "try-later"),
        (lambda site: site.refuse("key-refused"), NoticeKind.NOT_ACCEPTED, "nothing is lost"),
        (lambda site: site.refuse("revoked"), NoticeKind.NOT_ACCEPTED, "turned this client off; nothing is lost"),
        (lambda site: site.refuse("other-account"), NoticeKind.COMMUNICATION_ERROR, "other-account"),
        (lambda site: site.refuse("Client"), NoticeKind.COMMUNICATION_ERROR, "Client"),
    ],
    ids=["failed", "wrong answer", "try-later", "key-refused", "revoked", "other-account", "fault"],
)
def test_it_costs_only_itself(busy: Site, happens, kind: NoticeKind, says: str) -> None:
    waiting, proxy, devices = busy.state.outbox, busy.state.proxy, busy.state.devices
    busy.key_due()
    happens(busy)
    assert (busy.state.outbox, busy.state.proxy, busy.state.devices) == (waiting, proxy, devices)
    assert busy.next is not None
    (notice,) = busy.notices(kind)
    assert says in notice.text
    busy.key_due()
    assert keys(busy) == ["K1"]


def test_a_server_that_forgot_the_client_forgot_its_key(busy: Site) -> None:
    busy.key_due()
    busy.refuse("not-registered")
    assert (busy.state.proxy.state, busy.at("A"), busy.waiting) == (ProxyState.NEW, DeviceState.SELECTED, [])


@pytest.mark.parametrize("code", ["key-refused", "revoked"])
def test_a_registration_that_the_vendor_must_help_waits(site: Site, code: str) -> None:
    site.choose("A")
    site.feed(ev.RegistrationOrdered("host", "Linux", VERSION, "K1", "proof"))
    waiting = site.waiting
    site.refuse(code)
    assert (site.state.proxy.state, site.waiting, site.next) == (ProxyState.REGISTERING, waiting, None)


# --- a client that is not heard until the vendor helps -----------------------------------------------------


@pytest.mark.parametrize("code", ["key-refused", "revoked"])
def test_a_client_that_is_not_heard_keeps_everything_and_pauses_ever_longer(busy: Site, code: str) -> None:
    busy.fail()
    busy.feed(ev.SyncDue(VERSION))
    waiting, pauses = busy.waiting, []
    for _ in range(11):
        busy.refuse(code)
        until = busy.front.not_before
        assert until
        pauses.append((until - busy.now) / timedelta(minutes=1))
        busy.now = until
    assert busy.waiting == waiting
    assert pauses == [4, 8, 16, 32, 64, 128, *[240] * 5]
    assert busy.at("A") is DeviceState.BILLING_DUE


# --- and time ----------------------------------------------------------------------------------------------


def test_who_asks_wakes_what_the_renewal_overtakes_too(busy: Site) -> None:
    busy.fail()
    busy.key_due()
    busy.feed(ev.SyncDue(VERSION))
    busy.reply(RENEWED)
    assert busy.next is not None
    assert isinstance(busy.next.message, m.BillingTransaction)


def test_a_wake_up_looks_at_what_leaves_next(site: Site) -> None:
    site.choose("A")
    site.order()
    site.fail()
    site.feed(ev.RegistrationOrdered("", "", VERSION, "K1", "proof"))
    site.fail()
    assert site.next is None
    assert site.wakeup == START + timedelta(minutes=1)
    site.order()
    assert site.next == site.front
