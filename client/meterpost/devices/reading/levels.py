"""Levels of supplies from the maker's own tree, where the Printer MIB only has a state (RFC 3805: -2, -3) or no such supply.

Pure; never raises. What the Printer MIB knows is never replaced.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache

from meterpost.devices.reading import mib
from meterpost.devices.reading.packed import numbers
from meterpost.devices.reading.profile import SupplyRule, folded
from meterpost.devices.reading.supplies import color, percent
from meterpost.devices.reading.values import number, text
from meterpost.devices.snmp.session import Column
from meterpost.model import Supply, SupplyState
from meterpost.recording import Oid, Value, dotted

_UNITS = {word: code for code, word in mib.UNITS.items()}
_STATES = (SupplyState.UNKNOWN, SupplyState.SOME_REMAINING)
# Of what kind a supply is: the words of PrtMarkerSuppliesTypeTC, and those in a maker's name for it.
_KINDS = {
    "drum": ("opc", re.compile(r"(?i)\b(drum|opc|photoconductor)")),
    "fuser": ("fuser", re.compile(r"(?i)\bfus(er|ing)")),
    "transfer": ("transferUnit", re.compile(r"(?i)\b(belt|transfer)")),
    "waste": ("wasteToner", re.compile(r"(?i)\bwaste")),
    "colorant": ("", re.compile(r"(?i)\b(toner|ink)\b")),
}
_MIB_KINDS = {
    **{kind: group for group, (kind, _) in _KINDS.items() if kind},
    **dict.fromkeys(("toner", "tonerCartridge", "ink", "inkCartridge"), "colorant"),
    **dict.fromkeys(("wasteInk", "wasteToner", "wasteWax"), "waste"),
}


def with_levels(
    supplies: tuple[Supply, ...], rules: tuple[SupplyRule, ...], scalars: Mapping[Oid, Value], columns: Mapping[Oid, Column]
) -> tuple[Supply, ...]:
    """`supplies` with what `rules` add. A level is for the one supply of its kind and colour; a kind of which the Printer
    MIB has no supply is added behind them."""
    if not rules:
        return supplies
    found = list(supplies)
    known = {_group_of(supply) for supply in supplies}
    for rule in rules:
        own = [_supply(*level, rule) for level in _levels(rule, scalars, columns)]
        groups = Counter(map(_group_of, own))
        for supply in filter(_can_be, own):
            group = _group_of(supply)
            alike = [place for place, other in enumerate(found) if _are_alike(supply, other, groups[group] == 1)]
            if len(alike) == 1 and found[alike[0]].state in _STATES:
                found[alike[0]] = _filled(found[alike[0]], supply)
            elif not alike and (not group or group not in known):
                found.append(supply)
    return tuple(found)


def _levels(rule: SupplyRule, scalars: Mapping[Oid, Value], columns: Mapping[Oid, Column]) -> Iterator[tuple[str, str, int]]:
    """Index, name and level of each; the index is not one of the Printer MIB's."""
    if rule.key is None:
        packed = numbers(scalars.get(rule.value))
        yield from ((f"#{tag:02x}", name, packed[tag]) for tag, name in rule.rows.items() if tag in packed)
        return
    names = columns.get(rule.key, {})
    for row, value in sorted(columns.get(rule.value, {}).items()):
        key, level = names.get(row), number(value)
        name = rule.rows.get(folded(key), "") if rule.rows else text(key)
        if name and level is not None:
            yield f"#{dotted(row)}", name, level


def _supply(index: str, name: str, value: int, rule: SupplyRule) -> Supply:
    group = _group(name)
    unit, level = _UNITS[rule.unit], value // rule.scale
    capacity = 100 if unit == mib.PERCENT else mib.LEVEL_UNKNOWN
    return Supply(
        index=index,
        description=name,
        kind=_KINDS[group][0] if group else "",
        supply_class="receptacle" if group == "waste" else "consumed",
        color=color(name),
        level=level,
        capacity=capacity,
        unit_code=unit,
        unit=rule.unit,
        percent=percent(level, capacity),
        state=SupplyState.KNOWN,
    )


def _can_be(supply: Supply) -> bool:
    return supply.level >= 0 and (supply.unit_code != mib.PERCENT or supply.level <= supply.capacity)


def _are_alike(own: Supply, other: Supply, alone: bool) -> bool:
    """The same supply: by its name, or by kind and colour. Where the maker has one level only of a kind, `alone`, the
    colour may be left out, as black and white printers do."""
    if folded(own.description) == folded(other.description):
        return True
    same_color = own.color == other.color or (alone and "" in (own.color, other.color))
    return bool(_group_of(own)) and _group_of(own) == _group_of(other) and same_color


def _filled(supply: Supply, own: Supply) -> Supply:
    return replace(
        supply,
        level=own.level,
        capacity=own.capacity,
        unit_code=own.unit_code,
        unit=own.unit,
        percent=own.percent,
        state=own.state,
    )


def _group_of(supply: Supply) -> str:
    return _MIB_KINDS.get(supply.kind) or _group(supply.description)


@lru_cache(4096)  # printers of a model name their supplies alike
def _group(name: str) -> str:
    return next((group for group, (_, words) in _KINDS.items() if words.search(name)), "")
