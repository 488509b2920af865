"""The product's spine with every part real: a printer's MIB at one end, an acknowledged bill at the other."""

import pytest
from site_lab import Site

from meterpost.lifecycle.state import DeviceState, RequestState


def states(site: Site) -> set[DeviceState]:
    return {device.state for device in site.state().devices.values()}


def test_from_mib_to_acknowledged_bill(site: Site) -> None:
    site.done("discover", "--yes")
    assert states(site) == {DeviceState.SEEN}
    assert site.stub.state()["devices"] == []  # looking tells the vendor nothing
    assert [m["transaction"] for m in site.done("enrol", "--all")["messages"]] == ["T1", "T2"]
    assert states(site) == {DeviceState.REGISTERED}
    assert [m["transaction"] for m in site.done("sync")["messages"]] == ["T3"]  # nobody signed them up yet
    site.stub.advance(hours=1)
    site.stub.sign_up()
    assert [m["transaction"] for m in site.done("sync")["messages"]] == ["T3", "T5"]
    assert states(site) == {DeviceState.CONFIRMED}
    site.month()
    said = [m["transaction"] for m in site.done("sync")["messages"]]
    assert said[:2] == ["T3", "T7"]
    assert set(said[2:]) <= {"T7"}  # a device with many meters goes on in a further message
    assert states(site) == {DeviceState.REPORTED}
    assert len(site.answered()) == 3
    assert site.open() == []


def test_the_number_on_the_bill_is_the_number_in_the_mib(site: Site) -> None:
    site.enrol()
    site.month(pages=77)
    site.done("sync")
    received: dict[str, dict[str, int]] = {}
    for part in site.stub.readings():
        received.setdefault(part["serial"], {}).update({m["name"]: m["value"] for m in part["meters"]})
    summed = set()
    for device in site.done("read", *(f"{p.address}:{p.port}" for p in site.fleet.printers)):
        printer = next(p for p in site.fleet.printers if p.address == device["address"])
        assert device["meters"]
        for meter in device["meters"]:
            assert received[device["serial"]][meter["name"]] == meter["value"]
            where, _, tag = meter["oid"].partition("#")
            try:
                value = printer.get(where)
                if tag:  # packed with others: tag, kind, length, value
                    assert bytes.fromhex(tag) + b"\x01\x04" + meter["value"].to_bytes(4, "big") in value
                else:
                    assert value == meter["value"]
            except KeyError:  # the sum of several rows; it names their column
                summed.add(meter["name"])
    assert all(name.endswith(".large") for name in summed)


def test_a_device_with_many_meters_is_answered_in_several_messages_and_nothing_is_dropped(site: Site) -> None:
    site.enrol()
    site.month()
    site.done("sync")
    parts = [part for part in site.stub.readings() if part["of"] > 1]
    assert parts, "the fleet has a printer whose meters do not fit one Device element"
    (serial,) = {part["serial"] for part in parts}
    assert sorted(part["part"] for part in parts) == list(range(1, parts[0]["of"] + 1))
    device = next(d for d in site.done("discover", "--yes") if d["serial"] == serial)
    assert {m["name"] for part in parts for m in part["meters"]} == {m["name"] for m in device["meters"]}


def test_a_printer_that_is_off_is_billed_once_when_it_is_back(site: Site) -> None:
    site.enrol()
    absent = site.fleet.printers[1]
    site.fleet.switch_off(absent.address)
    site.month()
    for _ in range(2):
        run = site.run("sync")
        assert run.code == 1  # done, but not everything
        assert run.json["open_requests"] == 1
        assert [r["address"] for r in run.json["reads"] if r["failure"]] == [absent.address]
    assert len(site.answered()) == 2
    site.fleet.switch_on(absent.address)
    site.done("sync")
    assert len(site.answered()) == 3
    assert [m["transaction"] for m in site.done("sync")["messages"]] == ["T3"]
    assert len(site.answered()) == 3


def test_a_read_in_between_answers_at_the_next_sync(site: Site) -> None:
    """The two-hourly read meets the printer; the daily sync tells."""
    site.enrol()
    absent = site.fleet.printers[1]
    site.fleet.switch_off(absent.address)
    site.month()
    site.run("sync")
    site.fleet.switch_on(absent.address)
    with site.agent() as agent:
        agent.read_enrolled()
    assert len(site.answered()) == 2
    assert len(site.state().outbox) == 1
    site.fleet.switch_off(absent.address)  # off again at sync time: the read taken before is what is reported
    site.run("sync")
    assert len(site.answered()) == 3


