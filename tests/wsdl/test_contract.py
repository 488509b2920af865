"""The contract itself: WS-I Basic Profile 1.1 on the WSDL, limits in the schema, the promise of the billing message."""

import base64
from itertools import product

import pytest
from lxml import etree

from meterpost_wsdl import names
from meterpost_wsdl.budgets import budget, budgets, find, source

WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
SOAP = "{http://schemas.xmlsoap.org/wsdl/soap/}"
XS = "{http://www.w3.org/2001/XMLSchema}"


@pytest.fixture(scope="module")
def wsdl() -> etree._Element:
    return etree.fromstring(names.contract("meterpost.wsdl"))


@pytest.fixture(scope="module")
def xsd() -> etree._Element:
    return etree.fromstring(names.contract("meterpost.xsd"))


def test_document_literal_over_http(wsdl: etree._Element) -> None:
    (binding,) = wsdl.iter(f"{SOAP}binding")
    assert binding.get("style") == "document"  # R2705
    assert binding.get("transport") == "http://schemas.xmlsoap.org/soap/http"  # R2702
    bodies = [*wsdl.iter(f"{SOAP}body"), *wsdl.iter(f"{SOAP}fault")]
    assert {body.get("use") for body in bodies} == {"literal"}  # R2706
    assert all(body.get("namespace") is None and body.get("encodingStyle") is None for body in bodies)  # R2716
    assert all(fault.get("name") == fault.getparent().get("name") for fault in wsdl.iter(f"{SOAP}fault"))  # R2721, R2754


def test_one_element_part_per_message(wsdl: etree._Element, xsd: etree._Element) -> None:
    declared = {f"m:{element.get('name')}" for element in xsd.findall(f"{XS}element")}
    for message in wsdl.iter(f"{WSDL}message"):
        (part,) = message.findall(f"{WSDL}part")  # R2201, R2210
        assert part.get("type") is None  # R2204
        assert part.get("element") in declared  # R2206


def test_operations_are_told_apart(wsdl: etree._Element) -> None:
    (port_type,) = wsdl.iter(f"{WSDL}portType")
    (binding,) = wsdl.findall(f"{WSDL}binding")
    in_port = [operation.get("name") for operation in port_type.findall(f"{WSDL}operation")]
    in_binding = [operation.get("name") for operation in binding.findall(f"{WSDL}operation")]
    assert in_port == in_binding == list(names.OPERATIONS)  # R2718, R2304
    actions = [operation.get("soapAction") for operation in wsdl.iter(f"{SOAP}operation")]
    assert actions == [names.action(name) for name in names.OPERATIONS]
    inputs = [operation.find(f"{WSDL}input").get("message") for operation in port_type.findall(f"{WSDL}operation")]
    assert len(set(inputs)) == len(inputs)  # R2710: each has a wire signature of its own


def test_the_wsdl_names_its_schema_and_nothing_else(wsdl: etree._Element) -> None:
    (schema,) = wsdl.iter(f"{XS}schema")
    (imported,) = schema  # R2003, R2004
    assert (imported.get("namespace"), imported.get("schemaLocation")) == (names.SERVICE, "meterpost.xsd")
    assert not list(wsdl.iter(f"{WSDL}import"))
    assert wsdl.get("targetNamespace") == names.SERVICE


def test_the_address_is_the_servers_own() -> None:
    served = etree.fromstring(names.wsdl_for("https://192.0.2.1:9/mp"))
    assert [address.get("location") for address in served.iter(f"{SOAP}address")] == ["https://192.0.2.1:9/mp"]


def _limited(name: str, xsd: etree._Element) -> bool:
    """Whether a simple type bounds how much text it takes."""
    (simple,) = [e for e in xsd.findall(f"{XS}simpleType") if f"m:{e.get('name')}" == name]
    facets = {facet.tag.removeprefix(XS) for facet in simple.find(f"{XS}restriction")}
    return bool(facets & {"maxLength", "maxInclusive", "enumeration", "pattern"})


def test_every_field_is_limited(xsd: etree._Element) -> None:
    for attribute in xsd.iter(f"{XS}attribute"):
        kind = attribute.get("type")
        assert kind is None or (kind.startswith("m:") and _limited(kind, xsd)), attribute.get("name")
    for element in xsd.iter(f"{XS}element"):
        assert element.get("type") is None  # nothing carries free text as content
        assert element.get("maxOccurs", "1").isdigit()
    assert not list(xsd.iter(f"{XS}any", f"{XS}anyAttribute"))


