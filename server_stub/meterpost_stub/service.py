"""The contract's five operations as a spyne service: request envelope in, reply element out.

The only importer of spyne. It neither reads sockets nor judges messages: what comes here was checked against the
schema and opened, what leaves is checked again. The message types are a table beside the schema's.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lxml import etree

import meterpost_stub.spyne_compat  # noqa: F401  # must precede spyne

# isort: split
from spyne import Application, ComplexModel, Integer, MethodContext, ServiceBase, Unicode, XmlAttribute, rpc
from spyne.protocol.soap import Soap11
from spyne.server import ServerBase

from meterpost.model import from_instant, instant
from meterpost_stub.centre import Caller, Centre, ClientSettings, NewDevice, PartOfReads
from meterpost_stub.rules import State
from meterpost_wsdl import names

for _name in ("spyne", "spyne.application.server", "spyne.protocol.xml"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)  # it would log every fault with its message


def _element(name: str, attributes: str, /, **children: Any) -> Any:
    """A message or item type: blank-separated attributes (`#` marks a number), then repeated children in order."""
    members: dict[str, Any] = {}
    for attribute in attributes.split():
        members[attribute.lstrip("#")] = XmlAttribute(Integer if attribute.startswith("#") else Unicode)
    for child, kind in children.items():
        members[child] = kind.customize(min_occurs=0, max_occurs=1 if child == "Settings" else "unbounded")
    return ComplexModel.produce(names.SERVICE, name, members)


_SETTINGS = _element("Settings", "syncAt #jitter #readEvery")
_METER_WANTED = _element("MeterWanted", "n")
_METER = _element("Meter", "n #v")
_SUPPLY = _element("Supply", "n #l #c #u")
_TYPES: dict[str, tuple[Any, Any]] = {
    "RegisterProxy": (
        _element("RegisterProxy", "client name os version key proof"),
        _element("RegisterProxyResponse", "client effective", Certificate=_element("Certificate", "of der")),
    ),
    "RegisterProxyDevices": (
        _element("RegisterProxyDevices", "client", Device=_element("NewDevice", "serial maker model asset")),
        _element(
            "RegisterProxyDevicesResponse", "effective", Device=_element("RegisteredDevice", "serial result until reason")
        ),
    ),
    "SyncProxy": (
        _element("SyncProxy", "client version"),
        _element(
            "SyncProxyResponse",
            "time",
            Settings=_SETTINGS,
            On=_element("On", "serial"),
            Off=_element("Off", "serial reason"),
            Bill=_element("Bill", "serial id from to cycle due", M=_METER_WANTED),
        ),
    ),
    "SyncProxyStatus": (
        _element("SyncProxyStatus", "client", Device=_element("DeviceStatus", "serial state at")),
        _element("SyncProxyStatusResponse", "", Device=_element("StatusReceipt", "serial result")),
    ),
    "BillingTransaction": (
        _element("BillingTransaction", "client", Device=_element("Reads", "serial id at #part #of", M=_METER, S=_SUPPLY)),
        _element("BillingTransactionResponse", "", Device=_element("BillingReceipt", "serial id #part result")),
    ),
}


class _Soap11(Soap11):  # type: ignore[misc]  # spyne has no types
    """spyne's SOAP 1.1 without its octets: what comes in was parsed before, what goes out is written behind it."""

    def create_in_document(self, ctx: Any, charset: str | None = None) -> None:
        """Nothing: `in_document` is set already, as (envelope, elements by id); without ids spyne follows no href."""

    def create_out_string(self, ctx: Any, charset: str | None = None) -> None:
        """Nothing: `out_document` is what is taken."""


@dataclass(slots=True)
class _Call:
    """What spyne carries along for us: who calls, and what our code raised."""

    caller: Caller
    error: Exception | None = None


