"""The table of sources: each word is known to the language of targets, says its cost, and names targets."""

import asyncio
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network

import pytest

from meterpost.devices.finding import addresses, broadcast, gateway, mdns, sources, subnets
from meterpost.devices.finding.named import Candidate, Segment
from meterpost.devices.finding.sources import SOURCES, Means
from meterpost.devices.finding.subnets import Subnet
from meterpost.devices.local import LocalPrinter, system
from meterpost.devices.snmp.memory import MemoryAgent
from meterpost.devices.snmp.port import Talk, Unanswered
from meterpost.errors import DeviceError, SettingsError

IP = (1, 3, 6, 1, 2, 1, 4)
ROUTER = MemoryAgent(
    {
        (*IP, 20, 1, 3, 192, 168, 1, 1): b"\xff\xff\xff\0",
        (*IP, 20, 1, 3, 10, 0, 0, 1): b"\xff\0\0\0",
        (*IP, 20, 1, 3, 8, 8, 8, 1): b"\xff\xff\xff\0",
        (*IP, 22, 1, 4, 1, 192, 168, 1, 7): 3,
    }
)
NO_ADDRESS = "its queue has no address"
TELLS_LITTLE = "its queue tells little of it"
OURS = Subnet("eth0", IPv4Address("192.168.1.5"), IPv4Network("192.168.1.0/24"))


class Network:
    """The router answers SNMP at these addresses."""

    def __init__(self, *hosts: str) -> None:
        self._agents = dict.fromkeys(hosts, ROUTER)
        self.asked: list[str] = []

    async def ask(self, host: str, talk: Callable[[bool], Talk[sources.T]]) -> sources.T:
        self.asked.append(host)
        if host not in self._agents:
            raise Unanswered("silence")
        return await self._agents[host].hold(talk(self._agents[host].has_bulk))

    @property
    def means(self) -> Means:
        return Means(port=1161, probe=b"probe", listen_s=0.1, ask=self.ask)


def spelt_out(network: Network, *targets: str) -> tuple[str, ...]:
    return asyncio.run(sources.spelt_out(targets, network.means))


@pytest.fixture(autouse=True)
def _computer(monkeypatch: pytest.MonkeyPatch) -> None:
    """On one subnet, with two default gateways."""
    monkeypatch.setattr(subnets, "own", lambda: (OURS,))
    monkeypatch.setattr(gateway, "defaults", lambda: ("192.168.1.9", "192.168.1.1"))


def test_the_words_are_those_the_language_knows() -> None:
    assert tuple(SOURCES) == addresses.WORDS
    assert all(source.word == word and source.what and source.cost for word, source in SOURCES.items())


@pytest.mark.parametrize("word", SOURCES)
def test_a_word_that_was_not_looked_up_is_no_host_name(word: str) -> None:
    with pytest.raises(SettingsError, match=word):
        addresses.endpoints((word,), (), 161)
    assert addresses.endpoints((f"{word}.",), (), 161) == ((word, 161),)


def test_subnets_are_targets() -> None:
    assert spelt_out(Network(), "10.1.2.3", " subnets ", "@file") == ("10.1.2.3", "192.168.1.0/24", "@file")


def test_a_computer_without_subnets_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subnets, "own", lambda: ())
    with pytest.raises(SettingsError, match="no IPv4 subnet"):
        spelt_out(Network(), "subnets")


def test_the_next_gateway_is_asked_where_the_first_is_silent() -> None:
    network = Network("192.168.1.1")
    named = asyncio.run(sources.look("gateway", network.means))
    assert network.asked == ["192.168.1.9", "192.168.1.1"]
    assert [(segment.target, bool(segment.unfit)) for segment in named if isinstance(segment, Segment)] == [
        ("8.8.8.0/24", True),
        ("10.0.0.0/8", True),
        ("192.168.1.0/24", False),
    ]


def test_segments_that_are_unfit_are_left_for_people_to_name() -> None:
    assert spelt_out(Network("192.168.1.9"), "gateway") == ("192.168.1.0/24",)


