"""A further visit to a device that is known: only what moves is asked, and the serial number, in one request if it fits.

Where anything says that the device is not what it was (another serial number, a counter that fell, a supply that was
changed, an object that is gone, knowledge that is a day old), it is met as if for the first time, in the same visit.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice

from meterpost.devices.reading import alerts, contact, mib, values
from meterpost.devices.reading.interpret import told
from meterpost.devices.reading.profile import Profile, Profiles, folded
from meterpost.devices.reading.remembered import Remembered, edition
from meterpost.devices.snmp.port import Talk
from meterpost.devices.snmp.session import Facts, Session, Want
from meterpost.recording import Oid, Value

KEEPS = timedelta(days=1)
"""How long names, models, capacities and descriptions are believed."""

Cell = tuple[Oid, Oid]
"""A column and a row of it; a single object is the row () of itself."""


def visit(session: Session, profiles: Profiles, known: Remembered | None, now: datetime) -> Talk[tuple[Facts, bool]]:
    """The facts of a device, and whether they were all asked anew. Raises DeviceError."""
    if known is not None and is_fresh(known, now):
        profile = contact.chosen(known.facts, profiles)
        if known.profile == edition(profile.name, profile.version) and contact.is_whole(known.facts):
            facts = yield from _repeat(session, known.facts, profile, profiles.generic)
            if facts is not None:
                return facts, False
    return (yield from contact.first_contact(session, profiles)), True


def is_fresh(known: Remembered, now: datetime) -> bool:
    """Whether what is known is still believed."""
    return known.learnt_at <= now < known.learnt_at + KEEPS


def _repeat(session: Session, known: Facts, profile: Profile, generic: Profile) -> Talk[Facts | None]:
    """`known` with what moves asked anew; None where the device is not what it was."""
    cells = {column + row: (column, row) for column, row in moving(known, profile, generic)}
    found = yield from session.collect(tuple(cells), _alerts(known))
    if found.scalars.keys() != cells.keys():
        return None
    facts = Facts(dict(known.scalars), dict(known.columns), set(known.cut))
    for name, (column, row) in cells.items():
        value = found.scalars[name]
        if _is_another_device(column, value, _cell(known, column, row), profile):
            return None
        if row:
            facts.columns[column] = facts.columns[column] | {row: value}
        else:
            facts.scalars[column] = value
    if any(found.columns.values()) and found.columns.keys() != {want.column for want in alerts.COLUMNS}:
        found = yield from session.collect((), alerts.COLUMNS)
    facts.columns |= {want.column: found.columns.get(want.column, {}) for want in alerts.COLUMNS}
    return facts


def moving(facts: Facts, profile: Profile, generic: Profile) -> Iterator[Cell]:
    """The cells of `facts` that a further visit asks for."""
    row = contact.printer_row(facts)
    columns = facts.columns
    for column in (mib.PRT_SERIAL_NUMBER, mib.HR_DEVICE_STATUS, mib.HR_PRINTER_STATUS, mib.HR_PRINTER_ERROR_STATE):
        if row in columns[column]:
            yield column, row
    for column in (mib.PRT_MARKER_LIFE_COUNT, mib.PRT_SUPPLY_LEVEL):
        for place in columns.get(column, ()):
            yield column, place
    known = contact.own_serial(facts, row)
    elsewhere = (rule for rule in profile.serial + generic.serial if values.serial(told(rule, facts.scalars.get(rule.oid))))
    objects = (
        *(rule.oid for rule in islice(elsewhere, 0 if known else 1)),
        *(meter.oid for meter in profile.meters),
        *profile.packed,
    )
    for oid in dict.fromkeys(objects):
        if oid in facts.scalars:
            yield oid, ()
    for table in profile.tables:
        for value_column, key_column in table.pairs:
            for place, key in columns.get(key_column, {}).items():
                if folded(key) in table.rows and place in columns.get(value_column, {}):
                    yield value_column, place
    for supply in profile.supplies:
        if supply.key is not None:
            for place in columns.get(supply.value, ()):
                yield supply.value, place


def _alerts(known: Facts) -> tuple[Want, ...]:
    """The whole table where it had rows, else one cell of it, to see whether it has some now."""
    rows = max(len(known.columns.get(want.column, ())) for want in alerts.COLUMNS)
    if rows:
        return tuple(want._replace(rows=rows + 1) for want in alerts.COLUMNS)
    return (Want(mib.PRT_ALERT_CODE, 1, most=1),) if mib.PRT_ALERT_CODE in known.columns else ()


def _cell(facts: Facts, column: Oid, row: Oid) -> Value:
    return facts.columns[column][row] if row else facts.scalars[column]


def _is_another_device(column: Oid, value: Value, before: Value, profile: Profile) -> bool:
    """What only a change of the device, of its board or of a supply explains."""
    if isinstance(value, int) and isinstance(before, int):
        if column == mib.PRT_SUPPLY_LEVEL or any(supply.value == column for supply in profile.supplies):
            return value > before
        return value < before and column not in (mib.HR_DEVICE_STATUS, mib.HR_PRINTER_STATUS)
    if isinstance(value, bytes) and isinstance(before, bytes):
        return value != before and column not in (mib.HR_PRINTER_ERROR_STATE, *_texts_that_move(profile))
    return type(value) is not type(before)


def _texts_that_move(profile: Profile) -> tuple[Oid, ...]:
    return (*profile.packed, *(meter.oid for meter in profile.meters if meter.pattern is not None))
