"""OID profiles: what a maker's private tree says, as data. A strict, small loader, and the choice by sysObjectID.

A profile file is a TOML table:

    version = "1"                    # of this file; kept with every reading
    manufacturer = "Xerox"
    match = [{ sys_object_id = "1.3.6.1.4.1.253", sys_descr = "regular expression", priority = 0 }]
    serial = [{ oid = "…", skip = 2, pattern = "SN:([^;]+)" }]     # likewise model, maker, firmware; the first hit counts
    [[meter]]                        # a counter with an OID of its own
    name = "impressions"             # see METER_NAME
    unit = "impressions"
    oid = "…"
    [[table]]                        # counters whose row numbers are no meanings: keyed by a label or type column
    value = "…"                      # column of the counters
    key = "…"                        # column of labels or types, same instances
    within = ["1.20", "103.20"]      # optional: only these instance prefixes are walked
    unit = "impressions"
    sum = false                      # true: rows of the same name are added up
    rows = { "Total Impressions" = "impressions" }     # key (any case, blanks folded) = name
    units = { "sheets" = "sheets" }  # optional: names whose unit differs

A profile has no code, and the loader guesses nothing: an unknown key, a bad OID or name is an error with the file's name.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, NoReturn

from meterpost.errors import SettingsError
from meterpost.recording import Oid, Value, oid

GENERIC = "generic"
METER_NAME = re.compile(r"(?=.{1,40}$)[a-z]+[a-z0-9]*(\.[a-z0-9]+)*")
_MAX_OCTETS = 128 * 1024
_MAX_RULES = 500


@dataclass(frozen=True, slots=True)
class Match:
    """Which devices a profile is for."""

    prefix: Oid
    pattern: re.Pattern[str] | None
    priority: int

    def fits(self, sys_object_id: Oid, sys_descr: str) -> bool:
        return sys_object_id[: len(self.prefix)] == self.prefix and (
            self.pattern is None or self.pattern.search(sys_descr) is not None
        )

    @property
    def rank(self) -> tuple[int, int, bool]:
        """Priority, then the longer prefix, then the one that also looks at sysDescr."""
        return self.priority, len(self.prefix), self.pattern is not None


@dataclass(frozen=True, slots=True)
class TextRule:
    """Where a text stands: `skip` octets of the value are no text (HP's symbol set), `pattern` has it in its first group."""

    oid: Oid
    skip: int
    pattern: re.Pattern[str] | None


@dataclass(frozen=True, slots=True)
class MeterRule:
    """A counter at a fixed OID."""

    name: str
    unit: str
    oid: Oid


@dataclass(frozen=True, slots=True)
class TableRule:
    """Counters in a column, named by what stands at the same instance of the key column."""

    value: Oid
    key: Oid
    within: tuple[Oid, ...]
    rows: Mapping[str, str]
    unit: str
    units: Mapping[str, str]
    sum: bool

    @property
    def pairs(self) -> tuple[tuple[Oid, Oid], ...]:
        """The (value, key) columns to walk."""
        return tuple((self.value + prefix, self.key + prefix) for prefix in self.within) or ((self.value, self.key),)


@dataclass(frozen=True, slots=True)
class Profile:
    """One file."""

    name: str
    version: str
    manufacturer: str
    matches: tuple[Match, ...] = ()
    serial: tuple[TextRule, ...] = ()
    model: tuple[TextRule, ...] = ()
    maker: tuple[TextRule, ...] = ()
    firmware: tuple[TextRule, ...] = ()
    meters: tuple[MeterRule, ...] = ()
    tables: tuple[TableRule, ...] = ()


class Profiles:
    """All profiles of an installation; a user's file replaces the one of the same name."""

    def __init__(self, profiles: Iterable[Profile]) -> None:
        self._by_name = {profile.name: profile for profile in profiles}
        if GENERIC not in self._by_name:
            raise SettingsError(f"there is no profile {GENERIC!r}", "It is the one for every device without a maker's profile.")

    def __iter__(self) -> Iterator[Profile]:
        return iter(self._by_name.values())

    @property
    def generic(self) -> Profile:
        return self._by_name[GENERIC]

    def choose(self, sys_object_id: Oid, sys_descr: str) -> Profile:
        """The best match, the generic profile where there is none."""
        fitting = [
            (match.rank, profile.name) for profile in self for match in profile.matches if match.fits(sys_object_id, sys_descr)
        ]
        return self._by_name[max(fitting)[1]] if fitting else self.generic


def load(folders: Iterable[Path] = ()) -> Profiles:
    """The built-in profiles and those in `folders`. Raises SettingsError."""
    sources: list[Traversable] = [files("meterpost.devices.profiles")]
    for folder in folders:
        if not folder.is_dir():
            raise SettingsError(f"there is no profile folder {folder}")
        sources.append(folder)
    return Profiles(
        parse(_read(file), file.name.removesuffix(".toml"))
        for source in sources
        for file in sorted(source.iterdir(), key=lambda entry: entry.name)
        if file.name.endswith(".toml")
    )


def _read(file: Traversable) -> str:
    try:
        octets = file.read_bytes()
        if len(octets) > _MAX_OCTETS:
            raise SettingsError(f"profile {file.name}: larger than {_MAX_OCTETS} octets")
        return octets.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"profile {file.name} cannot be read: {error}") from None


