"""The default gateway: which it is by the text of three systems, and what its tables say, however it answers."""

import ipaddress
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterpost import recording
from meterpost.devices.finding import gateway
from meterpost.devices.finding.named import Segment
from meterpost.devices.snmp.memory import MemoryAgent
from meterpost.devices.snmp.port import Answer, Kind, Request, Unanswered
from meterpost.errors import DeviceError, SettingsError
from meterpost.recording import Oid, Value

LINUX = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
wlan0\t00000000\t0102A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0
eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0
eth1\t00000000\t0103A8C0\t0002\t0\t0\t50\t00000000\t0\t0\t0
tun0\t00000000\t0104A8C0\t0003\t0\t0\t10\t00000080\t0\t0\t0
ppp0\t00000000\t00000000\t0001\t0\t0\t20\t00000000\t0\t0\t0
eth0\t0001A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0
"""
NOWHERE = "0" * 32
LINUX6 = "".join(
    f"{destination} {length} {NOWHERE} 00 {hop} {metric} 00000003 00000000 {flags} {interface:>8}\n"
    for destination, length, hop, metric, flags, interface in (
        ("fd" + "0" * 30, "40", NOWHERE, "00000100", "00000001", "eth0"),
        (NOWHERE, "00", "fe8" + "0" * 28 + "a", "00000400", "00000003", "eth0"),
        (NOWHERE, "00", "fd" + "0" * 29 + "1", "00000200", "00000003", "eth1"),
        (NOWHERE, "00", NOWHERE, "ffffffff", "00200200", "lo"),
    )
)
MACOS = """\
Routing tables

Internet:
Destination        Gateway            Flags               Netif Expire
default            192.168.1.1        UGScg                 en0
default            link#17            UCSIg           bridge100      !
default            link#18            UGS                 utun3
127                127.0.0.1          UCS                   lo0
192.168.1          link#11            UCS                   en0      !

Internet6:
Destination                             Gateway                                 Flags               Netif Expire
default                                 fe80::1%en0                             UGcg                  en0
::1                                     ::1                                     UHL                   lo0
"""
WINDOWS = """\
===========================================================================
Schnittstellenliste
 12...00 11 22 33 44 55 ......Intel(R) Ethernet Connection
===========================================================================

IPv4-Routentabelle
===========================================================================
Aktive Routen:
     Netzwerkziel    Netzwerkmaske          Gateway    Schnittstelle Metrik
          0.0.0.0          0.0.0.0      192.168.2.1     192.168.2.50     50
          0.0.0.0          0.0.0.0      192.168.1.1     192.168.1.50     25
        127.0.0.0        255.0.0.0   Auf Verbindung         127.0.0.1    331
===========================================================================

IPv6-Routentabelle
===========================================================================
Aktive Routen:
 If Metrik Netzwerkziel             Gateway
 12    281 ::/0                     fe80::1
  1    331 ::1/128                  Auf Verbindung
