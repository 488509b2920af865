"""Facts become a `Reading`: the standard MIBs, then what the maker's profile adds. Pure; never raises.

It never sums markers, never trusts a row number of a maker's table, and takes no label for a counter.
"""

import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import replace
from datetime import datetime

from meterpost.devices.reading import contact, mib, values
from meterpost.devices.reading.alerts import alerts
from meterpost.devices.reading.levels import with_levels
from meterpost.devices.reading.packed import numbers
from meterpost.devices.reading.profile import BlobRule, MeterRule, Profile, Profiles, TableRule, TextRule, folded
from meterpost.devices.reading.supplies import supplies
from meterpost.devices.snmp.session import Column, Facts
from meterpost.model import Meter, Reading
from meterpost.recording import Oid, Value, dotted

_DIGITS = re.compile("[0-9]{1,20}")
_LIFE_UNITS = {code: word.lower() for code, word in mib.UNITS.items() if word not in ("other", "unknown")}


def interpret(facts: Facts, profiles: Profiles, address: str, port: int, now: datetime) -> Reading:
    """The reading that `facts` are, as `contact.first_contact` collected them. That of a device that is no printer has only
    its name."""
    scalars, columns = facts.scalars, facts.columns
    reading = Reading(
        address,
        port,
        now,
        name=values.text(scalars.get(mib.SYS_NAME)),
        location=values.text(scalars.get(mib.SYS_LOCATION)),
        sys_object_id=dotted(contact.object_id(facts)),
        sys_descr=values.text(scalars.get(mib.SYS_DESCR)),
        is_printer=False,
    )
    if not contact.is_printer(facts):
        return reading
    row = contact.printer_row(facts)
    profile, generic = contact.chosen(facts, profiles), profiles.generic
    macs = tuple(dict.fromkeys(filter(None, map(values.mac, columns[mib.IF_PHYS_ADDRESS].values()))))
    errors = values.detected_errors(columns[mib.HR_PRINTER_ERROR_STATE].get(row))
    return replace(
        reading,
        is_printer=True,
        manufacturer=_first(profile.maker, scalars) or profile.manufacturer or _first(generic.maker, scalars),
        model=values.text(columns[mib.HR_DEVICE_DESCR].get(row)) or _first(profile.model + generic.model, scalars),
        serial=contact.own_serial(facts, row) or values.serial(_first(profile.serial + generic.serial, scalars)),
        mac=macs[0] if macs else "",
        macs=macs,
        firmware=_first(profile.firmware, scalars),
        status=status(
            values.number(columns[mib.HR_DEVICE_STATUS].get(row)),
            values.number(columns[mib.HR_PRINTER_STATUS].get(row)),
            tuple(mib.DETECTED_ERRORS[name] for name in errors),
        ),
        errors=errors,
        alerts=alerts(columns),
        meters=(*_life_meters(columns), *_profile_meters(profile, scalars, columns, facts.cut)),
        supplies=with_levels(supplies(columns), profile.supplies, scalars, columns),
        profile=profile.name,
        profile_version=profile.version,
    )


def status(device: int | None, printer: int | None, errors: tuple[str, ...]) -> str:
    """A word for hrDeviceStatus and hrPrinterStatus, with the detected errors where there are any; '' where the
    device says nothing. RFC 3805, section 2.2.13.2: a device that is down has an error, else errors are warnings."""
    if errors:
        return f"{'error' if device == mib.DEVICE_DOWN else 'warning'}: {', '.join(errors)}"
    if device == mib.DEVICE_DOWN and printer != mib.PRINTER_WARMUP:
        return "down"
    return "" if printer is None else mib.PRINTER_STATES.get(printer, "unknown")


def _first(rules: tuple[TextRule, ...], scalars: Mapping[Oid, Value]) -> str:
    return next(filter(None, (told(rule, scalars.get(rule.oid)) for rule in rules)), "")


