"""The attributes of a printer (RFC 8011) become a `Reading`. Pure; never raises, whatever the attributes hold."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from meterpost.devices.ipp import attributes as ipp
from meterpost.devices.ipp.codec import Attributes, Value
from meterpost.devices.reading import mib, values
from meterpost.devices.reading.supplies import color, percent
from meterpost.model import Alert, Meter, Reading, Supply, SupplyState

MOST = 100  # values of an attribute; a printer that has more supplies or alerts is not understood better

_STATES = {-1: SupplyState.UNRESTRICTED, -2: SupplyState.UNKNOWN, -3: SupplyState.SOME_REMAINING}
_TIME_UUID = re.compile(r"(?i)urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-1[0-9a-f]{3}-[0-9a-f]{4}-([0-9a-f]{12})")
_SEVERITY = re.compile(f"(?:{'|'.join(ipp.SEVERITIES)})$")
_HUMP = re.compile("(?<=[a-z])(?=[A-Z])")
_DEVICE_ID_SERIAL = ("SN", "SER", "SERN", "SERIALNUMBER")
_DEVICE_ID_MAKER = ("MFG", "MANUFACTURER")
_DEVICE_ID_MODEL = ("MDL", "MODEL")


def _folded(word: str) -> str:
    """`ink-cartridge`, which CUPS writes, and `inkCartridge` of the MIB are one word."""
    return word.replace("-", "").casefold()


_KINDS = {_folded(kind): kind for kind in mib.SUPPLY_TYPES.values()}
_NO_KIND = {"", "other", "unknown"}
_UNITS = {_folded(unit): (code, unit) for code, unit in mib.UNITS.items()}


def reading(found: Attributes, address: str, port: int, now: datetime) -> Reading:
    """Everything `found` says. `address` is the printer's URI."""
    identity = _pairs(_texts(found, ipp.DEVICE_ID, values.MAX_DEVICE_ID), ":")
    make_and_model = _first(found, ipp.MODEL)
    maker = _maker(_of(identity, _DEVICE_ID_MAKER), make_and_model)
    mac = _mac(found)
    errors = _errors(found)
    return Reading(
        address=address,
        port=port,
        taken_at=now,
        manufacturer=maker,
        model=make_and_model or _of(identity, _DEVICE_ID_MODEL),
        serial=values.serial(_first(found, ipp.SERIAL)) or values.serial(_unpacked(_of(identity, _DEVICE_ID_SERIAL), maker)),
        name=_first(found, ipp.NAME),
        location=_first(found, ipp.LOCATION),
        mac=mac,
        macs=(mac,) if mac else (),
        firmware=_first(found, ipp.FIRMWARE),
        status=_status(found, errors),
        errors=errors,
        alerts=_alerts(found),
        meters=_meters(found),
        supplies=_supplies(found),
        profile="ipp",
        profile_version="1",
    )


def _meters(found: Attributes) -> tuple[Meter, ...]:
    meters = []
    for attribute, (name, unit) in ipp.COUNTERS.items():
        collection = next(iter(found.get(f"{attribute}-col", ())), None)
        parts = collection if isinstance(collection, Mapping) else {}
        counts = [(name, attribute, _numbers(found, attribute))]
        for member, ending in ipp.PARTS.items():
            counts.append((f"{name}.{ending}", f"{attribute}-col/{member}", _numbers(parts, member)))
        meters += [
            Meter(meter, numbers[0], unit, f"ipp:{source}") for meter, source, numbers in counts if numbers and numbers[0] >= 0
        ]
    return tuple(meters)


def _supplies(found: Attributes) -> tuple[Supply, ...]:
    """printer-supply says more. But some printers fill it with supplies they cannot have: where it has not as many as
    the marker attributes, which every phone shows, those are right."""
    described, markers = _described_supplies(found), _markers(found)
    return described if len(described) == len(markers) or not markers else markers


