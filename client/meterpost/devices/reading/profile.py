"""OID profiles: what a maker's private tree says, as data. A strict, small loader, and the choice by sysObjectID.

A profile file is a TOML table:

    version = "1"                    # of this file; kept with every reading
    manufacturer = "Xerox"
    match = [{ sys_object_id = "1.3.6.1.4.1.253", sys_descr = "regular expression", priority = 0 }]
    serial = [{ oid = "…", skip = 2, pattern = "SN:([^;]+)" }]     # likewise model, maker, firmware; the first hit counts
                                     # maker: where others sell the devices; without a hit it is `manufacturer`
    [quirks]                         # what agents of this maker do badly
    no_bulk = true                   # GETBULK is not asked
    names = 8                        # at most so many names in a request
    [[meter]]                        # a counter with an OID of its own
    name = "impressions"             # see METER_NAME; its words are those of meterpost/pwg.py
    unit = "impressions"
    oid = "…"
    label = "Total"                  # optional: what the maker calls it, for docs/reference/meters.md
    scale = 100                      # optional: the object counts hundredths; whole units are reported
    pattern = '^([0-9]+) pages$'     # optional: the maker's MIB has text there; the count is its first group, digits
    [[table]]                        # counters whose row numbers are no meanings: keyed by a label or type column
    value = "…"                      # column of the counters
    key = "…"                        # column of labels or types, same instances
    within = ["1.20", "103.20"]      # optional: only these instance prefixes are walked
    expect = 8                       # optional: as many rows are asked for at once
    unit = "impressions"
    scale = 1                        # as of a meter
    sum = false                      # true: rows of the same name are added up
    rows = { "Total Impressions" = "impressions" }     # key (any case, blanks folded) = name
    units = { "sheets" = "sheets" }  # optional: names whose unit differs
    labels = { "10" = "Total" }      # optional: what the maker calls the rows whose key is a number
    [[blob]]                         # counters packed into one octet string, see packed.py
    oid = "…"
    unit = "impressions"
    rows = { "00" = "impressions" }  # tag, two hexadecimal digits = name
    units, labels                    # as of a table
    [[supply]]                       # levels that fill in where the Printer MIB has a state instead, see levels.py
    value = "…"                      # a column; without `key` one object, packed as a blob
    key = "…"                        # column of the supplies' names, same instances
    unit = "percent"                 # of the level, a word of prtMarkerSuppliesSupplyUnit
    scale = 100                      # as of a meter
    rows = { "6f" = "black toner" }  # tag = name; beside `key` optional, for names nobody would understand

A profile has no code, and the loader guesses nothing: an unknown key, a bad OID or name is an error with the file's name.
A user's file in a folder of profiles is added to the built-in ones, or replaces the one of its name.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from meterpost.devices.reading.mib import UNITS
from meterpost.devices.reading.strict import METER_NAME as METER_NAME
from meterpost.devices.reading.strict import Table
from meterpost.errors import SettingsError
from meterpost.recording import Oid, Value

GENERIC = "generic"
TABLE_ROWS = 8
_MAX_NAMES = 32
_MAX_OCTETS = 128 * 1024
_MAX_SCALE = 1_000_000
_MAX_EXPECTED = 400
_MOST_KEPT = 1000
_MAX_KEY = 255


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
    """A counter at a fixed OID, in 1/`scale` of its unit; in a text where there is a `pattern`."""

    name: str
    unit: str
    oid: Oid
    label: str
    scale: int
    pattern: re.Pattern[str] | None


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
    scale: int
    expect: int
    labels: Mapping[str, str]

    @property
    def pairs(self) -> tuple[tuple[Oid, Oid], ...]:
        """The (value, key) columns to walk."""
        return tuple((self.value + prefix, self.key + prefix) for prefix in self.within) or ((self.value, self.key),)


@dataclass(frozen=True, slots=True)
class BlobRule:
    """Counters packed into one octet string, named by their tags."""

    oid: Oid
    rows: Mapping[int, str]
    unit: str
    units: Mapping[str, str]
    labels: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class SupplyRule:
    """Levels of supplies in 1/`scale` of `unit`: packed into the octet string `value` and named by their tags, or in the
    column `value`, named by the column `key`. `rows` are names for tags or (folded) keys; '' where the key is the name."""

    value: Oid
    key: Oid | None
    unit: str
    scale: int
    rows: Mapping[int | str, str]


@dataclass(frozen=True, slots=True)
class Quirks:
    """What agents do badly: whether GETBULK works, and how many names at once they take."""

    bulk: bool = True
    names: int | None = None


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
    blobs: tuple[BlobRule, ...] = ()
    supplies: tuple[SupplyRule, ...] = ()
    quirks: Quirks = Quirks()

    @property
    def packed(self) -> tuple[Oid, ...]:
        """The objects that hold counters or levels as records, each once."""
        objects = (*(rule.oid for rule in self.blobs), *(rule.value for rule in self.supplies if rule.key is None))
        return tuple(dict.fromkeys(objects))


class Profiles:
    """All profiles of an installation; a user's file replaces the one of the same name."""

    def __init__(self, profiles: Iterable[Profile]) -> None:
        self._by_name = {profile.name: profile for profile in profiles}
        self._chosen: dict[tuple[Oid, str], Profile] = {}
        if GENERIC not in self._by_name:
            raise SettingsError(f"there is no profile {GENERIC!r}", "It is the one for every device without a maker's profile.")

    def __iter__(self) -> Iterator[Profile]:
        return iter(self._by_name.values())

    @property
    def generic(self) -> Profile:
        return self._by_name[GENERIC]

    def choose(self, sys_object_id: Oid, sys_descr: str) -> Profile:
        """The best match, the generic profile where there is none. Printers of a model are alike, and many: it is kept."""
        kind = sys_object_id, sys_descr
        found = self._chosen.get(kind)
        if found is None:
            if len(self._chosen) >= _MOST_KEPT:
                self._chosen.clear()
            found = self._chosen[kind] = self._best(sys_object_id, sys_descr)
        return found

    def _best(self, sys_object_id: Oid, sys_descr: str) -> Profile:
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
        table = Table(tomllib.loads(content), name)
    except (ValueError, RecursionError) as error:  # no TOML, or nested without end
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
        meters=tuple(map(_meter, table.rules("meter"))),
        tables=tuple(map(_table, table.rules("table"))),
        blobs=tuple(map(_blob, table.rules("blob"))),
        supplies=tuple(map(_supply, table.rules("supply"))),
        quirks=_quirks(table),
    )
    table.finish()
    return profile


