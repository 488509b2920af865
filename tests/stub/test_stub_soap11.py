"""The rules of SOAP 1.1 and WS-I Basic Profile 1.1 over a real TLS socket, one row a rule."""

import contextlib
import gc

import pytest
from stub_site import CLIENT, Got, Site

from meterpost_stub import StubServer, soap11
from meterpost_stub.soap11 import SoapFault
from meterpost_wsdl import names

S = names.SOAP
OK = f'<m:SyncProxy xmlns:m="{names.SERVICE}" client="{CLIENT}" version="1"/>'
SOAP12 = "http://www.w3.org/2003/05/soap-envelope"
LONG_NAME = f'<x:{"n" * 40_000} xmlns:x="urn:strange" s:mustUnderstand="1"/>'
MUST = '<x:Strange xmlns:x="urn:strange" s:mustUnderstand="1"/>'
LOCATION = OK.replace("/>", ' xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:schemaLocation="urn:x file:///x"/>')
RESPONSE = '<m:SyncProxyResponse xmlns:m="urn:meterpost:1" time="2026-01-01T00:00:00Z"/>'
WRONG_ACTION = 'SOAPAction: "urn:meterpost:1:RegisterProxy"\r\n'
SECURITY = '<w:Security xmlns:w="http://schemas.xmlsoap.org/ws/2002/07/secext" s:mustUnderstand="1"/>'
PATH = f'<p:path xmlns:p="{names.WSRP}" s:mustUnderstand="1"><p:action>a</p:action></p:path>'
REGISTER = f'<m:RegisterProxy xmlns:m="{names.SERVICE}" client="{CLIENT}" name="{"n" * 65}" os="o" version="1"/>'

VERSION, MANDATORY, CLIENT_FAULT = (f"{{{S}}}{name}" for name in ("VersionMismatch", "MustUnderstand", "Client"))
UNSEALED = "{http://schemas.xmlsoap.org/ws/2002/07/secext}InvalidSecurity"


def for_actor(actor: str) -> str:
    return MUST.replace("/>", f' s:actor="{actor}"/>')


def envelope(body: str = OK, header: str = "", after: str = "", soap: str = S, extra: str = "") -> str:
    block = f"<s:Header>{header}</s:Header>" if header else ""
    return f'<s:Envelope xmlns:s="{soap}"{extra}>{block}<s:Body>{body}</s:Body>{after}</s:Envelope>'


AT_24 = (
    f'<m:SyncProxyStatus xmlns:m="{names.SERVICE}" client="{CLIENT}">'
    '<m:Device serial="S" state="on" at="2026-01-31T24:00:00Z"/></m:SyncProxyStatus>'
)
"""A time XML Schema knows and Python does not."""