def test_silent_gateways_are_named() -> None:
    with pytest.raises(DeviceError, match=r"192\.168\.1\.9.*192\.168\.1\.1") as refused:
        spelt_out(Network(), "gateway")
    assert "SNMP" in refused.value.advice


def test_who_answers_a_broadcast_is_a_target(monkeypatch: pytest.MonkeyPatch) -> None:
    async def shout(probe: bytes, nets: tuple[Subnet, ...], port: int, listen_s: float) -> tuple[str, ...]:
        assert (probe, nets, port, listen_s) == (b"probe", (OURS,), 1161, 0.1)
        return ("192.168.1.7",)

    monkeypatch.setattr(broadcast, "shout", shout)
    assert spelt_out(Network(), "broadcast") == ("192.168.1.7:1161",)


def test_what_is_announced_is_a_target(monkeypatch: pytest.MonkeyPatch) -> None:
    async def browse(listen_s: float) -> tuple[mdns.Service, ...]:
        return (mdns.Service("_ipp._tcp.local.", "Lobby._ipp._tcp.local.", ("10.1.2.3",), 631),)

    monkeypatch.setattr(mdns, "browse", browse)
    assert spelt_out(Network(), "mdns") == ("10.1.2.3:1161", "ipp://10.1.2.3:631/ipp/print")


def test_printers_with_a_queue_are_targets_or_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    queues = (
        LocalPrinter("lobby", "Maker 12", "ipp://10.1.2.3/ipp/print", "network", "10.1.2.3", 631),
        LocalPrinter("lobby2", "", "socket://10.1.2.3", "network", "10.1.2.3", 9100),
        LocalPrinter("upstairs", "", "lpd://Printer/x", "network", "Printer", 515),
        LocalPrinter("typo", "", "socket://10.1.2.300", "network", "10.1.2.300", 9100, "ipp://localhost/printers/typo"),
        LocalPrinter("announced", "", "dnssd://Hall._ipp._tcp.local/", "network", "Hall", 0),  # no host name
        LocalPrinter("server", "", "http://10.1.2.4/printers/x/.printer", "network", "10.1.2.4", 80),
        LocalPrinter("desk", "Maker 1", "usb://Maker/1", "usb", queue="ipp://localhost/printers/desk"),
        LocalPrinter("old", "", "parallel:/dev/lp0", "other", queue="ipp://localhost/printers/old"),
        LocalPrinter("unnamed", "Maker 2", "", "usb"),
    )
    monkeypatch.setattr(system, "local_printers", lambda: queues)
    assert asyncio.run(sources.look("local", Network().means)) == (
        Candidate(("10.1.2.3", 1161), "local", "lobby, Maker 12"),
        Candidate(("ipp://10.1.2.3/ipp/print", 631), "local", "lobby, Maker 12"),
        Candidate(("printer", 1161), "local", "upstairs"),
        Candidate(("ipp://localhost/printers/typo", 631), "local", "typo, socket://10.1.2.300", TELLS_LITTLE),
        Candidate(("announced", 0), "local", "announced, dnssd://Hall._ipp._tcp.local/", NO_ADDRESS),
        Candidate(("10.1.2.4", 1161), "local", "server"),
        Candidate(("ipp://localhost/printers/desk", 631), "local", "desk, Maker 1, on USB"),
        Candidate(("ipp://localhost/printers/old", 631), "local", "old, parallel:/dev/lp0", TELLS_LITTLE),
        Candidate(("unnamed", 0), "local", "unnamed, Maker 2, on USB", NO_ADDRESS),
    )
    assert [target for target in spelt_out(Network(), "local") if "localhost" in target or "1161" not in target] == [
        "ipp://10.1.2.3/ipp/print",
        "ipp://localhost/printers/desk",
    ], "what is unfit is only listed"


def test_every_named_target_can_be_read() -> None:
    for endpoint in (("fe80::1%eth0", 161), ("ipp://h/x", 631), ("printer", 9)):
        assert addresses.endpoints((Candidate(endpoint, "mdns").target,), (), 161) == (endpoint,)
