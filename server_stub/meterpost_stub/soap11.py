"""The rules of SOAP 1.1 and WS-I Basic Profile 1.1 on a request's bytes, and the faults that answer a breach.

The engine behind it knows few of them (no mustUnderstand, no VersionMismatch), so they are all here, as a table in
the order R2725 asks for: VersionMismatch, MustUnderstand, Client. Nothing is executed here, nobody is authenticated.
"""

from collections.abc import Callable
from http import HTTPStatus

from lxml import etree

from meterpost.wsse import UNDERSTOOD
from meterpost_stub.web import HttpRefusal
from meterpost_wsdl import names, xmlio

ENVELOPE, HEADER, BODY = (f"{{{names.SOAP}}}{name}" for name in ("Envelope", "Header", "Body"))
_MUST_UNDERSTAND, _ACTOR, _ENCODING_STYLE = (f"{{{names.SOAP}}}{name}" for name in ("mustUnderstand", "actor", "encodingStyle"))
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_KNOWN_BLOCKS = UNDERSTOOD | {f"{{{names.WSRP}}}path"}  # WSE 1.0 sends a mandatory wsrp:path
_ENCRYPTED = "{http://www.w3.org/2001/04/xmlenc#}EncryptedData"
_TOO_LARGE = ("size", "elements", "attributes")
_BREACHES = ("dtd", "pi")
"""Kinds of BadXml: over a limit is a 413; well-formed but against SOAP is a fault; the rest is a 400."""
_LONGEST_TEXT = 300
"""Characters of what is told of a breach, which may quote a peer that writes names of any length."""


class SoapFault(Exception):
    """A fault to be sent. `namespace` of the faultcode, its local `name`, a sentence for a person, and for an
    application's refusal the `refusal` code of its detail. A fault about a header has no detail (SOAP 1.1, 4.4).
    `why` is for our journal only."""

    def __init__(self, name: str, text: str, namespace: str = names.SOAP, refusal: str = "", why: str = "") -> None:
        super().__init__(xmlio.printable(text[:_LONGEST_TEXT]))
        self.name = name
        self.namespace = namespace
        self.refusal = refusal
        self.why = why

    def envelope(self) -> bytes:
        """The fault as bytes, unsealed."""
        return f'<s:Envelope xmlns:s="{names.SOAP}"><s:Body>{self.content()}</s:Body></s:Envelope>'.encode()

    def content(self) -> str:
        """What goes into the Body: unqualified children (R1001), a standard code without dots (R1004, R1031)."""
        prefix, declaration = ("s", "") if self.namespace == names.SOAP else ("w", f' xmlns:w="{self.namespace}"')
        detail = ""
        if self.refusal:
            reason = xmlio.attribute(xmlio.clip(str(self), 64))
            detail = f'<detail><m:Refusal xmlns:m="{names.SERVICE}" code="{self.refusal}" reason="{reason}"/></detail>'
        return (
            f"<s:Fault{declaration}><faultcode>{prefix}:{self.name}</faultcode>"
            f"<faultstring>{xmlio.text(str(self))}</faultstring>{detail}</s:Fault>"
        )


def parse(body: bytes) -> etree._Element:
    """The root of a request's body. Raises HttpRefusal (400, 413) or SoapFault."""
    try:
        return xmlio.parse(body)
    except xmlio.BadXml as error:
        if error.kind in _BREACHES:
            raise SoapFault("Client", str(error)) from None
        status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE if error.kind in _TOO_LARGE else HTTPStatus.BAD_REQUEST
        raise HttpRefusal(status, str(error)[:_LONGEST_TEXT]) from None


def check_envelope(root: etree._Element) -> None:
    """What holds of any envelope, whatever is in its Body. Raises SoapFault."""
    for rule in ENVELOPE_RULES:
        rule(root)


def is_encrypted(root: etree._Element) -> bool:
    return root[-1][0].tag == _ENCRYPTED


def request_of(root: etree._Element) -> etree._Element:
    """The Body's child, which names the operation and is valid by the contract's schema. Raises SoapFault."""
    for rule in (*ENVELOPE_RULES, *REQUEST_RULES):
        rule(root)
    return root[-1][0]


