"""Fleets for the length of a test, and managers that talk to them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from snmp_manager import Manager

from meterpost_stub.printers import BUILT_IN, Fleet, SimulatedPrinter


@pytest.fixture
def running() -> Iterator[ExitStack]:
    """What was started for this test, stopped after it."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def fleet_of(running: ExitStack) -> Callable[..., Fleet]:
    """Starts a fleet of recordings, each agent on a port of its own."""
    return lambda recordings, **options: running.enter_context(Fleet(recordings, **{"port": 0, **options}))


@pytest.fixture
def manager_of(running: ExitStack) -> Callable[..., Manager]:
    """A manager for one printer."""
    return lambda printer, **options: running.enter_context(Manager(printer, **options))


@pytest.fixture
def printer_with(tmp_path: Path, fleet_of: Callable[..., Fleet]) -> Callable[..., SimulatedPrinter]:
    """Starts one printer that has exactly the given lines of a recording."""

    def start(*lines: str, **options: Any) -> SimulatedPrinter:
        recording = tmp_path / "printer.snmprec"
        recording.write_text("\n".join(lines), "utf-8")
        return fleet_of([recording], **options).printers[0]

    return start


@pytest.fixture
def built_in() -> Callable[[str], Path]:
    """The path of one of our recordings, by the start of its name."""
    return lambda start: next(path for path in sorted(BUILT_IN.iterdir()) if path.name.startswith(start))
