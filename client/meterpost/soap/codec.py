"""Messages to envelope bytes and replies back to messages. The only importer of zeep, which reads the WSDL and
parses what the server said; the octets that leave are written by `envelope`.

Both directions are validated against the XSD, because zeep enforces no facets and lets unqualified children through.
"""

import importlib
from functools import cached_property
from importlib.resources import as_file, files
from typing import Any

from lxml import etree

from meterpost.errors import PeerError
from meterpost.lifecycle.messages import Message, Reply, Request
from meterpost.soap.envelope import envelope
from meterpost.soap.shapes import SHAPES, Shape
from meterpost_wsdl import names, xmlio


class Codec:
    """Knows the contract. Loads the WSDL from the package, never from a network; loaded once, at the first reply."""

    def encode(self, message: Message) -> bytes:
        """`message` as a compact envelope without header.

        Raises OverBudget where an identifier is longer than the contract allows, ValueError where a value is not
        of the contract (our mistake)."""
        data = envelope(message)
        if reason := names.violation(_payload(xmlio.parse(data))):
            raise ValueError(f"the message is not of the contract: {reason}")
        return data

    def decode(self, root: etree._Element, request: Request) -> Reply:
        """The reply to `request` in the envelope `root`, which is no fault (see `replies.fault_of`). Raises PeerError."""
        operation = type(request).__name__
        payload = _payload(root)
        if payload.tag != f"{{{names.SERVICE}}}{operation}Response":
            raise PeerError(f"the server answered {operation} with {etree.QName(payload).localname}")
        if reason := names.violation(payload):
            raise PeerError(f"the reply is not of the contract: {reason}")
        # Not operation.process_reply: it unwraps a reply that is one list, and so loses which element it was.
        parsed = self._contract.get_element(payload.tag).parse(payload, self._contract)
        reply: Reply = _value(_SHAPES_BY_ELEMENT[f"{operation}Response"], parsed)
        return reply

    @cached_property
    def _contract(self) -> Any:
        """The types of the WSDL, as zeep understands them."""
        zeep: Any = importlib.import_module("zeep")  # late, because it is slow to load and not every command needs it

        class Offline(zeep.transports.Transport):  # type: ignore[misc]  # zeep has no types
            """Reads the contract's own files and refuses anything else."""

            def _load_remote_data(self, url: str) -> bytes:
                raise PeerError(f"the contract refers to {url}, which is not part of it")

        settings = zeep.Settings(strict=True, forbid_dtd=True, forbid_external=True, xml_huge_tree=False)
        with as_file(files("meterpost_wsdl")) as folder:
            return zeep.Client(str(folder / "meterpost.wsdl"), transport=Offline(), settings=settings).wsdl.types


def _payload(root: etree._Element) -> etree._Element:
    body = root.find(f"{{{names.SOAP}}}Body")
    if body is None or len(body) != 1:
        raise PeerError("the envelope has no Body with one element in it")
    return body[0]


_SHAPES_BY_ELEMENT = {shape.element: shape for shape in SHAPES.values()}


def _value(shape: Shape, parsed: Any) -> Any:
    """What zeep made of an element as our own frozen value."""
    arguments: dict[str, Any] = {}
    for attribute in shape.attributes:
        raw = None if parsed is None else getattr(parsed, attribute.name)
        arguments[attribute.field] = None if raw is None else attribute.kind.read(raw)
    for children in shape.children:
        raw = getattr(parsed, children.shape.element, None)
        if children.single:
            arguments[children.field] = None if raw is None else _value(children.shape, raw)
        elif children.only:
            arguments[children.field] = tuple(str(getattr(item, children.only)) for item in raw or ())
        else:
            arguments[children.field] = tuple(_value(children.shape, item) for item in raw or ())
    return shape.type(**arguments)