def parse(content: str, name: str) -> Profile:
    """The profile in `content`. Raises SettingsError that names the profile and the key."""
    try:
        table = _Table(tomllib.loads(content), name)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"profile {name}: {error}") from None
    profile = Profile(
        name=name,
        version=table.take("version", str),
        manufacturer=table.take("manufacturer", str, ""),
        matches=tuple(
            Match(rule.oid("sys_object_id"), rule.pattern("sys_descr"), rule.take("priority", int, 0))
            for rule in table.rules("match")
        ),
        serial=_texts(table, "serial"),
        model=_texts(table, "model"),
        maker=_texts(table, "maker"),
        firmware=_texts(table, "firmware"),
        meters=tuple(MeterRule(rule.meter("name"), rule.take("unit", str), rule.oid("oid")) for rule in table.rules("meter")),
        tables=tuple(
            TableRule(
                value=rule.oid("value"),
                key=rule.oid("key"),
                within=tuple(map(rule.as_oid, rule.take("within", list, []))),
                rows={folded(key): rule.as_meter(meter) for key, meter in rule.take("rows", dict).items()},
                unit=rule.take("unit", str),
                units=rule.take("units", dict, {}),
                sum=rule.take("sum", bool, False),
            )
            for rule in table.rules("table")
        ),
    )
    table.finish()
    return profile


def folded(key: Value | str) -> str:
    """A label or type as tables compare it."""
    if isinstance(key, bytes):
        key = key.decode("utf-8", "replace").replace("\0", "")
    return " ".join(str(key).casefold().split())


def _texts(table: "_Table", key: str) -> tuple[TextRule, ...]:
    return tuple(TextRule(rule.oid("oid"), rule.take("skip", int, 0), rule.pattern("pattern")) for rule in table.rules(key))


class _Table:
    """A TOML table that is emptied as it is read, so that a key nobody asked for is found."""

    def __init__(self, content: Mapping[str, Any], where: str) -> None:
        self._left = dict(content)
        self._where = where
        self._inner: list[_Table] = []

    def take(self, key: str, kind: type, default: Any = None) -> Any:
        value = self._left.pop(key, default)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            self.fail(f"{key} is missing" if value is None else f"{key} = {value!r} is not a {kind.__name__}")
        return value

    def rules(self, key: str) -> "list[_Table]":
        content = self.take(key, list, [])
        if len(content) > _MAX_RULES or not all(isinstance(entry, dict) for entry in content):
            self.fail(f"{key} is not a list of at most {_MAX_RULES} tables")
        inner = [_Table(entry, f"{self._where}, {key} {place}") for place, entry in enumerate(content, 1)]
        self._inner += inner
        return inner

    def oid(self, key: str) -> Oid:
        return self.as_oid(self.take(key, str))

    def as_oid(self, dotted: Any) -> Oid:
        try:
            return oid(dotted)
        except (ValueError, AttributeError):
            self.fail(f"{dotted!r} is not an object identifier")

    def pattern(self, key: str) -> re.Pattern[str] | None:
        if key not in self._left:
            return None
        expression = self.take(key, str)
        try:
            return re.compile(expression, re.IGNORECASE)
        except re.error as error:
            self.fail(f"{key} = {expression!r}: {error}")

    def meter(self, key: str) -> str:
        return self.as_meter(self.take(key, str))

    def as_meter(self, name: Any) -> str:
        if not isinstance(name, str) or not METER_NAME.fullmatch(name):
            self.fail(f"{name!r} is not the name of a meter: lower-case words with dots, at most 40 characters")
        return name

    def finish(self) -> None:
        """Raises SettingsError for keys that were not taken, here or in inner tables."""
        if self._left:
            self.fail(f"unknown key {next(iter(self._left))!r}")
        for inner in self._inner:
            inner.finish()

    def fail(self, what: str) -> NoReturn:
        raise SettingsError(
            f"profile {self._where}: {what}", "Compare it with the profiles that come with meterpost, devices/profiles/*.toml."
        )
