"""The server keeps to the published formulas: T4 and T6 are 1510x + 1425 octets, head included, and so it holds clients
to theirs. Longest and hostile contents, both dialects, the whole walk from bytes to bytes."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from lxml import etree
from stub_site import CLIENT, Got, Site

from meterpost_stub import StubOptions, StubServer
from meterpost_stub.budget import Enforcement
from meterpost_stub.rules import BillingRequest, Cycle, Device, Proxy, Stage
from meterpost_wsdl import xmlio
from meterpost_wsdl.budgets import budget, budgets

NOW = datetime(2026, 1, 1, tzinfo=UTC)
# Texts of exactly the octets the contract allows, once escaped.
METERS = ("&" * 8, "値" * 13 + "x", '"' * 6 + "wxyz", "Total impressions, large, colour, duplex") * 5
REASON = "<&>" * 4 + "reason" * 1 + "値" * 2
HEAD = 117
"""Octets of the response head: status line, Content-Type, Content-Length of four digits, Date."""


def serial(number: int) -> str:
    """32 octets as escaped XML, each different."""
    return f"&&&&{number:012d}"


both_dialects = pytest.mark.parametrize("policy", ["digest-2002", "digest-2004"])
DIGITS = len("15101425")
"""Of the Content-Length of the longest answer there is."""
SIZES = (1, 2, 3, 5, 10, 100, 1000, 10_000)


def fill(
    stub: StubServer, devices: int, stage: Stage, bills: int, meters: tuple[str, ...] = (), off_reason: str | None = None
) -> None:
    """Puts so many devices of one client straight into the store, `bills` of them with an open request."""
    store, cycle, day = stub.desk._store, Cycle.SEMI_ANNUALLY, NOW.date()
    with store.transaction():
        store.put(Proxy(CLIENT, stub.username, "n", "o", "1", NOW, NOW))
        for number in range(devices):
            name = serial(number)
            device = Device(name, CLIENT, "m", "o", None, NOW, NOW, stage=stage, cycle=cycle, anchor=day, billed=9)
            store.put(replace(device, off_reason=off_reason))
            if number < bills:
                store.put(BillingRequest(f"{number:036d}", name, CLIENT, day, day, cycle, day, meters, NOW))
    stub.set_client_settings("23:59", 720, 1440)


def test_the_hostile_texts_are_as_long_as_they_may_be():
    assert all(xmlio.octets(meter) == 40 for meter in METERS)
    assert xmlio.octets(serial(7)) == 32
    assert xmlio.octets(REASON) == 64


def sync(site: Site, transaction: str, devices: int) -> Got:
    """One sync, its answer held against the formula and the journal."""
    got = site.call(f'<m:SyncProxy client="{CLIENT}" version="1.0.0"/>')
    entry = site.stub.journal()[-1]
    assert (entry.outcome, entry.answer, entry.answer_devices) == ("ok", transaction, devices)
    assert entry.response_head + entry.response == got.head + got.body
    assert entry.response_octets <= budget(transaction, devices)
    assert len({child.get("serial") for child in got.reply} - {None}) == devices
    return got


@both_dialects
def test_nothing_to_say_fits_and_the_head_is_lean(stub: StubServer, policy: str):
    fill(stub, 3, Stage.REGISTERED, bills=0)
    got = sync(Site(stub, policy), "T4", 0)
    assert len(got.head) == HEAD + len("Connection: close\r\n") - 1  # a length of three digits


@both_dialects
@pytest.mark.parametrize("devices", SIZES)
def test_turning_devices_on_fits(stub: StubServer, devices: int, policy: str):
    fill(stub, devices, Stage.SIGNED_UP, bills=0)
    assert len(sync(Site(stub, policy), "T4", devices).reply.findall("{*}On")) == devices


@both_dialects
@pytest.mark.parametrize("devices", SIZES)
def test_turning_devices_off_fits(stub: StubServer, devices: int, policy: str):
    fill(stub, devices, Stage.ON, bills=0, off_reason=REASON)
    assert len(sync(Site(stub, policy), "T4", devices).reply.findall("{*}Off")) == devices


@both_dialects
@pytest.mark.parametrize("devices", SIZES)
def test_asking_for_reads_fits(stub: StubServer, devices: int, policy: str):
    """Bills of 20 meters. With 10 000 devices 500 are billed and the rest turned off: 10 000 such bills are 13 MB, for
    which spyne takes 12 s. That they fit follows from the fixed part and the slope below, and is tried without spyne in
    tests/test_budgets.py."""
    bills = devices if devices <= 1000 else 500
    fill(stub, devices, Stage.ON, bills, METERS, off_reason=REASON)
    reply = sync(Site(stub, policy), "T6", devices).reply
    assert (len(reply.findall("{*}Off")), len(reply.findall("{*}Bill"))) == (devices, bills)  # x counts a device once


@both_dialects
@pytest.mark.parametrize(
    ("transaction", "stage", "billed", "off_reason"),
    [("T4", Stage.SIGNED_UP, False, None), ("T4", Stage.ON, False, REASON), ("T6", Stage.ON, True, REASON)],
    ids=["on", "off", "bill"],
)
def test_both_parts_of_the_line_hold(
    stub: StubServer, transaction: str, stage: Stage, billed: bool, off_reason: str | None, policy: str
):
    """What a further device adds and what is there without any. A device's octets do not depend on their number (each
    serial is as long as another), so an answer of any x is this line, and the digits of its Content-Length."""
    octets = []
    for devices in (1, 2, 100):
        stub.reset()
        fill(stub, devices, stage, devices if billed else 0, METERS, off_reason)
        octets.append(len((got := sync(Site(stub, policy), transaction, devices)).head) + len(got.body))
    one, two, hundred = octets
    slope, fixed = two - one, 2 * one - two
    formula = budgets()[transaction]
    assert slope <= formula.per_device
    assert fixed + DIGITS <= formula.fixed  # whatever digits the length has
    assert 0 <= hundred - (fixed + 100 * slope) <= DIGITS


@both_dialects
def test_ten_thousand_devices_fit_and_the_next_one_waits(stub: StubServer, policy: str):
    """The schema's most."""
    fill(stub, 10_001, Stage.SIGNED_UP, bills=10_000, meters=())
    sync(Site(stub, policy), "T6", 10_000)


