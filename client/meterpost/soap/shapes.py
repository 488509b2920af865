"""How each message looks on the wire: one table, used for writing, for reading back and for the reference pages.

A shape names the XML element, its attributes in the order they are written, and its child lists. The limits are
those of the XSD, counted here in UTF-8 octets after escaping because that is what the byte budgets count.
"""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from meterpost.errors import OverBudget
from meterpost.lifecycle import messages as m
from meterpost.model import instant
from meterpost_wsdl import xmlio
from meterpost_wsdl.names import OCTETS

Write = Callable[[Any], str]
Read = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of attribute: how a value is written (unescaped) and how what zeep parsed becomes a value again."""

    name: str
    write: Write
    read: Read


def description(limit: int) -> Kind:
    """Text for people; clipped to `limit` octets."""
    return Kind(f"text, {limit} octets", lambda value: xmlio.clip(value, limit), str)


def identifier(limit: int) -> Kind:
    """Text that names something; too long is an error, because a shortened name names something else."""

    def write(value: str) -> str:
        if xmlio.octets(value) > limit:
            raise OverBudget(
                f"{value[:80]!r} takes {xmlio.octets(value)} octets on the wire, the contract allows {limit}",
                "Such a device or meter cannot be reported; the message was not sent.",
            )
        return value

    return Kind(f"identifier, {limit} octets", write, str)


def choice(kind: type[StrEnum]) -> Kind:
    return Kind(" / ".join(kind), str, kind)


def _number(value: int) -> str:
    if not -3 <= value <= 9_999_999_999:
        raise OverBudget(f"the value {value} has more than ten digits", "The contract has no room for it; it was not sent.")
    return str(value)


def _day(value: Any) -> date:
    return value.date() if isinstance(value, datetime) else value


INSTANT = Kind("UTC time, 20 octets", instant, lambda value: value)
DAY = Kind("day, 10 octets", date.isoformat, _day)
NUMBER = Kind("number, 10 digits", _number, int)
TIME = Kind("HH:MM", str, str)
BASE64 = Kind(f"base64, {OCTETS['der']} octets", str, lambda value: b64encode(value).decode())  # zeep decodes it
CLIENT, SERIAL, TRANSACTION, NAME, KEY, PROOF = (
    identifier(OCTETS[name]) for name in ("client", "serial", "id", "n", "key", "proof")
)
TEXT, SHORT, VERSION = (description(OCTETS[name]) for name in ("name", "maker", "version"))


@dataclass(frozen=True, slots=True)
class Attribute:
    """XML attribute `name` carries `field`; an optional one is left out where the field is None."""

    name: str
    field: str
    kind: Kind
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Children:
    """Child elements, in order: `field` is a tuple of items, or one item or None where `single`.
    `only` reads plain values: the child's one attribute is the item itself."""

    shape: "Shape"
    field: str
    single: bool = False
    only: str = ""


@dataclass(frozen=True, slots=True)
class Shape:
    element: str
    type: type
    attributes: tuple[Attribute, ...]
    children: tuple[Children, ...] = ()


def _shape(element: str, kind: type, attributes: list[Attribute], *children: Children) -> Shape:
    return Shape(element, kind, tuple(attributes), children)


_client = Attribute("client", "client", CLIENT)
_serial = Attribute("serial", "serial", SERIAL)
_id = Attribute("id", "id", TRANSACTION)
_part = Attribute("part", "part", NUMBER)
_result = Attribute("result", "result", choice(m.Receipt))
_reason = Attribute("reason", "reason", TEXT, optional=True)

