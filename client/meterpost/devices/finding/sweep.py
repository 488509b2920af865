"""A sweep over a plan: one small paced probe per address, a full reading of what answers, reported as it comes.

It reports printers only, ends by its deadline whatever the network does, and keeps what it found when it is stopped.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from meterpost.devices.finding.targets import ScanPlan
from meterpost.devices.finding.visit import Visitor
from meterpost.errors import DeviceError
from meterpost.model import Reading

AFTER_SWEEP_S = 300.0  # for reading what answered
_STOP_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a scan is: addresses that are finished, of how many, and printers so far; `reading` is the printer
    that was just found, None when an address turned out to have none."""

    done: int
    total: int
    found: int
    reading: Reading | None = None


class _Pace:
    """Gives out turns, evenly spaced, at most `per_second`."""

    def __init__(self, per_second: float) -> None:
        self._interval_s = 1 / per_second
        self._next = 0.0

    async def turn(self) -> None:
        now = asyncio.get_running_loop().time()
        mine = max(now, self._next)
        self._next = mine + self._interval_s
        await asyncio.sleep(mine - now)


class Sweep:
    """One scan. `readings` grows while it runs."""

    def __init__(self, visitor: Visitor, plan: ScanPlan, on_progress: Callable[[Progress], None]) -> None:
        self._visitor = visitor
        self._plan = plan
        self._on_progress = on_progress
        self._done = 0
        self._found: dict[int, Reading] = {}  # keyed by the place in the plan

    @property
    def readings(self) -> tuple[Reading, ...]:
        """The printers found so far in the plan's order; one that has two addresses is kept at the first."""
        unique: dict[object, Reading] = {}
        for place in sorted(self._found):
            reading = self._found[place]
            unique.setdefault((reading.manufacturer, reading.serial) if reading.serial else place, reading)
        return tuple(unique.values())

    async def run(self, packets_per_second: float, in_flight: int, stop: threading.Event | None) -> None:
        """Until all addresses are visited, `stop` is set or time is up."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._plan.worst_case_s + AFTER_SWEEP_S
        sweep = asyncio.create_task(self._visit_all(_Pace(packets_per_second), asyncio.Semaphore(in_flight)))
        while not sweep.done():
            await asyncio.wait((sweep,), timeout=_STOP_POLL_S)
            if loop.time() > deadline or (stop is not None and stop.is_set()):
                sweep.cancel()
        with suppress(asyncio.CancelledError):
            await sweep

    async def _visit_all(self, pace: _Pace, slots: asyncio.Semaphore) -> None:
        async with asyncio.TaskGroup() as group:
            for place in range(self._plan.addresses):
                await slots.acquire()
                group.create_task(self._visit(place, pace)).add_done_callback(lambda _: slots.release())

    async def _visit(self, place: int, pace: _Pace) -> None:
        endpoint = self._plan.endpoints[place]
        reading = None
        with suppress(DeviceError):
            await self._visitor.knock(endpoint, pace.turn)
            reading = await self._visitor.read(endpoint)
        self._done += 1
        known = len(self.readings)
        if reading is not None and reading.is_printer:
            self._found[place] = reading
        found = len(self.readings)
        self._on_progress(Progress(self._done, self._plan.addresses, found, reading if found > known else None))