def test_a_bill_that_does_not_fit_its_device_waits(stub: StubServer):
    """Never so through the admin port, which checks the texts."""
    fill(stub, 2, Stage.SIGNED_UP, bills=1, meters=("&" * 40,) * 20)
    reply = sync(Site(stub), "T4", 2).reply
    assert [etree.QName(child).localname for child in reply] == ["Settings", "On", "On"]


def test_one_bill_for_a_device_at_a_time_the_oldest_first(site: Site, stub: StubServer):
    site.turn_on("S1")
    stub.advance(days=100)
    periods = []
    while len(reply := site.sync()):
        (bill,) = reply
        periods.append(bill.get("from"))
        assert site.send_reads("S1", bill.get("id")) == "accepted"
    assert periods == ["2026-01-31", "2026-02-28", "2026-03-31"]


def test_a_request_over_its_formula_is_refused_and_nothing_is_done(site: Site, stub: StubServer):
    message = site.sealed(f'<m:RegisterProxy client="{CLIENT}" name="n" os="o" version="1"/>')
    head = site.head(len(message))
    room = budget("T1") - len(head) - len(message)
    fits = head.replace(b"Host:", b"X: " + b"x" * (room - 5) + b"\r\nHost:")
    over = head.replace(b"Host:", b"X: " + b"x" * (room - 4) + b"\r\nHost:")
    got = site.say(over + message)
    assert (got.status, got.refusal) == (500, "over-budget")
    assert "T1 with 0 devices has 1527 octets, 1526 allows 1526" in got.reply.findtext("faultstring", "")
    assert stub.state()["proxies"] == []
    assert site.say(fits + site.sealed(f'<m:RegisterProxy client="{CLIENT}" name="n" os="o" version="1"/>')).status == 200
    assert [entry.request_octets for entry in stub.journal()] == [1527, 1526]


def test_a_text_longer_in_octets_than_in_characters_is_refused(site: Site):
    """32 characters are valid by the schema; 32 ampersands are 160 octets on the wire."""
    site.register("S1")
    got = site.register_devices("&amp;" * 32)
    assert (got.status, got.refusal) == (500, "over-budget")
    assert site.register_devices("&amp;" * 6).status == 200


@pytest.mark.parametrize(("enforcement", "outcome"), [("warn", "ok, over budget"), ("off", "ok")])
def test_the_budget_can_be_watched_only(enforcement: str, outcome: str):
    with StubServer(StubOptions(budget=Enforcement(enforcement))) as stub:
        site = Site(stub)
        message = site.sealed(f'<m:RegisterProxy client="{CLIENT}" name="n" os="o" version="1"/>')
        head = site.head(len(message)).replace(b"Host:", b"X: " + b"x" * 1526 + b"\r\nHost:")
        assert site.say(head + message).status == 200
        assert stub.journal()[0].outcome.startswith(outcome)