def told(rule: TextRule, value: Value) -> str:
    """What `rule` reads of the `value` at its place."""
    octets = value[rule.skip :] if isinstance(value, bytes) else None
    if rule.pattern is None:
        return values.text(octets)
    match = rule.pattern.search(values.text(octets, values.MAX_DEVICE_ID))
    return (match[1] or "").strip()[: values.MAX_TEXT] if match else ""


def _life_meters(host: Mapping[Oid, Column]) -> list[Meter]:
    """prtMarkerLifeCount in prtMarkerCounterUnit, a meter for each marker: `life.impressions`, `life.sheets.2`.
    Where the agent does not say the unit, the meter is `life.count` and its unit ''."""
    meters = []
    for place, (row, value) in enumerate(sorted(host[mib.PRT_MARKER_LIFE_COUNT].items()), 1):
        count = values.number(value)
        unit = _LIFE_UNITS.get(values.number(host[mib.PRT_MARKER_COUNTER_UNIT].get(row)) or 0, "")
        if count is not None and count >= 0:
            name = f"life.{unit or 'count'}" + (f".{place}" if place > 1 else "")
            meters.append(Meter(name, count, unit, dotted(mib.PRT_MARKER_LIFE_COUNT + row)))
    return meters


def _profile_meters(profile: Profile, scalars: Mapping[Oid, Value], tables: Mapping[Oid, Column], cut: Set[Oid]) -> list[Meter]:
    """The maker's counters. A labelled row is surer than a fixed OID, and that one than a packed number; a name is given
    once. Nothing is added up over a table that is not whole."""
    found: dict[str, Meter] = {}
    for table in profile.tables:
        if table.sum and not cut.isdisjoint({table.value, table.key}):
            continue
        for meter in _table_meters(table, tables):
            found.setdefault(meter.name, meter)
    labelled = {
        value + row
        for table in profile.tables
        for value, key in table.pairs
        for row, label in tables[key].items()
        if folded(label)
    }
    for rule in profile.meters:
        count = _count(rule, scalars.get(rule.oid))
        if count is not None and rule.oid not in labelled:  # the agent's own label decides, even one that nobody knows
            found.setdefault(rule.name, Meter(rule.name, count, rule.unit, dotted(rule.oid)))
    for blob in profile.blobs:
        for meter in _packed_meters(blob, scalars.get(blob.oid)):
            found.setdefault(meter.name, meter)
    return list(found.values())


def _count(rule: MeterRule, value: Value) -> int | None:
    """A number is no text, and a text no number: each only where the maker's MIB has it."""
    if rule.pattern is not None:
        match = rule.pattern.search(values.text(value))
        value = int(match[1]) if match and _DIGITS.fullmatch(match[1] or "") else None
    count = values.number(value)
    return None if count is None or count < 0 else count // rule.scale


def _packed_meters(rule: BlobRule, value: Value) -> Iterator[Meter]:
    """Each with its tag behind the OID: `1.3.6.1.4.1.2435….10.0#02`."""
    packed = numbers(value)
    for tag, name in rule.rows.items():
        if tag in packed:
            yield Meter(name, packed[tag], rule.units.get(name, rule.unit), f"{dotted(rule.oid)}#{tag:02x}")


def _table_meters(rule: TableRule, tables: Mapping[Oid, Column]) -> list[Meter]:
    found: dict[str, Meter] = {}
    partial: set[str] = set()
    for value_column, key_column in rule.pairs:
        for row, key in tables[key_column].items():
            name = rule.rows.get(folded(key))
            if name is None:
                continue
            count = values.number(tables[value_column].get(row))
            if count is None or count < 0:
                partial.add(name)
            elif name not in found:
                oid = rule.value if rule.sum else value_column + row
                found[name] = Meter(name, count, rule.units.get(name, rule.unit), dotted(oid))
            elif rule.sum:
                found[name] = replace(found[name], value=found[name].value + count)
    whole = [meter for name, meter in found.items() if not (rule.sum and name in partial)]
    return whole if rule.scale == 1 else [replace(meter, value=meter.value // rule.scale) for meter in whole]
