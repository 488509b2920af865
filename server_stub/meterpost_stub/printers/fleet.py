"""Recordings served as SNMP agents, each on a loopback address of its own, all on one event loop in one thread.

TEST ONLY: a fleet never listens anywhere but on 127.0.0.0/8, and no SNMP message changes it. What an operator of the
fleet does (switch off, print, set a value) may come from any thread; an answer shows all of such a change or nothing.
"""

import asyncio
import ipaddress
import threading
import time
from collections.abc import Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from meterpost.errors import MeterpostError, SettingsError, Side
from meterpost.recording import BadRecording, Oid, Value, load
from meterpost_stub.printers.agent import Agent
from meterpost_stub.printers.mib import Mib, as_oid
from meterpost_stub.printers.usm import AgentUser, Usm
from meterpost_stub.printers.wear import Job, advance

BUILT_IN = Path(__file__).parent / "fleet"
SUFFIXES = {".snmprec", ".snmpwalk", ".walk", ".txt"}
"""How recordings are called; two formats are read, whatever the name."""
_SUFFIXES = ", ".join(sorted(SUFFIXES))
_LOOPBACK = ipaddress.IPv4Network("127.0.0.0/8")
_ENTERPRISE = 32473  # for documentation (RFC 5612)


class FleetError(MeterpostError):
    """A simulated printer cannot have its address."""

    side = Side.OPERATOR
    exit_code = 6


def recordings_in(folder: Path) -> tuple[Path, ...]:
    """The recordings in `folder`, by name. Raises SettingsError where there are none."""
    if not folder.is_dir():
        raise SettingsError(f"{folder} is not a folder", f"Name a folder with {_SUFFIXES} files.")
    found = tuple(sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES))
    if not found:
        raise SettingsError(f"there is no recording in {folder}", f"Recordings end in {_SUFFIXES}.")
    return found


class SimulatedPrinter:
    """One recording on one address. `port` is the real one once the fleet has started; an off printer is silent."""

    def __init__(self, name: str, address: str, port: int, mib: Mib, agent: Agent) -> None:
        self.name, self.address, self.port, self.on = name, address, port, True
        self._mib, self._agent = mib, agent
        self._lock = threading.Lock()
        self._levels: dict[Oid, Fraction] = {}

    def get(self, name: Oid | str) -> Value:
        """The value of one object. Raises KeyError when the printer does not have it."""
        variable = self._mib.get(as_oid(name))
        if variable is None:
            raise KeyError(name)
        return variable.value

    def set(self, name: Oid | str, value: Value | str) -> None:
        """Change or add an object, as `Mib.set`. Raises TypeError, ValueError."""
        with self._lock:
            self._mib.set(as_oid(name), value)

    def advance(self, pages: int, color: int = 0) -> None:
        """Print `pages`, `color` of them in colour. Raises ValueError."""
        job = Job(pages, color)
        with self._lock:
            advance(self._mib, job, self._levels)

    def answer(self, octets: bytes) -> bytes | None:
        """What the printer sends back for a datagram; None is silence."""
        with self._lock:
            return self._agent.answer(octets) if self.on else None


class Fleet:
    """A context manager: inside it every printer answers. `port` 0 gives each agent a port of its own.

    Raises SettingsError for a bad recording or network, FleetError on entering when an address cannot be had."""

    def __init__(
        self,
        recordings: Sequence[Path],
        network: str = "127.20.0.0/24",
        port: int = 1161,
        communities: tuple[str, ...] = ("public",),
        users: tuple[AgentUser, ...] = (),
    ) -> None:
        hosts = addresses(network, len(recordings))
        boots = int(time.time())  # larger at each start, without remembering anything
        self._port = port
        self.printers = tuple(
            _printer(path, address, port, communities, users, boots) for path, address in zip(recordings, hosts, strict=True)
        )
        self._by_address = {printer.address: printer for printer in self.printers}
        self._transports: list[asyncio.DatagramTransport] = []

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="simulated printers", daemon=True)
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._open(), self._loop).result()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop()

    def at(self, address: str) -> SimulatedPrinter:
        """The printer on `address`. Raises KeyError."""
        return self._by_address[address]

    def switch_off(self, address: str) -> None:
        """From now on the printer is silent; its counters stay. Raises KeyError."""
        self.at(address).on = False

    def switch_on(self, address: str) -> None:
        """The printer answers again. Raises KeyError."""
        self.at(address).on = True

    def advance(self, address: str, pages: int, color: int = 0) -> None:
        """Print on the printer at `address`, as `SimulatedPrinter.advance`. Raises KeyError, ValueError."""
        self.at(address).advance(pages, color)

    async def _open(self) -> None:
        for printer in self.printers:
            try:
                transport, _ = await self._loop.create_datagram_endpoint(
                    partial(_Endpoint, printer),
                    local_addr=(printer.address, self._port),
                )
            except OSError as error:
                raise FleetError(
                    f"the simulated printer {printer.name} cannot listen on {printer.address}:{self._port}: {error.strerror}",
                    "Stop what uses it, or choose another --network or --port.",
                ) from None
            self._transports.append(transport)
            printer.port = transport.get_extra_info("sockname")[1]

    def _stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _close(self) -> None:
        while self._transports:
            self._transports.pop().close()
        await asyncio.sleep(0)  # a transport closes its socket one turn later


class _Endpoint(asyncio.DatagramProtocol):
    def __init__(self, printer: SimulatedPrinter) -> None:
        self._printer = printer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        if answer := self._printer.answer(data):
            self._transport.sendto(answer, addr)


def _printer(
    path: Path, address: str, port: int, communities: tuple[str, ...], users: tuple[AgentUser, ...], boots: int
) -> SimulatedPrinter:
    try:
        mib = Mib(load(path))
    except (BadRecording, OSError) as error:
        raise SettingsError(f"the recording {path} cannot be served: {error}") from None
    usm = Usm(engine_id(address), users, boots)
    return SimulatedPrinter(path.stem, address, port, mib, Agent(mib, communities, usm))


def engine_id(address: str) -> bytes:
    """RFC 3411, snmpEngineID: the enterprise with the first bit set, 1 for IPv4, the address."""
    return (_ENTERPRISE | 1 << 31).to_bytes(4, "big") + b"\x01" + ipaddress.IPv4Address(address).packed


def addresses(network: str, count: int) -> tuple[str, ...]:
    """The first `count` host addresses of `network`. Raises SettingsError where it is not on loopback, or too small."""
    try:
        hosts = ipaddress.IPv4Network(network)
    except ValueError as error:
        raise SettingsError(f"{network!r} is not an IPv4 network: {error}", "Write it as 127.20.0.0/24.") from None
    if not hosts.subnet_of(_LOOPBACK):
        raise SettingsError(f"{network} is not on loopback", "Simulated printers live inside 127.0.0.0/8 only.")
    room = max(hosts.num_addresses - 2, 1)
    if count > room:
        raise SettingsError(f"{network} has room for {room} printers, not for {count}", "Choose a larger --network.")
    return tuple(str(address) for address, _ in zip(hosts.hosts(), range(count), strict=False))