"""


@pytest.mark.skipif(sys.byteorder != "little", reason="the text is a little-endian machine's")
def test_linux_shows_its_gateways_in_hexadecimal() -> None:
    assert gateway.linux_routes(LINUX) == ("192.168.1.1", "192.168.2.1")


def test_linux_shows_ipv6_gateways_elsewhere() -> None:
    assert gateway.linux_routes6(LINUX6) == ("fd00::1", "fe80::a%eth0")


def test_macos_shows_both_kinds_and_links_that_are_no_gateways() -> None:
    assert gateway.netstat_routes(MACOS) == ("192.168.1.1", "fe80::1%en0")


def test_windows_shows_them_in_its_user_s_language() -> None:
    assert gateway.windows_routes(WINDOWS) == ("192.168.1.1", "192.168.2.1", "fe80::1%12")


PARSERS = (gateway.linux_routes, gateway.linux_routes6, gateway.netstat_routes, gateway.windows_routes)


@given(st.text(alphabet="0123456789abcdefFG:.%/ \n\tdefault", max_size=300))
def test_odd_text_has_no_gateway_in_it_or_addresses(text: str) -> None:
    for parse in PARSERS:
        for found in parse(text):
            ipaddress.ip_address(found)


def test_text_without_end_is_cut() -> None:
    line = "default 192.168.1.1 UG en0\n"
    assert gateway.netstat_routes("x\n" * 9_999 + line) == ("192.168.1.1",)
    assert gateway.netstat_routes("x\n" * 10_000 + line) == ()


def test_this_system_can_be_asked() -> None:
    try:
        found = gateway.defaults()
    except SettingsError:
        pytest.skip("this computer has no default gateway")
    for host in found:
        ipaddress.ip_address(host)


def test_ipv4_gateways_come_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    routes = tmp_path / "routes"
    routes.write_text("default fe80::1%en0 UG en0\ndefault 192.168.1.1 UG en0\n", "ascii")
    monkeypatch.setattr(gateway, "_HERE", {"": ((routes, gateway.netstat_routes),)})
    assert gateway.defaults() == ("192.168.1.1", "fe80::1%en0")
    routes.write_text("nothing", "ascii")
    with pytest.raises(SettingsError, match="no default gateway"):
        gateway.defaults()


def test_a_system_that_shows_nothing_has_no_gateway(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    where = ((tmp_path / "none", gateway.linux_routes), (("no-such-command-here",), gateway.netstat_routes))
    monkeypatch.setattr(gateway, "_HERE", {"": where})
    with pytest.raises(SettingsError, match="no default gateway"):
        gateway.defaults()


# The gateway's tables

IP = (1, 3, 6, 1, 2, 1, 4)


def quad(text: str) -> Oid:
    return tuple(map(int, text.split(".")))


def interface(address: str, mask: str) -> dict[Oid, Value]:
    return {(*IP, 20, 1, 3, *quad(address)): bytes(quad(mask))}


def ip_route(destination: str, mask: str, hop: str, kind: int) -> dict[Oid, Value]:
    row = (*IP, 21, 1)
    return {
        (*row, 7, *quad(destination)): bytes(quad(hop)),
        (*row, 8, *quad(destination)): kind,
        (*row, 11, *quad(destination)): bytes(quad(mask)),
    }


def cidr_route(destination: str, mask: str, hop: str, kind: int) -> dict[Oid, Value]:
    return {(*IP, 24, 4, 1, 6, *quad(destination), *quad(mask), 0, *quad(hop)): kind}


def inet_route(destination: str, length: int, hop: str, kind: int) -> dict[Oid, Value]:
    index = (1, 4, *quad(destination), length, 2, 0, 0, 1, 4, *quad(hop))
    return {(*IP, 24, 7, 1, 8, *index): kind}


def media(address: str, kind: int = 3, interface: int = 2) -> dict[Oid, Value]:
    return {(*IP, 22, 1, 4, interface, *quad(address)): kind}


def physical(address: str, kind: int = 3, interface: int = 2) -> dict[Oid, Value]:
    return {(*IP, 35, 1, 6, interface, 1, 4, *quad(address)): kind}


def read(agent: MemoryAgent) -> tuple[Segment, ...]:
    talk = gateway.routes(agent.has_bulk)
    request = next(talk)
    while True:
        try:
            try:
                answer = agent.answer(request)
            except DeviceError as silence:
                request = talk.throw(silence)
            else:
                request = talk.send(answer)
        except StopIteration as end:
            learnt: tuple[Segment, ...] = end.value
            return learnt


def known(mib: dict[Oid, Value], version: str = "2c") -> list[tuple[str, str, int]]:
    return [(segment.network, segment.via, segment.hosts_seen) for segment in read(MemoryAgent(mib, version))]


OFFICE = [("192.168.1.0/24", "", 2), ("192.168.2.0/25", "192.168.1.254", 0)]
TABLES = {
    "ipRouteTable": ip_route("192.168.1.0", "255.255.255.0", "192.168.1.1", 3)
    | ip_route("192.168.2.0", "255.255.255.128", "192.168.1.254", 4)
    | ip_route("192.168.3.0", "255.255.255.0", "192.168.1.254", 2),
    "ipCidrRouteTable": cidr_route("192.168.1.0", "255.255.255.0", "0.0.0.0", 3)
    | cidr_route("192.168.2.0", "255.255.255.128", "192.168.1.254", 4)
    | cidr_route("192.168.3.0", "255.255.255.0", "0.0.0.0", 2),
    "inetCidrRouteTable": {(*IP, 24, 7, 1, 8, 1, 4, 192, 168, 1, 0, 24, 2, 0, 0, 0, 0): 3}  # no next hop
    | inet_route("192.168.2.0", 25, "192.168.1.254", 4)
    | inet_route("192.168.3.0", 24, "0.0.0.0", 5)
    | {(*IP, 24, 7, 1, 8, 2, 16, 0xFD, *(0,) * 15, 64, 2, 0, 0, 0, 0): 3},  # IPv6, an unknown next hop
}


@pytest.mark.parametrize("version", ["1", "2c"])
@pytest.mark.parametrize("neighbours", [media, physical])
@pytest.mark.parametrize("table", TABLES)
def test_every_table_tells_the_same(table: str, neighbours: object, version: str) -> None:
    met = neighbours("192.168.1.7") | neighbours("192.168.1.8") | neighbours("192.168.1.9", 2)  # type: ignore[operator]
    assert known(TABLES[table] | met, version) == OFFICE  # the third neighbour is invalid, the third route leads nowhere


def test_the_newer_table_is_believed_and_interfaces_always_count() -> None:
    mib = TABLES["inetCidrRouteTable"] | ip_route("192.168.9.0", "255.255.255.0", "192.168.1.1", 3)
    mib |= interface("192.168.5.1", "255.255.255.0")
    assert [network for network, _, _ in known(mib)] == ["192.168.1.0/24", "192.168.2.0/25", "192.168.5.0/24"]


def test_neighbours_without_types_are_neighbours() -> None:
    mib = {(*IP, 22, 1, 2, 2, *quad("192.168.1.7")): b"\0\1\2\3\4\5"}
    assert known(mib) == [("192.168.1.0/24", "", 1)]


@pytest.mark.parametrize(
    ("network", "length"),
    [
        ("0.0.0.0", 0),
        ("0.0.0.0", 8),
        ("127.0.0.0", 8),
        ("169.254.0.0", 16),
        ("224.0.0.0", 4),
        ("10.0.0.1", 32),
        ("10.0.0.0", 31),
    ],
)
def test_what_has_no_hosts_is_no_segment(network: str, length: int) -> None:
    assert known(inet_route(network, length, "0.0.0.0", 3)) == []


def test_a_neighbour_counts_for_the_smallest_network_it_is_in() -> None:
    mib = (
        inet_route("10.1.0.0", 20, "0.0.0.0", 3)
        | inet_route("10.1.2.0", 24, "0.0.0.0", 3)
        | media("10.1.2.9")
        | media("10.1.3.9")
    )
    assert known(mib) == [("10.1.0.0/20", "", 1), ("10.1.2.0/24", "", 1)]
    assert not any(segment.unfit for segment in read(MemoryAgent(mib)))


def test_of_a_large_network_the_parts_with_hosts_are_segments() -> None:
    mib = (
        inet_route("10.0.0.0", 8, "0.0.0.0", 3)
        | media("10.1.2.9")
        | media("10.1.2.8")
        | media("10.7.0.1")
        | media("169.254.1.1")
        | media("0.1.2.3")
    )
    large, *parts = read(MemoryAgent(mib))
    assert (large.network, large.hosts_seen) == ("10.0.0.0/8", 0)
    assert "larger than a /20" in large.unfit
    assert [(part.network, part.hosts_seen, part.unfit) for part in parts] == [("10.1.2.0/24", 2, ""), ("10.7.0.0/24", 1, "")]
    assert all("met hosts" in part.hint for part in parts)


def test_public_addresses_are_shown_and_left_to_people() -> None:
    (segment,) = read(MemoryAgent(inet_route("8.8.8.0", 24, "0.0.0.0", 3)))
    assert "public" in segment.unfit


NONSENSE: list[dict[Oid, Value]] = [
    {(*IP, 20, 1, 3, 10, 1, 2): b"\xff\xff\xff\0"},  # an index of three
    {(*IP, 20, 1, 3, 10, 1, 2, 300): b"\xff\xff\xff\0"},
    {(*IP, 20, 1, 3, 10, 1, 2, 3): 7},
    {(*IP, 20, 1, 3, 10, 1, 2, 3): b"\xff\0\xff\0"},  # a mask with a hole
    {(*IP, 24, 4, 1, 6, 10): 3},
    {(*IP, 24, 7, 1, 8, 1): 3},
    {(*IP, 24, 7, 1, 8, 1, 4, 10, 1, 2, 0, 99, 2, 0, 0, 1, 4, 0, 0, 0, 0): 3},
    {(*IP, 24, 7, 1, 8, 1, 9, 10, 1, 2, 0): 3},
    {(*IP, 22, 1, 4, 2, 10, 1): 3},
    {(*IP, 22, 1, 4, 2, 999, 1, 1, 1): 3},
    {(*IP, 35, 1, 6, 2): 3},
    {(*IP, 35, 1, 6, 2, 1, 4, 1): 3},
]


@pytest.mark.parametrize("row", NONSENSE)
def test_a_row_of_nonsense_costs_itself_only(row: dict[Oid, Value]) -> None:
    assert known(row | interface("192.168.1.1", "255.255.255.0") | media("192.168.1.7")) == [("192.168.1.0/24", "", 1)]


class Endless(MemoryAgent):
    """A router of the Internet, or a defect: there is always one more row. Counts what it is asked."""

    def __init__(self, version: str) -> None:
        super().__init__({}, version)
        self.asked = 0

    def answer(self, request: Request) -> Answer:
        self.asked += 1
        if request.kind is Kind.GET_BULK:
            rows = [(self._after_that(name, step), 3) for step in range(request.repetitions) for name in request.names]
            return Answer(tuple(rows))
        return Answer(tuple((self._after_that(name, 0), 3) for name in request.names))

    def _after_that(self, name: Oid, step: int) -> Oid:
        return (*name[:12], *((name[12:] or (0,))[0] + 1 + step,)) if len(name) > 10 else (*name, 1 + step)


@pytest.mark.parametrize(("version", "most"), [("2c", 2000), ("1", 3000)])
def test_an_endless_table_comes_to_an_end(version: str, most: int) -> None:
    agent = Endless(version)
    assert read(agent) == ()
    assert 100 < agent.asked < most


def test_a_large_table_is_cut_not_lost() -> None:
    mib: dict[Oid, Value] = {}
    for number in range(5000):
        mib |= media(f"10.{number // 250}.{number % 250}.1")
    segments = read(MemoryAgent(mib))
    assert len(segments) == gateway.MAX_SEGMENTS
    assert segments[0].network == "10.0.0.0/24"


class Deaf(MemoryAgent):
    """Says nothing to GETBULK, as some do; or to anything."""

    def __init__(self, mib: dict[Oid, Value], hears: tuple[Kind, ...]) -> None:
        super().__init__(mib)
        self._hears = hears
        self.unheard = 0

    def answer(self, request: Request) -> Answer:
        if request.kind not in self._hears:
            self.unheard += 1
            raise Unanswered("silence")
        return super().answer(request)


def test_a_gateway_without_getbulk_is_read_and_not_asked_again() -> None:
    agent = Deaf(TABLES["ipRouteTable"] | media("192.168.1.7"), (Kind.GET_NEXT,))
    assert [segment.network for segment in read(agent)] == ["192.168.1.0/24", "192.168.2.0/25"]
    assert agent.unheard == 1


def test_a_gateway_that_says_nothing_is_a_device_error() -> None:
    with pytest.raises(DeviceError):
        read(Deaf({}, ()))


RECORDINGS = Path(os.environ.get("METERPOST_RECORDINGS", "/nonexistent"))


@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="METERPOST_RECORDINGS names no folder of recordings")
def test_real_tables_are_read() -> None:
    """Printers have the tables of a gateway too."""
    with_segments = 0
    for path in sorted(RECORDINGS.rglob("*.snmprec")):
        mib = {variable.oid: variable.value for variable in recording.load(path) if variable.oid[:7] == IP}
        segments = read(MemoryAgent(mib))
        masks = {
            value for oid, value in mib.items() if oid[:10] == (*IP, 20, 1, 3) and value not in (b"\xff\0\0\0", b"\xff" * 4)
        }
        met = {oid[11:] for oid in mib if oid[:9] == (*IP, 22, 1)}
        with_segments += bool(segments)
        assert bool(segments) or not (masks or met), path.name
    assert with_segments
