"""Printers that announce themselves: a real responder on loopback is found, and what was announced becomes candidates."""

import asyncio
import socket
import sys
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterpost.devices.finding import mdns
from meterpost.devices.finding.mdns import Service
from meterpost.errors import NetworkError, SettingsError

IPP, IPPS, RAW, LPD = mdns.SERVICES


def service(
    kind: str = IPP,
    addresses: tuple[str, ...] = ("10.1.2.3",),
    port: int = 631,
    text: Mapping[str, str] | None = None,
    name: str = "Lobby",
) -> Service:
    return Service(kind, f"{name}.{kind}", addresses, port, dict(text or {}))


def endpoints(*services: Service) -> list[str]:
    return [candidate.target for candidate in mdns.candidates(services, 161)]


@pytest.mark.parametrize(
    ("announced", "expected"),
    [
        (service(RAW, port=9100), ["10.1.2.3:161"]),
        (service(LPD, port=0), ["10.1.2.3:161"]),
        (service(IPP), ["10.1.2.3:161", "ipp://10.1.2.3:631/ipp/print"]),
        (service(IPPS, text={"rp": "ipp/lp1"}), ["10.1.2.3:161", "ipps://10.1.2.3:631/ipp/lp1"]),
        (service(IPP, text={"rp": "/ipp/print"}), ["10.1.2.3:161", "ipp://10.1.2.3:631/ipp/print"]),
        (service(IPP, text={"rp": "x y?\r\n"}), ["10.1.2.3:161", "ipp://10.1.2.3:631/ipp/print"]),
        (service(IPP, port=0), ["10.1.2.3:161"]),
        (service(IPP, text={"printer-type": "0x801046"}), []),
        (service(IPP, addresses=()), []),
        (service(RAW, addresses=("2001:db8::7", "203.0.113.3")), ["203.0.113.3:161"]),
        (service(RAW, addresses=("fe80::7%2", "ffd::7")), ["[ffd::7]:161"]),
        (service(RAW, addresses=("fe80::7", "224.0.0.1", "0.0.0.0", "255.255.255.255", "ff02::fb", "::")), []),
        (service(IPP, addresses=("fe80::7%2",)), ["[fe80::7%2]:161", "ipp://[fe80::7%252]:631/ipp/print"]),
    ],
)
def test_an_announcement_names_these_endpoints(announced: Service, expected: list[str]) -> None:
    assert endpoints(announced) == expected


def test_one_printer_with_four_services_is_asked_once_each_way() -> None:
    found = endpoints(*(service(kind) for kind in mdns.SERVICES))
    assert found == ["10.1.2.3:161", "ipp://10.1.2.3:631/ipp/print", "ipps://10.1.2.3:631/ipp/print"]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ({"ty": "Maker 12", "note": "2nd floor"}, "Maker 12, 2nd floor"),
        ({"ty": "Maker\x1b[2J\n12"}, "Maker[2J12"),
        ({}, "Lobby"),
        ({"ty": "x" * 200}, "x" * 80),
    ],
)
def test_the_hint_says_what_is_known(text: dict[str, str], hint: str) -> None:
    (candidate,) = mdns.candidates((service(RAW, text=text),), 161)
    assert (candidate.source, candidate.hint) == ("mdns", hint)


@given(st.lists(st.builds(service, st.sampled_from(list(mdns.SERVICES)), name=st.text(max_size=5)), max_size=8))
def test_the_order_of_announcements_does_not_matter(services: list[Service]) -> None:
    assert mdns.candidates(services, 161) == mdns.candidates(reversed(services), 161)


def test_without_the_extra_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zeroconf", None)
    with pytest.raises(SettingsError, match="mdns extra") as refused:
        asyncio.run(mdns.browse(0.01))
    assert "meterpost[mdns]" in refused.value.advice


def test_a_computer_without_multicast_is_a_network_error(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = pytest.importorskip("zeroconf.asyncio")

    def refuse(**_: object) -> None:
        raise OSError(19, "No such device")

    monkeypatch.setattr(engine, "AsyncZeroconf", refuse)
    with pytest.raises(NetworkError, match="No such device") as refused:
        asyncio.run(mdns.browse(0.01, ["127.0.0.1"]))
    assert refused.value.advice


def announced(*offers: tuple[str, str, int, dict[str, str]]) -> tuple[Service, ...]:
    """What is found while a responder on loopback offers these: kind, name, port, text."""
    zeroconf = pytest.importorskip("zeroconf")
    engine = pytest.importorskip("zeroconf.asyncio")

    async def meet() -> tuple[Service, ...]:
        try:
            responder = engine.AsyncZeroconf(interfaces=["127.0.0.1"])
        except OSError as error:
            pytest.skip(f"no multicast on loopback here: {error}")
        try:
            for kind, name, port, text in offers:
                info = zeroconf.ServiceInfo(
                    kind,
                    f"{name}.{kind}",
                    addresses=[socket.inet_aton("127.0.0.9")],
                    port=port,
                    properties=text,
                    server="meterpost-test.local.",
                )
                await responder.async_register_service(info, cooperating_responders=True)
            return await mdns.browse(1.0, ["127.0.0.1"])
        finally:
            await responder.async_close()

    return asyncio.run(meet())


def test_a_responder_on_loopback_is_found() -> None:
    found = announced((IPP, "Meterpost test", 6310, {"RP": "ipp/lp1", "ty": "Maker 12"}), (RAW, "Meterpost test", 9100, {}))
    if not found:
        pytest.skip("multicast does not come back on loopback here")
    assert {(one.kind, one.addresses, one.port) for one in found} == {(IPP, ("127.0.0.9",), 6310), (RAW, ("127.0.0.9",), 9100)}
    assert endpoints(*found) == ["127.0.0.9:161", "ipp://127.0.0.9:6310/ipp/lp1"]
