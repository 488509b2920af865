"""A site's life at the command line: found, enrolled, turned on, billed, withdrawn; and what people are told on the way."""

import base64
import re
from argparse import Namespace
from datetime import UTC, datetime

import pytest

from meterpost.cli import opening
from meterpost.cli.values import default_config
from meterpost.model import Exchange, Sizes

XEROX, HP = "QZB405920", "QZHP7A4102"


@pytest.fixture
def found(meterpost, config) -> None:
    assert meterpost("discover", "--json").code == 0


@pytest.fixture
def enrolled(meterpost, found) -> None:
    assert meterpost("enrol", "--all", "--json").code == 0


@pytest.fixture
def turned_on(meterpost, enrolled, server) -> None:
    server.sign_up()
    assert meterpost("sync", "--json").code == 0


def device(status, serial: str) -> dict:
    return next(device for device in status.json["devices"] if device["serial"] == serial)


def sent(result) -> list[tuple[str, int]]:
    return [(message["transaction"], message["devices"]) for message in result.json["messages"]]


def test_a_dry_run_sends_nothing_and_shows_every_octet(meterpost, found, server) -> None:
    result = meterpost("enrol", "--all", "--dry-run", "--json")
    messages = result.json["messages"]
    assert [(m["transaction"], m["devices"]) for m in messages] == [("T1", 0), ("T2", 2)]
    for message in messages:
        assert message["octets"] == len((message["head"] + message["body"]).encode())
        assert message["headroom"] == message["limit"] - message["octets"] > 0
    assert server.journal() == ()
    assert device(meterpost("status", "--json"), XEROX)["enrolment"] == "Not Enrolled"


def test_a_dry_run_for_people(meterpost, found) -> None:
    out = meterpost("enrol", XEROX, "--dry-run").out
    assert "393x + 1503" in out
    assert f'serial="{XEROX}"' in out


def test_enrol_registers_client_and_printers(meterpost, found) -> None:
    result = meterpost("enrol", XEROX, "--json")
    assert (result.code, sent(result)) == (0, [("T1", 0), ("T2", 1)])
    status = meterpost("status", "--json")
    assert (device(status, XEROX)["enrolment"], device(status, XEROX)["state"]) == ("Enrolled", "registered")
    assert device(status, HP)["enrolment"] == "Not Enrolled"


def test_enrol_all_takes_those_that_are_not_enrolled(meterpost, found) -> None:
    meterpost("enrol", XEROX)
    assert sent(meterpost("enrol", "--all", "--json")) == [("T2", 1)]
    assert sent(meterpost("enrol", "--all", "--json")) == []


def test_enrol_what_was_never_seen(meterpost, found) -> None:
    result = meterpost("enrol", "NOBODY")
    assert result.code == 2
    assert "NOBODY" in result.err


def test_a_printer_the_vendor_will_not_have(meterpost, found, server) -> None:
    server.set_eligibility(XEROX, "ineligible", reason="not under contract")
    result = meterpost("enrol", "--all")
    assert result.code == 1
    assert "not under contract" in result.out
    assert "not under contract" in meterpost("status").out


def test_sync_before_registration_says_so(meterpost, found) -> None:
    result = meterpost("sync")
    assert result.code == 1
    assert "meterpost enrol" in result.out


def test_sync_turns_on_and_confirms(meterpost, enrolled, server) -> None:
    server.sign_up()
    result = meterpost("sync", "--json")
    assert (result.code, sent(result)) == (0, [("T3", 0), ("T5", 2)])
    assert {notice["kind"] for notice in result.json["notices"]} == {"turned-on"}


def test_billing_with_a_printer_switched_off(meterpost, turned_on, server, fleet) -> None:
    server.bill(XEROX)
    server.bill(HP)
    fleet.switch_off(fleet.printers[0].address)
    result = meterpost("sync", "--json")
    assert (result.code, sent(result)) == (1, [("T3", 0), ("T7", 1)])
    assert [bool(read["failure"]) for read in sorted(result.json["reads"], key=lambda read: read["serial"])] == [True, False]
    (request,) = meterpost("status", "--json").json["open_requests"]
    assert request["serial"] == XEROX
    assert "Open billing requests" in meterpost("status").out

    fleet.switch_on(fleet.printers[0].address)
    result = meterpost("sync")
    assert result.code == 0
    assert "T7 billing transaction response" in result.out
    assert len(server.readings()) == 2


def test_status_for_people(meterpost, turned_on) -> None:
    out = meterpost("status").out
    for words in ("Enrolled", "confirmed", "Xerox VersaLink B405", "Daily Transmission Time", "Next sync"):
        assert words in out


@pytest.mark.parametrize("width", [80, 120])
def test_no_table_is_wider_than_the_screen(meterpost, turned_on, monkeypatch, width) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    for command in ("status", "journal", "sync"):
        for line in meterpost(command).out.splitlines():
            assert len(line) <= width, command


def test_status_knows_when_the_next_sync_is(meterpost, turned_on) -> None:
    status = meterpost("status", "--json").json
    assert status["registration"] == "registered"
    assert status["last_sync"] <= datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") < status["next_sync"]


def test_a_paused_site_sends_nothing(meterpost, turned_on, server) -> None:
    assert meterpost("pause", "--json").json == {"paused": True}
    before = len(server.journal())
    result = meterpost("sync")
    assert result.code == 1
    assert "meterpost resume" in result.out
    assert len(server.journal()) == before
    assert "off" in meterpost("status").out
    assert meterpost("status", "--json").json["next_sync"] is None
    assert meterpost("resume", "--json").json == {"paused": False}
    assert meterpost("sync").code == 0


