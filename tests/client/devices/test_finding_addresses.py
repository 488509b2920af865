"""The language of targets: what it means, what it refuses, and two laws: networks are ipaddress', exclusions subtract."""

import ipaddress
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterpost.devices.finding import addresses
from meterpost.devices.finding.addresses import endpoints, written
from meterpost.errors import SettingsError


def asked(*targets: str, exclude: tuple[str, ...] = ()) -> list[str]:
    """Hosts, with the port where it is not 161."""
    found = endpoints(targets, exclude, 161)
    return [host if port == 161 else f"{host} {port}" for host, port in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2001:DB8::0:7", ["2001:db8::7"]),
        ("[2001:db8::7]", ["2001:db8::7"]),
        ("[2001:db8::7]:1161", ["2001:db8::7 1161"]),
        ("2001:db8::/126", ["2001:db8::1", "2001:db8::2", "2001:db8::3"]),  # not the routers' anycast address
        ("[2001:db8::4/127]:16100", ["2001:db8::4 16100", "2001:db8::5 16100"]),
        ("2001:db8::fe-2001:db8::101", ["2001:db8::fe", "2001:db8::ff", "2001:db8::100", "2001:db8::101"]),
        ("::1", ["::1"]),
        ("fe80::1%eth0", ["fe80::1%eth0"]),
        ("[fe80::1%12]:1161", ["fe80::1%12 1161"]),
        ("printer-12:1161", ["printer-12 1161"]),
        ("10.1.2.10-90.example", ["10.1.2.10-90.example"]),  # a name, though an odd one
        ("gateway.", ["gateway"]),
        ("ipp://Printer.example/ipp/print", ["ipp://printer.example/ipp/print 631"]),
        ("IPPS://10.1.2.3/", ["ipps://10.1.2.3/ 631"]),
        ("http://10.1.2.3:8080/Status?x=Y", ["http://10.1.2.3:8080/Status?x=Y 8080"]),
        ("https://[2001:db8::7]", ["https://[2001:db8::7] 443"]),
        ("ipp://[fe80::1%25eth0]/ipp/print", ["ipp://[fe80::1%25eth0]/ipp/print 631"]),
    ],
)
def test_a_target_names_these_endpoints(text: str, expected: list[str]) -> None:
    assert asked(text) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[10.1.2.3]:161", "brackets"),
        ("[2001:db8::7", "brackets"),
        ("[2001:db8::7]161", "brackets"),
        ("[2001:db8::7]:", "not a port"),
        ("[2001:db8::7]:65536", "not a port"),
        ("10.1.2.3:٣", "not a port"),
        ("2001:db8::8-2001:db8::7", "before it begins"),
        ("2001:db8::1-9", "9"),
        ("::ffff:10.1.2.3", "write it as 10.1.2.3"),
        ("fe80::1", "needs its zone"),
        ("2001:db8::1%eth0", "only a link-local"),
        ("10.1.2.3%eth0", "neither"),
        ("fe80::1%", "only a link-local"),
        ("fe80::1%a b", "only a link-local"),
        ("ftp://10.1.2.3/", "none of ipp, ipps, http, https"),
        ("ipp://", "neither"),
        ("ipp://10.1.2.0-9/", "more than one"),
        ("ipp://a b/", "no blanks"),
        ("ipp://host/" + "x" * 1020, "1023"),
        ("ipp://host:0/", "not a port"),
        ("ipp://[2001:db8::7/", "'"),
        ("mdns", "a place to look"),
    ],
)
def test_what_is_no_target_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(SettingsError, match="target") as refused:
        endpoints((text,), (), 161)
    assert why in str(refused.value)
    assert refused.value.advice


