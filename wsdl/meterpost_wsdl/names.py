"""Names that stand on the wire, and where the contract's files are."""

import threading
from functools import cache
from importlib.resources import files

from lxml import etree

SERVICE = "urn:meterpost:1"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
ACTOR_NEXT = "http://schemas.xmlsoap.org/soap/actor/next"
WSRP = "http://schemas.xmlsoap.org/rp"

OPERATIONS = ("RegisterProxy", "RegisterProxyDevices", "SyncProxy", "SyncProxyStatus", "BillingTransaction")
PATH = "/mp"
"""Where the reference server listens; short, because it stands in every request's head."""

OCTETS = {
    "client": 36,
    "serial": 32,
    "id": 36,
    "n": 40,
    "maker": 32,
    "version": 16,
    "name": 64,
    "os": 64,
    "model": 64,
    "asset": 64,
    "reason": 64,
    "key": 44,
    "proof": 88,
    "der": 4096,
}
"""Most octets of a text as escaped UTF-8, by attribute. The XSD has the same numbers, but can only count characters."""


def action(operation: str) -> str:
    """The SOAPAction of an operation, without the quotes the header needs (WS-I BP 1.1 R2744)."""
    return f"{SERVICE}:{operation}"


@cache
def contract(name: str) -> bytes:
    """The bytes of `meterpost.wsdl` or `meterpost.xsd`."""
    return files(__package__).joinpath(name).read_bytes()


@cache
def schema() -> etree.XMLSchema:
    """The compiled XSD; `violation` is the way to use it from several threads."""
    return etree.XMLSchema(etree.fromstring(contract("meterpost.xsd")))


_LOCK = threading.Lock()


def violation(element: etree._Element) -> str:
    """What the XSD has against `element`, '' where it is valid. Safe in threads."""
    with _LOCK:  # libxml2 keeps the errors in the schema object
        try:
            schema().assertValid(element)
        except etree.DocumentInvalid as invalid:
            return str(invalid)
    return ""


def wsdl_for(location: str) -> bytes:
    """The WSDL with `location` (an absolute URL) as the service's address."""
    root = etree.fromstring(contract("meterpost.wsdl"))
    (address,) = root.iter("{http://schemas.xmlsoap.org/wsdl/soap/}address")
    address.set("location", location)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")
