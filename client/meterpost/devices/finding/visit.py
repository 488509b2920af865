"""Finding the way into a device, and reading it: which credential it answers to, remembered for the next visit."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import datetime
from typing import Protocol

from meterpost.devices.finding.targets import Endpoint
from meterpost.devices.reading import mib, reader
from meterpost.devices.reading.profile import Profiles
from meterpost.devices.snmp.credentials import Credential
from meterpost.devices.snmp.port import Agent
from meterpost.errors import DeviceError
from meterpost.model import Reading

READING_S = 60.0  # the longest visit; a slow printer over v1 needs about ten

# One small question that every printer has an answer to, even if it is an error.
PROBE = (
    mib.SYS_DESCR,
    mib.SYS_OBJECT_ID,
    mib.HR_DEVICE_TYPE + mib.FIRST_DEVICE,
    mib.PRT_SERIAL_NUMBER + mib.FIRST_DEVICE,
)


class Opener(Protocol):
    """Where agents come from: `snmp.Network`, or a stand-in."""

    async def agent(self, host: str, port: int, credential: Credential, tries: int) -> Agent: ...


async def _at_once() -> None:
    pass


class Visitor:
    """Visits devices for as long as one event loop runs. `known` outlives it: the credential each endpoint answered to."""

    def __init__(
        self,
        network: Opener,
        credentials: tuple[Credential, ...],
        tries: int,
        concurrency: int,
        profiles: Profiles,
        clock: Callable[[], datetime],
        known: MutableMapping[Endpoint, Credential],
    ) -> None:
        self._network = network
        self._credentials = credentials
        self._tries = tries
        self._slots = asyncio.Semaphore(concurrency)
        self._profiles = profiles
        self._clock = clock
        self._known = known

    async def read(self, endpoint: Endpoint) -> Reading:
        """Raises DeviceError."""
        host, port = endpoint
        async with self._slots:
            credential = self._known.get(endpoint) or await self.knock(endpoint)
            agent = await self._network.agent(host, port, credential, self._tries)
            try:
                async with asyncio.timeout(READING_S):
                    return await reader.read(agent, self._profiles, host, port, self._clock())
            except TimeoutError:
                raise DeviceError(
                    f"{host} port {port} could not be read within {READING_S:.0f} seconds", "Its answers come too slowly."
                ) from None
            except DeviceError:
                self._known.pop(endpoint, None)  # its community may have changed
                raise
            finally:
                await agent.close()

    async def knock(self, endpoint: Endpoint, turn: Callable[[], Awaitable[None]] = _at_once) -> Credential:
        """Finds the credential the device at `endpoint` answers to; waits for its `turn` before every packet.
        Raises DeviceError."""
        failure = DeviceError(f"{endpoint[0]} was not asked")
        for _ in range(self._tries):
            for credential in self._credentials:
                await turn()
                agent = await self._network.agent(*endpoint, credential, tries=1)
                try:
                    await agent.get(PROBE)
                except DeviceError as error:
                    failure = error
                else:
                    self._known[endpoint] = credential
                    return credential
                finally:
                    await agent.close()
        raise failure
