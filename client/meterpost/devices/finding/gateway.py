"""What the default gateway knows: which one it is by this computer's routes, and by SNMP its networks and whom it met there.

Reading a routing table is a talk, and bounded: a router of the Internet would not come to an end.
"""

import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address
from itertools import islice
from pathlib import Path

from meterpost.devices.finding.addresses import whose
from meterpost.devices.finding.named import Segment
from meterpost.devices.finding.subnets import LARGEST, around_address
from meterpost.devices.snmp.port import Talk
from meterpost.devices.snmp.session import Abilities, Session, Want
from meterpost.errors import SettingsError
from meterpost.recording import Oid, Value

MAX_ROWS = 4000  # of a column by GETBULK: some 170 requests
MAX_ROWS_ONE_BY_ONE = 300
MAX_SEGMENTS = 1000
_MAX_LINES = 10_000
_COMMAND_S = 10.0


# This computer's default gateways, best first. Text of the system becomes addresses.

_UP_AND_GATEWAY = 0x0003  # RTF_UP, RTF_GATEWAY


def linux_routes(text: str) -> tuple[str, ...]:
    """Default gateways in the text of /proc/net/route: hexadecimal in the machine's byte order, with the metric."""
    found = []
    for fields in _rows(text, 8):
        destination, gateway, flags, metric, mask = fields[1], fields[2], fields[3], fields[6], fields[7]
        if destination == mask == "0" * 8 and _hex(flags) & _UP_AND_GATEWAY == _UP_AND_GATEWAY and metric.isdecimal():
            found.append((int(metric), str(IPv4Address(_hex(gateway).to_bytes(4, sys.byteorder)))))
    return _best_first(found)


def linux_routes6(text: str) -> tuple[str, ...]:
    """Default gateways in the text of /proc/net/ipv6_route; a link-local one with its zone."""
    found = []
    for fields in _rows(text, 10):
        destination, length, hop, metric, flags, interface = (fields[place] for place in (0, 1, 4, 5, 8, 9))
        if (destination, length) == ("0" * 32, "00") and _hex(flags) & _UP_AND_GATEWAY == _UP_AND_GATEWAY:
            gateway = IPv6Address(_hex(hop))
            found.append((_hex(metric), f"{gateway}%{interface}" if gateway.is_link_local else str(gateway)))
    return _best_first(found)


def netstat_routes(text: str) -> tuple[str, ...]:
    """Default gateways in what `netstat -rn` prints on macOS and the BSDs, in its order."""
    found = [fields[1] for fields in _rows(text, 3) if fields[0] == "default" and "G" in fields[2]]
    return _best_first((0, gateway) for gateway in found if _is_address(gateway))


def windows_routes(text: str) -> tuple[str, ...]:
    """Default gateways in what `route print` prints, whatever the language of its headings."""
    found = []
    for fields in _rows(text, 4):
        if fields[:2] == ["0.0.0.0", "0.0.0.0"] and len(fields) == 5 and fields[4].isdecimal():  # noqa: S104 - a route
            found.append((int(fields[4]), fields[2]))
        elif len(fields) == 4 and fields[2] == "::/0" and fields[0].isdecimal() and fields[1].isdecimal():
            zone = f"%{fields[0]}" if fields[3].lower().startswith("fe80:") else ""
            found.append((int(fields[1]), fields[3] + zone))
    return _best_first((metric, gateway) for metric, gateway in found if _is_address(gateway))


_Command = tuple[str, ...]
_HERE: dict[str, tuple[tuple[Path | _Command, Callable[[str], tuple[str, ...]]], ...]] = {
    "linux": ((Path("/proc/net/route"), linux_routes), (Path("/proc/net/ipv6_route"), linux_routes6)),
    "win32": ((("route", "print"), windows_routes),),
    "": ((("netstat", "-rn"), netstat_routes),),
}
"""Where each system shows its routes."""


def defaults() -> tuple[str, ...]:
    """This computer's default gateways, IPv4 first, best first. Raises SettingsError where there is none."""
    gateways = [gateway for where, parse in _HERE.get(sys.platform, _HERE[""]) for gateway in parse(_shown(where))]
    if not gateways:
        raise SettingsError("this computer has no default gateway", "Name the networks to be scanned.")
    return tuple(sorted(gateways, key=lambda gateway: ":" in gateway))


