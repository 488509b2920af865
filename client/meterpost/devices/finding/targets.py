"""Where to look: addresses, networks, ranges and host names become a bounded plan whose cost is known before a packet leaves.

It never resolves a name and never opens a socket.
"""

import ipaddress
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from meterpost.errors import SettingsError
from meterpost.settings import SnmpSettings

MAX_ADDRESSES = 65_536

# Measured IP octets (UDP payload + 28) of the four-OID probe with a six-letter community.
OCTETS_PER_TRY = 119
OCTETS_PER_PRINTER = 334

Endpoint = tuple[str, int]

_QUAD = r"\d{1,3}(?:\.\d{1,3}){3}"
_NUMERIC = re.compile(r"[\d./:-]+")
_RANGE = re.compile(rf"({_QUAD})-({_QUAD}|\d{{1,3}})")
_NAME = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})(?:\.[A-Za-z0-9_][A-Za-z0-9_-]{0,62})*\.?")
_EXAMPLES = (
    "Write 10.1.2.3, 10.1.2.0/24, 10.1.2.10-90, 10.1.2.10-10.1.3.5, a host name, each with :port if it is not the usual."
)


@dataclass(frozen=True, slots=True)
class ScanPlan:
    """What a scan will ask and the most it can cost. `packets` and `octets` (IP) count the probes when every address
    stays silent; a living printer answers the first and costs about OCTETS_PER_PRINTER for probe and answer instead."""

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
        return (
            f"{_count(self.addresses, 'address', 'addresses')}: at most {_count(self.packets, 'packet', 'packets')} "
            f"({_size(self.octets)}) in at most {self.worst_case_s:.0f} seconds, "
            f"and about {OCTETS_PER_PRINTER} octets for each printer that answers, before it is read."
        )


def make_plan(
    targets: Sequence[str], exclude: Sequence[str], snmp: SnmpSettings, packets_per_second: int, credentials: int
) -> ScanPlan:
    """The plan for `targets` without `exclude`, each address tried with `credentials` ways in.
    Raises SettingsError that names the target which is not one, or that the plan is too large."""
    left_out = {host for text in exclude for host, _ in _parse(text, snmp.port)}
    found: dict[Endpoint, None] = {}
    for endpoint in chain.from_iterable(_parse(text, snmp.port) for text in targets):
        if endpoint[0] not in left_out:
            found[endpoint] = None
            if len(found) > MAX_ADDRESSES:
                raise _too_large()
    tries = credentials * (1 + snmp.retries)
    packets = len(found) * tries
    return ScanPlan(
        endpoints=tuple(found),
        packets=packets,
        octets=packets * OCTETS_PER_TRY,
        worst_case_s=packets / packets_per_second + tries * snmp.timeout_s,
    )


def _parse(text: str, default_port: int) -> Iterator[Endpoint]:
    host, port = _split_port(text.strip(), default_port)
    return ((address, port) for address in _hosts(host, text))


def _split_port(text: str, default: int) -> tuple[str, int]:
    if text.count(":") > 1:
        raise SettingsError(f"target {text!r}: IPv6 is not supported yet", _EXAMPLES)
    host, colon, port = text.partition(":")
    if not colon:
        return host, default
    if not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65535):
        raise SettingsError(f"target {text!r}: {port!r} is not a port", _EXAMPLES)
    return host, int(port)


def _hosts(host: str, text: str) -> Iterator[str]:
    try:
        if match := _RANGE.fullmatch(host):
            return _range(match[1], match[2])
        if "/" in host:
            network = ipaddress.IPv4Network(host, strict=False)
            if network.num_addresses > MAX_ADDRESSES:
                raise _too_large()
            return map(str, network.hosts())
        if _NUMERIC.fullmatch(host):
            return iter((str(ipaddress.IPv4Address(host)),))
    except ValueError as error:
        raise SettingsError(f"target {text!r}: {error}", _EXAMPLES) from None
    if not _NAME.fullmatch(host):
        raise SettingsError(f"target {text!r} is neither an address nor a host name", _EXAMPLES)
    return iter((host.lower().rstrip("."),))


def _range(low: str, high: str) -> Iterator[str]:
    first = ipaddress.IPv4Address(low)
    last = ipaddress.IPv4Address(high if "." in high else f"{low.rpartition('.')[0]}.{high}")
    if last < first:
        raise ValueError(f"the range ends ({last}) before it begins ({first})")
    if int(last) - int(first) >= MAX_ADDRESSES:
        raise _too_large()
    return (str(ipaddress.IPv4Address(number)) for number in range(int(first), int(last) + 1))


def _too_large() -> SettingsError:
    return SettingsError(f"the scan is larger than {MAX_ADDRESSES} addresses", "Name smaller networks, or scan them in parts.")


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}".replace(",", " ")


def _size(octets: int) -> str:
    return f"{octets / 1_000_000:.1f} MB" if octets >= 1_000_000 else f"{octets / 1000:.0f} kB"
