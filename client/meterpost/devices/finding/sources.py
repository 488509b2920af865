"""Words that stand for places to look: what each is, what it costs, and how it is looked up.

What a source names are targets like those a person writes, each with its reason; the plan is made of them afterwards.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from meterpost.devices.finding import broadcast, gateway, mdns, subnets
from meterpost.devices.finding.addresses import Endpoint, endpoints, written
from meterpost.devices.finding.named import Candidate, Segment
from meterpost.devices.snmp.port import Talk
from meterpost.errors import DeviceError, SettingsError

if TYPE_CHECKING:
    from meterpost.devices.local import LocalPrinter

T = TypeVar("T")
Named = Candidate | Segment
_PRINTER_URIS = ("ipp://", "ipps://")


class Ask(Protocol):
    """Has a talk with the agent at `host`, told whether it has GETBULK. Raises DeviceError."""

    async def __call__(self, host: str, talk: Callable[[bool], Talk[T]]) -> T: ...


@dataclass(frozen=True, slots=True)
class Means:
    """What a source may use: the SNMP port, one request datagram for many, how long answers to it are waited for
    (seconds), and a way to have a talk."""

    port: int
    probe: bytes
    listen_s: float
    ask: Ask


@dataclass(frozen=True, slots=True)
class Source:
    """One word."""

    word: str
    what: str
    cost: str
    look: Callable[[Means], Awaitable[tuple[Named, ...]]]


async def _subnets(means: Means) -> tuple[Named, ...]:
    return subnets.segments(_own_subnets())


async def _gateway(means: Means) -> tuple[Named, ...]:
    failures = []
    for host in gateway.defaults():
        try:
            return await means.ask(host, gateway.routes)
        except DeviceError as error:
            failures.append(f"{host}: {error}")
    raise DeviceError(
        f"the default gateway tells nothing by SNMP ({'; '.join(failures)})",
        "Let its SNMP agent answer this computer, with a community or user of [snmp]; or name the networks.",
    )


async def _broadcast(means: Means) -> tuple[Named, ...]:
    hosts = await broadcast.shout(means.probe, _own_subnets(), means.port, means.listen_s)
    return tuple(Candidate((host, means.port), "broadcast", "answered a broadcast") for host in hosts)


async def _mdns(means: Means) -> tuple[Named, ...]:
    return mdns.candidates(await mdns.browse(means.listen_s), means.port)


async def _local(means: Means) -> tuple[Named, ...]:
    from meterpost.devices.local.system import local_printers  # it brings what speaks IPP

    found: dict[Endpoint, Candidate] = {}
    for printer in await asyncio.to_thread(local_printers):
        for candidate in _ways_to(printer, means.port):
            found.setdefault(candidate.endpoint, candidate)
    return tuple(found.values())


def _ways_to(printer: "LocalPrinter", snmp_port: int) -> Iterator[Candidate]:
    """Over the network where it is there; else by its queue, which knows little, or not at all."""
    about = ", ".join(filter(None, (printer.name, printer.make_and_model)))
    texts = (written((printer.host, snmp_port)), printer.device_uri) if printer.host and printer.port else ()
    usable = False
    for text in texts[: 1 + printer.device_uri.startswith(_PRINTER_URIS)]:
        with suppress(SettingsError):  # a host that somebody mistyped in the queue
            (endpoint,) = endpoints((text,), (), snmp_port)
            yield Candidate(endpoint, "local", about)
            usable = True
    if usable:
        return
    hint = f"{about}, {'on USB' if printer.connection == 'usb' else printer.device_uri or printer.connection}"
    if not printer.queue:
        yield Candidate((printer.name, 0), "local", hint, "its queue has no address")
    else:
        (endpoint,) = endpoints((printer.queue,), (), snmp_port)
        yield Candidate(endpoint, "local", hint, "" if printer.connection == "usb" else "its queue tells little of it")


SOURCES = {
    source.word: source
    for source in (
        Source("subnets", "the IPv4 subnets this computer is on", "nothing: the computer knows them", _subnets),
        Source(
            "gateway",
            "the networks the default gateway knows, with how many hosts it met there, by SNMP",
            "10 to 400 requests to the gateway, one after the other",
            _gateway,
        ),
        Source(
            "broadcast",
            "the devices on this computer's subnets that answer an SNMP broadcast",
            "one packet a subnet, and an answer from every device that has SNMP",
            _broadcast,
        ),
        Source("mdns", "the printers that announce themselves by multicast DNS", "some ten packets, and their answers", _mdns),
        Source("local", "the printers that have a queue on this computer", "nothing on the network", _local),
    )
}


async def look(word: str, means: Means) -> tuple[Named, ...]:
    """What the source `word` names. Raises SettingsError, DeviceError, NetworkError."""
    return await SOURCES[word].look(means)


async def spelt_out(targets: Sequence[str], means: Means) -> tuple[str, ...]:
    """`targets` with every word replaced by what its source names; what is unfit is left for people to name.
    Raises what `look` raises."""
    texts: list[str] = []
    for text in targets:
        if text.strip() in SOURCES:
            named = await look(text.strip(), means)
            texts += (each.target for each in named if not each.unfit)
        else:
            texts.append(text)
    return tuple(texts)


def _own_subnets() -> tuple[subnets.Subnet, ...]:
    found = subnets.own()
    if not found:
        raise SettingsError("this computer is on no IPv4 subnet", "Name the networks to be scanned.")
    return found