def _meter(rule: Table) -> MeterRule:
    return MeterRule(
        name=rule.meter("name"),
        unit=rule.take("unit", str),
        oid=rule.oid("oid"),
        label=rule.take("label", str, ""),
        scale=rule.count("scale", 1, _MAX_SCALE),
        pattern=rule.pattern("pattern", groups=1),
    )


def _table(rule: Table) -> TableRule:
    rows, labels = rule.take("rows", dict), rule.texts("labels")
    if not labels.keys() <= rows.keys():
        rule.fail("labels has a key that rows has not")
    return TableRule(
        value=rule.oid("value"),
        key=rule.oid("key"),
        within=tuple(map(rule.as_oid, rule.take("within", list, []))),
        rows={folded(key): rule.as_meter(meter) for key, meter in rows.items()},
        unit=rule.take("unit", str),
        units=rule.texts("units"),
        sum=rule.take("sum", bool, False),
        scale=rule.count("scale", 1, _MAX_SCALE),
        expect=rule.count("expect", TABLE_ROWS, _MAX_EXPECTED),
        labels={folded(key): labels.get(key, key) for key in rows},
    )


def _blob(rule: Table) -> BlobRule:
    return BlobRule(
        oid=rule.oid("oid"),
        rows={rule.as_tag(tag): rule.as_meter(meter) for tag, meter in rule.take("rows", dict).items()},
        unit=rule.take("unit", str),
        units=rule.texts("units"),
        labels={rule.as_tag(tag): label for tag, label in rule.texts("labels").items()},
    )


def _supply(rule: Table) -> SupplyRule:
    value, key = rule.oid("value"), rule.oid("key") if "key" in rule else None
    unit, rows = rule.take("unit", str), rule.texts("rows")
    if unit not in UNITS.values():
        rule.fail(f"unit = {unit!r} is not a unit of prtMarkerSuppliesSupplyUnit")
    if key is None and not rows:
        rule.fail("rows is missing: without `key` only tags have names")
    return SupplyRule(
        value=value,
        key=key,
        unit=unit,
        scale=rule.count("scale", 1, _MAX_SCALE),
        rows={rule.as_tag(row) if key is None else folded(row): name for row, name in rows.items()},
    )


def _quirks(table: Table) -> Quirks:
    rule = table.inner("quirks")
    bulk = not rule.take("no_bulk", bool, False)
    return Quirks(bulk, rule.count("names", 1, _MAX_NAMES) if "names" in rule else None)


def folded(key: Value | str) -> str:
    """A label or type as tables compare it; '' where it is too long for one."""
    return "" if isinstance(key, bytes | str) and len(key) > _MAX_KEY else _folded(key)


@lru_cache(8192)  # printers of a maker have the same ones
def _folded(key: Value | str) -> str:
    if isinstance(key, bytes):
        key = key.decode("utf-8", "replace").replace("\0", "")
    return " ".join(str(key).casefold().split())


def _texts(table: Table, key: str) -> tuple[TextRule, ...]:
    return tuple(
        TextRule(rule.oid("oid"), rule.take("skip", int, 0), rule.pattern("pattern", groups=1)) for rule in table.rules(key)
    )