def _described_supplies(found: Attributes) -> tuple[Supply, ...]:
    """printer-supply, `key=value;` in each value (PWG 5100.13); its description stands in an attribute of its own, and
    where that one is empty, in the marker's name, if there are as many."""
    rows = [_pairs([row], "=") for row in _texts(found, ipp.SUPPLY, values.MAX_DEVICE_ID)]
    descriptions, markers = _texts(found, ipp.SUPPLY_DESCRIPTION), _texts(found, ipp.MARKER_NAMES)
    supplies = []
    for place, row in enumerate(rows, 1):
        description = _same_place(descriptions, rows, place) or _same_place(markers, rows, place)
        code, unit = _UNITS.get(_folded(row.get("UNIT", "")), (2, "unknown"))
        if row:
            supplies.append(
                _supply(
                    index=row.get("INDEX", str(place)),
                    description=description,
                    kind=_KINDS.get(_folded(row.get("TYPE", "")), ""),
                    supply_class=ipp.CLASSES.get(_folded(row.get("CLASS", "")), ""),
                    colors=(_HUMP.sub(" ", row.get("COLORANTNAME", "")), description),  # lightGray
                    level=_level(row.get("LEVEL")),
                    capacity=_level(row.get("MAXCAPACITY")),
                    unit_code=code,
                    unit=unit,
                )
            )
    return tuple(supplies)


def _markers(found: Attributes) -> tuple[Supply, ...]:
    """The marker-* attributes, one value for each supply; levels are percent."""
    names, levels = _texts(found, ipp.MARKER_NAMES), _numbers(found, ipp.MARKER_LEVELS)
    kinds, colors = _texts(found, ipp.MARKER_TYPES), _texts(found, ipp.MARKER_COLORS)
    highs = _numbers(found, ipp.MARKER_HIGH_LEVELS)
    rows = names or levels
    supplies = []
    for place in range(1, len(rows) + 1):
        name, tint = _same_place(names, rows, place), _same_place(colors, rows, place)
        kind = _KINDS.get(_folded(_same_place(kinds, rows, place)), "")
        filled = kind in ipp.RECEPTACLES
        level = _number_at(levels, rows, place)
        supplies.append(
            _supply(
                index=str(place),
                description=name,
                kind=kind,
                supply_class="receptacle" if filled else "consumed" if kind not in _NO_KIND else "",
                colors=(name, ipp.COLORS.get(tint.upper(), tint)),
                level=_room_left(level, _number_at(highs, rows, place)) if filled else level,
                capacity=100,
                unit_code=mib.PERCENT,
                unit=mib.UNITS[mib.PERCENT],
            )
        )
    return tuple(supplies)


def _room_left(level: int, high: int) -> int:
    """Of a container that is filled. With a high level below 100 (CUPS's mark of what fills) `level` is what is in it;
    else some printers give that and some the room that is left, and nobody can know."""
    if level < 0:
        return level
    return 100 - level if level <= 100 and 0 <= high < 100 else mib.LEVEL_UNKNOWN


def _supply(
    index: str,
    description: str,
    kind: str,
    supply_class: str,
    colors: Sequence[str],
    level: int,
    capacity: int,
    unit_code: int,
    unit: str,
) -> Supply:
    return Supply(
        index=index,
        description=description,
        kind=kind,
        supply_class=supply_class,
        color=next(filter(None, map(color, colors)), ""),
        level=level,
        capacity=capacity,
        unit_code=unit_code,
        unit=unit,
        percent=percent(level, 100 if unit_code == mib.PERCENT and capacity < 0 else capacity),
        state=SupplyState.KNOWN if level >= 0 else _STATES.get(level, SupplyState.UNKNOWN),
    )


def _alerts(found: Attributes) -> tuple[Alert, ...]:
    """printer-alert, `key=value;` in each value, with the description of the same place (PWG 5100.9); the descriptions
    alone where there is nothing else."""
    descriptions = _texts(found, ipp.ALERT_DESCRIPTION)
    rows = [_pairs([row], "=") for row in _texts(found, ipp.ALERT)] or [{} for _ in descriptions]
    return tuple(
        Alert(
            index=row.get("INDEX", str(place)),
            severity=_known(row.get("SEVERITY"), mib.ALERT_SEVERITIES),
            group=_known(row.get("GROUP"), mib.ALERT_GROUPS),
            code=row.get("CODE", ""),
            description=_same_place(descriptions, rows, place),
        )
        for place, row in enumerate(rows, 1)
    )


