"""The state of the site in its tables: rows and back, and only the rows and columns that changed.

A site of 10 000 devices changes one device at a time; the frozen values tell by identity which.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, TypeVar

import sqlalchemy as sa

from meterpost.ledger import tables
from meterpost.lifecycle.state import BillingRequest, Device, Outgoing, SiteState

SITE = 1
_MAPS = {"devices", "requests", "outbox"}
_OWN = tuple(field.name for field in fields(SiteState) if field.name not in _MAPS)
_TABLES = (tables.device, tables.request, tables.outbox)
Parts = Mapping[Any, Any]
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Version:
    """A state, and the number of the save it came from; None and 0 before the first."""

    state: SiteState | None = None
    revision: int = 0


def load(connection: sa.Connection) -> Version:
    """The site as it stands. Devices and requests come in the order of their keys."""
    row = connection.execute(sa.select(tables.site)).one_or_none()
    if row is None:
        return Version()
    state = SiteState(
        **{name: getattr(row, name) for name in _OWN},
        devices=MappingProxyType({device.serial: device for device in _values(connection, tables.device, Device)}),
        requests=MappingProxyType({request.id: request for request in _values(connection, tables.request, BillingRequest)}),
        outbox=tuple(_values(connection, tables.outbox, Outgoing)),
    )
    return Version(state, row.revision)


def revision(connection: sa.Connection) -> int:
    """The number of the last save, 0 before the first."""
    return connection.scalar(sa.select(tables.site.c.revision)) or 0


def save(connection: sa.Connection, before: Version, state: SiteState) -> Version:
    """Writes what makes `state` different from `before`, which must be what the store holds."""
    after = Version(state, before.revision + 1)
    own = {name: getattr(state, name) for name in _OWN} | {"revision": after.revision}
    if before.state is None:
        connection.execute(sa.insert(tables.site).values(id=SITE, **own))
    else:
        connection.execute(sa.update(tables.site).values(own))
    for table, old, new in zip(_TABLES, _parts(before.state), _parts(state), strict=True):
        _write_changes(connection, table, old, new)
    return after


def _parts(state: SiteState | None) -> tuple[Parts, Parts, Parts]:
    if state is None:
        return {}, {}, {}
    numbers = [message.number for message in state.outbox]
    if numbers != sorted(set(numbers)):
        raise ValueError(f"the outbox is not in the order of its numbers: {numbers[:20]}")
    return state.devices, state.requests, {message.number: message for message in state.outbox}


def _write_changes(connection: sa.Connection, table: sa.Table, old: Parts, new: Parts) -> None:
    (key,) = table.primary_key
    gone = [{"gone": name} for name in old.keys() - new.keys()]
    if gone:
        connection.execute(sa.delete(table).where(key == sa.bindparam("gone")), gone)
    added = [_row(value) for name, value in new.items() if name not in old]
    if added:
        connection.execute(sa.insert(table), added)
    changed: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for name, value in new.items():
        if name in old and old[name] is not value and (changes := dict(_changes(old[name], value))):
            changed[tuple(changes)].append({"changed": name, **changes})
    for rows in changed.values():
        connection.execute(sa.update(table).where(key == sa.bindparam("changed")), rows)


def _changes(old: Any, new: Any) -> Iterator[tuple[str, Any]]:
    """Field by field: a message of 10 000 devices is not written again because an attempt was counted."""
    for field in fields(new):
        before, after = getattr(old, field.name), getattr(new, field.name)
        if before is not after and before != after:
            yield field.name, after


def _row(value: Any) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in fields(value)}


def _values(connection: sa.Connection, table: sa.Table, kind: type[Value]) -> Iterator[Value]:
    (key,) = table.primary_key
    return (kind(**row._mapping) for row in connection.execute(sa.select(table).order_by(key)))
