"""One visit to one device: the standard MIBs, then what the maker's profile adds, become a `Reading`.

It never sums markers, never trusts a row number of a maker's table, and takes no label for a counter.
"""

from collections.abc import Mapping, Set
from dataclasses import replace
from datetime import datetime

from meterpost.devices.reading import mib, values
from meterpost.devices.reading.profile import Profile, Profiles, TableRule, TextRule, folded
from meterpost.devices.reading.supplies import COLUMNS as SUPPLY_COLUMNS
from meterpost.devices.reading.supplies import supplies
from meterpost.devices.snmp.port import Agent
from meterpost.devices.snmp.session import Column, Session
from meterpost.model import Meter, Reading
from meterpost.recording import Oid, Value, dotted

_SYSTEM = (mib.SYS_DESCR, mib.SYS_OBJECT_ID, mib.SYS_NAME, mib.SYS_LOCATION)
_PRINTER_COLUMNS = (
    mib.PRT_SERIAL_NUMBER,
    mib.PRT_MARKER_COUNTER_UNIT,
    mib.PRT_MARKER_LIFE_COUNT,
)
_HOST_COLUMNS = (
    mib.HR_DEVICE_TYPE,
    mib.HR_DEVICE_DESCR,
    mib.HR_DEVICE_STATUS,
    mib.HR_PRINTER_STATUS,
    mib.HR_PRINTER_ERROR_STATE,
)
_LIFE_UNITS = {code: word.lower() for code, word in mib.UNITS.items() if word not in ("other", "unknown")}


async def read(agent: Agent, profiles: Profiles, address: str, port: int, now: datetime) -> Reading:
    """The reading of the device behind `agent`. One that is no printer (no hrDeviceType printer, no Printer MIB) is not
    asked further, and its reading has only its name. Raises DeviceError."""
    session = Session(agent)
    system = await session.get(_SYSTEM)
    host = await session.columns(_HOST_COLUMNS + _PRINTER_COLUMNS)
    supply_table = await session.columns(SUPPLY_COLUMNS)

    printers = sorted(row for row, kind in host[mib.HR_DEVICE_TYPE].items() if kind == mib.HR_DEVICE_PRINTER)
    has_printer_mib = any(host[column] for column in _PRINTER_COLUMNS) or any(supply_table.values())
    device = printers[0] if printers else mib.FIRST_DEVICE
    object_id = system.get(mib.SYS_OBJECT_ID)
    kind = object_id if isinstance(object_id, tuple) else ()
    description = values.text(system.get(mib.SYS_DESCR))
    name = values.text(system.get(mib.SYS_NAME))
    location = values.text(system.get(mib.SYS_LOCATION))
    if not printers and not has_printer_mib:
        return Reading(
            address,
            port,
            now,
            name=name,
            location=location,
            sys_object_id=dotted(kind),
            sys_descr=description,
            is_printer=False,
        )

    profile, generic = profiles.choose(kind, description), profiles.generic
    serial = values.serial(values.text(host[mib.PRT_SERIAL_NUMBER].get(device)))
    model = values.text(host[mib.HR_DEVICE_DESCR].get(device))
    serial_rules = () if serial else profile.serial + generic.serial
    model_rules = () if model else profile.model + generic.model
    maker_rules = () if profile.manufacturer else profile.maker + generic.maker
    text_rules = (*serial_rules, *model_rules, *maker_rules, *profile.firmware)
    wanted = {rule.oid for rule in text_rules} | {meter.oid for meter in profile.meters}
    scalars = system | await session.get(sorted(wanted - system.keys()))
    tables = await session.columns((mib.IF_PHYS_ADDRESS, *_table_columns(profile)))
    return Reading(
        address=address,
        port=port,
        taken_at=now,
        manufacturer=profile.manufacturer or _first(maker_rules, scalars),
        model=model or _first(model_rules, scalars),
        serial=serial or values.serial(_first(serial_rules, scalars)),
        name=name,
        location=location,
        mac=next(filter(None, map(values.mac, tables[mib.IF_PHYS_ADDRESS].values())), ""),
        firmware=_first(profile.firmware, scalars),
        status=status(
            values.number(host[mib.HR_DEVICE_STATUS].get(device)),
            values.number(host[mib.HR_PRINTER_STATUS].get(device)),
            values.detected_errors(host[mib.HR_PRINTER_ERROR_STATE].get(device)),
        ),
        meters=(*_life_meters(host), *_profile_meters(profile, scalars, tables, session.cut)),
        supplies=supplies(supply_table),
        profile=profile.name,
        profile_version=profile.version,
        sys_object_id=dotted(kind),
        sys_descr=description,
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
    return next(filter(None, (_text(rule, scalars.get(rule.oid)) for rule in rules)), "")


def _text(rule: TextRule, value: Value) -> str:
    octets = value[rule.skip :] if isinstance(value, bytes) else None
    if rule.pattern is None:
        return values.text(octets)
    match = rule.pattern.search(values.text(octets, values.MAX_DEVICE_ID))
    return match[1].strip()[: values.MAX_TEXT] if match else ""


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


def _table_columns(profile: Profile) -> dict[Oid, None]:
    return {column: None for table in profile.tables for pair in table.pairs for column in pair}


def _profile_meters(profile: Profile, scalars: Mapping[Oid, Value], tables: Mapping[Oid, Column], cut: Set[Oid]) -> list[Meter]:
    """The maker's counters. A labelled row is surer than a fixed OID, so tables come first; a name is given once.
    Nothing is added up over a table that is not whole."""
    found: dict[str, Meter] = {}
    for table in profile.tables:
        if table.sum and not cut.isdisjoint({table.value, table.key}):
            continue
        for meter in _table_meters(table, tables):
            found.setdefault(meter.name, meter)
    for rule in profile.meters:
        count = values.number(scalars.get(rule.oid))
        if count is not None and count >= 0:
            found.setdefault(rule.name, Meter(rule.name, count, rule.unit, dotted(rule.oid)))
    return list(found.values())


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
    return [meter for name, meter in found.items() if not (rule.sum and name in partial)]