def test_an_ipv6_network_of_the_usual_size_is_refused_with_the_way_out() -> None:
    with pytest.raises(SettingsError, match="too many addresses") as refused:
        endpoints(("2001:db8::/64",), (), 161)
    assert "mdns" in refused.value.advice


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("0.0.0.0", "unspecified"),
        ("0.0.0.0:1161", "unspecified"),
        ("0.0.0.0/8", "unspecified"),
        ("0.255.255.254/31", "unspecified"),
        ("127.255.255.255", "broadcast"),
        ("224.0.0.251", "multicast"),
        ("239.255.255.250-239.255.255.255", "multicast"),
        ("224.0.0.0/4", "multicast"),
        ("255.255.255.255", "broadcast"),
        ("::", "unspecified"),
        ("[::]:161", "unspecified"),
        ("ff02::fb", "multicast"),
        ("ff00::/8", "multicast"),
        ("ipp://224.0.0.251/", "multicast"),
        ("ipp://[ff02::fb]/ipp/print", "multicast"),
    ],
)
def test_an_address_of_no_device_is_refused(text: str, why: str) -> None:
    with pytest.raises(SettingsError, match="no device has this address") as refused:
        endpoints((text,), (), 161)
    assert repr(text) in str(refused.value)
    assert why in str(refused.value)
    assert refused.value.advice


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("0.255.255.255-1.0.0.1", ["1.0.0.0", "1.0.0.1"]),
        ("127.255.255.252/30", ["127.255.255.253", "127.255.255.254"]),
        ("127.255.255.254-128.0.0.0", ["127.255.255.254", "128.0.0.0"]),
        ("223.255.255.255-224.0.0.1", ["223.255.255.255"]),
        ("239.255.255.255-240.0.0.0", ["240.0.0.0"]),
        ("255.255.255.254/31", ["255.255.255.254"]),
        ("::/126", ["::1", "::2", "::3"]),
        ("::-::1", ["::1"]),
        ("feff:ffff:ffff:ffff:ffff:ffff:ffff:fffe-ff00::1", [f"feff:{'ffff:' * 6}fff{end}" for end in "ef"]),
    ],
)
def test_of_a_range_or_network_the_addresses_of_no_device_are_left_out(text: str, left: list[str]) -> None:
    assert asked(text) == left


def test_an_address_of_no_device_may_be_excluded() -> None:
    assert asked("10.1.2.3", exclude=("224.0.0.0/4", "255.255.255.255", "0.0.0.0", "::", "ff00::/8")) == ["10.1.2.3"]


def test_a_password_in_a_uri_is_neither_taken_nor_shown() -> None:
    with pytest.raises(SettingsError) as refused:
        endpoints(("ipp://me:hunter2@host/",), (), 161)
    assert "hunter2" not in str(refused.value) + refused.value.advice
    assert "user name" in str(refused.value)


def test_no_endpoint_twice_however_it_is_written() -> None:
    assert asked("2001:db8::1", "2001:DB8:0::1", "[2001:db8::1]:161", "HOST", "host.", "ipp://H/", "IPP://h/") == [
        "2001:db8::1",
        "host",
        "ipp://h/ 631",
    ]


# Exclusions


@pytest.mark.parametrize(
    ("excluded", "left"),
    [
        ("10.0.0.0/8", ["srv", "2001:db8::7", "fe80::1%eth0", "ipp://srv/x 631"]),
        ("10.1.2.3:161", ["10.1.2.3 1161", "srv", "2001:db8::7", "fe80::1%eth0", "ipp://srv/x 631", "ipp://10.1.2.3/ 631"]),
        ("10.1.2.3:631", ["10.1.2.3", "10.1.2.3 1161", "srv", "2001:db8::7", "fe80::1%eth0", "ipp://srv/x 631"]),
        ("SRV", ["10.1.2.3", "10.1.2.3 1161", "2001:db8::7", "fe80::1%eth0", "ipp://10.1.2.3/ 631"]),
        (
            "ipp://srv/x",
            ["10.1.2.3", "10.1.2.3 1161", "srv", "2001:db8::7", "fe80::1%eth0", "ipp://10.1.2.3/ 631"],
        ),
        (
            "2001:db8::/32",
            ["10.1.2.3", "10.1.2.3 1161", "srv", "fe80::1%eth0", "ipp://srv/x 631", "ipp://10.1.2.3/ 631"],
        ),
        ("fe80::/10", ["10.1.2.3", "10.1.2.3 1161", "srv", "2001:db8::7", "ipp://srv/x 631", "ipp://10.1.2.3/ 631"]),
        (
            "fe80::1%eth1",
            ["10.1.2.3", "10.1.2.3 1161", "srv", "2001:db8::7", "fe80::1%eth0", "ipp://srv/x 631", "ipp://10.1.2.3/ 631"],
        ),
    ],
)
def test_an_exclusion_leaves_out_what_it_covers(excluded: str, left: list[str]) -> None:
    targets = ("10.1.2.3", "10.1.2.3:1161", "srv", "2001:db8::7", "fe80::1%eth0", "ipp://srv/x", "ipp://10.1.2.3/")
    assert asked(*targets, exclude=(excluded,)) == left