SHAPES: dict[type, Shape] = {
    shape.type: shape
    for shape in (
        _shape(
            "RegisterProxy",
            m.RegisterProxy,
            [
                _client,
                Attribute("name", "name", TEXT),
                Attribute("os", "os", TEXT),
                Attribute("version", "version", VERSION),
                Attribute("key", "key", KEY, optional=True),
                Attribute("proof", "proof", PROOF, optional=True),
            ],
        ),
        _shape(
            "RegisterProxyResponse",
            m.RegisterProxyResponse,
            [_client, Attribute("effective", "effective", INSTANT)],
            Children(
                _shape(
                    "Certificate", m.Certificate, [Attribute("of", "of", choice(m.Holder)), Attribute("der", "der", BASE64)]
                ),
                "certificates",
            ),
        ),
        _shape(
            "RegisterProxyDevices",
            m.RegisterProxyDevices,
            [_client],
            Children(
                _shape(
                    "Device",
                    m.DeviceToRegister,
                    [
                        _serial,
                        Attribute("maker", "maker", SHORT),
                        Attribute("model", "model", TEXT),
                        Attribute("asset", "asset", TEXT, optional=True),
                    ],
                ),
                "devices",
            ),
        ),
        _shape(
            "RegisterProxyDevicesResponse",
            m.RegisterProxyDevicesResponse,
            [Attribute("effective", "effective", INSTANT)],
            Children(
                _shape(
                    "Device",
                    m.RegisteredDevice,
                    [
                        _serial,
                        Attribute("result", "result", choice(m.Registration)),
                        Attribute("until", "until", DAY, optional=True),
                        _reason,
                    ],
                ),
                "devices",
            ),
        ),
        _shape("SyncProxy", m.SyncProxy, [_client, Attribute("version", "version", VERSION)]),
        _shape(
            "SyncProxyResponse",
            m.SyncProxyResponse,
            [Attribute("time", "time", INSTANT)],
            Children(
                _shape(
                    "Settings",
                    m.RemoteSettings,
                    [
                        Attribute("syncAt", "sync_at", TIME, optional=True),
                        Attribute("jitter", "jitter", NUMBER, optional=True),
                        Attribute("readEvery", "read_every", NUMBER, optional=True),
                    ],
                ),
                "settings",
                single=True,
            ),
            Children(_shape("On", m.TurnOn, [_serial]), "on"),
            Children(_shape("Off", m.TurnOff, [_serial, _reason]), "off"),
            Children(
                _shape(
                    "Bill",
                    m.Bill,
                    [
                        _serial,
                        _id,
                        Attribute("from", "period_from", DAY),
                        Attribute("to", "period_to", DAY),
                        Attribute("cycle", "cycle", choice(m.Cycle)),
                        Attribute("due", "due", DAY),
                    ],
                    Children(_shape("M", str, [Attribute("n", "", NAME)]), "meters", only="n"),
                ),
                "bills",
            ),
        ),
        _shape(
            "SyncProxyStatus",
            m.SyncProxyStatus,
            [_client],
            Children(
                _shape(
                    "Device",
                    m.DeviceStatus,
                    [_serial, Attribute("state", "state", choice(m.ServiceState)), Attribute("at", "at", INSTANT)],
                ),
                "devices",
            ),
        ),
        _shape(
            "SyncProxyStatusResponse",
            m.SyncProxyStatusResponse,
            [],
            Children(_shape("Device", m.StatusReceipt, [_serial, _result]), "devices"),
        ),
        _shape(
            "BillingTransaction",
            m.BillingTransaction,
            [_client],
            Children(
                _shape(
                    "Device",
                    m.DeviceReads,
                    [_serial, _id, Attribute("at", "at", INSTANT), _part, Attribute("of", "of", NUMBER)],
                    Children(
                        _shape("M", m.MeterValue, [Attribute("n", "name", NAME), Attribute("v", "value", NUMBER)]), "meters"
                    ),
                    Children(
                        _shape(
                            "S",
                            m.SupplyUsage,
                            [
                                Attribute("n", "name", NAME),
                                Attribute("l", "level", NUMBER),
                                Attribute("c", "capacity", NUMBER),
                                Attribute("u", "unit", NUMBER),
                            ],
                        ),
                        "supplies",
                    ),
                ),
                "devices",
            ),
        ),
        _shape(
            "BillingTransactionResponse",
            m.BillingTransactionResponse,
            [],
            Children(_shape("Device", m.BillingReceipt, [_serial, _id, _part, _result]), "devices"),
        ),
    )
}
