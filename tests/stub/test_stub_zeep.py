"""A stock SOAP toolkit, knowing nothing but the served WSDL, can call every operation; the engine keeps to our schema."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
import zeep
from lxml import etree
from stub_site import CLIENT
from zeep.transports import Transport
from zeep.wsse import utils
from zeep.wsse.username import UsernameToken

from meterpost_stub import StubOptions, StubServer
from meterpost_stub.budget import Enforcement
from meterpost_wsdl import names

WSU = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd}"


class Stamped(UsernameToken):
    """zeep's own token; the timestamp is made anew for each message. Replies are not judged here."""

    def apply(self, envelope: Any, headers: Any) -> Any:
        now = datetime.now(UTC)
        self.timestamp_token = utils.WSU.Timestamp()
        self.timestamp_token.append(utils.WSU.Created(utils.get_timestamp(now)))
        self.timestamp_token.append(utils.WSU.Expires(utils.get_timestamp(now + timedelta(seconds=60))))
        self.created = now
        return super().apply(envelope, headers)

    def verify(self, envelope: Any) -> Any:
        return envelope


@pytest.fixture(scope="module")
def generous() -> Iterator[StubServer]:
    """A stock toolkit's messages are larger than the formulas."""
    with StubServer(StubOptions(budget=Enforcement.OFF, registration_delay=timedelta())) as stub:
        yield stub


@pytest.fixture
def stock(generous: StubServer) -> Any:
    session = requests.Session()
    session.verify = str(generous.ca_file)
    session.trust_env = False
    token = Stamped(generous.username, generous.password, use_digest=True)
    client = zeep.Client(generous.wsdl_url, transport=Transport(session=session, timeout=20), wsse=token)
    return client.service


def test_a_stock_client_calls_every_operation(stock: Any, generous: StubServer):
    assert stock.RegisterProxy(client=CLIENT, name="R&D <1>", os="Linux", version="1").client == CLIENT
    devices = [{"serial": "S1", "maker": "Xerox", "model": "C60"}, {"serial": "S2", "maker": "HP", "model": "M1", "asset": "7"}]
    registered = stock.RegisterProxyDevices(client=CLIENT, Device=devices)
    assert [device.result for device in registered.Device] == ["accepted", "accepted"]
    generous.sign_up("S1", cycle="quarterly", meters=("Total", "Black"))
    generous.turn_off("S2", "sold")
    generous.set_client_settings("02:30", 10)
    reply = stock.SyncProxy(client=CLIENT, version="1")
    assert ([on.serial for on in reply.On], [(off.serial, off.reason) for off in reply.Off]) == (["S1"], [("S2", "sold")])
    assert (reply.Settings.syncAt, reply.Settings.jitter, reply.Settings.readEvery) == ("02:30", 10, None)
    at = datetime.now(UTC).replace(microsecond=0).strftime("%Y-%m-%dT%H:%M:%SZ")
    status = stock.SyncProxyStatus(
        client=CLIENT, Device=[{"serial": "S1", "state": "on", "at": at}, {"serial": "S2", "state": "off", "at": at}]
    )
    assert [device.result for device in status] == ["accepted", "accepted"]
    generous.advance(days=100)
    (bill,) = stock.SyncProxy(client=CLIENT, version="1").Bill
    assert (bill.cycle, [meter.n for meter in bill.M]) == ("quarterly", ["Total", "Black"])
    reads = {
        "serial": "S1",
        "id": bill.id,
        "at": at,
        "part": 1,
        "of": 1,
        "M": [{"n": "Total", "v": 9999999999}],
        "S": [{"n": "Toner", "l": -3, "c": 100, "u": 19}],
    }
    assert [device.result for device in stock.BillingTransaction(client=CLIENT, Device=[reads])] == ["accepted"]
    assert generous.readings()[0]["meters"] == [{"name": "Total", "value": 9999999999}]
    for entry in generous.journal():  # what went in and came out of the engine is valid by the contract
        for message in (entry.request, entry.response):
            names.schema().assertValid(etree.fromstring(message).find(f"{{{names.SOAP}}}Body")[0])


@pytest.mark.parametrize("path", ["/mp?wsdl", "/mp?WSDL", "/?wsdl", "/meterpost.wsdl"])
def test_the_wsdl_names_this_server(generous: StubServer, path: str):
    base = generous.soap_url.removesuffix("/mp")
    got = requests.get(base + path, verify=str(generous.ca_file), timeout=20)
    assert got.headers["Content-Type"] == "text/xml; charset=utf-8"
    assert got.content == names.wsdl_for(generous.soap_url)


@pytest.mark.parametrize("path", ["/mp?xsd", "/meterpost.xsd"])
def test_the_schema_is_beside_the_wsdl(generous: StubServer, path: str):
    base = generous.soap_url.removesuffix("/mp")
    assert requests.get(base + path, verify=str(generous.ca_file), timeout=20).content == names.contract("meterpost.xsd")