def test_an_excluded_network_covers_its_edges_too() -> None:
    assert asked("10.1.1.254-10.1.3.1", exclude=("10.1.2.0/24",)) == ["10.1.1.254", "10.1.1.255", "10.1.3.0", "10.1.3.1"]


def test_an_exclusion_is_never_spelt_out() -> None:
    began = time.process_time()
    assert asked("10.1.2.3", "2001:db8::1", exclude=("::/0", "0.0.0.0/1", "128.0.0.0-255.255.255.255")) == []
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    ("target", "excluded", "left"),
    [
        (
            "10.0.0.0/8",
            ("10.0.0.0/9", "10.128.0.0/10", "10.192.0.0-10.255.255.250"),
            [f"10.255.255.{n}" for n in range(251, 255)],
        ),
        ("10.0.0.0/8", ("10.0.0.4-10.255.255.255",), ["10.0.0.1", "10.0.0.2", "10.0.0.3"]),
        ("10.0.0.0/8:1161", ("10.0.0.2-10.255.255.255:1161",), ["10.0.0.1 1161"]),
        ("10.0.0.0/8", ("10.0.0.0/8",), []),
        ("2001:db8::/64", ("2001:db8::2-2001:db8::ffff:ffff:ffff:ffff",), ["2001:db8::1"]),
        ("fe80::1-fe80::ffff:ffff:ffff:ffff%eth0", ("fe80::2-fe80::ffff:ffff:ffff:ffff",), ["fe80::1%eth0"]),
        ("fe80::1-fe80::ffff:ffff:ffff:ffff%eth0", ("fe80::2-fe80::ffff:ffff:ffff:ffff%eth0",), ["fe80::1%eth0"]),
    ],
)
def test_what_is_left_of_a_large_target_counts(target: str, excluded: tuple[str, ...], left: list[str]) -> None:
    assert asked(target, exclude=excluded) == left


@pytest.mark.parametrize(
    "excluded", ["10.0.0.0/9", "10.1.0.2-10.255.255.255", "10.0.0.2-10.255.255.255:1161", "11.0.0.0/8", "::/0", "srv"]
)
def test_a_target_is_too_large_by_what_is_left_of_it(excluded: str) -> None:
    with pytest.raises(SettingsError, match="larger than 65536"):
        asked("10.0.0.0/8", exclude=(excluded,))


def test_a_target_may_have_as_many_left_as_a_scan_may_ask() -> None:
    assert len(asked("10.0.0.0/8", exclude=("10.1.0.1-10.255.255.255",))) == 65_536


def test_many_exclusions_do_not_slow_a_scan_down(tmp_path: Path) -> None:
    file = tmp_path / "not.txt"
    file.write_text("\n".join(f"10.{n // 256}.{n % 256}.0/25" for n in range(20_000)), "utf-8")
    began = time.process_time()
    assert len(asked("10.1.0.0/17", exclude=(f"@{file}",))) == 128 * 128 - 1  # one edge is not asked
    assert time.process_time() - began < 5  # a look at each exclusion for each address would take minutes


small = st.integers(0, 1000)
spans = st.one_of(
    st.tuples(small, st.integers(0, 80))
    .map(lambda s: (f"10.0.{s[0] >> 8}.{s[0] & 255}", s[1]))
    .map(lambda s: f"{s[0]}-{ipaddress.IPv4Address(s[0]) + s[1]}"),
    st.tuples(small, st.integers(22, 32)).map(lambda s: f"10.0.{s[0] >> 8}.{s[0] & 255}/{s[1]}"),
    small.map(lambda n: f"10.0.{n >> 8}.{n & 255}"),
    st.tuples(small, st.integers(118, 128)).map(lambda s: f"2001:db8::{s[0]:x}/{s[1]}"),
    st.sampled_from(["alpha", "beta.example", "10.0.0.1:1161", "[2001:db8::1]:1161"]),
)


def covered(text: str) -> set[str]:
    """What an exclusion without port means, by another way."""
    if "/" in text:
        return set(map(str, ipaddress.ip_network(text, strict=False)))
    first, dash, last = text.partition("-")
    if dash:
        numbers = range(int(ipaddress.ip_address(first)), int(ipaddress.ip_address(last)) + 1)
        return {str(ipaddress.ip_address(number)) for number in numbers}
    return {text}


