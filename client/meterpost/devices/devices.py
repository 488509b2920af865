"""The `Devices` port: synchronous outside, asyncio inside, and read-only."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from meterpost.devices.finding.sweep import Progress, Sweep
from meterpost.devices.finding.targets import Endpoint, ScanPlan, make_plan
from meterpost.devices.finding.visit import Visitor
from meterpost.devices.reading import profile
from meterpost.devices.snmp.credentials import Credential, SnmpUserSecret, in_order
from meterpost.errors import DeviceError
from meterpost.model import Reading
from meterpost.settings import DiscoverySettings, SnmpSettings

_MOST_AT_ONCE = 50


def _in_silence(_: Progress) -> None:
    pass


class Devices:
    """The printers on the network. Remembers for its lifetime which credential each device answers to."""

    def __init__(
        self,
        snmp: SnmpSettings,
        discovery: DiscoverySettings,
        users: tuple[SnmpUserSecret, ...],
        clock: Callable[[], datetime],
        profile_folders: tuple[Path, ...] = (),
    ) -> None:
        """Raises SettingsError for users or profiles that cannot be used."""
        self._snmp = snmp
        self._discovery = discovery
        self._credentials = in_order(snmp, users)
        self._clock = clock
        self._profiles = profile.load(profile_folders)
        self._known: dict[Endpoint, Credential] = {}

    def plan(self, targets: Sequence[str], exclude: Sequence[str] = ()) -> ScanPlan:
        """What a scan of the targets will ask and cost. Raises SettingsError on a bad target."""
        return make_plan(targets, exclude, self._snmp, self._discovery.packets_per_second, credentials=len(self._credentials))

    def discover(
        self, plan: ScanPlan, on_progress: Callable[[Progress], None] = _in_silence, stop: threading.Event | None = None
    ) -> tuple[Reading, ...]:
        """The printers in `plan`, each once; what was found until then when `stop` is set."""

        async def scan() -> tuple[Reading, ...]:
            async with self._visitor() as visitor:
                sweep = Sweep(visitor, plan, on_progress)
                pace = self._discovery.packets_per_second
                # Enough to keep the pace while dead addresses are waited for, and the readers busy.
                await sweep.run(pace, int(pace * self._snmp.timeout_s) + self._at_once, stop)
                return sweep.readings

        return asyncio.run(scan())

    def read(self, address: str, port: int | None = None) -> Reading:
        """A fresh reading. Raises DeviceError."""
        (outcome,) = self.read_many(((address, port or self._snmp.port),))
        if isinstance(outcome, DeviceError):
            raise outcome
        return outcome

    def read_many(self, endpoints: Sequence[tuple[str, int]]) -> tuple[Reading | DeviceError, ...]:
        """Fresh readings in the order of `endpoints`, or why there is none."""

        async def visit(visitor: Visitor, endpoint: Endpoint) -> Reading | DeviceError:
            try:
                return await visitor.read(endpoint)
            except DeviceError as error:
                return error

        async def visit_all() -> tuple[Reading | DeviceError, ...]:
            async with self._visitor() as visitor:
                return tuple(await asyncio.gather(*(visit(visitor, endpoint) for endpoint in endpoints)))

        return asyncio.run(visit_all())

    @property
    def _at_once(self) -> int:
        return min(self._snmp.concurrency, _MOST_AT_ONCE)

    @asynccontextmanager
    async def _visitor(self) -> AsyncIterator[Visitor]:
        from meterpost.devices.snmp.reference import Network  # the engine is loaded when it is first used

        network = Network(self._snmp.timeout_s)
        try:
            yield Visitor(
                network,
                self._credentials,
                tries=1 + self._snmp.retries,
                concurrency=self._at_once,
                profiles=self._profiles,
                clock=self._clock,
                known=self._known,
            )
        finally:
            await network.close()
