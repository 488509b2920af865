"""The reference engine, and the only importer of pysnmp.

v1 and v2c: pysnmp encodes and decodes, and our own wire carries it. v3: pysnmp's engine, shared by many devices, for one
costs 68 ms to make and remembers every target it ever had. Nothing here writes to a device.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from types import ModuleType
from typing import Any

from pyasn1.codec.ber import decoder, encoder
from pyasn1.type import univ
from pysnmp.error import PySnmpError
from pysnmp.hlapi.v3arch import asyncio as hlapi
from pysnmp.proto import errind
from pysnmp.proto.api import PROTOCOL_MODULES, v2c, verdec

from meterpost.devices.snmp.credentials import SnmpUserSecret
from meterpost.devices.snmp.port import Agent, Answer, Kind, Request, T, Talk, Unanswered, hold
from meterpost.errors import DeviceError
from meterpost.recording import Value

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
_PDUS = {Kind.GET: "GetRequestPDU", Kind.GET_NEXT: "GetNextRequestPDU", Kind.GET_BULK: "GetBulkRequestPDU"}
_COMMANDS: dict[Kind, Callable[..., Coroutine[Any, Any, Any]]] = {
    Kind.GET: hlapi.get_cmd,
    Kind.GET_NEXT: hlapi.next_cmd,
    Kind.GET_BULK: hlapi.bulk_cmd,
}
_PROTOCOLS: dict[str, ModuleType] = {"1": PROTOCOL_MODULES[0], "2c": PROTOCOL_MODULES[1]}
_ENGINE_CONCURRENCY = 50  # beyond, the engine reports time-outs that are none
_TARGETS_PER_ENGINE = 500  # it keeps 20 KiB for each


class PysnmpCodec:
    """v1 and v2c messages through pysnmp, for the wire: the reference, and the reader of what stricter eyes call garbage."""

    def encode(self, request: Request, version: str, community: str, number: int) -> bytes:
        protocol = _PROTOCOLS[version]
        pdu = getattr(protocol, _PDUS[request.kind])()
        api = v2c.apiBulkPDU if request.kind is Kind.GET_BULK else protocol.apiPDU
        api.set_defaults(pdu)
        api.set_request_id(pdu, number)
        if request.kind is Kind.GET_BULK:
            api.set_non_repeaters(pdu, request.non_repeaters)
            api.set_max_repetitions(pdu, request.repetitions)
        api.set_varbinds(pdu, [(name, v2c.null) for name in request.names])
        message = protocol.Message()
        protocol.apiMessage.set_defaults(message)
        protocol.apiMessage.set_community(message, community)
        protocol.apiMessage.set_pdu(message, pdu)
        octets: bytes = encoder.encode(message)
        return octets

    def decode(self, message: bytes) -> tuple[int, Answer]:
        return _decode(message)


class PysnmpUsers:
    """Agents that are asked by SNMPv3 users. Make it inside the event loop that uses it; `close` it in the end."""

    def __init__(self, timeout_s: float, turn: Callable[[], Awaitable[None]]) -> None:
        """`turn` is awaited before every request; what pysnmp sends of its own accord is not paced."""
        self._timeout_s, self._turn = timeout_s, turn
        self._engine: _SharedEngine | None = None
        self._slots = asyncio.Semaphore(_ENGINE_CONCURRENCY)

    async def agent(self, host: str, port: int, user: SnmpUserSecret, tries: int) -> Agent:
        """The agent at the numeric address `host`, every PDU sent at most `tries` times."""
        if self._engine is None or self._engine.is_full:
            self._engine = _SharedEngine()
        kind = hlapi.Udp6TransportTarget if ":" in host else hlapi.UdpTransportTarget
        target = await kind.create((host, port), timeout=self._timeout_s, retries=tries - 1)
        return _UserAgent(self._engine, self._slots, target, user, self._turn)

    async def close(self) -> None:
        if self._engine is not None:
            self._engine.close()


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
    read = tuple((tuple(map(int, name)), _value(value)) for name, value in bindings)
    return Answer(read, status, index, bytes(map(_tag, (value for _, value in bindings))))


def _tag(value: Any) -> int:
    tag = value.tagSet[-1]
    return int(tag.tagClass | tag.tagId)


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
        self,
        engine: _SharedEngine,
        slots: asyncio.Semaphore,
        target: hlapi.UdpTransportTarget,
        user: SnmpUserSecret,
        turn: Callable[[], Awaitable[None]],
    ) -> None:
        self._turn = turn
        self._engine = engine
        self._slots = slots
        self._target, self._tries = target, target.retries + 1
        self._name = user.name
        self._user = _usm_user(user)
        engine.take()

    @property
    def has_bulk(self) -> bool:
        return True

    async def hold(self, talk: Talk[T], first_tries: int | None = None) -> T:
        return await hold(talk, self._ask, self._tries, first_tries)

    async def _ask(self, request: Request, tries: int) -> Answer:
        self._target.retries = tries - 1
        await self._turn()
        numbers = (request.non_repeaters, request.repetitions) if request.kind is Kind.GET_BULK else ()
        names = [hlapi.ObjectType(hlapi.ObjectIdentity(name)) for name in request.names]
        # The engine spends a time-out on finding the peer's engine, another on its clock, and may then retry.
        patience_s = self._target.timeout * (self._target.retries + 3)
        async with self._slots:
            try:
                async with asyncio.timeout(patience_s):
                    failure, status, index, bindings = await _COMMANDS[request.kind](
                        self._engine.snmp, self._user, self._target, hlapi.ContextData(), *numbers, *names, lookupMib=False
                    )
                return self._read(failure, status, index, bindings)
            except TimeoutError:
                raise _silence(self._target.transport_address) from None
            except PySnmpError as error:
                raise DeviceError(f"{self._target.transport_address[0]} answered nonsense in SNMPv3: {error}") from None

    async def close(self) -> None:
        self._engine.give_back()

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


def _silence(address: tuple[str, int]) -> Unanswered:
    return Unanswered(
        f"{address[0]} port {address[1]} does not answer SNMP",
        "Is it switched on, is SNMP on in its settings, and are community or user right?",
    )
