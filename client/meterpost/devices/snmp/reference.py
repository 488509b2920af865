"""The real SNMP port, and the only importer of pysnmp.

v1 and v2c: pysnmp encodes and decodes, and one UDP socket of our own carries all devices, so that an answer is only taken
from the address that was asked, and garbage costs nobody but its sender. v3: pysnmp's engine, shared by many devices, for
one costs 68 ms to make and remembers every target it ever had. Nothing here writes to a device.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Coroutine, Sequence
from types import ModuleType
from typing import Any, cast

from pyasn1.codec.ber import decoder, encoder
from pyasn1.type import univ
from pysnmp.error import PySnmpError
from pysnmp.hlapi.v3arch import asyncio as hlapi
from pysnmp.proto import errind
from pysnmp.proto.api import PROTOCOL_MODULES, v2c, verdec

from meterpost.devices.snmp.credentials import Credential, SnmpUserSecret
from meterpost.devices.snmp.port import Agent, Answer, Unanswered
from meterpost.errors import DeviceError
from meterpost.recording import Oid, Value

AUTH_PROTOCOLS = {
    "MD5": hlapi.USM_AUTH_HMAC96_MD5,
    "SHA": hlapi.USM_AUTH_HMAC96_SHA,
    "SHA224": hlapi.USM_AUTH_HMAC128_SHA224,
    "SHA256": hlapi.USM_AUTH_HMAC192_SHA256,
    "SHA384": hlapi.USM_AUTH_HMAC256_SHA384,
    "SHA512": hlapi.USM_AUTH_HMAC384_SHA512,
}
PRIV_PROTOCOLS = {
    "DES": hlapi.USM_PRIV_CBC56_DES,
    "AES": hlapi.USM_PRIV_CFB128_AES,
    "AES192": hlapi.USM_PRIV_CFB192_AES,
    "AES256": hlapi.USM_PRIV_CFB256_AES,
}
_PROTOCOLS: dict[str, ModuleType] = {"1": PROTOCOL_MODULES[0], "2c": PROTOCOL_MODULES[1]}
_ENGINE_CONCURRENCY = 50  # beyond, the engine reports time-outs that are none
_TARGETS_PER_ENGINE = 500  # it keeps 20 KiB for each

Address = tuple[str, int]


class Network:
    """Opens agents on the network. Make it inside the event loop that uses it; `close` it in the end."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._socket: _CommunitySocket | None = None
        self._engine: _SharedEngine | None = None
        self._opening = asyncio.Lock()
        self._engine_slots = asyncio.Semaphore(_ENGINE_CONCURRENCY)

    async def agent(self, host: str, port: int, credential: Credential, tries: int) -> Agent:
        """The agent at `host`, every PDU sent at most `tries` times. Raises DeviceError when the name is unknown."""
        address = (await _resolve(host), port)
        if credential.user is None:
            return _CommunityAgent(await self._opened(), address, credential, self._timeout_s, tries)
        if self._engine is None or self._engine.is_full:
            self._engine = _SharedEngine()
        target = await hlapi.UdpTransportTarget.create(address, timeout=self._timeout_s, retries=tries - 1)
        return _UserAgent(self._engine, self._engine_slots, target, credential.user)

    async def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        if self._engine is not None:
            self._engine.close()

    async def _opened(self) -> "_CommunitySocket":
        async with self._opening:
            if self._socket is None:
                loop = asyncio.get_running_loop()
                _, self._socket = await loop.create_datagram_endpoint(_CommunitySocket, family=socket.AF_INET)
        return self._socket


async def _resolve(host: str) -> str:
    try:
        return str(ipaddress.IPv4Address(host))
    except ValueError:
        pass
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, family=socket.AF_INET, type=socket.SOCK_DGRAM)
    except OSError as error:
        raise DeviceError(
            f"the name {host} cannot be resolved: {error.strerror}", "Check the name, or give the printer's address."
        ) from None
    return str(found[0][4][0])