def _shown(where: Path | _Command) -> str:
    try:
        if isinstance(where, Path):
            return where.read_text("ascii", "replace")
        run = subprocess.run(where, capture_output=True, timeout=_COMMAND_S, check=False)  # noqa: S603 - no word of others
        return run.stdout.decode("ascii", "replace")
    except (OSError, subprocess.TimeoutExpired):
        return ""


def _rows(text: str, least: int) -> Iterator[list[str]]:
    return (fields for line in islice(text.splitlines(), _MAX_LINES) if len(fields := line.split()) >= least)


def _hex(text: str) -> int:
    return int(text, 16) if re.fullmatch(r"[0-9A-Fa-f]{1,32}", text) else 0


def _is_address(text: str) -> bool:
    try:
        return bool(IPv6Address(text) if ":" in text else IPv4Address(text))
    except ValueError:
        return False


def _best_first(found: Iterable[tuple[int, str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(gateway for _, gateway in sorted(found, key=lambda entry: entry[0])))


# The gateway's own tables.


@dataclass(frozen=True, slots=True)
class _Route:
    network: IPv4Network
    via: str  # the next hop; '' on the gateway's own


Reader = Callable[[Oid, tuple[Value, ...]], _Route | None]
"""An instance and the values of its columns become a route, None where it is none that leads to hosts. Raises ValueError."""


def _interface(index: Oid, values: tuple[Value, ...]) -> _Route | None:
    """ipAdEntNetMask (RFC 4293): the index is the gateway's address."""
    return _Route(_network(index, values[0]), "")


def _rfc1213(index: Oid, values: tuple[Value, ...]) -> _Route | None:
    """ipRouteMask, ipRouteNextHop, ipRouteType: 3 direct, 4 indirect; the index is the destination."""
    mask, hop, kind = values
    return _Route(_network(index, mask), _hop(hop) if kind == 4 else "") if kind in (3, 4) else None


def _rfc2096(index: Oid, values: tuple[Value, ...]) -> _Route | None:
    """ipCidrRouteType: 3 local, 4 remote; the index is destination, mask, type of service, next hop."""
    (kind,) = values
    return (
        _Route(_network(index[:4], bytes(index[4:8])), _hop(bytes(index[9:])) if kind == 4 else "") if kind in (3, 4) else None
    )


def _rfc4292(index: Oid, values: tuple[Value, ...]) -> _Route | None:
    """inetCidrRouteType: 3 local, 4 remote; the index is destination, prefix length, policy, next hop."""
    (kind,) = values
    destination, rest = _inet_address(index)
    length, policy = rest[0], rest[1]
    hop, _ = _inet_address(rest[2 + policy :])
    if kind not in (3, 4) or destination is None:
        return None
    return _Route(IPv4Network((int(destination), length), strict=False), str(hop or "") if kind == 4 else "")


_INTERFACES = ((1, 3, 6, 1, 2, 1, 4, 20, 1, 3),)
_IP_ROUTE = (1, 3, 6, 1, 2, 1, 4, 21, 1)
_ROUTES: tuple[tuple[tuple[Oid, ...], Reader], ...] = (
    (((1, 3, 6, 1, 2, 1, 4, 24, 7, 1, 8),), _rfc4292),
    (((1, 3, 6, 1, 2, 1, 4, 24, 4, 1, 6),), _rfc2096),
    (((*_IP_ROUTE, 11), (*_IP_ROUTE, 7), (*_IP_ROUTE, 8)), _rfc1213),
)
"""Routing tables, newest first; the first that has a route is believed."""

_PHYSICAL, _MEDIA = (1, 3, 6, 1, 2, 1, 4, 35, 1), (1, 3, 6, 1, 2, 1, 4, 22, 1)
_MET: tuple[tuple[Oid, Callable[[Oid], IPv4Address | None]], ...] = (
    ((*_PHYSICAL, 6), lambda index: _inet_address(index[1:])[0]),  # ipNetToPhysicalType
    ((*_MEDIA, 4), lambda index: IPv4Address(bytes(index[1:]))),  # ipNetToMediaType
    ((*_PHYSICAL, 4), lambda index: _inet_address(index[1:])[0]),  # the physical addresses, where there are no types
    ((*_MEDIA, 2), lambda index: IPv4Address(bytes(index[1:]))),
)
"""Tables of neighbours, ifIndex and address being the index; the first that has some is believed."""
_INVALID = 2


def routes(bulk: bool) -> Talk[tuple[Segment, ...]]:
    """The networks of a gateway, by address; where it met hosts outside of those that can be scanned, the /24 around them.
    Raises DeviceError."""
    abilities = Abilities(bulk)
    abilities, rows = yield from _table(abilities, _INTERFACES)
    found = dict(_read(rows, _interface))
    for columns, reader in _ROUTES:
        abilities, rows = yield from _table(abilities, columns)
        if known := dict(_read(rows, reader)):
            found = known | found
            break
    met: set[IPv4Address] = set()
    for column, address_of in _MET:
        abilities, rows = yield from _table(abilities, (column,))
        met = {address for index, (kind,) in rows.items() if kind != _INVALID for address in _neighbour(address_of, index)}
        if met:
            break
    return _segments(found, met)


def _table(abilities: Abilities, columns: tuple[Oid, ...]) -> Talk[tuple[Abilities, dict[Oid, tuple[Value, ...]]]]:
    """Rows that have a value in all `columns`, and what the agent turned out to be able to do."""
    session = Session(abilities)
    most = MAX_ROWS // len(columns) if abilities.bulk else MAX_ROWS_ONE_BY_ONE
    facts = yield from session.collect((), [Want(column, rows=24, most=most) for column in columns])
    found = [facts.columns[column] for column in columns]
    whole = (index for index in found[0] if all(index in column for column in found))
    return session.abilities, {index: tuple(column[index] for column in found) for index in whole}


def _read(rows: dict[Oid, tuple[Value, ...]], reader: Reader) -> Iterator[tuple[IPv4Network, str]]:
    for index, values in rows.items():
        try:
            route = reader(index, values)
        except (ValueError, IndexError):  # a row of nonsense
            continue
        if route and _leads_to_hosts(route.network):
            yield route.network, route.via


def _neighbour(address_of: Callable[[Oid], IPv4Address | None], index: Oid) -> Iterator[IPv4Address]:
    try:
        address = address_of(index)
    except (ValueError, IndexError):
        return
    if address and not (address.is_loopback or address.is_link_local or whose(address)):
        yield address


def _leads_to_hosts(network: IPv4Network) -> bool:
    reserved = network.is_loopback or network.is_link_local or network.is_multicast
    return network.prefixlen < 31 and not reserved and network.network_address.packed[0] != 0  # RFC 3021, RFC 1122


def _segments(networks: dict[IPv4Network, str], met: set[IPv4Address]) -> tuple[Segment, ...]:
    seen = dict.fromkeys(networks, 0)
    via = dict(networks)
    hints: dict[IPv4Network, str] = {}
    for address in sorted(met):
        home = _home(address, seen)
        if home.prefixlen < LARGEST or home not in seen:
            home = around_address(address)
            hints.setdefault(home, "the part in which the gateway met hosts")
        seen[home] = seen.get(home, 0) + 1
    return tuple(
        Segment(str(network), "gateway", via.get(network, ""), seen[network], hints.get(network, ""), _unfit(network))
        for network in sorted(seen)[:MAX_SEGMENTS]
    )


def _home(address: IPv4Address, networks: dict[IPv4Network, int]) -> IPv4Network:
    """The smallest of `networks` that has `address`, else the /24 around it."""
    candidates = (IPv4Network((int(address), length), strict=False) for length in range(30, 0, -1))
    return next((network for network in candidates if network in networks), around_address(address))


def _unfit(network: IPv4Network) -> str:
    if network.prefixlen < LARGEST:
        return f"it is larger than a /{LARGEST}: name the part of it where printers are"
    return "" if network.is_private else "its addresses are public: name it if it is yours"


def _network(index: Oid, mask: Value) -> IPv4Network:
    """Raises ValueError for what is no address or no mask."""
    if not isinstance(mask, bytes):
        raise ValueError("no mask")
    return IPv4Network((bytes(index), str(IPv4Address(mask))), strict=False)


def _hop(value: Value) -> str:
    return str(IPv4Address(value)) if isinstance(value, bytes) else ""


def _inet_address(index: Oid) -> tuple[IPv4Address | None, Oid]:
    """An InetAddressType and InetAddress (RFC 4001) at the front of an index, None where it is not IPv4; and the rest."""
    kind, length = index[0], index[1]
    octets, rest = index[2 : 2 + length], index[2 + length :]
    return (IPv4Address(bytes(octets)) if kind == 1 else None), rest