def test_enrolling_again_sends_nothing(site: Site) -> None:
    site.enrol()
    before = len(site.stub.journal())
    site.done("discover", "--yes")
    site.done("enrol", "--all")
    assert len(site.stub.journal()) == before


def test_turned_off_by_the_vendor(site: Site) -> None:
    site.enrol()
    serial = site.state().devices and min(site.state().devices)
    site.stub.turn_off(serial, "contract ended")
    report = site.done("sync")
    assert [n["kind"] for n in report["notices"]] == ["enrolment-cancelled"]
    assert site.state().devices[serial].state is DeviceState.OFF
    site.month()
    site.done("sync")
    assert len(site.answered()) == 2


def test_withdrawn_by_the_administrator_and_enrolled_for_another_life(site: Site) -> None:
    site.enrol()
    serial = min(site.state().devices)
    site.done("withdraw", serial)
    assert site.state().devices[serial].state is DeviceState.WITHDRAWN
    site.done("enrol", serial)
    assert site.state().devices[serial].life == 2
    site.stub.advance(hours=1)
    site.stub.sign_up()
    site.done("sync")
    assert states(site) == {DeviceState.CONFIRMED}


def test_paused_nothing_leaves_and_nothing_is_lost(site: Site) -> None:
    site.enrol()
    site.month()
    site.done("pause")
    before = len(site.stub.journal())
    site.run("sync")
    assert len(site.stub.journal()) == before
    site.done("resume")
    site.done("sync")
    assert len(site.answered()) == 3


def test_settings_from_the_centre_count_from_the_next_run(site: Site) -> None:
    site.enrol()
    site.stub.set_client_settings(sync_at="03:45", jitter=5, read_every=60)
    site.done("sync")
    with site.agent() as agent:
        schedule = agent.schedule()
    assert (schedule.daily_time, schedule.jitter_minutes, schedule.read_every_minutes) == ("03:45", 5, 60)


def test_every_message_is_in_the_journal_at_three_levels_and_inside_its_formula(site: Site) -> None:
    site.enrol()
    site.month()
    site.done("sync")
    exchanges = site.done("journal", "--limit", "100")
    at_server = site.stub.journal()
    assert len(exchanges) == len(at_server)
    for exchange, entry in zip(exchanges, at_server, strict=True):
        for message in (exchange["request"], exchange["response"]):
            assert message["envelope"] < message["http"] < message["wire"]
            assert message["headroom"] is None or message["headroom"] >= 0
        assert exchange["request"]["http"] == entry.request_octets  # both ends counted the same octets
        assert exchange["response"]["http"] == entry.response_octets
    budgeted = [e["request"]["transaction"] for e in exchanges] + [e["response"]["transaction"] for e in exchanges]
    assert {"T1", "T2", "T3", "T4", "T5", "T6", "T7"} <= set(budgeted)


@pytest.mark.parametrize("policy", ["digest-2002", "digest-2004"])
def test_both_dialects_live_the_whole_life(site: Site, policy: str) -> None:
    site.configure(security={"policy": policy})
    site.enrol()
    site.month()
    site.done("sync")
    assert len(site.answered()) == 3
    assert {r.state for r in site.state().requests.values()} <= {RequestState.ACKNOWLEDGED}


def test_the_agent_dies_after_the_answer_left_and_bills_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reply to the bill is lost with the process; the next start sends the same message, the server knows it."""
    from meterpost.transport import HttpsTransport, Outbound

    site.enrol()
    site.month()
    post = HttpsTransport.post

    class PowerCut(BaseException):
        pass

    def cut(self: HttpsTransport, message: Outbound) -> object:
        reply = post(self, message)
        if message.action.endswith("BillingTransaction"):
            raise PowerCut
        return reply

    with monkeypatch.context() as patched:
        patched.setattr(HttpsTransport, "post", cut)
        with pytest.raises(PowerCut):
            site.run("sync")
    assert site.state().outbox
    site.done("sync")
    assert len(site.answered()) == 3
    parts = [(p["serial"], p["id"], p["part"]) for p in site.stub.readings()]
    assert len(parts) == len(set(parts))
