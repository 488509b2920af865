"""A reading becomes the parts of a billing answer, each inside the slope of T7. Nothing is dropped: what does not
fit one Device element continues in a further one, which travels in a further message."""

from collections.abc import Iterator
from datetime import datetime

from meterpost.lifecycle.messages import BillingTransaction, DeviceReads, MeterValue, SupplyUsage
from meterpost.model import Reading, Supply
from meterpost.soap.envelope import element
from meterpost.soap.shapes import SHAPES
from meterpost_wsdl import xmlio
from meterpost_wsdl.budgets import find
from meterpost_wsdl.names import OCTETS

_DEVICE = SHAPES[BillingTransaction].children[0].shape
_METER, _SUPPLY = (children.shape for children in _DEVICE.children)
_NAME_LIMIT = OCTETS["n"]


def pack(request: str, at: datetime, reading: Reading, meters: tuple[str, ...]) -> tuple[DeviceReads, ...]:
    """The answer to billing request `request` from `reading`: the meters named in `meters` (all where it is empty),
    and the supplies. At least one part, even if nothing of what was asked exists on the device.

    Raises OverBudget for a serial or a value the contract has no room for."""
    # Two digits for part and of: the frame never grows beyond this when the numbers are known.
    frame = DeviceReads(reading.serial, request, at, 99, 99, (), ())
    closing = len("></m:Device>") - len("/>")
    room = find("T7").per_device - len(element(_DEVICE, frame).encode()) - closing
    parts: list[tuple[list[MeterValue], list[SupplyUsage]]] = [([], [])]
    left = room
    for item in _items(reading, meters):
        size = len(element(_METER if isinstance(item, MeterValue) else _SUPPLY, item).encode())
        if size > left:
            parts.append(([], []))
            left = room
        left -= size
        if isinstance(item, MeterValue):
            parts[-1][0].append(item)
        else:
            parts[-1][1].append(item)
    return tuple(
        DeviceReads(reading.serial, request, at, number, len(parts), tuple(values), tuple(usages))
        for number, (values, usages) in enumerate(parts, 1)
    )


def _items(reading: Reading, wanted: tuple[str, ...]) -> Iterator[MeterValue | SupplyUsage]:
    for meter in reading.meters:
        if not wanted or meter.name in wanted:
            yield MeterValue(meter.name, meter.value)
    taken: set[str] = set()
    for supply in reading.supplies:
        name = _unique(supply_name(supply), taken)
        taken.add(name)
        yield SupplyUsage(name, max(supply.level, -3), max(supply.capacity, -3), supply.unit_code)


def supply_name(supply: Supply) -> str:
    """What a supply is called on the wire: its description, or its colour and kind where it has none."""
    return (
        xmlio.clip(supply.description, _NAME_LIMIT) or xmlio.clip(f"{supply.color} {supply.kind}", _NAME_LIMIT) or supply.index
    )


def _unique(name: str, taken: set[str]) -> str:
    """`name`, with a number where clipping made two supplies alike."""
    number, result = 2, name
    while result in taken:
        suffix = f" {number}"
        result = xmlio.clip(name, _NAME_LIMIT - len(suffix)) + suffix
        number += 1
    return result