def _known(word: str | None, words: Mapping[int, str]) -> str:
    return word if word and word in words.values() else ""


def _errors(found: Attributes) -> tuple[str, ...]:
    """In the order of hrPrinterDetectedErrorState's bits, each once."""
    detected = {ipp.ERRORS.get(_SEVERITY.sub("", reason)) for reason in _texts(found, ipp.REASONS)}
    return tuple(error for error in mib.DETECTED_ERRORS if error in detected)


def _status(found: Attributes, errors: tuple[str, ...]) -> str:
    """As for SNMP: of a printer that has stopped the troubles are errors, else warnings."""
    state = next(iter(_numbers(found, ipp.STATE)), 0)
    if errors:
        return f"{'error' if state == ipp.STOPPED else 'warning'}: {', '.join(mib.DETECTED_ERRORS[error] for error in errors)}"
    return ipp.STATES.get(state, "")


def _maker(*found: str) -> str:
    """The maker's name as everywhere, where it is a known one; else as the IEEE 1284 id has it."""
    for text in found:
        for beginning, name in ipp.MAKERS.items():
            if re.match(rf"{re.escape(beginning)}\b", text.casefold()):
                return name
    return found[0]


def _unpacked(serial: str, maker: str) -> str:
    """The serial number as the printer's label has it."""
    match = re.fullmatch(ipp.PACKED_SERIALS.get(maker, "(?!)"), serial)
    return bytes.fromhex(match[1]).decode("ascii") + match[2] if match else serial


def _mac(found: Attributes) -> str:
    """A UUID of version 1 ends in the maker of it: an address of a network interface, unless its multicast bit is set
    (RFC 9562, 5.1 and 6.10)."""
    for uuid in _texts(found, ipp.UUID):
        if match := _TIME_UUID.fullmatch(uuid):
            node = bytes.fromhex(match[1])
            return "" if node[0] & 1 else values.mac(node)
    return ""


def _level(text: str | None) -> int:
    """A number of at most ten digits, -2 (unknown) where it is none."""
    return int(text) if text and re.fullmatch(r"-?[0-9]{1,10}", text) else mib.LEVEL_UNKNOWN


def _pairs(texts: Sequence[str], sign: str) -> dict[str, str]:
    """`key<sign>value;...`, keys in upper case; the first of each key."""
    found: dict[str, str] = {}
    for piece in texts[0].split(";") if texts else ():
        key, between, value = piece.partition(sign)
        if between:
            found.setdefault(key.strip().upper(), value.strip()[: values.MAX_TEXT])
    return found


def _of(identity: Mapping[str, str], keys: Sequence[str]) -> str:
    return next((identity[key] for key in keys if identity.get(key)), "")


def _first(found: Attributes, names: Sequence[str]) -> str:
    return next((text for name in names for text in _texts(found, name) if text), "")


def _same_place(texts: Sequence[str], others: Sequence[object], place: int) -> str:
    """Attributes with several values belong together value by value, as long as there are as many."""
    return texts[place - 1] if len(texts) == len(others) else ""


def _number_at(numbers: Sequence[int], others: Sequence[object], place: int) -> int:
    return numbers[place - 1] if len(numbers) == len(others) else mib.LEVEL_UNKNOWN


def _texts(found: Attributes, name: str, limit: int = values.MAX_TEXT) -> list[str]:
    return [values.text(value, limit) if isinstance(value, bytes) else "" for value in found.get(name, ())[:MOST]]


def _numbers(found: Attributes, name: str) -> list[int]:
    def number(value: Value) -> int:
        return value if isinstance(value, int) else mib.LEVEL_UNKNOWN

    return [number(value) for value in found.get(name, ())[:MOST]]
