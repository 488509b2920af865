"""Tables for people, JSON for programs. Everything people see passes through `cell` or the room's `text`: no markup, no control
characters. No other module of this room writes to stdout or imports rich."""

import json
import os
import sys
from argparse import Namespace
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial

from rich import box
from rich.console import Console, Group, RenderableType
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Column, Table
from rich.text import Text

from meterpost.cli.text import one_line

Cell = RenderableType | int | datetime | None

_FOLDED = partial(Column, overflow="fold")
_COLUMNS = {
    ">": partial(Column, justify="right", no_wrap=True, overflow="fold"),
    "=": partial(Column, no_wrap=True, overflow="fold"),
}

_GAP = 2  # between parts beside each other


class _Screen(Console):
    """A console that leaves it to the entry point what a reader who went away means."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError  # rich would end the program with an exit code of its own


def console(args: Namespace, stderr: bool = False, quiet: bool = False) -> Console:
    """Where people read; nobody does with `quiet`. Plain where it is no terminal, with --no-color, and where NO_COLOR is
    set (no-color.org)."""
    plain = args.no_color or bool(os.environ.get("NO_COLOR"))
    return _Screen(
        stderr=stderr, quiet=quiet, markup=False, emoji=False, highlight=False, color_system=None if plain else "auto"
    )


def prose(out: Console, text: str, style: str = "", indent: int = 0) -> None:
    """Sentences: wrapped between words on a terminal, left whole for a file or a pipe."""
    if out.is_terminal:
        out.print(Padding(Text(one_line(text), style), (0, 0, 0, indent), expand=False))
    else:
        out.print(" " * indent + one_line(text), style=style, soft_wrap=True)


def as_json(value: object) -> None:
    """One JSON value on stdout, in ASCII: what a printer is called cannot control a terminal here either."""
    sys.stdout.write(json.dumps(value, indent=2) + "\n")


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Table:
    """A table that fits the screen. A column `>name` is of numbers, which stand right; one called `=name` is never
    broken over lines, for what is in it will be copied."""
    made = Table(
        *(_COLUMNS.get(name[:1], _FOLDED)(name.lstrip(">=")) for name in columns),
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
        header_style="bold",
    )
    for row in rows:
        made.add_row(*(cell(value) for value in row))
    return made


def pairs(rows: Iterable[tuple[str, Cell]]) -> Table:
    """Names and values below each other."""
    grid = Table.grid(Column(overflow="fold"), Column(overflow="fold"), padding=(0, 2, 0, 0))
    for name, value in rows:
        grid.add_row(cell(name), cell(value))
    return grid


def amounts(title: str, rows: Iterable[Sequence[Cell]]) -> Table:
    """A small table of names and amounts, with their units where the rows have them."""
    columns = Column(title, overflow="fold"), Column(justify="right", no_wrap=True)
    made = Table(*columns, box=None, pad_edge=False, header_style="dim")
    for row in rows:
        made.add_row(*(cell(value) for value in row))
    return made


def beside(out: Console, *parts: Table) -> RenderableType:
    """Parts beside each other, below each other where `out` is too narrow for that: the last may be squeezed, to half."""
    if not parts:
        return ""
    *first, last = (Measurement.get(out, out.options, part) for part in parts)
    needed = sum(part.maximum + _GAP for part in first) + max(last.minimum, last.maximum // 2)
    if needed > out.width:
        return Group(*(Padding(part, (0, 0, 1, 0)) for part in parts))
    grid = Table.grid(*(Column(no_wrap=True) for _ in first), Column(), padding=(0, _GAP, 0, 0))
    grid.add_row(*parts)
    return Padding(grid, (0, 0, 1, 0))


def cell(value: Cell) -> RenderableType:
    """What stands in a cell: text made safe, numbers in groups of three, local time to the minute."""
    if value is None:
        return Text("–")
    if isinstance(value, datetime):
        return Text(moment(value))
    if isinstance(value, int):
        return Text(grouped(value))
    return Text(one_line(value)) if isinstance(value, str) else value


def grouped(number: int) -> str:
    """`12345` as `12 345`, with a blank that does not break."""
    return f"{number:,}".replace(",", "\N{NO-BREAK SPACE}")


def moment(when: datetime) -> str:
    """Local time, to the minute."""
    return when.astimezone().strftime("%Y-%m-%d %H:%M")
