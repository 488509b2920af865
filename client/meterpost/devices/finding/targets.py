"""Where to look: addresses, networks, ranges and host names become a bounded plan whose cost is known before a packet leaves.

It never resolves a name and never opens a socket.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from meterpost.devices import roads
from meterpost.devices.finding.addresses import MAX_ADDRESSES, Endpoint, endpoints
from meterpost.settings import SnmpSettings

__all__ = ["MAX_ADDRESSES", "Endpoint", "ScanPlan", "make_plan"]

# Measured IP octets (UDP payload + 28) of the four-OID probe with a six-letter community.
OCTETS_PER_TRY = 119
OCTETS_PER_PRINTER = 334  # where somebody answers: the probe and its answer, both ways
# Measured over all recordings: what a printer that answered is then read with, both ways.
PACKETS_TO_READ = 8
OCTETS_TO_READ = 3100


@dataclass(frozen=True, slots=True)
class ScanPlan:
    """What a scan will ask and the most it can cost. `packets` and `octets` (IP) count the SNMP probes when every address
    stays silent; a living printer answers the first and costs about OCTETS_PER_PRINTER for probe and answer instead. A URI
    is not probed but read, over one connection or a few."""

    endpoints: tuple[Endpoint, ...]
    packets: int
    octets: int
    worst_case_s: float

    @property
    def addresses(self) -> int:
        return len(self.endpoints)

    @property
    def sentence(self) -> str:
        """The cost for people."""
        at_uris = Counter(roads.name(host) for host, _ in self.endpoints if roads.is_uri(host))
        probed, time = self.addresses - at_uris.total(), f"in at most {_count(ceil(self.worst_case_s), 'second', 'seconds')}"
        by_snmp = (
            f"{_count(probed, 'address', 'addresses')}{' by SNMP' if at_uris else ''}: "
            f"at most {_count(self.packets, 'packet', 'packets')} ({_size(self.octets)}) {time} "
            f"to see who answers; then about {PACKETS_TO_READ} packets ({_size(OCTETS_TO_READ)}) for each printer, to read it."
        )
        by_others = ", ".join(f"{_count(number, 'printer', 'printers')} by {road}" for road, number in at_uris.items())
        if not at_uris:
            return by_snmp
        return f"{by_snmp} {by_others}: read at once." if probed else f"{by_others}: read at once, {time}."


def make_plan(
    targets: Sequence[str], exclude: Sequence[str], snmp: SnmpSettings, packets_per_second: int, tries: int
) -> ScanPlan:
    """The plan for `targets` without `exclude`, a silent address being asked `tries` times in all.
    Raises SettingsError that names the target which is not one, or that the plan is too large."""
    found = endpoints(targets, exclude, snmp.port)
    uris = sum(roads.is_uri(host) for host, _ in found)
    packets = (len(found) - uris) * tries
    swept_s = packets / packets_per_second + tries * snmp.timeout_s if packets else 0.0
    visited_s = ceil(uris / min(roads.AT_ONCE, snmp.concurrency)) * snmp.timeout_s
    return ScanPlan(found, packets, packets * OCTETS_PER_TRY, max(swept_s, visited_s))


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}".replace(",", " ")


def _size(octets: int) -> str:
    return f"{octets / 1_000_000:.1f} MB" if octets >= 1_000_000 else f"{octets / 1000:.0f} kB"
