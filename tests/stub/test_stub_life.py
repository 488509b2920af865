"""The life cycle as a client meets it: register, sign up, turn on, bill, turn off. Over real TLS, through spyne."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from lxml import etree
from stub_site import CLIENT, Got, Site

from meterpost.model import Credentials
from meterpost.wsse import POLICIES, Acceptance, MemoryReplayCache, Trust, open_envelope
from meterpost.wsse.dialects import NAMESPACES
from meterpost_stub import StubOptions, StubServer

OTHER_CLIENT = "0a1b2c3d-0000-4000-8000-0000000000ff"


def commands(reply: etree._Element) -> list[tuple[str, str]]:
    return [(etree.QName(child).localname, child.get("serial")) for child in reply]


@pytest.mark.parametrize("policy", ["digest-2002", "digest-2004"])
def test_a_device_lives_from_registration_to_its_first_bill(stub: StubServer, policy: str):
    site = Site(stub, policy)
    site.register("S1", "S2")
    assert commands(site.sync()) == []  # nobody signed up yet
    stub.sign_up("S1")
    assert commands(site.sync()) == commands(site.sync()) == [("On", "S1")]  # until it says so
    assert site.report("on", "S1") == ["accepted"]
    assert commands(site.sync()) == []
    stub.advance(days=31)  # 31 January to 28 February and on
    (bill,) = site.sync()
    assert bill.get("from") == "2026-01-31"
    assert bill.get("to") == "2026-02-27"
    assert bill.get("cycle") == "monthly"
    assert site.send_reads("S1", bill.get("id")) == "accepted"
    assert commands(site.sync()) == []
    (reads,) = stub.readings()
    assert reads["serial"] == "S1"
    assert reads["meters"] == [{"name": "Total", "value": 4711}]
    assert reads["supplies"] == [{"name": "Toner", "level": -3, "capacity": 100, "unit": 19}]


def test_registration_counts_after_its_delay_and_repeating_it_changes_nothing(site: Site, stub: StubServer):
    first = site.register_proxy().reply
    assert first.get("effective") == "2026-01-31T09:00:00Z"
    site.register_devices("S1")
    assert "takes effect" in stub.sign_up("S1")["refused"]["S1"]
    stub.advance(hours=2)
    assert site.register_proxy().reply.get("effective") == "2026-01-31T09:00:00Z"
    again = site.register_devices("S1").reply
    assert (again.get("effective"), again[0].get("result")) == ("2026-01-31T09:00:00Z", "accepted")
    assert stub.sign_up("S1") == {"signed_up": ["S1"], "refused": {}}
    assert stub.state()["devices"][0]["life"] == 1


@pytest.mark.parametrize("operation", ["SyncProxy", "RegisterProxyDevices", "SyncProxyStatus", "BillingTransaction"])
def test_an_unregistered_client_is_refused(site: Site, operation: str):
    bodies = {
        "SyncProxy": f'<m:SyncProxy client="{CLIENT}" version="1"/>',
        "RegisterProxyDevices": f'<m:RegisterProxyDevices client="{CLIENT}"><m:Device serial="S" maker="m" model="m"/>',
        "SyncProxyStatus": f'<m:SyncProxyStatus client="{CLIENT}"><m:Device serial="S" state="on" at="2026-01-31T09:00:00Z"/>',
        "BillingTransaction": f'<m:BillingTransaction client="{CLIENT}"><m:Device serial="S" id="i" '
        'at="2026-01-31T09:00:00Z" part="1" of="1"/>',
    }
    body = bodies[operation]
    got = site.call(body if operation == "SyncProxy" else f"{body}</m:{operation}>")
    assert (got.status, got.faultcode) == (500, "{http://schemas.xmlsoap.org/soap/envelope/}Client")
    assert got.refusal == "not-registered"


def test_another_accounts_client_is_refused(site: Site, stub: StubServer):
    site.register("S1")
    stranger = Site(stub)
    stranger.credentials = Credentials("other", "other-secret")
    assert stranger.register_proxy().refusal == "other-account"
    assert stranger.call(f'<m:SyncProxy client="{CLIENT}" version="1"/>').refusal == "other-account"


def test_eligibility_at_registration(site: Site, stub: StubServer):
    site.register("S1")
    stub.set_eligibility("YOUNG", "unknown", date(2026, 2, 10), "delivered last week")
    stub.set_eligibility("LEASED", "ineligible", reason="no service contract")
    other = Site(stub, client=OTHER_CLIENT)
    other.register_proxy()
    reply = other.register_devices("S1", "YOUNG", "LEASED", "S2").reply
    assert [(d.get("serial"), d.get("result"), d.get("until")) for d in reply] == [
        ("S1", "assigned", None),
        ("YOUNG", "unknown", "2026-02-10"),
        ("LEASED", "ineligible", None),
        ("S2", "accepted", None),
    ]
    assert reply[2].get("reason") == "no service contract"
    stub.advance(days=1)
    assert stub.sign_up("YOUNG")["refused"] == {"YOUNG": "delivered last week"}
    assert stub.sign_up() == {"signed_up": ["S1", "S2"], "refused": {"YOUNG": "delivered last week"}}
    stub.advance(days=9)
    assert stub.sign_up("YOUNG")["signed_up"] == ["YOUNG"]
    assert commands(other.sync()) == [("On", "YOUNG"), ("On", "S2")]


def test_a_bill_is_asked_for_until_every_part_is_there_and_each_part_counts_once(site: Site, stub: StubServer):
    site.turn_on("S1")
    stub.bill("S1", ("Total",))
    (bill,) = site.sync()
    assert [meter.get("n") for meter in bill] == ["Total"]
    request = bill.get("id")
    assert [site.send_reads("S1", request, part, 2) for part in (2, 2)] == ["accepted", "duplicate"]
    assert commands(site.sync()) == [("Bill", "S1")]
    assert site.send_reads("S1", request, 1, 2) == "accepted"
    assert commands(site.sync()) == []
    assert site.send_reads("S1", request, 1, 2) == "duplicate"
    assert site.send_reads("S1", "never-asked") == "unknown"
    assert site.send_reads("S2", request, 1, 2) == "unknown"
    assert [(reads["id"], reads["part"]) for reads in stub.readings()] == [(request, 2), (request, 1)]
    (found,) = stub.state()["billing_requests"]
    assert found["state"] == "answered"


def test_a_device_is_turned_off_until_it_says_so(site: Site, stub: StubServer):
    site.turn_on("S1")
    stub.turn_off("S1", "contract ended")
    assert commands(site.sync()) == commands(site.sync()) == [("Off", "S1")]
    assert site.report("off", "S1") == ["accepted"]
    assert site.report("off", "S1") == ["duplicate"]
    stub.advance(days=365)
    assert commands(site.sync()) == []


@pytest.mark.parametrize("ending", ["withdrawn", "replaced", "off"])
def test_a_life_ends_and_the_next_begins_with_a_registration(site: Site, stub: StubServer, ending: str):
    site.turn_on("S1")
    stub.bill("S1")
    (bill,) = site.sync()
    assert site.report(ending, "S1") == ["accepted"]
    assert commands(site.sync()) == []
    assert site.send_reads("S1", bill.get("id")) == "unknown"  # asked of a life that is over
    assert site.report("on", "S1") == ["unknown"]
    other = Site(stub, client=OTHER_CLIENT)
    other.turn_on("S1")  # nobody holds it any more
    (device,) = stub.state()["devices"]
    assert (device["client"], device["life"], device["stage"]) == (OTHER_CLIENT, 2, "on")


def test_settings_come_with_every_sync(site: Site, stub: StubServer):
    site.register()
    assert site.sync().find("{*}Settings") is None
    stub.set_client_settings("03:15", jitter=20, read_every=60)
    settings = site.sync().find("{*}Settings")
    assert dict(settings.attrib) == {"syncAt": "03:15", "jitter": "20", "readEvery": "60"}


def test_moving_the_calendar_breaks_no_client_whose_clock_is_right(site: Site, stub: StubServer):
    site.register("S1")
    stub.advance(days=3650)
    assert site.sync().get("time", "").startswith("2036-01-29")
    stub.set_security_offset(3600)
    got = site.call(f'<m:SyncProxy client="{CLIENT}" version="1"/>')
    assert (got.status, got.faultcode.rpartition("}")[2]) == (500, "MessageExpired")
    assert b"<detail" not in got.body


@pytest.mark.parametrize("policy", ["digest-2002", "digest-2004"])
def test_a_reply_shows_that_the_server_knows_the_password(stub: StubServer, policy: str):
    site = Site(stub, policy)
    reply = etree.fromstring(site.register_proxy().body)
    now = datetime.now(UTC)
    verdict = open_envelope(reply, Acceptance((policy,)), Trust({"site": stub.password}.get), MemoryReplayCache(), now)
    assert (verdict.reason, verdict.username, verdict.dialect) == (None, "site", POLICIES[policy].dialect)
    wrong = open_envelope(reply, Acceptance((policy,)), Trust({"site": "another"}.get), MemoryReplayCache(), now)
    assert wrong.reason == "digest-wrong"


def test_a_peer_is_answered_in_its_own_mixture_of_drafts(site: Site):
    """The sender of 2003/06 tokens with 2004/01 times is answered so, whether it is let in or not."""
    wsse, wsu = NAMESPACES["2003/06"][0], NAMESPACES["2004/01"][1]

    def mixed(site: Site) -> Got:
        message = site.sealed(f'<m:RegisterProxy client="{CLIENT}" name="n" os="o" version="1"/>')
        for ours, theirs in zip(NAMESPACES["2002/07"], (wsse, wsu), strict=True):
            message = message.replace(ours.encode(), theirs.encode())
        return site.post(message)

    old = Site(site.stub, "digest-2002")
    header = etree.fromstring(mixed(old).body)[0]
    assert {block.tag for block in header} == {f"{{{wsu}}}Timestamp", f"{{{wsse}}}Security"}
    old.credentials = Credentials("site", "wrong")
    assert mixed(old).faultcode == f"{{{wsse}}}FailedAuthentication"


def test_a_wrong_password_is_told_from_nothing_else(site: Site, stub: StubServer):
    site.credentials = Credentials("site", "wrong")
    wrong = site.register_proxy()
    site.credentials = Credentials("stranger", "wrong")
    unknown = site.register_proxy()
    assert wrong.body == unknown.body
    assert wrong.faultcode.endswith("}FailedAuthentication")
    outcomes = [entry.outcome for entry in stub.journal()]
    assert outcomes == ["fault FailedAuthentication: digest-wrong", "fault FailedAuthentication: user-unknown"]


def test_the_servers_own_header_is_no_requests(site: Site) -> None:
    """Who holds a reply, but not the password, cannot send its header back with another body."""
    reply = site.register_proxy().body
    request = site.sealed(f'<m:SyncProxy client="{CLIENT}" version="1"/>')
    header = reply[reply.index(b"<s:Header>") : reply.index(b"<s:Body>")]
    forged = request[: request.index(b"<s:Header>")] + header + request[request.index(b"<s:Body>") :]
    assert site.post(forged).faultcode.endswith("}FailedAuthentication")


def test_a_replay_is_refused_even_after_a_restart(tmp_path: Path):
    options = StubOptions(db=tmp_path / "stub.db", password="secret", registration_delay=timedelta())
    with StubServer(options) as stub:
        site = Site(stub)
        message = site.sealed(f'<m:RegisterProxy client="{CLIENT}" name="n" os="o" version="1"/>')
        assert site.post(message).status == 200
        site.turn_on("S1")
        stub.bill("S1")
        assert site.post(message).faultcode.endswith("}FailedAuthentication")
    with StubServer(options) as stub:
        site = Site(stub)
        assert site.post(message).faultcode.endswith("}FailedAuthentication")
        assert stub.journal()[-1].outcome == "fault FailedAuthentication: replayed"
        assert commands(site.sync()) == [("Bill", "S1")]  # nothing else was forgotten either
        stub.reset()
        assert site.post(message).faultcode.endswith("}FailedAuthentication")
        assert stub.state()["proxies"] == []