class Service:
    """Calls `centre`. Safe to use from several threads."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre
        handlers = {
            "RegisterProxy": self._register_proxy,
            "RegisterProxyDevices": self._register_devices,
            "SyncProxy": self._sync,
            "SyncProxyStatus": self._status,
            "BillingTransaction": self._billing,
        }
        methods = {operation: _method(operation, handlers[operation]) for operation in names.OPERATIONS}
        service = type(ServiceBase)("Meterpost", (ServiceBase,), methods)
        application = Application([service], tns=names.SERVICE, in_protocol=_Soap11(), out_protocol=_Soap11())
        self._server = ServerBase(application)

    def call(self, account: str, envelope: etree._Element, certificate: bytes = b"") -> etree._Element:
        """The reply element to an envelope (its Body valid by the schema) of an authenticated `account`; `certificate` (PEM)
        is the one whose key signed it, if one did.

        Raises Refusal; whatever else it raises is our own fault.
        """
        start = MethodContext(self._server, MethodContext.SERVER)
        start.in_document = (envelope, {})
        (context,) = self._server.generate_contexts(start)
        context.udc = call = _Call(Caller(account, certificate))
        if context.in_error is None:
            self._server.get_in_object(context)
        if context.in_error is not None:
            raise context.in_error
        self._server.get_out_object(context)
        if call.error is not None:
            raise call.error
        self._server.get_out_string(context)
        if context.out_error is not None:
            raise context.out_error
        reply: etree._Element = context.out_document.find(f"{{{names.SOAP}}}Body")[0]
        context.close()
        return reply

    def _register_proxy(self, caller: Caller, message: Any) -> Any:
        proxy, certificates = self._centre.register_proxy(
            caller, message.client, message.name, message.os, message.version, message.key or "", message.proof or ""
        )
        return _reply(
            "RegisterProxy",
            client=proxy.client,
            effective=instant(proxy.effective),
            Certificate=[{"of": certificate.of, "der": certificate.der} for certificate in certificates],
        )

    def _register_devices(self, caller: Caller, message: Any) -> Any:
        new = [NewDevice(device.serial, device.maker, device.model, device.asset) for device in message.Device]
        effective, results = self._centre.register_devices(caller, message.client, new)
        devices = [
            {
                "serial": books.serial,
                "result": str(books.result),
                "until": books.until.isoformat() if books.until else None,
                "reason": books.reason,
            }
            for books in results
        ]
        return _reply("RegisterProxyDevices", effective=instant(effective), Device=devices)

    def _sync(self, caller: Caller, message: Any) -> Any:
        answer = self._centre.sync(caller, message.client)
        bills = [command.bill for command in answer.commands if command.bill is not None]
        return _reply(
            "SyncProxy",
            time=instant(answer.time),
            Settings=_settings(answer.settings),
            On=[{"serial": command.serial} for command in answer.commands if command.on],
            Off=[
                {"serial": command.serial, "reason": command.off_reason or None}
                for command in answer.commands
                if command.off_reason is not None
            ],
            Bill=[
                {
                    "serial": bill.serial,
                    "id": bill.id,
                    "from": bill.period_from.isoformat(),
                    "to": bill.period_to.isoformat(),
                    "cycle": str(bill.cycle),
                    "due": bill.due.isoformat(),
                    "M": [_METER_WANTED(n=meter) for meter in bill.meters],
                }
                for bill in bills
            ],
        )

    def _status(self, caller: Caller, message: Any) -> Any:
        reports = [(device.serial, State(device.state)) for device in message.Device]
        receipts = self._centre.status(caller, message.client, reports)
        return _reply("SyncProxyStatus", Device=[{"serial": serial, "result": str(receipt)} for serial, receipt in receipts])

    def _billing(self, caller: Caller, message: Any) -> Any:
        parts = [
            PartOfReads(
                serial=device.serial,
                id=device.id,
                at=from_instant(device.at.strip()),  # blanks around a time are none to a schema
                part=device.part,
                of=device.of,
                meters=tuple((meter.n, meter.v) for meter in device.M or ()),
                supplies=tuple((supply.n, supply.l, supply.c, supply.u) for supply in device.S or ()),
            )
            for device in message.Device
        ]
        receipts = self._centre.billing(caller, message.client, parts)
        devices = [{"serial": p.serial, "id": p.id, "part": p.part, "result": str(receipt)} for p, receipt in receipts]
        return _reply("BillingTransaction", Device=devices)


def _method(operation: str, handler: Callable[[Caller, Any], Any]) -> Any:
    request, reply = _TYPES[operation]

    def method(context: Any, message: Any) -> Any:
        try:
            return handler(context.udc.caller, message)
        except Exception as error:
            context.udc.error = error  # spyne would turn it into a fault of its own
            return None

    method.__name__ = operation
    return rpc(
        request,
        _returns=reply,
        _args=("message",),
        _body_style="bare",
        _in_message_name=f"{{{names.SERVICE}}}{operation}",
        _out_message_name=f"{{{names.SERVICE}}}{operation}Response",
    )(method)


def _reply(operation: str, **members: Any) -> Any:
    """The reply of `operation`; children are given as lists of their attributes."""
    kind = _TYPES[operation][1]
    built = {}
    for name, value in members.items():
        item = kind._type_info[name]
        make = getattr(item, "__orig__", None) or item  # spyne formats a stack trace for each instance of a customized type
        built[name] = [make(**attributes) for attributes in value] if isinstance(value, list) else value
    return kind(**built)


def _settings(settings: ClientSettings | None) -> Any:
    return settings and _SETTINGS(syncAt=settings.sync_at, jitter=settings.jitter, readEvery=settings.read_every)
