"""Which of this computer's subnets are worth a scan, and how much of each."""

import sys
from ipaddress import IPv4Address, IPv4Network
from types import ModuleType, SimpleNamespace

import pytest

from meterpost.devices.finding import subnets
from meterpost.devices.finding.subnets import Subnet


def subnet(text: str, interface: str = "eth0") -> Subnet:
    return Subnet(interface, IPv4Address(text.partition("/")[0]), IPv4Network(text, strict=False))


@pytest.mark.parametrize(
    ("address", "network", "reason"),
    [
        ("10.1.2.3/24", "10.1.2.0/24", ""),
        ("10.1.2.3/30", "10.1.2.0/30", ""),
        ("10.1.2.3/20", "10.1.0.0/20", ""),
        ("10.1.2.3/19", "10.1.2.0/24", "10.1.0.0/19 is too large"),
        ("172.17.0.1/16", "172.17.0.0/24", "172.17.0.0/16 is too large"),
        ("10.8.0.6/31", "10.8.0.0/24", "point to point"),
        ("10.8.0.6/32", "10.8.0.0/24", "point to point"),
    ],
)
def test_what_of_a_subnet_is_scanned(address: str, network: str, reason: str) -> None:
    (segment,) = subnets.segments((subnet(address),))
    assert (segment.network, segment.source, segment.unfit) == (network, "subnets", "")
    assert reason in segment.hint
    assert bool(segment.hint) == bool(reason)
    assert segment.via == f"eth0 ({address.partition('/')[0]})"


def test_two_interfaces_on_one_subnet_are_one_segment() -> None:
    wired, wireless, other = subnet("10.1.2.3/24"), subnet("10.1.2.4/24", "wlan0"), subnet("10.1.3.3/24")
    assert [segment.target for segment in subnets.segments((wired, wireless, other))] == ["10.1.2.0/24", "10.1.3.0/24"]


def interfaces(*adapters: tuple[str, list[tuple[object, int]]]) -> ModuleType:
    """What ifaddr says of a computer with these."""
    module = ModuleType("ifaddr")
    shown = [
        SimpleNamespace(nice_name=name, ips=[SimpleNamespace(ip=ip, network_prefix=prefix) for ip, prefix in ips])
        for name, ips in adapters
    ]
    module.get_adapters = lambda: shown  # type: ignore[attr-defined]
    return module


def test_loopback_link_local_and_ipv6_are_no_subnets_to_scan(monkeypatch: pytest.MonkeyPatch) -> None:
    adapters = interfaces(
        ("lo", [("127.0.0.1", 8), (("::1", 0, 0), 128)]),
        ("eth0", [("10.1.2.3", 24), (("fe80::1", 0, 2), 64), ("192.168.7.9", 25)]),
        ("eth1", [("169.254.3.4", 16)]),
        ("eth2", []),
    )
    monkeypatch.setitem(sys.modules, "ifaddr", adapters)
    assert subnets.own() == (subnet("10.1.2.3/24"), subnet("192.168.7.9/25"))


def test_what_the_system_says_is_understood() -> None:
    pytest.importorskip("ifaddr")
    for found in subnets.own():
        assert found.address in found.network
        assert not found.address.is_loopback
