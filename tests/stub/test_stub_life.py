"""The life cycle as a client meets it: register, sign up, turn on, bill, turn off. Over real TLS, through spyne."""

import pytest
from lxml import etree
from stub_site import Site

from meterpost_stub import StubServer

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
