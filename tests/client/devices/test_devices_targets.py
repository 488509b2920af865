"""What a person writes becomes addresses, bounded, with the cost known before the scan."""

import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterpost.devices.finding import targets
from meterpost.devices.finding.targets import make_plan
from meterpost.errors import SettingsError
from meterpost.settings import SnmpSettings

SNMP = SnmpSettings(port=161, timeout_s=1.0, retries=1)


def plan(*texts: str, exclude: tuple[str, ...] = (), tries: int = 2) -> targets.ScanPlan:
    return make_plan(texts, exclude, SNMP, packets_per_second=100, tries=tries)


def hosts(*texts: str, exclude: tuple[str, ...] = ()) -> list[str]:
    return [host for host, _ in plan(*texts, exclude=exclude).endpoints]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.1.2.3", ["10.1.2.3"]),
        (" 10.1.2.3 ", ["10.1.2.3"]),
        ("10.1.2.0/30", ["10.1.2.1", "10.1.2.2"]),  # neither the network's nor the broadcast address
        ("10.1.2.7/30", ["10.1.2.5", "10.1.2.6"]),
        ("10.1.2.3/32", ["10.1.2.3"]),
        ("10.1.2.10-12", ["10.1.2.10", "10.1.2.11", "10.1.2.12"]),
        ("10.1.2.254-10.1.3.1", ["10.1.2.254", "10.1.2.255", "10.1.3.0", "10.1.3.1"]),
        ("Printer-12.Example.org.", ["printer-12.example.org"]),
        ("printer", ["printer"]),
    ],
)
def test_a_target_names_these_addresses(text: str, expected: list[str]) -> None:
    assert hosts(text) == expected


def test_a_port_goes_with_every_address_of_its_target() -> None:
    assert plan("10.1.2.0/30:1161", "printer:16100", "10.1.2.9").endpoints == (
        ("10.1.2.1", 1161),
        ("10.1.2.2", 1161),
        ("printer", 16100),
        ("10.1.2.9", 161),
    )


def test_an_address_named_twice_is_asked_once() -> None:
    assert hosts("10.1.2.1-3", "10.1.2.2", "10.1.2.0/30") == ["10.1.2.1", "10.1.2.2", "10.1.2.3"]


def test_what_is_excluded_is_not_asked() -> None:
    assert hosts("10.1.2.1-9", "srv", exclude=("10.1.2.2-8", "srv")) == ["10.1.2.1", "10.1.2.9"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "10.1.2",
        "10.1.2.256",
        "10.1.2.0/33",
        "10.1.2.9-3",
        "10.1.2.3:0",
        "10.1.2.3:x",
        "a b",
        "-x",
        "fe80::1",
        "x/24",
        "a..b",
    ],
)
def test_what_is_no_target_is_refused_by_name(text: str) -> None:
    with pytest.raises(SettingsError, match="target"):
        plan(text)


@pytest.mark.parametrize("text", ["10.0.0.0/8", "0.0.0.0/0", "10.0.0.0-10.255.255.255"])
def test_a_plan_is_bounded_before_it_is_spelt_out(text: str) -> None:
    with pytest.raises(SettingsError, match="larger than 65536 addresses"):
        plan(text)


def test_many_targets_together_are_bounded_too() -> None:
    with pytest.raises(SettingsError, match="larger"):
        plan("10.0.0.0/16", "10.1.0.0/29")
    assert plan("10.0.0.0/16").addresses == 65_534


@given(st.integers(1 << 24, (127 << 24) - 1), st.integers(0, 300))  # neither unspecified nor multicast
def test_a_range_has_as_many_addresses_as_its_ends_are_apart(first: int, more: int) -> None:
    last = first + more
    low, high = ipaddress.IPv4Address(first), ipaddress.IPv4Address(last)
    found = hosts(f"{low}-{high}")
    assert (found[0], found[-1], len(found)) == (str(low), str(high), last - first + 1)


def test_the_cost_is_known_before_the_scan() -> None:
    cost = plan("10.1.2.0/24", tries=4)
    assert cost.addresses == 254
    assert cost.packets == 254 * 4
    assert cost.octets == cost.packets * targets.OCTETS_PER_TRY
    assert cost.worst_case_s == pytest.approx(1016 / 100 + 4 * 1.0)
    assert cost.sentence.startswith("254 addresses: at most 1 016 packets (121 kB) in at most 15 seconds")


def test_resolving_is_left_to_the_scan(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: pytest.fail("a plan asks no name server"))
    assert hosts("no-such-printer.invalid") == ["no-such-printer.invalid"]