def test_billing_carries_nothing_but_what_is_promised(xsd: etree._Element) -> None:
    (billing,) = [e for e in xsd.findall(f"{XS}element") if e.get("name") == "BillingTransaction"]
    carried = {(a.getparent().getparent().get("name"), a.get("name")): a.get("type") for a in billing.iter(f"{XS}attribute")}
    assert carried == {
        ("BillingTransaction", "client"): "m:ClientId",
        ("Device", "serial"): "m:Serial",
        ("Device", "id"): "m:TransactionId",
        ("Device", "at"): "m:Instant",
        ("Device", "part"): "m:Part",
        ("Device", "of"): "m:Part",
        ("M", "n"): "m:Name",
        ("M", "v"): "m:Count",
        ("S", "n"): "m:Name",
        ("S", "l"): "m:Amount",
        ("S", "c"): "m:Amount",
        ("S", "u"): "m:SupplyUnit",
    }
    assert not list(billing.iter(f"{XS}simpleContent"))
    assert "mixed" not in etree.tostring(billing).decode()


DOCUMENTED = {
    "T1": (0, 1526),
    "T2": (393, 1503),
    "T3": (0, 1425),
    "T4": (1510, 1425),
    "T5": (260, 1247),
    "T6": (1510, 1425),
    "T7": (1314, 1993),
}


def test_the_formulas_are_the_published_ones() -> None:
    assert {key: (row.per_device, row.fixed) for key, row in budgets().items()} == DOCUMENTED
    for (key, (slope, fixed)), x in product(DOCUMENTED.items(), (1, 2, 10_000)):
        assert budget(key, x) == budget(find(key).transaction, x) == slope * x + fixed
    assert "SMart eSolutions" in source()


def test_a_formula_is_not_asked_for_what_is_never_sent() -> None:
    for key in ("T2", "T5", "T7"):
        with pytest.raises(ValueError, match="at least 1 device"):
            budget(key, 0)
    assert budget("T4", 0) == 1425
    with pytest.raises(KeyError, match="T1, T2"):
        budget("T8", 1)


def test_the_octets_of_a_text_are_the_schemas_characters(xsd: etree._Element) -> None:
    """What has a pattern for a type is ASCII, so that its octets are its characters; of a DER the schema counts the octets."""
    limits = {simple.get("name"): simple.find(f"{XS}restriction/{XS}maxLength") for simple in xsd.findall(f"{XS}simpleType")}
    limited = {f"m:{name}": int(facet.get("value")) for name, facet in limits.items() if facet is not None}
    limited |= {"m:ClientId": 36, "m:TransactionId": 36, "m:PublicKey": 44, "m:Proof": 88}
    limited["m:Der"] = limited["m:Der"] // 3 * 4
    declared = {a.get("name"): limited[a.get("type")] for a in xsd.iter(f"{XS}attribute") if a.get("type") in limited}
    assert declared == names.OCTETS


ADA = "0a1b2c3d-0000-4000-8000-00000000000c"
POINT = base64.b64encode(b"\2" + bytes(32)).decode()
PROOF = base64.b64encode(bytes(64)).decode()


@pytest.mark.parametrize(
    ("attributes", "valid"),
    [
        ("", True),
        (f'key="{POINT}" proof="{PROOF}"', True),
        (f'key="{base64.b64encode(bytes([3]) + bytes([255] * 32)).decode()}" proof="{PROOF}"', True),
        (f'key="{base64.b64encode(bytes([4]) + bytes(32)).decode()}" proof="{PROOF}"', False),  # no compressed point
        (f'key="{POINT[:-4]}" proof="{PROOF}"', False),
        (f'key=" {POINT}" proof="{PROOF}"', False),  # the proof is over these characters
        (f'key="{POINT}" proof="{base64.b64encode(bytes(63)).decode()}"', False),
        (f'key="{POINT}" proof="{base64.b64encode(bytes(65)).decode()}"', False),
        (f'key="{POINT}" proof="{PROOF[:-3]}B=="', False),  # bits behind the end: a second spelling of the same octets
    ],
)
def test_a_key_and_its_proof_have_one_spelling(attributes: str, valid: bool) -> None:
    message = f'<m:RegisterProxy xmlns:m="{names.SERVICE}" client="{ADA}" name="" os="" version="1" {attributes}/>'
    assert (names.violation(etree.fromstring(message)) == "") is valid


@pytest.mark.parametrize(
    ("certificates", "valid"),
    [
        ([], True),
        ([("server", bytes(3072))] * 8, True),
        ([("server", bytes(300))] * 9, False),
        ([("server", bytes(3073))], False),
        ([("server", b"")], False),
        ([("anybody", bytes(300))], False),
    ],
)
def test_certificates_are_few_and_bounded(certificates: list[tuple[str, bytes]], valid: bool) -> None:
    children = "".join(f'<m:Certificate of="{of}" der="{base64.b64encode(der).decode()}"/>' for of, der in certificates)
    reply = f'<m:RegisterProxyResponse xmlns:m="{names.SERVICE}" client="{ADA}" effective="2026-01-31T09:00:00Z">{children}'
    assert (names.violation(etree.fromstring(f"{reply}</m:RegisterProxyResponse>")) == "") is valid
