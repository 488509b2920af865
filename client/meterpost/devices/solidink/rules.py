"""The facts of solidink.toml, compiled once. The file comes with meterpost, so it is checked by tests, not at run time."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

NAME = "solidink"

_NUMBER = re.compile(r"(\d{1,3}(?:([.,' ])\d{3}(?:\2\d{3})*)?|\d{4,12})(?: (?:pages|impressions|sheets|images))?", re.I)
_DECORATION = re.compile(r"[®™*]|:\s*$")


@dataclass(frozen=True, slots=True)
class Rule:
    """What stands behind any of `labels` (folded, the surer first) is the text fact or the counter `name`."""

    name: str
    unit: str
    labels: tuple[str, ...]
    pattern: re.Pattern[str] | None

    def part(self, value: str) -> str:
        """What of `value` is meant; '' where it is not of the form."""
        if self.pattern is None:
            return value
        match = self.pattern.search(value)
        return " ".join(filter(None, match.groups())) if match else ""


@dataclass(frozen=True, slots=True)
class SupplyRule:
    """Labels that name a supply, and what the supply is in words of RFC 3805."""

    label: re.Pattern[str]
    kind: str
    supply_class: str


@dataclass(frozen=True, slots=True)
class LevelRule:
    """A form levels are written in; unit and capacity are codes of RFC 3805."""

    pattern: re.Pattern[str]
    unit: int
    capacity: int


@dataclass(frozen=True, slots=True)
class ModelRule:
    """Models by name, and the paths of the pages they are asked for."""

    match: re.Pattern[str]
    pages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """The file."""

    version: str
    manufacturer: str
    links: frozenset[str]
    models: tuple[ModelRule, ...]
    identity: tuple[Rule, ...]
    meters: tuple[Rule, ...]
    supplies: tuple[SupplyRule, ...]
    levels: tuple[LevelRule, ...]

    def is_label(self, folded_label: str) -> bool:
        """Whether any rule looks for it."""
        return any(folded_label in rule.labels for rule in (*self.identity, *self.meters)) or bool(self.supply(folded_label))

    def supply(self, folded_label: str) -> SupplyRule | None:
        """The supply it names."""
        return next((rule for rule in self.supplies if rule.label.fullmatch(folded_label)), None)


@cache
def rules() -> Rules:
    """The rules that come with meterpost."""
    table = tomllib.loads(files("meterpost.devices.solidink").joinpath("solidink.toml").read_text("utf-8"))
    return Rules(
        version=table["version"],
        manufacturer=table["manufacturer"],
        links=frozenset(map(folded, table["links"])),
        models=tuple(ModelRule(_pattern(row["match"]), tuple(row["pages"])) for row in table["model"]),
        identity=tuple(_rule(row, row["field"]) for row in table["identity"]),
        meters=tuple(_rule(row, row["name"], row["unit"]) for row in table["meter"]),
        supplies=tuple(SupplyRule(_pattern(row["label"]), row["kind"], row["supply_class"]) for row in table["supply"]),
        levels=tuple(LevelRule(_pattern(row["pattern"]), row["unit"], row["capacity"]) for row in table["level"]),
    )


def pages(model: str) -> tuple[str, ...]:
    """The paths a model is asked for, () where it is no solid-ink printer. `model` is hrDeviceDescr, sysDescr or a title."""
    return next((rule.pages for rule in rules().models if rule.match.search(model)), ())


def model_in(text: str) -> str:
    """`Phaser 8560DN` where `text` names a solid-ink printer, else ''."""
    matches = (rule.match.search(text) for rule in rules().models)
    return next((" ".join(match.groups()) for match in matches if match), "")


def folded(label: str) -> str:
    """A label as rules compare it: small letters, single blanks, no mark, no colon at the end."""
    return " ".join(_DECORATION.sub(" ", label).casefold().split())


def number(text: str) -> int | None:
    """A counter as pages write it: `1234`, `1,234`, `1.234 pages`; None for anything else."""
    match = _NUMBER.fullmatch(text)
    return int(re.sub(r"\D", "", match[1])) if match else None


def _rule(row: Mapping[str, Any], name: str, unit: str = "") -> Rule:
    pattern = _pattern(row["pattern"]) if "pattern" in row else None
    return Rule(name, unit, tuple(map(folded, row["labels"])), pattern)


def _pattern(expression: str) -> re.Pattern[str]:
    return re.compile(expression, re.IGNORECASE)