@given(st.lists(spans, max_size=5), st.lists(spans, max_size=5))
def test_what_is_asked_is_targets_minus_excluded_in_order(targets: list[str], excluded: list[str]) -> None:
    everything = endpoints(targets, (), 161)
    hosts = {host for text in excluded if not text.endswith(":1161") for host in covered(text)}
    exact = {endpoint for endpoint in everything if written(endpoint) in excluded}
    expected = tuple(endpoint for endpoint in everything if endpoint[0] not in hosts and endpoint not in exact)
    assert endpoints(targets, excluded, 161) == expected


@given(st.integers(1 << 24, (127 << 24) - 1), st.integers(22, 32))  # neither unspecified nor multicast
def test_a_network_has_the_hosts_ipaddress_says(number: int, length: int) -> None:
    network = ipaddress.IPv4Network((number, length), strict=False)
    assert asked(f"{ipaddress.IPv4Address(number)}/{length}") == list(map(str, network.hosts()))


@given(st.integers(2**125, 2**126 - 1), st.integers(119, 128))
def test_so_has_an_ipv6_network(number: int, length: int) -> None:
    network = ipaddress.IPv6Network((number, length), strict=False)
    assert asked(f"{ipaddress.IPv6Address(number)}/{length}") == list(map(str, network.hosts()))


hosts = st.one_of(
    st.ip_addresses(v=4).filter(lambda host: not addresses.whose(host)).map(str),
    st.integers(2**125, 2**126 - 1).map(lambda number: str(ipaddress.IPv6Address(number))),
    st.sampled_from(["printer", "a.b.example", "fe80::1%eth0"]),
)


@given(hosts, st.integers(1, 65535))
def test_what_is_written_is_read_again(host: str, port: int) -> None:
    assert endpoints((written((host, port)),), (), 161) == ((host, port),)


@given(st.text(max_size=40))
def test_whatever_is_written_is_a_target_or_refused(text: str) -> None:
    try:
        place = addresses.parse(text)
    except SettingsError:
        return
    assert isinstance(place, addresses.Span | addresses.Name | addresses.Uri)


# Files


def file_of(tmp_path: Path, content: str | bytes) -> str:
    path = tmp_path / "printers.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return f"@{path}"


def test_a_file_names_a_target_a_line(tmp_path: Path) -> None:
    text = "\ufeff# ours\r\n10.1.2.3\r\n\r\n  10.1.2.8-9:1161  # second floor\r\nprinter\n[2001:db8::7]:161\nipp://h/#x"
    assert asked(file_of(tmp_path, text), "10.1.2.4") == [
        "10.1.2.3",
        "10.1.2.8 1161",
        "10.1.2.9 1161",
        "printer",
        "2001:db8::7",
        "ipp://h/#x 631",
        "10.1.2.4",
    ]


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_of_a_table_the_first_column_counts(tmp_path: Path, mark: str) -> None:
    rows = [["Host", "Where"], ['"10.1.2.3"', "lobby"], ["", "nothing here"], [" printer ", "10.9.9.9"]]
    assert asked(file_of(tmp_path, "\n".join(map(mark.join, rows)))) == ["10.1.2.3", "printer"]


def test_a_host_may_be_called_like_a_heading(tmp_path: Path) -> None:
    assert asked(file_of(tmp_path, "printer\nhost,x")) == ["printer", "host"]


def test_a_file_of_exclusions(tmp_path: Path) -> None:
    assert asked("10.1.2.1-4", exclude=(file_of(tmp_path, "10.1.2.2\n10.1.2.3:161"),)) == ["10.1.2.1", "10.1.2.4"]


@pytest.mark.parametrize("line", ["10.1.2.300", "@other.txt", "subnets", "a b"])
def test_what_is_wrong_in_a_file_is_named_with_its_line(tmp_path: Path, line: str) -> None:
    with pytest.raises(SettingsError, match=r"printers\.csv line 3: ") as refused:
        asked(file_of(tmp_path, f"10.1.2.3\n\n{line}\n"))
    assert refused.value.advice


@pytest.mark.parametrize(
    ("content", "why"), [(b"x\n" * 1_000_001, "larger than"), (b"drucker-\xfc", "utf-8"), (None, "No such file")]
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None, why: str) -> None:
    target = f"@{tmp_path}/none" if content is None else file_of(tmp_path, content)
    with pytest.raises(SettingsError, match=why) as refused:
        asked(target)
    assert str(tmp_path) in str(refused.value)