def test_withdraw_tells_the_server(meterpost, turned_on) -> None:
    result = meterpost("withdraw", XEROX, "--json")
    assert (result.code, sent(result)) == (0, [("T5", 1)])
    assert device(meterpost("status", "--json"), XEROX)["state"] == "withdrawn"


def test_withdraw_what_was_never_seen_sends_nothing(meterpost, turned_on, server) -> None:
    meterpost("pause")
    meterpost("withdraw", XEROX)
    meterpost("resume")
    assert len(meterpost("status", "--json").json["waiting"]) == 1
    before = len(server.journal())
    result = meterpost("withdraw", "NOBODY")
    assert (result.code, result.out) == (2, "")
    assert "NOBODY" in result.err
    assert len(server.journal()) == before


def test_replace_registers_the_new_one(meterpost, found) -> None:
    meterpost("enrol", XEROX)
    result = meterpost("replace", XEROX, HP, "--json")
    assert (result.code, sent(result)) == (0, [("T5", 1), ("T2", 1)])
    status = meterpost("status", "--json")
    assert [device(status, serial)["state"] for serial in (XEROX, HP)] == ["replaced", "registered"]


def test_replace_by_what_was_never_seen_changes_nothing(meterpost, enrolled) -> None:
    assert meterpost("replace", XEROX, "NOBODY").code == 2
    assert meterpost("replace", XEROX, XEROX).code == 1
    assert device(meterpost("status", "--json"), XEROX)["state"] == "registered"


def test_the_journal_holds_every_exchange_against_its_formula(meterpost, turned_on) -> None:
    exchanges = meterpost("journal", "--json").json
    assert [exchange["request"]["transaction"] for exchange in exchanges] == ["T1", "T2", "T3", "T5"]
    for exchange in exchanges:
        request = exchange["request"]
        assert request["envelope"] < request["http"] < request["wire"]
        assert request["headroom"] == request["limit"] - request["http"] >= 0
    assert exchanges[2]["response"]["transaction"] == "T4"
    assert len(meterpost("journal", "--limit", "2", "--json").json) == 2


def test_the_journal_gives_the_exact_bytes(meterpost, enrolled, server) -> None:
    raw = meterpost("journal", "1", "--raw")
    exchange = meterpost("journal", "1", "--json").json
    request, response = (base64.b64decode(exchange[side]["base64"]) for side in ("request", "response"))
    assert raw.stdout == request + response
    assert (len(request), len(response)) == (exchange["request"]["http"], exchange["response"]["http"])
    assert request.startswith(b"POST /mp HTTP/1.1\r\n")
    entry = server.journal()[0]
    assert request == entry.request_head + entry.request


def test_the_journal_indents_on_demand(meterpost, enrolled) -> None:
    out = meterpost("journal", "1", "--pretty").out
    assert re.search(r"^  <s:Body>$", out, re.MULTILINE)
    assert re.search(r"^    <m:RegisterProxy client=", out, re.MULTILINE)
    assert "<s:Body><m:RegisterProxy " in meterpost("journal", "1").out


def test_no_such_exchange(meterpost, enrolled) -> None:
    result = meterpost("journal", "99")
    assert (result.code, result.out) == (2, "")


def test_a_failed_exchange_is_told_and_kept(meterpost, turned_on, server) -> None:
    server.close()
    result = meterpost("sync", "--json")
    assert result.code == 6
    assert result.error["side"] == "network"
    assert [waiting["transaction"] for waiting in meterpost("status", "--json").json["waiting"]] == ["T3"]
    assert "Messages waiting" in meterpost("status").out
    assert "refuses connections" in meterpost("journal", "--limit", "1").out
    last = meterpost("journal", "--limit", "1", "--json").json[0]
    assert last["response"] is None


def test_what_never_left_is_listed_as_not_sent(meterpost, turned_on, server) -> None:
    server.close()
    assert "no message was sent" in meterpost("sync").err
    last = meterpost("journal", "--limit", "1", "--json").json[0]
    request = last["request"]
    row = next(line for line in meterpost("journal", "--limit", "1").out.splitlines() if "T3" in line)
    assert re.search(r"→ T3 +– +– +– +not sent +1425 +–", row)
    assert "Nothing of this message left" in meterpost("journal", str(last["number"])).out
    assert request["http"] == request["limit"] - request["headroom"] > request["wire"] == 0
    assert last["outcome"].startswith("not sent: ")


def test_what_may_have_left_is_not_listed_as_not_sent(meterpost, turned_on) -> None:
    exchange = Exchange(
        at=datetime.now(UTC),
        url="https://meter.example/mp",
        transaction="T3",
        devices=0,
        request=b"POST /mp HTTP/1.1\r\n\r\n",
        request_sizes=Sizes(0, 21, 0),
        outcome="failed: the communication server meter.example did not answer within 120 s",
    )
    with opening.agent(Namespace(config=default_config())) as agent:
        agent.ledger.add_exchange(exchange)
    for command in ("journal", "--limit", "1"), ("journal", "5"):
        out = meterpost(*command).out
        assert "not sent" not in out
        assert "Nothing of this message left" not in out


def test_a_wrong_password(meterpost, found, config) -> None:
    (config.parent / "password").write_text("not-the-password")
    result = meterpost("enrol", "--all", "--json")
    assert (result.code, result.error["side"]) == (9, "configuration")


def test_no_command_prints_the_password(meterpost, turned_on, server) -> None:
    for command in (["status"], ["sync"], ["journal"], ["journal", "1"], ["enrol", "--all", "--dry-run"], ["status", "--json"]):
        result = meterpost(*command, "--verbose")
        assert server.password not in result.out + result.err