class _CommunitySocket(asyncio.DatagramProtocol):
    """One socket for all v1 and v2c agents. An answer counts only from the address and with the request-id that was asked."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[Address, int], asyncio.Future[Answer]] = {}
        self._garbled: set[Address] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, address: Address) -> None:
        try:
            request, answer = _decode(data)
        except Exception:  # on garbage pyasn1 raises whatever it trips over, not only its own errors
            self._garbled.add(address)
            return
        future = self._waiting.get((address, request))
        if future is not None and not future.done():
            future.set_result(answer)

    async def ask(self, address: Address, request: int, message: bytes, timeout_s: float, tries: int) -> Answer:
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[address, request] = future
        self._garbled.discard(address)
        try:
            for _ in range(tries):
                self._transport.sendto(message, address)
                await asyncio.wait((future,), timeout=timeout_s)
                if future.done():
                    return future.result()
        finally:
            del self._waiting[address, request]
        if address in self._garbled:
            raise Unanswered(
                f"{address[0]} port {address[1]} answered, but not in SNMP", "Is another service listening on this port?"
            )
        raise _silence(address)

    def close(self) -> None:
        self._transport.close()


class _CommunityAgent:
    """An agent that is asked with a community, in v1 or v2c."""

    def __init__(
        self, channel: _CommunitySocket, address: Address, credential: Credential, timeout_s: float, tries: int
    ) -> None:
        self._channel = channel
        self._address = address
        self._credential = credential
        self._timeout_s = timeout_s
        self._tries = tries

    @property
    def has_bulk(self) -> bool:
        return self._credential.version != "1"

    async def get(self, oids: Sequence[Oid]) -> Answer:
        protocol = _PROTOCOLS[self._credential.version]
        return await self._ask(protocol.apiPDU, protocol.GetRequestPDU(), oids)

    async def get_next(self, oids: Sequence[Oid]) -> Answer:
        protocol = _PROTOCOLS[self._credential.version]
        return await self._ask(protocol.apiPDU, protocol.GetNextRequestPDU(), oids)

    async def get_bulk(self, oids: Sequence[Oid], repetitions: int) -> Answer:
        return await self._ask(v2c.apiBulkPDU, v2c.GetBulkRequestPDU(), oids, repetitions)

    async def close(self) -> None:
        pass

    async def _ask(self, api: Any, pdu: Any, oids: Sequence[Oid], repetitions: int | None = None) -> Answer:
        api.set_defaults(pdu)
        if repetitions is not None:
            api.set_max_repetitions(pdu, repetitions)
        api.set_varbinds(pdu, [(oid, v2c.null) for oid in oids])
        protocol = _PROTOCOLS[self._credential.version]
        message = protocol.Message()
        protocol.apiMessage.set_defaults(message)
        protocol.apiMessage.set_community(message, self._credential.community)
        protocol.apiMessage.set_pdu(message, pdu)
        request = int(api.get_request_id(pdu))
        return await self._channel.ask(self._address, request, encoder.encode(message), self._timeout_s, self._tries)


def _decode(data: bytes) -> tuple[int, Answer]:
    """Request-id and content of a response message. Raises anything on garbage."""
    protocol = PROTOCOL_MODULES[verdec.decode_message_version(data)]
    message, _ = decoder.decode(data, asn1Spec=protocol.Message())
    pdu = protocol.apiMessage.get_pdu(message)
    if not pdu.isSameTypeWith(protocol.GetResponsePDU()):
        raise ValueError("not a response")
    return int(protocol.apiPDU.get_request_id(pdu)), _answer(
        int(protocol.apiPDU.get_error_status(pdu)),
        int(protocol.apiPDU.get_error_index(pdu, muteErrors=True)),
        protocol.apiPDU.get_varbinds(pdu),
    )


def _answer(status: int, index: int, bindings: Any) -> Answer:
    return Answer(tuple((tuple(map(int, name)), _value(value)) for name, value in bindings), status, index)


def _value(value: Any) -> Value:
    if isinstance(value, univ.Null):  # and noSuchObject, noSuchInstance, endOfMibView; for pyasn1 it is an OctetString
        return None
    if isinstance(value, univ.Integer):
        return int(value)
    if isinstance(value, univ.OctetString):
        return bytes(value)
    return tuple(map(int, value))


class _SharedEngine:
    """A v3 engine that is closed when it is full and its last agent is."""

    def __init__(self) -> None:
        self.snmp = hlapi.SnmpEngine()
        self._served = 0
        self._open = 0

    @property
    def is_full(self) -> bool:
        return self._served >= _TARGETS_PER_ENGINE

    def take(self) -> None:
        self._served += 1
        self._open += 1

    def give_back(self) -> None:
        self._open -= 1
        if self.is_full and not self._open:
            self.close()

    def close(self) -> None:
        self.snmp.close_dispatcher()


class _UserAgent:
    """An agent that is asked by an SNMPv3 user, authenticated and private."""

    def __init__(
        self, engine: _SharedEngine, slots: asyncio.Semaphore, target: hlapi.UdpTransportTarget, user: SnmpUserSecret
    ) -> None:
        self._engine = engine
        self._slots = slots
        self._target = target
        self._name = user.name
        self._user = _usm_user(user)
        engine.take()

    @property
    def has_bulk(self) -> bool:
        return True

    async def get(self, oids: Sequence[Oid]) -> Answer:
        return await self._ask(hlapi.get_cmd, (), oids)

    async def get_next(self, oids: Sequence[Oid]) -> Answer:
        return await self._ask(hlapi.next_cmd, (), oids)

    async def get_bulk(self, oids: Sequence[Oid], repetitions: int) -> Answer:
        return await self._ask(hlapi.bulk_cmd, (0, repetitions), oids)

    async def close(self) -> None:
        self._engine.give_back()

    async def _ask(
        self, command: Callable[..., Coroutine[Any, Any, Any]], numbers: tuple[int, ...], oids: Sequence[Oid]
    ) -> Answer:
        names = [hlapi.ObjectType(hlapi.ObjectIdentity(oid)) for oid in oids]
        # The engine spends a time-out on finding the peer's engine, another on its clock, and may then retry.
        patience_s = self._target.timeout * (self._target.retries + 3)
        async with self._slots:
            try:
                async with asyncio.timeout(patience_s):
                    failure, status, index, bindings = await command(
                        self._engine.snmp, self._user, self._target, hlapi.ContextData(), *numbers, *names, lookupMib=False
                    )
                return self._read(failure, status, index, bindings)
            except TimeoutError:
                raise _silence(self._target.transport_address) from None
            except PySnmpError as error:
                raise DeviceError(f"{self._target.transport_address[0]} answered nonsense in SNMPv3: {error}") from None

    def _read(self, failure: Any, status: Any, index: Any, bindings: Any) -> Answer:
        if isinstance(failure, errind.RequestTimedOut):
            raise _silence(self._target.transport_address)
        if failure:
            raise DeviceError(
                f"{self._target.transport_address[0]} does not accept the SNMPv3 user {self._name}: {failure}",
                "Compare name, passwords and protocols with the printer's SNMPv3 page.",
            )
        return _answer(int(status), int(index), bindings)


def _usm_user(user: SnmpUserSecret) -> hlapi.UsmUserData:
    return hlapi.UsmUserData(
        user.name,
        user.auth_password,
        user.priv_password,
        authProtocol=AUTH_PROTOCOLS[user.auth],
        privProtocol=PRIV_PROTOCOLS[user.priv],
    )


def _silence(address: Address) -> Unanswered:
    return Unanswered(
        f"{address[0]} port {address[1]} does not answer SNMP",
        "Is it switched on, is SNMP on in its settings, and are community or user right?",
    )
