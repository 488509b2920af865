"""What a device is asked at first contact: everything a reading needs, planned as wants and packed by the session.

First who it is and what it counts; then, where it is a printer, its supplies and alerts and what its maker's profile adds.
A device that is no printer is asked no further.
"""

from collections.abc import Iterable

from meterpost.devices.reading import alerts, mib, supplies, values
from meterpost.devices.reading.kinds import Kind, Verdict, judge
from meterpost.devices.reading.profile import TABLE_ROWS, Profile, Profiles, Quirks
from meterpost.devices.snmp.port import Talk
from meterpost.devices.snmp.session import Abilities, Facts, Session, Want
from meterpost.recording import Oid

SYSTEM = (mib.SYS_DESCR, mib.SYS_OBJECT_ID, mib.SYS_NAME, mib.SYS_LOCATION)
# Of a host's devices the first is nearly always the printer; a computer has fifty that nobody wants.
_DEVICES = (
    Want(mib.HR_DEVICE_TYPE, 2, most=2, octets=9),
    Want(mib.HR_DEVICE_DESCR, 2, most=2, octets=32),
    Want(mib.HR_DEVICE_STATUS, 2, most=2, octets=1),
    Want(mib.HR_PRINTER_STATUS, 2, octets=1),
    Want(mib.HR_PRINTER_ERROR_STATE, 2, octets=2),
    Want(mib.PRT_SERIAL_NUMBER, 2, octets=12),
    Want(mib.PRT_MARKER_COUNTER_UNIT, 2, octets=1),
    Want(mib.PRT_MARKER_LIFE_COUNT, 2, octets=4),
    Want(mib.IF_PHYS_ADDRESS, 2, most=8, octets=6),
)
_MARKS = (  # what only a printer has
    mib.PRT_SERIAL_NUMBER,
    mib.PRT_MARKER_COUNTER_UNIT,
    mib.PRT_MARKER_LIFE_COUNT,
    mib.PRT_SUPPLY_LEVEL,
)
_COLUMNS = frozenset(want.column for want in (*_DEVICES, *supplies.COLUMNS, *alerts.COLUMNS))
_LABEL_OCTETS = 20


def first_contact(session: Session, profiles: Profiles) -> Talk[Facts]:
    """Everything the device has for a reading. Raises DeviceError."""
    facts = yield from session.collect(SYSTEM, _DEVICES)
    if not is_printer(facts):
        facts.merge((yield from session.collect((), tuple(_further(facts)))))
    if not is_printer(facts):
        return facts
    row = printer_row(facts)
    if row not in facts.columns[mib.HR_DEVICE_DESCR]:
        cells = [column + row for column in (mib.HR_DEVICE_DESCR, mib.HR_DEVICE_STATUS)]
        for cell, value in (yield from session.get(cells)).items():
            facts.columns[cell[: -len(row)]][row] = value
    profile = chosen(facts, profiles)
    session.abilities = _bounded(session.abilities, profile.quirks)
    scalars = [oid for oid in _scalars(facts, row, profile, profiles.generic) if oid not in facts.scalars]
    facts.merge((yield from session.collect(scalars, (*supplies.COLUMNS, *alerts.COLUMNS, *_tables(profile)))))
    return facts


def is_whole(facts: Facts) -> bool:
    """Whether all columns were asked that every printer is asked today: `facts` may have been kept by an earlier meterpost."""
    return facts.columns.keys() >= _COLUMNS


def is_printer(facts: Facts) -> bool:
    """RFC 3805: there is a serial, a marker or a supply of the Printer MIB. A printer in the tables of RFC 2790 alone may be
    the queue of a computer or of a box in front of printers: there the agent's own words must not speak against it. Where an
    agent has neither MIB, they must speak for it."""
    columns = facts.columns
    if any(columns.get(column) for column in _MARKS):
        return True
    if mib.HR_DEVICE_PRINTER in columns[mib.HR_DEVICE_TYPE].values() or columns[mib.HR_PRINTER_STATUS]:
        return judged(facts).verdict in (Verdict.PRINTER, Verdict.UNKNOWN)
    return not columns[mib.HR_DEVICE_TYPE] and judged(facts).verdict is Verdict.PRINTER


def judged(facts: Facts) -> Kind:
    """What the device's own words make of it."""
    return judge(values.text(facts.scalars.get(mib.SYS_DESCR)), object_id(facts))


def object_id(facts: Facts) -> Oid:
    """sysObjectID; () where the device has none, or something else in its place."""
    value = facts.scalars.get(mib.SYS_OBJECT_ID)
    return value if isinstance(value, tuple) else ()


def own_serial(facts: Facts, row: Oid) -> str:
    """The serial number of the Printer MIB; '' where it has none, or a filler."""
    return values.serial(values.text(facts.columns[mib.PRT_SERIAL_NUMBER].get(row)))


def printer_row(facts: Facts) -> Oid:
    """The hrDeviceIndex of the (first) printer."""
    columns = facts.columns
    printers = [row for row, kind in columns[mib.HR_DEVICE_TYPE].items() if kind == mib.HR_DEVICE_PRINTER]
    if printers:
        return min(printers)
    rows = {row[:1] for column in (mib.HR_PRINTER_STATUS, mib.PRT_SERIAL_NUMBER) for row in columns[column]}
    return min(rows, default=mib.FIRST_DEVICE)


def chosen(facts: Facts, profiles: Profiles) -> Profile:
    """The profile for the device."""
    return profiles.choose(object_id(facts), values.text(facts.scalars.get(mib.SYS_DESCR)))


def _bounded(abilities: Abilities, quirks: Quirks) -> Abilities:
    names = abilities.names if quirks.names is None else min(abilities.names, quirks.names)
    return Abilities(abilities.bulk and quirks.bulk, names)


def _further(facts: Facts) -> Iterable[Want]:
    """Where a printer may still show: among the other devices of the host, or in supplies alone."""
    yield Want(mib.PRT_SUPPLY_LEVEL, most=1)
    if len(facts.columns[mib.HR_DEVICE_TYPE]) > 1:
        yield Want(mib.HR_DEVICE_TYPE, TABLE_ROWS, octets=9)


def _scalars(facts: Facts, row: Oid, profile: Profile, generic: Profile) -> Iterable[Oid]:
    """Single objects of the maker's tree, and further places for what the standard ones do not say."""
    model = values.text(facts.columns[mib.HR_DEVICE_DESCR].get(row))
    rules = (
        *(() if own_serial(facts, row) else profile.serial + generic.serial),
        *(() if model else profile.model + generic.model),
        *profile.maker,
        *(() if profile.manufacturer else generic.maker),
        *profile.firmware,
    )
    return sorted({rule.oid for rule in rules} | {meter.oid for meter in profile.meters} | set(profile.packed))


def _tables(profile: Profile) -> Iterable[Want]:
    wants: dict[Oid, Want] = {}
    for table in profile.tables:
        for value, key in table.pairs:
            wants |= {value: Want(value, table.expect), key: Want(key, table.expect, octets=_LABEL_OCTETS)}
    for supply in profile.supplies:
        if supply.key is not None:
            wants |= {
                supply.value: Want(supply.value, supplies.ROWS),
                supply.key: Want(supply.key, supplies.ROWS, octets=_LABEL_OCTETS),
            }
    return wants.values()
