"""Values a ledger keeps: a reading and a site to tell stories with, and arbitrary ones by their type hints."""

import types
import typing
from collections.abc import Mapping
from dataclasses import is_dataclass, replace
from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from hypothesis import strategies as st

from meterpost.lifecycle.messages import SyncProxy
from meterpost.lifecycle.state import BillingRequest, Device, DeviceState, Outgoing, SiteState
from meterpost.model import Exchange, Meter, Reading, Sizes, Supply, SupplyState

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
CLIENT = "0b0e7a3a-5d3e-4f0e-9a51-0c7f3a1f2b11"


def visit(serial: str = "3377-A", hours: float = 0, **meters: int) -> Reading:
    """What a visit `hours` after noon learns of a device with these meters."""
    return Reading(
        address="127.0.0.7",
        port=1161,
        taken_at=NOON + timedelta(hours=hours),
        serial=serial,
        meters=tuple(Meter(name, value, "impressions", "1.3.6.1.2.1.43.10.2.1.4.1.1") for name, value in meters.items()),
        supplies=(Supply("1.1", "Black Toner", "toner", "consumed", "black", 50, 100, 19, "percent", 50, SupplyState.KNOWN),),
    )


def site(devices: int = 3) -> SiteState:
    """A site with this many devices and a sync request in the outbox."""
    found = (Device(f"S{number:05}", DeviceState.SEEN, NOON) for number in range(devices))
    return SiteState(
        CLIENT,
        devices=MappingProxyType({device.serial: device for device in found}),
        outbox=(Outgoing(1, SyncProxy(CLIENT, "0.1.0"), NOON),),
        next_number=2,
    )


def changed(state: SiteState, serial: str, /, **change: Any) -> SiteState:
    """`state` after something happened to one device."""
    device = replace(state.devices[serial], **change)
    return replace(state, devices=MappingProxyType({**state.devices, serial: device}))


def exchange(transaction: str = "T3", octets: int = 3) -> Exchange:
    """One line of the journal."""
    return Exchange(NOON, "https://stub/m", transaction, 0, b"x" * octets, Sizes(1, 2, 3), "ok")


# --- anything at all ---------------------------------------------------------------------------------------
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
keys = st.text("ABC-é中&'\" ", min_size=1, max_size=3)
any_size = st.integers(-3, 2**64 - 1)
_PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: words,
    int: st.integers(0, 2**31 - 1),
    bool: st.booleans(),
    bytes: st.binary(max_size=50),
    date: st.dates(),
    datetime: st.datetimes(
        datetime(1970, 1, 2),
        datetime(9998, 12, 30),
        timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30)), timezone(-timedelta(hours=11))]),
    ),
}


def anything(hint: Any, **given: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Any value of the type `hint`; of a dataclass, fields in `given` by their own strategy."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint in _PLAIN:
        return _PLAIN[hint]
    if hint is types.NoneType:
        return st.none()
    if origin in (typing.Union, types.UnionType):
        return st.one_of(map(anything, arguments))
    if origin in (tuple, frozenset):
        return st.lists(anything(arguments[0]), max_size=3).map(origin)
    if is_dataclass(hint):
        hints = typing.get_type_hints(hint)
        parts = {name: given[name] if name in given else anything(part) for name, part in hints.items()}
        return st.builds(typing.cast(Any, hint), **parts)
    assert issubclass(hint, StrEnum), hint
    return st.sampled_from(hint)


def _mapping(values: st.SearchStrategy[Any], key: str) -> st.SearchStrategy[Mapping[str, Any]]:
    """A mapping as the site has them: each value under its own key."""
    found = st.lists(values, max_size=4, unique_by=lambda value: getattr(value, key))
    return found.map(lambda items: MappingProxyType({getattr(item, key): item for item in items}))


def _queue(found: list[Outgoing]) -> tuple[Outgoing, ...]:
    return tuple(sorted(found, key=lambda message: message.number))


sites = anything(
    SiteState,
    client=st.uuids().map(str),
    devices=_mapping(anything(Device, serial=keys), "serial"),
    requests=_mapping(anything(BillingRequest, id=keys), "id"),
    outbox=st.lists(anything(Outgoing, number=st.integers(1, 6)), max_size=3, unique_by=lambda item: item.number).map(_queue),
)
readings = anything(
    Reading,
    serial=keys,
    meters=st.lists(anything(Meter, value=any_size), max_size=3).map(tuple),
    supplies=st.lists(anything(Supply, level=any_size, capacity=any_size, unit_code=any_size), max_size=3).map(tuple),
)
exchanges = anything(Exchange)
