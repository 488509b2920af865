"""The tables of the life cycle as a page of the documentation: Mermaid state diagrams and Markdown tables.

Draws what `tables.py` says and adds nothing."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import TypeVar

from meterpost.lifecycle import tables

State = TypeVar("State", bound=StrEnum)
Event = TypeVar("Event", bound=StrEnum)


def mermaid(table: Mapping[State | None, Mapping[Event, State]]) -> str:
    """`table` as a `stateDiagram-v2`; events that lead to their own state are left to the Markdown table."""
    states = dict.fromkeys(state for row in table.values() for state in row.values())
    lines = ["stateDiagram-v2", *(f'    state "{state}" as {_identifier(state)}' for state in states)]
    if None not in table:
        lines.append(f"    [*] --> {_identifier(next(iter(table)))}")
    lines += [
        f"    {_identifier(before)} --> {_identifier(after)}: {event}"
        for before, event, after in _rows(table)
        if before is not after
    ]
    return "\n".join(lines) + "\n"


def markdown(table: Mapping[State | None, Mapping[Event, State]]) -> str:
    """`table` as a Markdown table, one line for each event in order."""
    lines = ["| state | event | next state |", "|---|---|---|"]
    lines += [f"| {before or '(none)'} | {event} | {after} |" for before, event, after in _rows(table)]
    return "\n".join(lines) + "\n"


def page() -> str:
    """The whole page."""
    parts = [
        "# Life cycle\n\nDrawn from `meterpost.lifecycle.tables`. An event that has no row changes nothing and is reported.\n"
    ]
    parts += [
        _section("The client (proxy)", tables.PROXY),
        _section("A device", tables.DEVICE),
        _section("A billing request", tables.REQUEST),
    ]
    return "\n".join(parts)


def _section(title: str, table: Mapping[State | None, Mapping[Event, State]]) -> str:
    return f"## {title}\n\n```mermaid\n{mermaid(table)}```\n\n{markdown(table)}"


def _rows(table: Mapping[State | None, Mapping[Event, State]]) -> Iterator[tuple[State | None, Event, State]]:
    for before, row in table.items():
        for event, after in row.items():
            yield before, event, after


def _identifier(state: StrEnum | None) -> str:
    return "[*]" if state is None else state.replace("-", "_")
