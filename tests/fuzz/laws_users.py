"""The law of SNMPv3: what is not authentic costs nobody the answer, and what is may say anything.

The engine is opened as ever, with an agent of the fleet on loopback, and asks it once; then the agent's end of the line is
ours. The first octet of an input says what the rest is: a datagram as it comes; a scoped PDU in the open; or one that is
encrypted and authenticated as the agent would, for a device with the right password may be broken too.
"""

import asyncio
import hmac
import socket
from dataclasses import dataclass
from functools import cache

from fuzz_kit import told
from gufo.snmp._fast import NoSuchInstance

from meterpost.devices.snmp import gufo
from meterpost.devices.snmp.ber import tagged
from meterpost.devices.snmp.credentials import Credential, SnmpUserSecret
from meterpost.errors import DeviceError
from meterpost.recording import Oid, Tag, Value, Variable
from meterpost_stub.printers.agent import Agent
from meterpost_stub.printers.mib import Mib
from meterpost_stub.printers.usm import AgentUser, Usm, _Request

_SYSTEM = (1, 3, 6, 1, 2, 1, 1)
_MIB = [Variable((*_SYSTEM, number, 0), Tag.OCTETS, b"value %d" % number) for number in range(1, 4)]
_ENGINE = b"\x80\0\x7e\xd9\x05engine"
_USER = ("reader", "auth-password", "priv-password", "SHA256", "AES")
_BOOTS, _DIGEST = 7, 24
NUMBER = b"RQID"
"""Stands for the request-id in an input."""


@dataclass(frozen=True, slots=True)
class _Line:
    """An engine that has asked, and the other end of its line. `number` is its request-id, `id` its msgID."""

    loop: asyncio.AbstractEventLoop
    exchange: gufo._Exchange
    agent: gufo.GufoAgent
    end: socket.socket
    usm: Usm
    honest: bytes
    number: bytes
    id: bytes

    def hear(self, *datagrams: bytes) -> dict[Oid, Value]:
        for datagram in datagrams:
            self.end.send(datagram)
        try:
            found = self.loop.run_until_complete(self.exchange._hear(lambda: self.agent.codec.recv_get_many()))
        finally:
            for queue in (self.exchange._line.outside, self.exchange._line.inside):
                _drain(queue)
        return {gufo._oid(name): gufo._value(value) for name, value in found.items()}


def _drain(queue: socket.socket) -> None:
    try:
        while True:
            queue.recv(65_536)
    except BlockingIOError:
        pass


@cache
def _line() -> _Line:
    loop = asyncio.new_event_loop()
    user = AgentUser(*_USER)
    usm = Usm(_ENGINE, (user,), _BOOTS, lambda: 0)
    device = Agent(Mib(_MIB), (), usm)
    credential = Credential("3", user=SnmpUserSecret(*_USER))
    exchange, agent = loop.run_until_complete(_opened(device, credential))
    request = exchange._written(lambda: agent.codec.send_get_many(["1.3.6.1.2.1.1.1.0", "1.3.6.1.2.1.1.2.0"]))
    honest = device.answer(request) or b""
    asked = _Request(request, _BOOTS, 0)
    number = int(usm._open(asked)[1][0]).to_bytes(4, "big")
    exchange._line.outside.close()
    exchange._line.outside, end = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    exchange._line.outside.setblocking(False)
    return _Line(loop, exchange, agent, end, usm, honest, number, int(asked.id).to_bytes(4, "big"))


async def _opened(device: Agent, credential: Credential) -> tuple[gufo._Exchange, gufo.GufoAgent]:
    """An engine that knows the device's id and clock."""

    class Peer(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            answer = device.answer(data)
            if answer:
                self.transport.sendto(answer, addr)  # type: ignore[attr-defined]

    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Peer, local_addr=("127.0.0.1", 0))
    agent = gufo.GufoAgent(transport.get_extra_info("sockname"), credential, 5.0, 1, _no_turn)
    await agent._open(1)
    transport.close()
    assert agent._line is not None
    return gufo._Exchange(agent, agent._line, 1), agent


async def _no_turn() -> None: ...


def users(octets: bytes) -> None:
    """Garbage and forgeries are passed over, and the answer behind them is taken; a report in the open is a refusal."""
    line = _line()
    kind, said = octets[:1] or b"\0", octets[1:].replace(NUMBER, line.number)[:3500]
    datagram = (said, _plain(line, said), _authentic(line, said))[kind[0] % 3]
    try:
        found = line.hear(datagram, line.honest)
    except DeviceError as error:
        told(error, "does not accept the SNMPv3 user")
        return
    except (gufo._Refused, gufo._OutOfTime, NoSuchInstance):
        assert kind[0] % 3 == 2
        return
    if kind[0] % 3 != 2:
        assert found == {variable.oid: variable.value for variable in _MIB[:2]}
    assert all(isinstance(value, int | bytes | tuple | None) for value in found.values())


def _message(line: _Line, flags: int, digest: bytes, salt: bytes, data: bytes) -> bytes:
    header = tagged(2, line.id) + b"\x02\x03\x00\xff\xe3" + tagged(4, bytes((flags,))) + b"\x02\x01\x03"
    numbers = tagged(2, bytes((_BOOTS,))) + tagged(2, b"\0")
    parameters = tagged(4, _ENGINE) + numbers + tagged(4, _USER[0].encode()) + tagged(4, digest) + tagged(4, salt)
    return tagged(0x30, b"\x02\x01\x03" + tagged(0x30, header) + tagged(4, tagged(0x30, parameters)) + data)


def _plain(line: _Line, said: bytes) -> bytes:
    return _message(line, 0, b"", b"", said)


def _authentic(line: _Line, said: bytes) -> bytes:
    keys = line.usm._keys[_USER[0].encode()]
    cipher, salt = keys.priv.encrypt_data(keys.priv_key, (_BOOTS, 0, None), said)
    blank = _message(line, 3, bytes(_DIGEST), bytes(salt), tagged(4, bytes(cipher)))
    digest = hmac.digest(line.agent._auth_key, blank, "sha256")[:_DIGEST]
    return _message(line, 3, digest, bytes(salt), tagged(4, bytes(cipher)))


def scoped(*bindings: bytes, pdu: int = 0xA2) -> bytes:
    """A scoped PDU that answers, for the seeds."""
    content = tagged(2, NUMBER) + b"\x02\x01\0\x02\x01\0" + tagged(0x30, b"".join(bindings))
    return tagged(0x30, tagged(4, _ENGINE) + b"\x04\0" + tagged(pdu, content))
