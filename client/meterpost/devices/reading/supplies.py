"""The supplies table of the Printer MIB (RFC 3805, prtMarkerSuppliesTable) becomes `Supply` values. Pure; never raises."""

import re
from collections.abc import Mapping
from functools import lru_cache

from meterpost.devices.reading import mib
from meterpost.devices.reading.values import number, text
from meterpost.devices.snmp.session import Column, Want
from meterpost.model import Supply, SupplyState
from meterpost.recording import Oid, dotted

ROWS = 5  # black, three colours, and the waste container or the row behind the last
COLUMNS = tuple(
    Want(column, ROWS, octets=octets)
    for column, octets in (
        (mib.PRT_SUPPLY_COLORANT, 1),
        (mib.PRT_SUPPLY_CLASS, 1),
        (mib.PRT_SUPPLY_TYPE, 1),
        (mib.PRT_SUPPLY_DESCRIPTION, 24),
        (mib.PRT_SUPPLY_UNIT, 1),
        (mib.PRT_SUPPLY_CAPACITY, 3),
        (mib.PRT_SUPPLY_LEVEL, 3),
        (mib.PRT_COLORANT_VALUE, 8),
    )
)

_NO_UNITS = (1, 2)  # other, unknown
_STATES = {-1: SupplyState.UNRESTRICTED, -3: SupplyState.SOME_REMAINING}

_COLORS = {
    "black": r"black|schwarz|noir|nero|negro|preto|zwart|svart",
    "cyan": r"cyan|ciano?|cian",
    "magenta": r"magenta",
    "yellow": r"yellow|gelb|jaune|giallo|amarillo|amarelo|geel|gul",
    "gray": r"gr[ae]y|grau|gris",
    "red": r"red|rot|rouge|rojo",
    "blue": r"blue|blau|bleu|azul",
    "green": r"green|grün|vert|verde",
    "white": r"white|weiß|blanc|bianco|blanco",
}
_COLOR_WORDS = {color: re.compile(rf"(?i)\b({words})\b") for color, words in _COLORS.items()}
_SHADE = re.compile(r"(?i)\b(light|photo|matte)\b")
_NO_COLORANT = {"", "none", "other", "unknown"}


def supplies(table: Mapping[Oid, Column]) -> tuple[Supply, ...]:
    """One Supply for each row that has a description or a level, in the order of the table."""
    rows = sorted({*table[mib.PRT_SUPPLY_DESCRIPTION], *table[mib.PRT_SUPPLY_LEVEL]})
    return tuple(_supply(row, table) for row in rows)


def percent(level: int, capacity: int, unit: int = mib.LEVEL_UNKNOWN) -> int | None:
    """Of the capacity, 0 to 100, where both are real numbers. In unit 19 (percent), which comes with capacity 100, a level
    without a capacity is the percentage itself."""
    if capacity <= 0 and unit == mib.PERCENT:
        return level if 0 <= level <= 100 else None
    return min(100, round(100 * level / capacity)) if level >= 0 and capacity > 0 else None


@lru_cache(4096)  # printers of a model name their supplies alike
def color(words: str) -> str:
    """The one colour named in `words`, with its shade; '' for none and for several."""
    found = [name for name, pattern in _COLOR_WORDS.items() if pattern.search(words)]
    shade = _SHADE.search(words)
    return "" if len(found) != 1 else f"{shade[1].lower()} {found[0]}" if shade else found[0]


def _supply(row: Oid, table: Mapping[Oid, Column]) -> Supply:
    def code(column: Oid, otherwise: int = mib.LEVEL_UNKNOWN) -> int:
        found = number(table[column].get(row))
        return otherwise if found is None else found

    description = text(table[mib.PRT_SUPPLY_DESCRIPTION].get(row))
    level, capacity, unit = code(mib.PRT_SUPPLY_LEVEL), code(mib.PRT_SUPPLY_CAPACITY), code(mib.PRT_SUPPLY_UNIT, 2)
    # The colorant table has the same first index, hrDeviceIndex, and its own second.
    colorant = text(table[mib.PRT_COLORANT_VALUE].get((*row[:1], code(mib.PRT_SUPPLY_COLORANT)))).casefold()
    return Supply(
        index=dotted(row),
        description=description,
        kind=mib.SUPPLY_TYPES.get(code(mib.PRT_SUPPLY_TYPE), ""),
        supply_class=mib.SUPPLY_CLASSES.get(code(mib.PRT_SUPPLY_CLASS), ""),
        color=color(description) if colorant in _NO_COLORANT else color(colorant) or colorant,
        level=level,
        capacity=capacity,
        unit_code=unit,
        unit=mib.UNITS.get(unit, "unknown"),
        percent=percent(level, capacity, unit),
        state=_state(level, capacity, unit),
    )


def _state(level: int, capacity: int, unit: int) -> SupplyState:
    """A number without a unit, of a capacity nobody knows, says nothing."""
    if level >= 0:
        return SupplyState.KNOWN if capacity > 0 or unit not in _NO_UNITS else SupplyState.UNKNOWN
    return _STATES.get(level, SupplyState.UNKNOWN)
