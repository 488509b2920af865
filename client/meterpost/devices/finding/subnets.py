"""The IPv4 subnets this computer is on. The only importer of ifaddr."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from meterpost.devices.finding.named import Segment

LARGEST = 20
"""The shortest prefix that is scanned whole: 4 094 addresses."""
AROUND = 24
"""What is scanned of a larger one: the part around an address that is in use."""
_POINT_TO_POINT = 31  # RFC 3021; the tunnels of VPNs have 32


@dataclass(frozen=True, slots=True)
class Subnet:
    """An address of this computer and the network it is in."""

    interface: str
    address: IPv4Address
    network: IPv4Network


def own() -> tuple[Subnet, ...]:
    """This computer's, loopback and link-local left out."""
    import ifaddr  # loaded when it is needed: it looks for the system's libraries

    found = []
    for adapter in ifaddr.get_adapters():
        for entry in adapter.ips:
            if isinstance(entry.ip, str):  # IPv6 has a tuple
                interface = IPv4Interface(f"{entry.ip}/{entry.network_prefix}")
                if not (interface.is_loopback or interface.is_link_local):
                    found.append(Subnet(adapter.nice_name, interface.ip, interface.network))
    return tuple(found)


def segments(subnets: tuple[Subnet, ...]) -> tuple[Segment, ...]:
    """What of `subnets` is worth a scan, each once."""
    found: dict[str, Segment] = {}
    for subnet in subnets:
        network, hint = narrowed(subnet)
        via = f"{subnet.interface} ({subnet.address})"
        found.setdefault(str(network), Segment(str(network), "subnets", via, hint=hint))
    return tuple(found.values())


def narrowed(subnet: Subnet) -> tuple[IPv4Network, str]:
    """What of `subnet` is scanned, and why it is not the whole."""
    around = around_address(subnet.address)
    if subnet.network.prefixlen < LARGEST:
        return around, f"{subnet.network} is too large: only the part around {subnet.address}"
    if subnet.network.prefixlen >= _POINT_TO_POINT:
        return around, f"{subnet.interface} goes point to point: the part around {subnet.address} is a guess"
    return subnet.network, ""


def around_address(address: IPv4Address) -> IPv4Network:
    """The /24 that `address` is in."""
    return IPv4Network((int(address), AROUND), strict=False)
