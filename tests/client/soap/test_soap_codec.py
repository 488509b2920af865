"""Messages to bytes and back: the table of shapes against the schema, the round trip, and what is refused."""

from datetime import UTC, datetime
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from lxml import etree
from messages_strategies import REQUEST_OF, replies, requests

from meterpost.errors import OverBudget, PeerError
from meterpost.lifecycle import messages as m
from meterpost.soap import Codec
from meterpost.soap.shapes import SHAPES, Shape
from meterpost_wsdl import names, xmlio

CLIENT = "0f8fad5b-d9cb-469f-a165-70867728950e"
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
XS = "{http://www.w3.org/2001/XMLSchema}"
codec = Codec()


@given(replies)
def test_a_reply_reads_back_as_it_was_written(reply: m.Reply) -> None:
    root = xmlio.parse(codec.encode(reply))
    assert codec.decode(root, REQUEST_OF[type(reply)]) == reply


@given(requests)
def test_every_request_is_of_the_contract_and_compact(request_: m.Request) -> None:
    data = codec.encode(request_)
    root = xmlio.parse(data)
    assert names.violation(root[0][0]) == ""
    assert data == codec.encode(request_)
    # Compact: what the writer wrote is what a rewrite of the parsed tree gives, so no octet is spare.
    body = xmlio.write(root[0][0], {names.SERVICE: "m"})
    assert data.decode().endswith(f"<s:Body>{body}</s:Body></s:Envelope>")


def _in_schema(element: etree._Element, shape: Shape) -> None:
    """Compares a shape with the schema's element, all the way down."""
    (content,) = element.iter(f"{XS}complexType") if len(list(element.iter(f"{XS}complexType"))) == 1 else [element[0]]
    declared = {a.get("name"): a.get("use") == "required" for a in content.findall(f"{XS}attribute")}
    assert {a.name: not a.optional for a in shape.attributes} == declared
    children = content.findall(f"{XS}sequence/{XS}element")
    assert [child.get("name") for child in children] == [part.shape.element for part in shape.children]
    for child, part in zip(children, shape.children, strict=True):
        _in_schema(child, part.shape)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=lambda shape: shape.element)
def test_the_table_of_shapes_says_what_the_schema_says(shape: Shape) -> None:
    schema = etree.fromstring(names.contract("meterpost.xsd"))
    (element,) = [e for e in schema.findall(f"{XS}element") if e.get("name") == shape.element]
    _in_schema(element, shape)


def test_each_operation_of_the_wsdl_has_its_two_shapes() -> None:
    elements = {shape.element for shape in SHAPES.values()}
    assert elements == {f"{name}{suffix}" for name in names.OPERATIONS for suffix in ("", "Response")}


def test_a_description_is_clipped_in_octets_and_an_identifier_is_refused() -> None:
    data = codec.encode(m.RegisterProxy(CLIENT, "&" * 64, "字" * 64, "1"))
    name = xmlio.parse(data)[0][0].get("name", "")
    assert len(escape(name)) <= 64 < len(escape("&" * 64))
    with pytest.raises(OverBudget, match="octets on the wire"):
        codec.encode(m.RegisterProxyDevices(CLIENT, (m.DeviceToRegister("&" * 7, "", ""),)))


def test_what_the_schema_forbids_does_not_leave() -> None:
    with pytest.raises(ValueError, match="not of the contract"):
        codec.encode(m.SyncProxy("not a uuid", "1"))
    with pytest.raises(OverBudget, match="ten digits"):
        codec.encode(m.BillingTransaction(CLIENT, (m.DeviceReads("A", "1", NOW, 1, 1, (m.MeterValue("total", 10**10),), ()),)))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (f'<m:RegisterProxyResponse client="{CLIENT}" effective="2026-11-20T12:00:00Z"/>', "answered SyncProxy with Regi"),
        ('<m:SyncProxyResponse time="yesterday"/>', "not of the contract"),
        ('<m:SyncProxyResponse time="2026-11-20T12:00:00Z"><On serial="A"/></m:SyncProxyResponse>', "not of the contract"),
        ('<m:SyncProxyResponse time="2026-11-20T12:00:00Z"><m:On serial=" A"/></m:SyncProxyResponse>', "not of the contract"),
        ('<m:SyncProxyResponse time="2026-11-20T12:00:00Z"/><m:SyncProxyResponse time="2026-11-20T12:00:00Z"/>', "one element"),
        ("", "one element"),
    ],
    ids=["another operation's reply", "no time", "unqualified child", "blank in a serial", "two replies", "nothing"],
)
def test_a_reply_that_is_not_of_the_contract_is_not_believed(body: str, says: str) -> None:
    root = xmlio.parse(
        f'<s:Envelope xmlns:s="{names.SOAP}" xmlns:m="urn:meterpost:1"><s:Body>{body}</s:Body></s:Envelope>'.encode()
    )
    with pytest.raises(PeerError, match=says):
        codec.decode(root, m.SyncProxy(CLIENT, "1"))
