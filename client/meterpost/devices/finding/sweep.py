"""A sweep over a plan: one small paced packet to every address that is still silent, and what answers is read at once.

Nothing waits for a dead address but the clock. It reports printers only, ends by its deadline whatever the network does, and
keeps what it found when it is stopped.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from meterpost.devices import roads
from meterpost.devices.finding.same import Found
from meterpost.devices.finding.targets import ScanPlan
from meterpost.devices.finding.visit import Visitor
from meterpost.devices.reading import mib
from meterpost.devices.snmp.credentials import Credential
from meterpost.devices.snmp.network import resolve
from meterpost.devices.snmp.port import Kind, Request
from meterpost.devices.snmp.wire import Address, Wire
from meterpost.errors import DeviceError
from meterpost.model import Reading

# One small question that every printer has an answer to, even if it is an error.
PROBE = Request(
    Kind.GET,
    (
        mib.SYS_DESCR,
        mib.SYS_OBJECT_ID,
        mib.HR_DEVICE_TYPE + mib.FIRST_DEVICE,
        mib.PRT_SERIAL_NUMBER + mib.FIRST_DEVICE,
    ),
)
_STOP_POLL_S = 0.1
_NAMES_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a scan is: addresses that are finished, of how many, and printers so far; `reading` is the printer
    that was just found, None when an address turned out to have none, or time passed. `probes` of at most `planned` went
    out, `packets` in all."""

    done: int
    total: int
    found: int
    reading: Reading | None = None
    probes: int = 0
    planned: int = 0
    packets: int = 0


class Sweep:
    """One scan. `readings` grows while it runs; `failed` are the places of the plan where somebody answered who could not be
    read, or whose name leads nowhere, each with the reason; `unread` counts those there was no time for."""

    def __init__(
        self,
        visitor: Visitor,
        wire: Wire,
        plan: ScanPlan,
        turns: tuple[Credential, ...],
        timeout_s: float,
        on_progress: Callable[[Progress], None],
    ) -> None:
        self._visitor = visitor
        self._wire = wire
        self._plan = plan
        self._turns = turns
        self._timeout_s = timeout_s
        self._on_progress = on_progress
        self._places: dict[Address, list[int]] = {}  # still silent: their places in the plan
        self._heard: deque[tuple[int, Credential | None]] = deque()
        self._wake = asyncio.Event()
        self._swept = False
        self._done = 0
        self._probes = 0
        self.unread = 0
        self.failed: dict[int, str] = {}
        self._new: set[int] = set()  # places where a printer was met for the first time
        self.found = Found()

    @property
    def readings(self) -> tuple[Reading, ...]:
        """The printers found so far in the plan's order; one that has two addresses is kept at the first."""
        return self.found.readings

    async def run(self, readers: int, deadline_s: float, stop: threading.Event | None) -> None:
        """Until all addresses are visited, `stop` is set or time is up; `readers` devices are read at once. Raises what
        `on_progress` raises. Whatever ends it, nothing of it goes on."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + deadline_s
        work = asyncio.create_task(self._work(readers))
        try:
            while not work.done():
                await asyncio.wait((work,), timeout=_STOP_POLL_S)
                if self._wire.fired != self._probes and not work.done():
                    self._tell(None)
                if loop.time() > deadline or (stop is not None and stop.is_set()):
                    break
        finally:
            work.cancel()
            await asyncio.wait((work,))
        failure = None if work.cancelled() else work.exception()
        if failure is not None:
            raise failure.exceptions[0] if isinstance(failure, BaseExceptionGroup) else failure

    async def _work(self, readers: int) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(readers):
                group.create_task(self._read_all())
            await self._resolve()
            for way in self._turns:
                await self._fire(way)
            for places in self._places.values():
                for _ in places:
                    self._finish(None)
            self._places.clear()
            self._swept = True
            self._wake.set()

    async def _resolve(self) -> None:
        """Names become addresses. One that cannot, and one that is no address, goes straight to the readers."""
        slots = asyncio.Semaphore(_NAMES_AT_ONCE)

        async def one(place: int) -> None:
            host, port = self._plan.endpoints[place]
            async with slots:
                try:
                    address = await resolve(host, port)
                except DeviceError as error:
                    self.failed[place] = str(error)
                    self._finish(None)
                else:
                    self._places.setdefault(address, []).append(place)

        named = []
        for place, (host, port) in enumerate(self._plan.endpoints):
            if roads.is_uri(host):
                self._hear(place, None)
            elif host.replace(".", "").isdigit():
                self._places.setdefault((host, port), []).append(place)
            else:
                named.append(one(place))
        await asyncio.gather(*named)

    async def _fire(self, way: Credential) -> None:
        """One packet to each that is still silent, and time to answer for the last of them."""
        if not self._places:
            return

        def heard(address: Address) -> None:
            for place in self._places.pop(address, ()):
                self._hear(place, way)

        await self._wire.fire(tuple(self._places), self._wire.question(PROBE, way, heard))
        if self._places:
            await asyncio.sleep(self._timeout_s)

    def _hear(self, place: int, way: Credential | None) -> None:
        self.unread += 1
        self._heard.append((place, way))
        self._wake.set()

    async def _read_all(self) -> None:
        while True:
            while self._heard:
                place, way = self._heard.popleft()
                reading = None
                try:
                    reading = await self._visitor.read(self._plan.endpoints[place], way, partial(self._take, place))
                except DeviceError as error:
                    self.failed[place] = str(error)
                else:
                    self._take(place, reading)
                self.unread -= 1
                self._finish(reading if place in self._new else None)
            if self._swept:
                return
            self._wake.clear()
            await self._wake.wait()

    def _take(self, place: int, reading: Reading) -> None:
        known = len(self.found)
        if reading.is_printer:
            self.found.add(place, reading)
        if len(self.found) > known:
            self._new.add(place)

    def _finish(self, reading: Reading | None) -> None:
        self._done += 1
        self._tell(reading)

    def _tell(self, reading: Reading | None) -> None:
        self._probes = self._wire.fired
        self._on_progress(
            Progress(
                done=self._done,
                total=self._plan.addresses,
                found=len(self.found),
                reading=reading,
                probes=self._wire.fired,
                planned=self._plan.packets,
                packets=self._wire.sent,
            )
        )