def _client(text: str) -> SoapFault:
    return SoapFault("Client", text)


def _version(root: etree._Element) -> None:
    """SOAP 1.1, 4.4.1; R1015."""
    if root.tag == ENVELOPE:
        return
    if etree.QName(root).localname == "Envelope":
        raise SoapFault("VersionMismatch", f"only SOAP 1.1 is spoken here: {names.SOAP}")
    raise _client("the document element is not a SOAP Envelope")


def _must_understand(root: etree._Element) -> None:
    """SOAP 1.1, 4.2.3: mandatory blocks for us that are not understood. Blocks for another actor are not ours."""
    for block in root.iterfind(f"{HEADER}/*"):
        ours = block.get(_ACTOR) in (None, "", names.ACTOR_NEXT)
        if ours and block.get(_MUST_UNDERSTAND) == "1" and block.tag not in _KNOWN_BLOCKS:
            raise SoapFault("MustUnderstand", f"the header {etree.QName(block).localname} is not understood")


def _structure(root: etree._Element) -> None:
    """SOAP 1.1, 4.1.1; R1011 and R1014: at most one Header, then one Body, nothing after it."""
    children = [child.tag for child in root]
    if children.count(BODY) != 1:
        raise _client(f"an Envelope has one Body, not {children.count(BODY)}")
    if children[-1] != BODY:
        raise _client("nothing may follow the Body")
    if children not in ([BODY], [HEADER, BODY]):
        raise _client("an Envelope has at most one Header before its Body, and nothing else")
    if len(root[-1]) != 1:
        raise _client(f"a Body has one child, not {len(root[-1])}")
    for element in (root, *root):
        if (element.text or "").strip() or any((child.tail or "").strip() for child in element):
            raise _client(f"text in the {etree.QName(element).localname}")


def _qualified(root: etree._Element) -> None:
    """SOAP 1.1, 4.2 and R1014."""
    for element in root.iterfind("*/*"):
        if not etree.QName(element).namespace:
            raise _client(f"{element.tag} has no namespace")


def _attributes(root: etree._Element) -> None:
    """R1032, R1005 and R1006: no SOAP attributes on SOAP's own elements, no encodingStyle; R1013: mustUnderstand."""
    for element in (root, *root):
        if any(str(name).startswith(f"{{{names.SOAP}}}") for name in element.attrib):
            raise _client(f"a SOAP attribute on the {etree.QName(element).localname}")
    if root[-1][0].get(_ENCODING_STYLE) is not None:
        raise _client("messages are literal: no encodingStyle")
    for block in root.iterfind(f"{HEADER}/*"):
        if block.get(_MUST_UNDERSTAND) not in (None, "0", "1"):
            raise _client("mustUnderstand is 0 or 1")


def _operation(root: etree._Element) -> None:
    """R2744: the Body's child alone tells the operation."""
    request = etree.QName(root[-1][0])
    if request.namespace != names.SERVICE or request.localname not in names.OPERATIONS:
        raise _client(f"there is no operation {request.text[:100]}; there are {', '.join(names.OPERATIONS)}")


def _instance(root: etree._Element) -> None:
    """Any schema allows xsi:schemaLocation; a message of this protocol has nothing but what the contract names."""
    for element in root[-1].iter("*"):
        if any(str(name).startswith(_XSI) for name in element.attrib):
            raise _client("attributes of XML Schema instance are not accepted")


def _valid(root: etree._Element) -> None:
    breach = names.violation(root[-1][0])
    if breach:
        raise _client(breach.replace(f"{{{names.SERVICE}}}", ""))


Rule = Callable[[etree._Element], None]

ENVELOPE_RULES: tuple[Rule, ...] = (_version, _must_understand, _structure, _qualified, _attributes)
REQUEST_RULES: tuple[Rule, ...] = (_operation, _instance, _valid)
"""In this order; each raises the SoapFault that is the answer.
After `_structure` the Body is `root[-1]`, the request `root[-1][0]`."""
