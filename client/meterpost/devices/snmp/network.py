"""Ways to the agents on the network: which engine asks whom.

The wire asks with communities, for it packs many columns into one GETBULK and waits for nobody; gufo_snmp asks for users,
seven times cheaper than pysnmp; pysnmp is the reference, reads what the wire calls garbage, and knows the algorithms that
gufo does not. An engine is loaded when it is first used.
"""

import asyncio
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

from meterpost.devices.snmp import ber
from meterpost.devices.snmp.credentials import Credential
from meterpost.devices.snmp.pace import Pace
from meterpost.devices.snmp.port import Agent, Answer, Request, T, Talk, Unresolved
from meterpost.devices.snmp.wire import Address, Codec, Wire

if TYPE_CHECKING:
    from meterpost.devices.snmp.reference import PysnmpUsers


class _Reference:
    """pysnmp as codec, loaded by the first message it is given."""

    def __init__(self) -> None:
        self._codec: Codec | None = None

    def encode(self, request: Request, version: str, community: str, number: int) -> bytes:
        return self._loaded().encode(request, version, community, number)

    def decode(self, message: bytes) -> tuple[int, Answer]:
        return self._loaded().decode(message)

    def _loaded(self) -> Codec:
        if self._codec is None:
            from meterpost.devices.snmp.reference import PysnmpCodec

            self._codec = PysnmpCodec()
        return self._codec


class Network:
    """Opens agents. Make it inside the event loop that uses it; `close` it in the end."""

    def __init__(self, timeout_s: float, engine: str = "auto", pace: Pace | None = None) -> None:
        """`engine` is one of settings.ENGINES; `pace` bounds what the wire sends."""
        self._timeout_s = timeout_s
        self._engine = engine
        codecs = {"auto": (ber, _Reference()), "pysnmp": (_Reference(),)}.get(engine, (ber,))
        self.wire = Wire(codecs, timeout_s, pace)
        self._pace = pace
        self._pysnmp: PysnmpUsers | None = None

    async def agent(self, host: str, port: int, credential: Credential, tries: int) -> Agent:
        """The agent at `host`, every PDU sent at most `tries` times. Raises DeviceError, Unresolved for a name."""
        address = await resolve(host, port)
        if self._engine != "pysnmp" and (credential.user is not None or self._engine == "gufo"):
            with suppress(ImportError):  # gufo_snmp is not made for every system; pysnmp is
                from meterpost.devices.snmp import gufo

                if gufo.takes(credential):
                    return gufo.GufoAgent(address, credential, self._timeout_s, tries, self._turn, self.wire.count)
        if credential.user is None:
            return _WireAgent(self.wire, address, credential, tries)
        if self._pysnmp is None:
            from meterpost.devices.snmp.reference import PysnmpUsers

            self._pysnmp = PysnmpUsers(self._timeout_s, self._turn)
        return await self._pysnmp.agent(address[0], address[1], credential.user, tries)

    async def _turn(self) -> None:
        while self._pace is not None and not self._pace.turns(asyncio.get_running_loop().time(), 1):
            await asyncio.sleep(self._pace.wait(asyncio.get_running_loop().time()))

    async def close(self) -> None:
        self.wire.close()
        if self._pysnmp is not None:
            await self._pysnmp.close()


class _WireAgent:
    """An agent that is asked with a community."""

    def __init__(self, wire: Wire, address: Address, credential: Credential, tries: int) -> None:
        self._wire, self._address, self._credential, self._tries = wire, address, credential, tries

    @property
    def has_bulk(self) -> bool:
        return self._credential.version != "1"

    async def hold(self, talk: Talk[T], first_tries: int | None = None) -> T:
        return await self._wire.hold(talk, self._address, self._credential, self._tries, first_tries)

    async def close(self) -> None:
        pass


async def resolve(host: str, port: int) -> Address:
    """The socket address of a name or address. Raises Unresolved."""
    try:
        socket.inet_pton(socket.AF_INET, host)
    except (OSError, ValueError):
        pass
    else:
        return host, port
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError) as error:  # UnicodeError: a label that is empty or longer than 63 characters
        why = error.strerror if isinstance(error, OSError) else "it is no host name"
        raise Unresolved(
            f"the name {host} cannot be resolved: {why}", "Check the name, or give the printer's address."
        ) from None
    found.sort(key=lambda entry: entry[0] is not socket.AF_INET)  # a printer with both answers SNMP on IPv4 more often
    address: Address = found[0][4]
    return address