# id, clause, the envelope, status, fault code. A message that passes every rule is refused for its missing security.
ENVELOPES = [
    ("plain", "passes", envelope(), 500, UNSEALED),
    ("soap-1.2", "SOAP 1.1 4.4.1", envelope(soap=SOAP12), 500, VERSION),
    ("any-other-version", "SOAP 1.1 4.4.1", envelope(soap="urn:future"), 500, VERSION),
    ("no-version", "SOAP 1.1 4.4.1", "<Envelope/>", 500, VERSION),
    ("version-before-mandatory", "R2725", envelope(soap=SOAP12, header=MUST), 500, VERSION),
    ("mandatory-unknown", "SOAP 1.1 4.2.3", envelope(header=MUST), 500, MANDATORY),
    ("mandatory-unknown-beside-security", "SOAP 1.1 4.2.3", envelope(header=SECURITY + MUST), 500, MANDATORY),
    (
        "mandatory-in-a-namespace-like-ours",
        "SOAP 1.1 4.2.3",
        envelope(header=SECURITY.replace("02/07", "02/08")),
        500,
        MANDATORY,
    ),
    ("mandatory-with-a-long-name", "SOAP 1.1 4.2.3", envelope(header=LONG_NAME), 500, MANDATORY),
    ("long-names-that-do-not-match", "R1125", envelope(f"<m:{'n' * 40_000}></m:x>"), 400, ""),
    ("mandatory-before-client", "R2725", envelope(body="", header=MUST), 500, MANDATORY),
    (
        "mandatory-next",
        "SOAP 1.1 4.2.2",
        envelope(header=for_actor(names.ACTOR_NEXT)),
        500,
        MANDATORY,
    ),
    (
        "mandatory-other-actor",
        "SOAP 1.1 4.2.2",
        envelope(header=for_actor("urn:other")),
        500,
        UNSEALED,
    ),
    ("optional-unknown", "SOAP 1.1 4.2.3", envelope(header=MUST.replace('"1"', '"0"')), 500, UNSEALED),
    ("mandatory-security", "SOAP 1.1 4.2.3", envelope(header=SECURITY), 500, UNSEALED),
    ("mandatory-path", "WSE 1.0", envelope(header=PATH), 500, UNSEALED),
    ("must-understand-true", "R1013", envelope(header=MUST.replace('"1"', '"true"')), 500, CLIENT_FAULT),
    ("must-understand-blank", "R1013", envelope(header=MUST.replace('"1"', '" 1"')), 500, CLIENT_FAULT),
    (
        "must-understand-2-for-another",
        "R1013",
        envelope(header=for_actor("urn:other").replace('"1"', '"2"')),
        500,
        CLIENT_FAULT,
    ),
    ("document-element", "R1015", OK, 500, CLIENT_FAULT),
    ("fault-as-request", "R1015", envelope("<s:Fault><faultcode>s:Client</faultcode></s:Fault>"), 500, CLIENT_FAULT),
    ("no-body", "R1011", f'<s:Envelope xmlns:s="{S}"/>', 500, CLIENT_FAULT),
    ("empty-body", "one child", envelope(""), 500, CLIENT_FAULT),
    ("two-bodies", "R1011", envelope(after=f"<s:Body>{OK}</s:Body>"), 500, CLIENT_FAULT),
    ("two-operations", "one child", envelope(OK + OK), 500, CLIENT_FAULT),
    ("after-body", "R1011", envelope(after='<x:a xmlns:x="urn:x"/>'), 500, CLIENT_FAULT),
    ("header-after-body", "SOAP 1.1 4.1.1", envelope(after="<s:Header/>"), 500, CLIENT_FAULT),
    ("text-in-body", "SOAP 1.1 4.1.1", envelope(OK + "text"), 500, CLIENT_FAULT),
    ("text-in-header", "SOAP 1.1 4.1.1", envelope(header=SECURITY + "text"), 500, CLIENT_FAULT),
    ("text-in-envelope", "SOAP 1.1 4.1.1", envelope(after="text"), 500, CLIENT_FAULT),
    ("cdata-in-body", "SOAP 1.1 4.1.1", envelope("<![CDATA[x]]>" + OK), 500, CLIENT_FAULT),
    ("two-headers", "SOAP 1.1 4.1.1", envelope(header=SECURITY).replace("<s:Body>", "<s:Header/><s:Body>"), 500, CLIENT_FAULT),
    ("another-child-of-the-envelope", "SOAP 1.1 4.1.1", envelope().replace("<s:Body>", f"{PATH}<s:Body>"), 500, CLIENT_FAULT),
    ("unqualified-body-child", "R1014", envelope(f'<SyncProxy client="{CLIENT}" version="1"/>'), 500, CLIENT_FAULT),
    ("unqualified-header", "SOAP 1.1 4.2", envelope(header="<a/>"), 500, CLIENT_FAULT),
    ("soap-attribute-on-body", "R1032", envelope().replace("<s:Body>", '<s:Body s:mustUnderstand="1">'), 500, CLIENT_FAULT),
    ("encoding-style", "R1006", envelope(OK.replace("/>", ' s:encodingStyle=""/>')), 500, CLIENT_FAULT),
    ("doctype", "R1008", "<!DOCTYPE s:Envelope>" + envelope(), 500, CLIENT_FAULT),
    ("entities", "R1008", '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + envelope("&x;"), 500, CLIENT_FAULT),
    ("processing-instruction", "R1009", envelope("<?x y?>" + OK), 500, CLIENT_FAULT),
    ("instruction-before", "R1009", '<?xml-stylesheet href="https://127.0.0.1/"?>' + envelope(), 500, CLIENT_FAULT),
    ("instruction-after", "R1009", envelope() + "<?x?>", 500, CLIENT_FAULT),
    (
        "entities-in-utf-16",
        "R1008",
        f"\ufeff<!DOCTYPE a [<!ENTITY x 'y'>]>{envelope('&x;')}".encode("utf-16-le"),
        500,
        CLIENT_FAULT,
    ),
    (
        "include",
        "R2744",
        envelope('<x:include xmlns:x="http://www.w3.org/2001/XInclude" href="/etc/passwd"/>'),
        500,
        CLIENT_FAULT,
    ),
    ("unknown-operation", "R2744", envelope('<m:Reboot xmlns:m="urn:meterpost:1"/>'), 500, CLIENT_FAULT),
    (
        "response-as-request",
        "R2744",
        envelope('<m:SyncProxyResponse xmlns:m="urn:meterpost:1" time="2026-01-01T00:00:00Z"/>'),
        500,
        CLIENT_FAULT,
    ),
    ("missing-attribute", "schema", envelope(OK.replace(' version="1"', "")), 500, CLIENT_FAULT),
    ("unknown-attribute", "schema", envelope(OK.replace("/>", ' owner="x"/>')), 500, CLIENT_FAULT),
    ("unknown-child", "schema", envelope(OK.replace("/>", "><m:Mail/></m:SyncProxy>")), 500, CLIENT_FAULT),
    ("too-long", "schema", envelope(REGISTER), 500, CLIENT_FAULT),
    ("cycle-of-references", "SOAP 1.1 5.1", envelope(OK.replace("/>", ' id="a" href="#a"/>')), 500, CLIENT_FAULT),
    ("midnight-as-24", "schema", envelope(AT_24), 500, CLIENT_FAULT),
    ("schema-location", "xsi", envelope(LOCATION), 500, CLIENT_FAULT),
    ("nil", "xsi", envelope(LOCATION.replace('schemaLocation="urn:x file:///x"', 'nil="true"')), 500, CLIENT_FAULT),
    ("another-type", "xsi", envelope(LOCATION.replace('schemaLocation="urn:x file:///x"', 'type="m:x"')), 500, CLIENT_FAULT),
    ("nine-megabytes-of-an-attribute", "limit", envelope(OK.replace(CLIENT, "x" * 9_000_000)), 500, CLIENT_FAULT),
    ("malformed", "R1125", envelope()[:-3], 400, ""),
    ("nothing", "R1125", "", 400, ""),
    ("json", "R1125", '{"SyncProxy": 1}', 400, ""),
    ("too-deep", "limit", envelope("<a>" * 100 + "</a>" * 100), 400, ""),
    ("deeper-than-the-parser", "limit", envelope("<a>" * 5000 + "</a>" * 5000), 400, ""),
    ("ten-megabytes-of-an-attribute", "limit", envelope(OK.replace(CLIENT, "x" * 10_000_001)), 400, ""),
    ("undefined-entity", "R1125", envelope("&lol;"), 400, ""),
    ("something-after-the-envelope", "R1125", envelope() + OK, 400, ""),
    ("nul", "R1125", envelope(OK.replace(CLIENT, "a\x00b")), 400, ""),
    ("control-character", "R1125", envelope(OK.replace(CLIENT, "a&#1;b")), 400, ""),
    ("not-utf-8", "R1012", envelope("é").encode("latin-1"), 400, ""),
    ("overlong-utf-8", "R1012", envelope("x").encode().replace(b"x</", b"\xc0\xbc</"), 400, ""),
    ("half-of-utf-16", "R1012", f"\ufeff{envelope()}".encode("utf-16-le")[:-1], 400, ""),
    ("lone-surrogate", "R1012", f"\ufeff{envelope()}\ud800".encode("utf-16-le", "surrogatepass"), 400, ""),
    ("utf-16-without-a-mark", "R1012", envelope().encode("utf-16-be"), 400, ""),
    ("utf-32", "R1012", envelope().encode("utf-32"), 400, ""),
    ("declared-otherwise", "R1012", '<?xml version="1.0" encoding="utf-16"?>' + envelope(), 400, ""),
    ("foreign-encoding", "R1012", '<?xml version="1.0" encoding="klingon"?>' + envelope(), 400, ""),
    ("declaration-and-comment", "R1010", '<?xml version="1.0" encoding="UTF-8"?><!-- c -->' + envelope(), 500, UNSEALED),
]


@pytest.mark.parametrize(
    ("clause", "text", "status", "code"), [row[1:] for row in ENVELOPES], ids=[row[0] for row in ENVELOPES]
)
def test_rules_on_the_envelope(site: Site, stub: StubServer, clause: str, text: str | bytes, status: int, code: str):
    got = site.post(text.encode() if isinstance(text, str) else text)
    assert (got.status, got.faultcode) == (status, code), (clause, got)
    assert stub.state()["proxies"] == []  # nothing was executed
    assert len(got.body) < 1000  # whatever it quotes
    if code:
        assert got.body.startswith(f'<s:Envelope xmlns:s="{S}"'.encode())  # answered in a 1.1 envelope
        assert [child.tag for child in got.reply] == ["faultcode", "faultstring"]  # R1000, R1001; SOAP 1.1, 4.4: no detail
        assert "." not in got.reply.findtext("faultcode", "")  # R1004, R1031
        assert b"\r\nContent-Type: text/xml; charset=utf-8\r\n" in got.head


@pytest.mark.parametrize("policy", ["digest-2002", "digest-2004"])
def test_a_mandatory_header_that_is_not_understood_keeps_a_good_message_from_being_acted_on(stub: StubServer, policy: str):
    """SOAP 1.1, 4.2.3. It is not even opened: the nonce is good for the message without that header."""
    site = Site(stub, policy)
    good = site.sealed(f'<m:RegisterProxy client="{CLIENT}" name="n" os="o" version="1"/>')
    assert site.post(good.replace(b"</s:Header>", MUST.encode() + b"</s:Header>")).faultcode == MANDATORY
    assert stub.state()["proxies"] == []
    assert site.post(good).status == 200


def test_the_body_alone_tells_the_operation(site: Site):
    """R2744: a wrong SOAPAction changes nothing."""
    message = site.sealed(f'<m:RegisterProxy client="{CLIENT}" name="n" os="o" version="1"/>')
    head = site.head(len(message)).replace(f'"{names.SERVICE}"'.encode(), b'"urn:meterpost:1:SyncProxy"')
    assert site.say(head + message).reply.tag == f"{{{names.SERVICE}}}RegisterProxyResponse"


def test_blanks_around_a_time_are_no_part_of_it(site: Site, stub: StubServer):
    """XML Schema collapses them before it looks."""
    site.turn_on("S1")
    request = stub.bill("S1")["id"]
    got = site.call(
        f'<m:BillingTransaction client="{CLIENT}"><m:Device serial="S1" id="{request}" at=" 2026-03-01T09:00:00Z&#10;" '
        'part=" 1 " of="1"><m:M n="Total" v=" 7 "/></m:Device></m:BillingTransaction>'
    )
    assert got.reply[0].get("result") == "accepted"
    assert stub.readings()[0]["taken_at"] == "2026-03-01T09:00:00Z"


def test_utf_16_with_a_byte_order_mark_is_read(site: Site):
    got = site.post(b"\xff\xfe" + envelope().encode("utf-16-le"))
    assert got.faultcode == UNSEALED


def test_a_breach_is_told_so_that_a_person_can_mend_it(site: Site):
    got: Got = site.post(envelope(REGISTER).encode())
    assert "attribute 'name'" in got.reply.findtext("faultstring", "")
    assert "'maxLength'" in got.reply.findtext("faultstring", "")


def test_a_refused_message_is_let_go_at_once():
    """And does not wait, with all its elements, until Python looks for circles."""
    gc.collect()
    gc.disable()
    try:
        with contextlib.suppress(SoapFault):
            soap11.request_of(soap11.parse(envelope(OK + OK).encode()))
        assert not [found for found in gc.get_objects() if isinstance(found, SoapFault)]
    finally:
        gc.enable()
