"""What the pages of a solid-ink printer add to a reading. Pure; it fills gaps and overwrites nothing.

A fact counts where a page says it once. Two values behind one label (this month and for life, a tray and the whole) are
no fact: a wrong counter is worse than none.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from meterpost.devices.reading import mib, values
from meterpost.devices.reading.supplies import color, percent
from meterpost.devices.solidink.page import Page, parse
from meterpost.devices.solidink.rules import NAME, Rule, Rules, folded, model_in, number, rules
from meterpost.model import Meter, Reading, Supply, SupplyState

Statement = tuple[str, str, str]
"""Path of the page, folded label, value."""

_T = TypeVar("_T")
_UNSAID = {SupplyState.UNKNOWN, SupplyState.SOME_REMAINING}


def enrich(reading: Reading, pages: Mapping[str, bytes]) -> Reading:
    """`reading` with what it lacks and `pages` (path -> content) say: identity, meters, supplies, levels of supplies that
    have no number. Unchanged where the pages are another device's (its serial number differs). Meters and supplies of
    pages have `path#label` as their OID or index. Never raises."""
    facts = rules()
    read = {path: page for path, content in pages.items() if not (page := parse(content)).asks_for_password}
    statements = tuple(statement for path, page in read.items() for statement in _statements(path, page, facts))
    said = {rule.name: _identity(rule, statements) for rule in facts.identity}
    titles = (model_in(page.title) for page in read.values())
    said["model"] = model_in(said["model"]) or said["model"] or next(filter(None, titles), "")
    if reading.serial and said["serial"] not in ("", reading.serial):
        return reading
    if model_in(said["model"]):
        said |= {"manufacturer": facts.manufacturer, "profile": NAME, "profile_version": facts.version}
    missing = {name: value for name, value in said.items() if value and not getattr(reading, name)}
    return replace(
        reading,
        **missing,  # type: ignore[arg-type]  # all of them are texts
        macs=reading.macs or tuple(filter(None, [reading.mac or said["mac"]])),
        meters=_meters(reading.meters, statements, facts),
        supplies=_supplies(reading.supplies, statements, facts),
    )


def _statements(path: str, page: Page, facts: Rules) -> Iterator[Statement]:
    """What stands behind each label that is looked for, up to the next one in its row."""
    for row in page.rows:
        label = ""
        for cell in row:
            if facts.is_label(folded(cell)):
                label = folded(cell)
            elif label:
                yield path, label, cell


def _single(statements: Sequence[Statement], label: str, meaning: Callable[[str], _T | None]) -> tuple[str, _T] | None:
    """Path and meaning of the first page that gives `label` one meaning."""
    by_path: dict[str, set[_T]] = {}
    for path, found, value in statements:
        if found == label and (meant := meaning(value)) is not None:
            by_path.setdefault(path, set()).add(meant)
    return next(((path, meant.pop()) for path, meant in by_path.items() if len(meant) == 1), None)


def _identity(rule: Rule, statements: Sequence[Statement]) -> str:
    found = (_single(statements, label, partial(_fact, rule)) for label in rule.labels)
    return next((text for _, text in filter(None, found)), "")


def _fact(rule: Rule, value: str) -> str | None:
    text = rule.part(value)
    if rule.name == "mac":
        return values.mac(bytes.fromhex(re.sub("[:-]", "", text))) or None
    return (values.serial(text) if rule.name == "serial" else text) or None


def _meters(known: tuple[Meter, ...], statements: Sequence[Statement], facts: Rules) -> tuple[Meter, ...]:
    meters = {meter.name: meter for meter in known}
    for rule in facts.meters:
        for label in rule.labels:
            found = _single(statements, label, partial(_count, rule))
            if found:
                path, count = found
                meters.setdefault(rule.name, Meter(rule.name, count, rule.unit, f"{path}#{label}"))
    return tuple(meters.values())


def _count(rule: Rule, value: str) -> int | None:
    return number(rule.part(value))


def _supplies(known: tuple[Supply, ...], statements: Sequence[Statement], facts: Rules) -> tuple[Supply, ...]:
    supplies = list(known)
    for found in _found_supplies(statements, facts):
        same = [place for place, supply in enumerate(supplies) if _is_same(supply, found, facts)]
        if not same:
            supplies.append(found)
        elif supplies[same[0]].state in _UNSAID:
            supplies[same[0]] = replace(
                supplies[same[0]],
                level=found.level,
                capacity=found.capacity,
                unit_code=found.unit_code,
                unit=found.unit,
                percent=found.percent,
                state=found.state,
            )
    return tuple(supplies)


def _found_supplies(statements: Sequence[Statement], facts: Rules) -> Iterator[Supply]:
    def level(value: str) -> tuple[int, int, int] | None:
        matches = ((rule, rule.pattern.fullmatch(value)) for rule in facts.levels)
        return next(((int(match[1]), rule.unit, rule.capacity) for rule, match in matches if match), None)

    for label in dict.fromkeys(label for _, label, _ in statements):
        rule, found = facts.supply(label), _single(statements, label, level)
        if rule and found:
            path, (left, unit, capacity) = found
            yield Supply(
                index=f"{path}#{label}",
                description=label,
                kind=rule.kind,
                supply_class=rule.supply_class,
                color=color(label),
                level=left,
                capacity=capacity,
                unit_code=unit,
                unit=mib.UNITS[unit],
                percent=percent(left, capacity),
                state=SupplyState.KNOWN,
            )


def _is_same(known: Supply, found: Supply, facts: Rules) -> bool:
    """Solid-ink printers have one supply of each colour and one maintenance kit, which agents also write in one word."""
    if found.color:
        return known.color == found.color
    rule = facts.supply(folded(known.description).replace("maintenancekit", "maintenance kit"))
    return known.kind == found.kind or (rule is not None and rule.kind == found.kind)
