"""What printing does to a printer: its counters rise, its supplies fall. Which objects are counters is data (wear.toml).

Pages are simplex A4 prints, so a page is one impression and one sheet; copy, fax and large-format counters stay.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from importlib.resources import files
from math import ceil

from meterpost.recording import Oid, Tag, Variable, oid
from meterpost_stub.printers.mib import Mib

_SUPPLIES = oid("1.3.6.1.2.1.43.11.1.1")
_COLORANT_VALUE = oid("1.3.6.1.2.1.43.12.1.1.4")
_COLORANT_INDEX, _UNIT, _CAPACITY, _LEVEL = 3, 7, 8, 9
_IMPRESSIONS = 7  # PrtMarkerSuppliesSupplyUnitTC: such a capacity is itself a yield in pages
_RECORD = 7  # octets of a Brother record: tag, 01, 04, a big-endian value of four


@dataclass(frozen=True, slots=True)
class Job:
    """Printed pages, in impressions; `color` of them in colour."""

    total: int
    color: int

    def __post_init__(self) -> None:
        if not 0 <= self.color <= self.total:
            raise ValueError(f"{self.color} colour pages of {self.total} pages")

    @property
    def black(self) -> int:
        """The pages without colour."""
        return self.total - self.color


@dataclass(frozen=True, slots=True)
class Table:
    """One row of wear.toml. `moves`: row key -> the part of a job (`total`, `black`, `color`) that moves the row.
    A row's key is the text of its `key` column, or its own index without one; in `records`, the record's tag in hex."""

    value: Oid
    key: Oid | None
    moves: Mapping[str, str]
    records: bool


def _tables() -> Iterator[Table]:
    content = tomllib.loads(files(__package__).joinpath("wear.toml").read_text("utf-8"))
    for row in content["counters"]:
        moves = {key: part for part in ("total", "black", "color") for key in row.get(part, ())}
        yield Table(oid(row["value"]), oid(row["key"]) if "key" in row else None, moves, row.get("records", False))


TABLES = tuple(_tables())
NOMINAL_YIELD = 5000  # pages of a full supply whose capacity is not itself in impressions


def advance(mib: Mib, job: Job, levels: dict[Oid, Fraction]) -> None:
    """Print `job` on the device, in black where it has no other colorant. `levels` remembers the parts of a unit
    that a level cannot show."""
    if all(_is_black(variable.value) for _, variable in mib.under(_COLORANT_VALUE)):
        job = Job(job.total, 0)
    for table in TABLES:
        for index, variable in tuple(mib.under(table.value)):
            if table.records:
                _advance_records(mib, variable, table, job)
            elif part := table.moves.get(_row_key(mib, table, index)):
                _add(mib, variable, getattr(job, part))
    for index, variable in tuple(mib.under((*_SUPPLIES, _LEVEL))):
        _take(mib, index, variable, job, levels)


def _is_black(colorant: object) -> bool:
    return isinstance(colorant, bytes) and colorant.strip().lower() == b"black"


def _row_key(mib: Mib, table: Table, index: Oid) -> str:
    if table.key is None:
        return ".".join(map(str, index))
    value = _value(mib, (*table.key, *index))
    return value.decode("utf-8", "replace").strip() if isinstance(value, bytes) else str(value)


def _value(mib: Mib, name: Oid) -> object:
    variable = mib.get(name)
    return None if variable is None else variable.value


def _number(mib: Mib, name: Oid) -> int:
    """0 where there is no such number."""
    value = _value(mib, name)
    return value if isinstance(value, int) else 0


def _add(mib: Mib, variable: Variable, pages: int) -> None:
    """Counters wrap (RFC 2578, 7.1.6); a negative value is a state (-2 unknown), not a count."""
    if isinstance(variable.value, int) and variable.value >= 0:
        modulus = 2**31 if variable.tag is Tag.INTEGER else 2**64 if variable.tag is Tag.COUNTER64 else 2**32
        mib.set(variable.oid, (variable.value + pages) % modulus)


def _advance_records(mib: Mib, variable: Variable, table: Table, job: Job) -> None:
    if not isinstance(variable.value, bytes):
        return
    octets = bytearray(variable.value)
    for start in range(0, len(octets) - _RECORD + 1, _RECORD):
        if part := table.moves.get(f"{octets[start]:02x}"):
            field = slice(start + 3, start + _RECORD)
            octets[field] = ((int.from_bytes(octets[field]) + getattr(job, part)) % 2**32).to_bytes(4)
    mib.set(variable.oid, bytes(octets))


def _take(mib: Mib, index: Oid, variable: Variable, job: Job, levels: dict[Oid, Fraction]) -> None:
    """A level of a receptacle is the room that is left (RFC 3805), so it falls as a consumed supply's does.
    The states (-1, -2, -3) stay what they are; without a capacity there is no measure to fall by."""
    capacity = _number(mib, (*_SUPPLIES, _CAPACITY, *index))
    level = variable.value
    if not isinstance(level, int) or level < 0 or capacity <= 0:
        return
    full = capacity if _number(mib, (*_SUPPLIES, _UNIT, *index)) == _IMPRESSIONS else NOMINAL_YIELD
    colorant = _value(mib, (*_COLORANT_VALUE, index[0], _number(mib, (*_SUPPLIES, _COLORANT_INDEX, *index))))
    pages = job.total if colorant is None or _is_black(colorant) else job.color
    exact = levels.get(variable.oid, Fraction(level))
    exact = (exact if ceil(exact) == level else Fraction(level)) - Fraction(pages * capacity, full)
    levels[variable.oid] = max(exact, Fraction(0))
    mib.set(variable.oid, ceil(levels[variable.oid]))
