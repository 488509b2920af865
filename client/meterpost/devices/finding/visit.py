"""Finding the way into a device, and reading it. Which credential it answers to, and what it has, is remembered."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Protocol
from weakref import WeakValueDictionary

from meterpost.devices import roads
from meterpost.devices.finding.addresses import Endpoint, written
from meterpost.devices.reading import mib, remembered, repeat
from meterpost.devices.reading.interpret import interpret
from meterpost.devices.reading.profile import Profiles
from meterpost.devices.reading.remembered import Remembered
from meterpost.devices.snmp.credentials import HELLO, Credential, in_turn
from meterpost.devices.snmp.port import Agent, T, Talk, Unanswered, Unresolved
from meterpost.devices.snmp.session import Abilities, Facts, Session, Want
from meterpost.errors import DeviceError, SettingsError
from meterpost.model import Reading

log = logging.getLogger(__name__)

READING_S = 150.0  # the longest visit: 40 requests over v1 to a printer that needs three seconds for each

_MANY_REQUESTS = 20
_SLOW_ANSWER_S = 0.5

Memory = MutableMapping[str, bytes]
"""What is remembered of devices, by the endpoint as people write it."""


class Opener(Protocol):
    """Where agents come from: `network.Network`, or a stand-in."""

    async def agent(self, host: str, port: int, credential: Credential, tries: int) -> Agent: ...


@dataclass(frozen=True, slots=True)
class Visit:
    """How a visit went: seconds, requests, and what made it dear ('' where nothing did)."""

    endpoint: Endpoint
    took_s: float
    requests: int
    why: str


class Visitor:
    """Visits devices for as long as one event loop runs; `memory` outlives it. `ca_file`: see `PrinterSettings`."""

    def __init__(
        self,
        network: Opener,
        credentials: tuple[Credential, ...],
        tries: int,
        timeout_s: float,
        profiles: Profiles,
        clock: Callable[[], datetime],
        memory: Memory,
        on_visit: Callable[[Visit], None] = lambda _: None,
        ca_file: Path | None = None,
    ) -> None:
        self._network = network
        self._credentials = credentials
        self._tries = tries
        self._timeout_s = timeout_s
        self._profiles = profiles
        self._clock = clock
        self._memory = memory
        self._on_visit = on_visit
        self._ca_file = ca_file
        self._uris = asyncio.Semaphore(roads.AT_ONCE)
        self._talking: WeakValueDictionary[Endpoint, asyncio.Lock] = WeakValueDictionary()

    async def read(
        self, endpoint: Endpoint, way: Credential | None = None, learnt: Callable[[Reading], None] = lambda _: None
    ) -> Reading:
        """A reading of the device; `way` is what it just answered to. `learnt` is given what SNMP told before anything else
        is asked, so that it is not lost where that takes too long. Raises DeviceError."""
        if roads.is_uri(endpoint[0]):
            async with self._uris:  # each takes a thread, and waiting for one is not the device's fault
                return await self._read(endpoint, way, learnt)
        return await self._read(endpoint, way, learnt)

    async def _read(self, endpoint: Endpoint, way: Credential | None, learnt: Callable[[Reading], None]) -> Reading:
        sessions: list[Session] = []
        reading: Reading | None = None
        lock = self._talking.setdefault(endpoint, asyncio.Lock())  # one conversation at a time with a device
        await lock.acquire()
        began = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(READING_S):
                if roads.is_uri(endpoint[0]):
                    return await roads.read(endpoint[0], self._clock(), self._timeout_s, self._ca_file)
                reading = await self._by_snmp(endpoint, way, sessions)
                learnt(reading)
                return await roads.completed(reading)
        except DeviceError:
            raise
        except SettingsError as error:
            raise DeviceError(str(error), error.advice) from None
        except TimeoutError:
            if reading is not None:  # only what its own pages would have added came too late
                return reading
            raise DeviceError(
                f"{written(endpoint)} could not be read within {READING_S:.0f} seconds", "Its answers come too slowly."
            ) from None
        except Exception as error:  # whatever an agent made us trip over costs that device only
            log.exception("%s", written(endpoint))
            raise DeviceError(
                f"{written(endpoint)} said something that meterpost could not cope with: {error}",
                "Send a recording of it to the makers of meterpost: meterpost record.",
            ) from error
        finally:
            lock.release()
            took_s = asyncio.get_running_loop().time() - began
            self._on_visit(Visit(endpoint, took_s, sum(session.requests for session in sessions), _why(sessions, took_s)))

    async def _by_snmp(self, endpoint: Endpoint, way: Credential | None, sessions: list[Session]) -> Reading:
        """Every conversation that is begun is put into `sessions`."""
        packed = self._memory.get(written(endpoint))
        known = remembered.unpack(packed) if packed else None
        if known is not None and not self._still_good(known):
            known = None
        failed: dict[Credential, DeviceError] = {}
        if known is not None and self._may_be(self._credentials[known.way], way):
            credential = self._credentials[known.way]
            abilities = known.abilities if repeat.is_fresh(known, self._clock()) else Abilities(credential.version != "1")
            session = Session(abilities, insists=False)
            sessions.append(session)
            try:
                return await self._visit(endpoint, credential, known, None, session)
            except Unresolved:
                raise
            except DeviceError as error:
                # Off, most likely, and then what is known of it stays; but its community or user may have changed.
                if session.heard or way == credential:
                    raise
                failed[credential] = error

        async def attempt(credential: Credential, tries: int, session: Session) -> Reading:
            sessions.append(session)
            reading = await self._visit(endpoint, credential, None, tries, session)
            if credential.version == "1" and way is None:
                await self._offer_v2c(endpoint, credential)
            return reading

        return await self._first_that_answers(way, attempt, failed)

    async def _offer_v2c(self, endpoint: Endpoint, credential: Credential) -> None:
        """Who was heard in v1 has not heard v2c, or one packet was lost: it is offered a GETBULK once more. If it takes that,
        the next visit is in v2c."""
        better = replace(credential, version="2c")
        known = remembered.unpack(self._memory.get(written(endpoint), b""))
        if known is None or better not in self._credentials:
            return
        session = Session(Abilities(bulk=True), insists=False)
        with suppress(DeviceError):
            await self._hold(endpoint, better, session.collect((), (Want(mib.HR_DEVICE_TYPE, most=1),)), 1, tries=1)
        if session.heard and session.abilities.bulk:
            self._keep(endpoint, replace(known, way=self._place(better), abilities=session.abilities))

    async def converse(self, endpoint: Endpoint, begin: Callable[[Session], Talk[T]]) -> T:
        """Holds one talk with the device, whichever way in it has. Raises DeviceError."""

        async def attempt(credential: Credential, tries: int, session: Session) -> T:
            return await self._hold(endpoint, credential, begin(session), tries)

        return await self._first_that_answers(None, attempt)

    async def _hold(
        self, endpoint: Endpoint, credential: Credential, talk: Talk[T], first_tries: int | None, tries: int | None = None
    ) -> T:
        """Holds `talk` with the device by this way in, each request sent at most `tries` times (as often as is set)."""
        agent = await self._network.agent(*endpoint, credential, tries or self._tries)
        try:
            return await agent.hold(talk, first_tries)
        finally:
            await agent.close()

    async def _first_that_answers(
        self,
        heard: Credential | None,
        attempt: Callable[[Credential, int, Session], Awaitable[T]],
        failed: Mapping[Credential, DeviceError] = MappingProxyType({}),
    ) -> T:
        """Tries all ways but those that `failed` just now."""
        failures = list(failed.values())
        for credential, tries in self._ways(heard):
            if credential in failed and len(self._credentials) > 1:
                continue
            session = Session(Abilities(credential.version != "1"), heard is not None or self._is_last_hope(credential))
            try:
                return await attempt(credential, tries, session)
            except Unresolved:
                raise
            except DeviceError as error:
                if session.heard:
                    raise
                failures.append(error)
        # Silence tells less than a refusal.
        raise next((failure for failure in failures if not isinstance(failure, Unanswered)), failures[-1])

    @staticmethod
    def _may_be(known: Credential, heard: Credential | None) -> bool:
        """Whether who is `known` to take one way may be who was `heard`: an engine of SNMPv3 has told no name yet."""
        return heard is None or heard == known or (heard == HELLO and known.user is not None)

    def _still_good(self, known: Remembered) -> bool:
        """Who spoke v1 a day ago is offered v2c again: then, the first packet may have been lost."""
        return known.way < len(self._credentials) and (
            self._credentials[known.way].version != "1" or repeat.is_fresh(known, self._clock())
        )

    def _is_last_hope(self, credential: Credential) -> bool:
        """Whether an agent without GETBULK can be heard in no other way: v1 has none, and is tried next."""
        return replace(credential, version="1") not in self._credentials

    def _ways(self, heard: Credential | None) -> Iterator[tuple[Credential, int]]:
        """Credentials with how often the first request is sent. Who was heard in v1 may understand v2c: it is asked so first,
        for a v1 GETBULK does not exist. A user is tried once, whatever comes: some devices lock who tries too often."""
        users = [(way, self._tries) for way in self._credentials if way.user]
        if heard is None:
            turns = in_turn(self._credentials, self._tries)
            yield from ((way, 1) for way in turns if way != HELLO)
            yield from users
        elif heard == HELLO:
            yield from users
        else:
            better = [way for way in self._credentials if way.community == heard.community and way.version == "2c"]
            yield from ((way, self._tries) for way in dict.fromkeys((*better, heard)))

    async def _visit(
        self,
        endpoint: Endpoint,
        credential: Credential,
        known: Remembered | None,
        first_tries: int | None,
        session: Session,
    ) -> Reading:
        now = self._clock()
        talk = repeat.visit(session, self._profiles, known, now)
        facts, anew = await self._hold(endpoint, credential, talk, first_tries)
        reading = interpret(facts, self._profiles, *endpoint, now)
        if anew:
            self._remember(endpoint, credential, session, facts, reading)
        return reading

    def _remember(self, endpoint: Endpoint, credential: Credential, session: Session, facts: Facts, reading: Reading) -> None:
        """What is no printer is not visited again, and not remembered."""
        if reading.is_printer:
            place, profile = self._place(credential), remembered.edition(reading.profile, reading.profile_version)
            self._keep(endpoint, Remembered(reading.serial, place, session.abilities, reading.taken_at, profile, facts))

    def _keep(self, endpoint: Endpoint, known: Remembered) -> None:
        packed = remembered.pack(known)
        if packed is None:
            self._memory.pop(written(endpoint), None)
        else:
            self._memory[written(endpoint)] = packed

    def _place(self, credential: Credential) -> int:
        return self._credentials.index(credential)


def _why(sessions: Sequence[Session], took_s: float) -> str:
    """What makes a visit dear, for people."""
    if not sessions:
        return ""
    *others, session = sessions
    if not session.heard:
        return "no answer"
    each_s = took_s / session.requests
    reasons = (
        f"{len(others)} other {'way' if len(others) == 1 else 'ways'} in tried before" if others else "",
        "" if session.abilities.bulk else "no working GETBULK",
        f"{session.requests} requests" if session.requests > _MANY_REQUESTS else "",
        f"{each_s:.1f} s for an answer" if each_s > _SLOW_ANSWER_S and not others else "",
    )
    return ", ".join(filter(None, reasons))
