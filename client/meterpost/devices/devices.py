"""The `Devices` port: synchronous outside, asyncio inside, and read-only."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from meterpost.devices import roads
from meterpost.devices.finding import sources
from meterpost.devices.finding.addresses import endpoints
from meterpost.devices.finding.named import Candidate, Segment
from meterpost.devices.finding.sources import SOURCES, Means
from meterpost.devices.finding.sweep import PROBE, Progress, Sweep
from meterpost.devices.finding.targets import PACKETS_TO_READ, Endpoint, ScanPlan, make_plan
from meterpost.devices.finding.visit import Memory, Visit, Visitor
from meterpost.devices.reading import profile
from meterpost.devices.recorder import Recorder
from meterpost.devices.redaction import redacted
from meterpost.devices.snmp.credentials import HELLO, SnmpUserSecret, in_order, in_turn
from meterpost.devices.snmp.network import Network
from meterpost.devices.snmp.pace import Pace
from meterpost.devices.snmp.port import Talk
from meterpost.errors import DeviceError, SettingsError
from meterpost.model import Reading
from meterpost.recording import dump
from meterpost.settings import DiscoverySettings, SnmpSettings

Outcome = Reading | DeviceError
T = TypeVar("T")
A = TypeVar("A")
AFTER_SWEEP_S = 300.0  # for reading what answered
RECORDING_S = 900.0  # a slow printer over v1 needs five minutes for all it has
SLOW_S = 5.0
_BATCH = 1024
_BATCH_S = 0.1
_SLOWEST_KEPT = 10


@dataclass(frozen=True, slots=True)
class Summary:
    """What the last discovery or reading took: devices visited, packets and IP octets both ways, seconds, and the slowest
    visits of those that took SLOW_S or longer, slowest first. Of a discovery: who answered and could not be read, or has a
    name that leads nowhere, each with the reason; and how many answered that there was no time for."""

    visited: int = 0
    packets: int = 0
    octets: int = 0
    took_s: float = 0.0
    slow: tuple[Visit, ...] = ()
    failed: tuple[tuple[Endpoint, str], ...] = ()
    unfinished: int = 0


def _in_silence(_: Progress) -> None:
    pass


class Devices:
    """The printers on the network. What it learns of a device, the way in and what the device has, is in `memory`."""

    def __init__(
        self,
        snmp: SnmpSettings,
        discovery: DiscoverySettings,
        users: tuple[SnmpUserSecret, ...],
        clock: Callable[[], datetime],
        profile_folders: tuple[Path, ...] = (),
        memory: Memory | None = None,
        ca_file: Path | None = None,
    ) -> None:
        """Raises SettingsError for users, profiles or a CA file that cannot be used."""
        self._snmp = snmp
        self._discovery = discovery
        self._credentials = in_order(snmp, users)
        self._turns = in_turn(self._credentials, 1 + snmp.retries)
        self._clock = clock
        self._profiles = profile.load(profile_folders)
        self._memory: Memory = {} if memory is None else memory
        if ca_file:
            roads.check(ca_file)
        self._ca_file = ca_file
        self.summary = Summary()

    def plan(self, targets: Sequence[str], exclude: Sequence[str] = ()) -> ScanPlan:
        """What a scan of the targets will ask and cost. Words that stand for places are looked up first, which may ask the
        network: see `sources.SOURCES`. Raises SettingsError on a bad target, and what a source raises."""
        if any(text.strip() in SOURCES for text in targets):
            targets = self._by_means(lambda means: sources.spelt_out(targets, means))
        return make_plan(targets, exclude, self._snmp, self._discovery.packets_per_second, tries=len(self._turns))

    def check(self, targets: Sequence[str]) -> None:
        """Raises SettingsError for a target that is none. Words that stand for places are right, and not looked up."""
        endpoints([text for text in targets if text.strip() not in SOURCES], (), self._snmp.port)

    def places(self, word: str) -> tuple[Segment | Candidate, ...]:
        """What the source `word` names, with its reasons. Raises SettingsError, DeviceError, NetworkError."""
        if word not in SOURCES:
            raise SettingsError(f"{word!r} names no places", f"Known are {', '.join(SOURCES)}.")
        return self._by_means(lambda means: sources.look(word, means))

    def _by_means(self, look: Callable[[Means], Awaitable[tuple[T, ...]]]) -> tuple[T, ...]:
        async def run() -> tuple[T, ...]:
            async with self._visitor() as (visitor, network):

                async def ask(host: str, talk: Callable[[bool], Talk[A]]) -> A:
                    return await visitor.converse((host, self._snmp.port), lambda session: talk(session.abilities.bulk))

                shout = next((way for way in self._credentials if way.user is None), HELLO)
                probe = network.wire.question(PROBE, shout, lambda _: None)
                return await look(Means(self._snmp.port, probe, self._snmp.timeout_s, ask))

        with _runner() as runner:
            return runner.run(run())

    def record(self, address: str, port: int | None = None, redact: bool = False) -> str:
        """A recording of the device in `.snmprec` form: everything its agent tells, bounded. Where that is not everything, a
        comment in front says why: `# cut: …`, or `# incomplete: …`. Raises DeviceError."""
        recorder = Recorder()

        async def run() -> None:
            # gufo_snmp does not tell of what type a value is.
            async with self._visitor(engine="pysnmp") as (visitor, _), asyncio.timeout(RECORDING_S):
                await visitor.converse((address, port or self._snmp.port), recorder.walk)

        with _runner() as runner:
            try:
                runner.run(run())
            except TimeoutError:
                if not recorder.variables:
                    raise DeviceError(
                        f"{address} could not be recorded within {RECORDING_S / 60:.0f} minutes", "Its answers come too slowly."
                    ) from None
                recorder.stopped(f"{RECORDING_S / 60:.0f} minutes were over")
        variables = tuple(recorder.variables)
        return recorder.head + dump(redacted(variables, self._profiles) if redact else variables)

    def discover(
        self, plan: ScanPlan, on_progress: Callable[[Progress], None] = _in_silence, stop: threading.Event | None = None
    ) -> tuple[Reading, ...]:
        """The printers in `plan`, each once; what was found until then when `stop` is set."""

        async def scan() -> Sweep:
            async with self._visitor(self._discovery.packets_per_second) as (visitor, network):
                sweep = Sweep(visitor, network.wire, plan, self._turns, self._snmp.timeout_s, on_progress)
                await sweep.run(self._snmp.concurrency, self._discovery.deadline_s or self._longest_s(plan), stop)
                return sweep

        with _runner() as runner:
            swept = runner.run(scan())
        failed = tuple((plan.endpoints[place], swept.failed[place]) for place in sorted(swept.failed))
        self.summary = replace(self.summary, failed=failed, unfinished=swept.unread)
        return swept.readings

    def _longest_s(self, plan: ScanPlan) -> float:
        """When a discovery without a deadline of its own ends: the sweep, and time to read what answered, even if all do."""
        return plan.worst_case_s + AFTER_SWEEP_S + plan.addresses * PACKETS_TO_READ / self._discovery.packets_per_second

    def read(self, address: str, port: int | None = None) -> Reading:
        """A fresh reading. Raises DeviceError."""
        (outcome,) = self.read_many(((address, port or self._snmp.port),))
        if isinstance(outcome, DeviceError):
            raise outcome
        return outcome

    def read_many(self, endpoints: Sequence[Endpoint]) -> tuple[Outcome, ...]:
        """Fresh readings in the order of `endpoints`, or why there is none."""
        outcomes: dict[int, Outcome] = dict(self._read_places(endpoints))
        return tuple(outcomes[place] for place in range(len(endpoints)))

    def read_each(self, endpoints: Sequence[Endpoint]) -> Iterator[tuple[Endpoint, Outcome]]:
        """Fresh readings, or why there is none, as they come; no more of them are held than a few times what is read at
        once."""
        for place, outcome in self._read_places(endpoints):
            yield endpoints[place], outcome

    def _read_places(self, endpoints: Sequence[Endpoint]) -> Iterator[tuple[int, Outcome]]:
        at_once = min(self._snmp.concurrency, len(endpoints))
        if not at_once:
            return
        waiting = iter(enumerate(endpoints))
        with _runner() as runner:
            come: asyncio.Queue[tuple[int, Outcome]] = asyncio.Queue(_BATCH)

            async def visit_all(visitor: Visitor) -> None:
                for place, endpoint in waiting:
                    try:
                        outcome: Outcome = await visitor.read(endpoint)
                    except DeviceError as error:
                        outcome = error
                    await come.put((place, outcome))

            async def read() -> None:
                async with self._visitor() as (visitor, _), asyncio.TaskGroup() as group:
                    for _ in range(at_once):
                        group.create_task(visit_all(visitor))

            async def start() -> asyncio.Task[None]:
                return asyncio.create_task(read())

            async def batch() -> list[tuple[int, Outcome]]:
                """Some that have come; each turn of the loop from outside costs, so not one by one."""
                await asyncio.wait((reading,), timeout=_BATCH_S)
                if come.empty() and reading.done():
                    await reading  # raises: it ended before its time
                return [come.get_nowait() for _ in range(come.qsize())]

            reading = runner.run(start())
            left = len(endpoints)
            while left:
                outcomes = runner.run(batch())
                left -= len(outcomes)
                yield from outcomes

            async def end() -> None:
                await reading

            runner.run(end())

    @asynccontextmanager
    async def _visitor(self, per_second: int = 0, engine: str = "") -> AsyncIterator[tuple[Visitor, Network]]:
        pace = Pace(per_second or self._snmp.packets_per_second)
        network = Network(self._snmp.timeout_s, engine or self._snmp.engine, pace)
        began, visited = time.monotonic(), 0
        slow: list[Visit] = []

        def on_visit(visit: Visit) -> None:
            nonlocal visited
            visited += 1
            if visit.took_s >= SLOW_S:
                slow.append(visit)
                slow.sort(key=lambda visit: -visit.took_s)
                del slow[_SLOWEST_KEPT:]

        try:
            yield (
                Visitor(
                    network,
                    self._credentials,
                    tries=1 + self._snmp.retries,
                    timeout_s=self._snmp.timeout_s,
                    profiles=self._profiles,
                    clock=self._clock,
                    memory=self._memory,
                    on_visit=on_visit,
                    ca_file=self._ca_file,
                ),
                network,
            )
        finally:
            await network.close()
            took_s = time.monotonic() - began
            self.summary = Summary(visited, network.wire.packets, network.wire.octets, took_s, tuple(slow))


def _runner() -> asyncio.Runner:
    """Windows' own event loop cannot watch a UDP socket; the selector's can, everywhere."""
    return asyncio.Runner(loop_factory=asyncio.SelectorEventLoop)
