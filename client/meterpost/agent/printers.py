"""The agent's verbs for printers: found, read, recorded. Nothing here speaks with the communication server."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from meterpost.agent.reports import ReadReport
from meterpost.agent.turns import Turns
from meterpost.devices import Candidate, Progress, ScanPlan, Segment, read_recording, roads
from meterpost.errors import DeviceError, SettingsError
from meterpost.lifecycle.state import DeviceState, SiteState
from meterpost.model import JobName, Reading

ENROLLED = frozenset(DeviceState) - {DeviceState.SEEN, DeviceState.OFF, DeviceState.REPLACED, DeviceState.WITHDRAWN}
"""The states in which a device is in the administrator's care: read every two hours, listed as enrolled."""


class Printers(Turns):
    """Looks at printers, and keeps what was read."""

    def plan(self, targets: Sequence[str] = (), exclude: Sequence[str] = ()) -> ScanPlan:
        """What a discovery of `targets` (the configured ones where there are none) would cost. Raises SettingsError."""
        configured = self.settings.discovery
        chosen = tuple(targets) or configured.targets
        if not chosen:
            raise SettingsError("there is nowhere to look", "Name addresses, ranges or networks, or set discovery.targets.")
        return self.devices.plan(chosen, (*configured.exclude, *exclude))

    def discover(
        self,
        plan: ScanPlan,
        on_progress: Callable[[Progress], None] = lambda _: None,
        stop: threading.Event | None = None,
    ) -> tuple[Reading, ...]:
        """The printers the plan finds. Each reading is kept and each device with a serial becomes `seen`;
        nothing is enrolled. Stopping keeps what was found."""
        found = self.devices.discover(plan, on_progress, stop)
        self.remember(found)
        return found

    def remember(self, found: Sequence[Reading]) -> None:
        """The second half of `discover`, for who shows what was found before it is kept."""
        with self._work("discover") as work:
            for reading in self._by_snmp_if_known_so(found, work.state):
                work.keep(reading)
                work.see(reading)

    def _by_snmp_if_known_so(self, found: Sequence[Reading], site: SiteState) -> tuple[Reading, ...]:
        """An enrolled printer known by SNMP may have missed the probe and been read at its URI, where it has fewer meters and
        other names for them. It stays where it is known if it answers there."""
        at = {
            reading.serial: (device.address, device.port)
            for reading in found
            if (device := site.devices.get(reading.serial)) and device.state in ENROLLED
            if roads.is_uri(reading.address) and not roads.is_uri(device.address)
        }
        again = self.devices.read_many(tuple(at.values())) if at else ()
        known = {reading.serial: reading for reading in again if isinstance(reading, Reading)}
        return tuple(known.get(reading.serial, reading) for reading in found)

    def read(self, endpoints: Sequence[tuple[str, int]]) -> tuple[Reading | DeviceError, ...]:
        """Fresh readings of devices anywhere, kept nowhere."""
        return self.devices.read_many(endpoints)

    def check_targets(self, targets: Sequence[str]) -> None:
        """Raises SettingsError for a target that is none; asks nobody."""
        self.devices.check(targets)

    def places(self, word: str) -> tuple[Segment | Candidate, ...]:
        """What a source such as `subnets` or `gateway` names. Raises SettingsError, DeviceError, NetworkError."""
        return self.devices.places(word)

    def record(self, address: str, port: int, redact: bool) -> str:
        """A recording of a device, see `Devices.record`. Raises DeviceError."""
        return self.devices.record(address, port, redact)

    def replay(self, recording: Path) -> Reading:
        """The reading of a device recorded in a file, with the profiles of this configuration. Raises SettingsError: a
        file that holds no printer is the mistake of who named it."""
        try:
            return read_recording(recording, self._clock(), self.profile_folders)
        except DeviceError as error:
            advice = error.advice or "Name a .snmprec file, or the output of snmpwalk -On."
            raise SettingsError(str(error), advice) from None

    def read_enrolled(self) -> tuple[ReadReport, ...]:
        """A reading of every enrolled device, judged and kept; open billing requests are answered into the outbox."""
        with self._work("read") as work:
            reports = work.read(sorted(serial for serial, d in work.state.devices.items() if d.state in ENROLLED))
            self.ledger.set_last_success(JobName.READ, self._clock())
        return reports
