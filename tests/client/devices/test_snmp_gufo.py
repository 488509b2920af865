"""gufo_snmp behind the port: what it hides is found out, what it would believe is checked, what it opens is closed.

That its answers are those of the other engines is shown by the suite of all ports.
"""

import asyncio
import contextlib
import gc
import random
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyasn1.codec.ber import decoder, encoder
from pysnmp.proto.api import v2c
from pysnmp.proto.mpmod.rfc3412 import SNMPv3Message
from pysnmp.proto.secmod.rfc3414.service import UsmSecurityParameters

from meterpost.devices.snmp import ber, gufo
from meterpost.devices.snmp.credentials import AUTH, PRIV, Credential, SnmpUserSecret
from meterpost.devices.snmp.gufo import GufoAgent
from meterpost.devices.snmp.memory import MemoryAgent
from meterpost.devices.snmp.port import Answer, ErrorStatus, Kind, Request, Talk, Unanswered
from meterpost.devices.snmp.session import Abilities, Session, Want
from meterpost.errors import DeviceError
from meterpost.recording import Oid, Tag, Value, Variable
from meterpost_stub.printers.agent import Agent
from meterpost_stub.printers.mib import Mib
from meterpost_stub.printers.usm import AgentUser, Usm

T = TypeVar("T")
Reply = Callable[[bytes], bytes | list[bytes] | None]

SHORT_S, LONG_S = 0.05, 5.0
SYSTEM = (1, 3, 6, 1, 2, 1, 1)
NAME = (*SYSTEM, 5, 0)
GET = Request(Kind.GET, (NAME,))
MIB = [Variable((*SYSTEM, n, 0), Tag.OCTETS, b"value %d" % n) for n in range(1, 8)]
VALUES: dict[Oid, Value] = {variable.oid: variable.value for variable in MIB}
FIVE = Answer(((NAME, b"value 5"),))
PUBLIC = Credential("2c", "public")


def user(auth: str = "SHA256", priv: str = "AES", **changes: str) -> Credential:
    secrets = {"name": "reader", "auth_password": "auth-password", "priv_password": "priv-password"} | changes
    return Credential("3", user=SnmpUserSecret(**secrets, auth=auth, priv=priv))


def an_agent(
    variables: list[Variable] = MIB,
    auth: str = "SHA256",
    priv: str = "AES",
    boots: int = 7,
    now: Callable[[], float] = lambda: 0,
) -> Agent:
    """It knows the user of `user()`; its clock stands still unless told otherwise."""
    users = (AgentUser("reader", "auth-password", "priv-password", auth, priv),)
    return Agent(Mib(variables), ("public",), Usm(b"\x80\0\x7e\xd9\x05engine", users, 7, now))


class Peer(asyncio.DatagramProtocol):
    """A device: `reply` makes of a datagram what is sent back. What came is in `came`."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.came: list[bytes] = []
        self.errors: list[Any] = []

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.address = transport.get_extra_info("sockname")

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.came.append(data)
        replies = self.reply(data)
        for reply in [replies] if isinstance(replies, bytes) else replies or []:
            self.transport.sendto(reply, addr)


@asynccontextmanager
async def device(reply: Reply, host: str = "127.0.0.1") -> AsyncIterator[Peer]:
    loop = asyncio.get_running_loop()
    transport, peer = await loop.create_datagram_endpoint(lambda: Peer(reply), local_addr=(host, 0))
    loop.set_exception_handler(lambda _, context: peer.errors.append(context))
    try:
        yield peer
    finally:
        transport.close()
        await asyncio.sleep(0)  # a transport closes its socket one turn later
    assert peer.errors == []


async def no_turn() -> None:
    pass


def agent_of(peer: Peer, credential: Credential, timeout_s: float = LONG_S, tries: int = 1) -> GufoAgent:
    return GufoAgent(peer.address, credential, timeout_s, tries, no_turn)


def ask(*requests: Request) -> Talk[list[Answer]]:
    answers = []
    for request in requests:
        answers.append((yield request))
    return answers


def talk(
    reply: Reply, talk_: Talk[T], credential: Credential = PUBLIC, timeout_s: float = LONG_S, tries: int = 1
) -> tuple[T, list[bytes]]:
    """What the talk learns from a device that replies so, and the datagrams that came to the device."""

    async def run() -> tuple[T, list[bytes]]:
        async with device(reply) as peer:
            agent = agent_of(peer, credential, timeout_s, tries)
            try:
                return await agent.hold(talk_), peer.came
            finally:
                await agent.close()

    return asyncio.run(run())


# --- what it takes --------------------------------------------------------------------------------------------------


def test_it_takes_v2c_and_every_protocol_a_setting_can_name_but_not_v1() -> None:
    assert gufo.takes(PUBLIC)
    assert not gufo.takes(Credential("1", "public"))
    assert all(gufo.takes(user(auth, priv)) for auth in AUTH for priv in PRIV)
    assert not gufo.takes(user("CRC"))
    assert not gufo.takes(user(priv="ROT13"))


@pytest.mark.parametrize("auth", AUTH)
@pytest.mark.parametrize("priv", PRIV)
def test_every_pair_of_protocols_is_understood_by_an_agent(auth: str, priv: str) -> None:
    answers, _ = talk(an_agent(auth=auth, priv=priv).answer, ask(GET, Request(Kind.GET_NEXT, (SYSTEM,))), user(auth, priv))
    assert answers == [FIVE, Answer((((*SYSTEM, 1, 0), b"value 1"),))]


# --- what it hides --------------------------------------------------------------------------------------------------

values: st.SearchStrategy[tuple[Tag, Value]] = st.one_of(
    st.tuples(st.just(Tag.INTEGER), st.integers(-(2**31), 2**31 - 1)),
    st.tuples(st.sampled_from([Tag.OCTETS, Tag.OPAQUE]), st.binary(max_size=12)),
    st.tuples(st.just(Tag.IP_ADDRESS), st.binary(min_size=4, max_size=4)),
    st.tuples(st.just(Tag.OID), st.lists(st.integers(0, 2**32 - 1), min_size=3, max_size=6).map(lambda rest: (1, 3, *rest))),
    st.tuples(st.sampled_from([Tag.COUNTER32, Tag.GAUGE32, Tag.TIMETICKS]), st.integers(0, 2**32 - 1)),
    st.tuples(st.just(Tag.COUNTER64), st.integers(0, 2**64 - 1)),
)
names = st.lists(st.integers(0, 3), min_size=1, max_size=3).map(lambda rest: (1, 3, *rest))
several = st.lists(names, min_size=1, max_size=4).map(tuple)
requests = st.builds(Request, st.sampled_from([Kind.GET, Kind.GET_NEXT]), several) | st.builds(
    Request, st.just(Kind.GET_BULK), several, st.just(0), st.integers(1, 5)
)


@given(st.dictionaries(names, values, max_size=12), st.lists(requests, min_size=1, max_size=4))
def test_any_mib_and_any_request_are_answered_as_in_memory(mib: dict[Oid, tuple[Tag, Value]], asked: list[Request]) -> None:
    variables = [Variable(name, tag, value) for name, (tag, value) in mib.items()]
    answers, _ = talk(an_agent(variables).answer, ask(*asked))
    in_memory = MemoryAgent({variable.oid: variable.value for variable in variables})
    for request, answer in zip(asked, answers, strict=True):
        right = in_memory.answer(request).bindings
        assert answer.status == ErrorStatus.NO_ERROR
        assert answer.bindings == right[: len(answer.bindings)], "an answer may be shorter (RFC 3416, 4.2.3)"
        assert len(answer.bindings) == len(right) or len(answer.bindings) >= len(request.names)


@given(
    st.dictionaries(names, values, max_size=12),
    st.lists(names, max_size=4, unique=True),
    st.lists(names, max_size=3, unique=True),
)
def test_a_session_finds_what_one_in_memory_finds(
    mib: dict[Oid, tuple[Tag, Value]], scalars: list[Oid], columns: list[Oid]
) -> None:
    def collect() -> Talk[object]:
        return (yield from Session(Abilities(True)).collect(scalars, [Want(column, 3) for column in columns]))

    async def in_memory() -> object:
        return await MemoryAgent({name: value for name, (_, value) in mib.items()}).hold(collect())

    variables = [Variable(name, tag, value) for name, (tag, value) in mib.items()]
    found: Any = talk(an_agent(variables).answer, collect())[0]
    right: Any = asyncio.run(in_memory())
    assert found.columns == right.columns
    assert right.scalars.items() <= found.scalars.items(), "a guess may find what stands behind another name"
    assert found.scalars.items() <= {name: value for name, (_, value) in mib.items()}.items()


def answer_to(request: bytes, bindings: bytes, status: int = 0) -> bytes:
    """A v2c response with the request's number."""
    message, _ = decoder.decode(request, asn1Spec=v2c.Message())
    number = int(v2c.apiPDU.get_request_id(v2c.apiMessage.get_pdu(message)))
    pdu = b"\x02\x04" + number.to_bytes(4, "big") + bytes((2, 1, status, 2, 1, 0)) + ber.tagged(0x30, bindings)
    return ber.tagged(0x30, b"\x02\x01\x01\x04\x06public" + ber.tagged(0xA2, pdu))


def refusing(status: int, when: Callable[[Kind, int], bool]) -> Reply:
    """An agent that says `status` to a request, by its kind and the number of its names."""
    agent = an_agent()

    def reply(request: bytes) -> bytes | None:
        pdu = v2c.apiMessage.get_pdu(decoder.decode(request, asn1Spec=v2c.Message())[0])
        asked = [(name, v2c.null) for name, _ in v2c.apiPDU.get_varbinds(pdu)]
        if not when(Kind(request[request.index(b"public") + len(b"public")]), len(asked)):
            return agent.answer(request)
        v2c.apiPDU.set_varbinds(pdu, asked)
        echoed = bytes(encoder.encode(pdu[3]))[2:] if status == ErrorStatus.GEN_ERR else b""
        return answer_to(request, echoed, status)

    return reply


ALL_OF_SYSTEM = {(n, 0): b"value %d" % n for n in range(1, 8)}


@pytest.mark.parametrize("status", [ErrorStatus.TOO_BIG, ErrorStatus.GEN_ERR])
@pytest.mark.parametrize(
    "when",
    [lambda kind, _: kind is Kind.GET_BULK, lambda kind, count: kind is not Kind.GET_BULK and count > 1],
    ids=["GETBULK", "two names"],
)
def test_an_error_is_not_taken_for_missing_values(status: int, when: Callable[[Kind, int], bool]) -> None:
    def walk() -> Talk[None]:
        session = Session(Abilities(True))
        facts = yield from session.collect([NAME, (*SYSTEM, 9, 0)], [Want(SYSTEM, 3)])
        assert facts.columns[SYSTEM] == ALL_OF_SYSTEM
        assert facts.scalars == {NAME: b"value 5"}
        assert (yield from session.get([*VALUES, (*SYSTEM, 9, 0)])) == VALUES

    talk(refusing(status, when), walk())


def test_an_error_to_everything_is_an_error() -> None:
    bulk = Request(Kind.GET_BULK, (SYSTEM, NAME), 0, 3)
    everything = (GET, Request(Kind.GET, tuple(VALUES)), Request(Kind.GET_NEXT, (SYSTEM,)), bulk)
    answers, _ = talk(refusing(ErrorStatus.TOO_BIG, lambda *_: True), ask(*everything))
    assert [answer.status for answer in answers] == [ErrorStatus.GEN_ERR] * 4


def test_what_is_larger_than_its_buffer_is_an_error_and_no_garbage() -> None:
    huge = ber.tagged(0x30, b"\x06\x08\x2b\x06\x01\x02\x01\x01\x05\0" + ber.tagged(0x04, bytes(5000)))
    (answer,), _ = talk(lambda request: answer_to(request, huge), ask(GET))
    assert answer.status == ErrorStatus.GEN_ERR


def test_single_objects_are_asked_in_one_get() -> None:
    scalars = tuple((*SYSTEM, n) for n in range(1, 8))
    (answer,), came = talk(an_agent().answer, ask(Request(Kind.GET_BULK, scalars, 7, 0)))
    assert answer.bindings == tuple(VALUES.items())
    assert len(came) == 1


# --- how often is asked ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("credential", [PUBLIC, user()], ids=["2c", "3"])
def test_a_silent_device_is_asked_so_often_and_in_turn(credential: Credential) -> None:
    turns = []

    async def turn() -> None:
        turns.append(1)

    async def run() -> None:
        async with device(lambda _: None) as peer:
            agent = GufoAgent(peer.address, credential, SHORT_S, 3, turn)
            began = asyncio.get_running_loop().time()
            with pytest.raises(Unanswered, match=rf"^127\.0\.0\.1 port {peer.address[1]} does not answer SNMP$"):
                await agent.hold(ask(GET))
            assert asyncio.get_running_loop().time() - began >= (1 + 2 + 4) * SHORT_S
            assert (len(peer.came), len(turns)) == (3, 3)
            with pytest.raises(Unanswered):
                await agent.hold(ask(GET), 1)
            assert len(peer.came) == 4
            await agent.close()

    asyncio.run(run())


@pytest.mark.parametrize("credential", [PUBLIC, user()], ids=["2c", "3"])
def test_the_second_try_may_be_answered_and_duplicates_do_no_harm(credential: Credential) -> None:
    agent, heard = an_agent(), []

    def reply(request: bytes) -> list[bytes]:
        heard.append(agent.answer(request) or b"")
        return heard[-2:] * 2 if len(heard) % 2 == 0 else []

    answers, came = talk(reply, ask(GET, Request(Kind.GET_NEXT, (SYSTEM,))), credential, 0.15, 2)
    assert answers == [FIVE, Answer((((*SYSTEM, 1, 0), b"value 1"),))]
    assert len(came) == (4 if credential is PUBLIC else 6)


def test_a_user_costs_one_packet_more_for_engine_and_clock() -> None:
    assert len(talk(an_agent().answer, ask(GET, GET), user())[1]) == 3


def test_a_clock_that_jumps_is_followed_once() -> None:
    now = [0.0]
    agent = an_agent(now=lambda: now[0])

    def reply(request: bytes) -> bytes | None:
        return agent.answer(request)

    def talk_() -> Talk[list[Answer]]:
        first = yield GET
        now[0] += 1000
        return [first, (yield GET)]

    answers, came = talk(reply, talk_(), user())
    assert answers == [FIVE, FIVE]
    assert len(came) == 4


def test_a_clock_that_nobody_vouches_for_is_not_followed() -> None:
    now = [0.0]
    agent = an_agent(now=lambda: now[0])

    def reply(request: bytes) -> bytes:
        answer = agent.answer(request) or b""
        now[0] = 1000
        return answer if digest_of(answer) == b"" else FORGERIES["no digest"](answer)

    with pytest.raises(Unanswered, match="not in SNMP"):
        talk(reply, ask(GET), user(), SHORT_S)


def test_a_name_of_one_arc_is_asked_as_two() -> None:
    answers, _ = talk(an_agent().answer, ask(*(Request(Kind.GET_NEXT, (name,)) for name in ((1,), (1, 0)))))
    assert answers == [Answer((((*SYSTEM, 1, 0), b"value 1"),))] * 2


def test_a_closed_port_is_silence_at_once() -> None:
    async def run() -> None:
        async with device(lambda _: None) as peer:
            pass
        agent = agent_of(peer, PUBLIC, timeout_s=600)
        async with asyncio.timeout(5):
            with pytest.raises(Unanswered, match="does not answer SNMP"):
                await agent.hold(ask(GET))
        await agent.close()

    asyncio.run(run())


def test_an_address_without_a_route_is_said() -> None:
    agent = GufoAgent(("255.255.255.255", 161), PUBLIC, LONG_S, 1, no_turn)
    with pytest.raises(Unanswered, match=r"^255\.255\.255\.255 cannot be reached: Permission denied$"):
        asyncio.run(agent.hold(ask(GET)))


def test_over_ipv6() -> None:
    async def run() -> None:
        try:
            opened = device(an_agent().answer, "::1")
            async with opened as peer:
                for credential in (PUBLIC, user()):
                    agent = agent_of(peer, credential)
                    assert await agent.hold(ask(GET)) == [FIVE]
                    await agent.close()
        except OSError:
            pytest.skip("this machine has no IPv6 loopback")

    asyncio.run(run())


# --- what it would believe ------------------------------------------------------------------------------------------


def digest_of(octets: bytes) -> bytes:
    message, _ = decoder.decode(octets, asn1Spec=SNMPv3Message())
    return bytes(decoder.decode(message[2], asn1Spec=UsmSecurityParameters())[0][4])


def encrypted_in(octets: bytes) -> bytes:
    message, _ = decoder.decode(octets, asn1Spec=SNMPv3Message())
    return bytes(message[3].getComponent())


def swapped(octets: bytes, part: bytes, other: bytes) -> bytes:
    assert octets.count(part) == 1
    return octets.replace(part, other)


def report_of(octets: bytes) -> bytes:
    """The PDU of a report: it reaches to the end of the message. Its tag alone may stand in a random number too."""
    at = next(i for i, tag in enumerate(octets) if tag == 0xA8 and octets[i + 1] == len(octets) - i - 2)
    return octets[at:]


FORGERIES: dict[str, Callable[[bytes], bytes]] = {
    "no digest": lambda octets: swapped(octets, digest_of(octets), bytes(24)),
    "another digest": lambda octets: swapped(octets, digest_of(octets), digest_of(octets)[::-1]),
    "other octets": lambda octets: octets[:-4] + bytes(octet ^ 1 for octet in octets[-4:]),
    "not said to be authentic": lambda octets: swapped(octets, b"\x04\x01\x03\x02\x01\x03", b"\x04\x01\x00\x02\x01\x03"),
    "cut": lambda octets: octets[:-1],
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_an_answer_that_is_not_authentic_is_not_taken(forge: Callable[[bytes], bytes]) -> None:
    agent = an_agent()
    came: list[bytes] = []

    def only_forged(request: bytes) -> bytes:
        came.append(request)
        answer = agent.answer(request) or b""
        return answer if len(came) == 1 else forge(answer)  # the first is the report with the engine's id

    with pytest.raises(Unanswered, match="answered, but not in SNMP"):
        talk(only_forged, ask(GET), user(), SHORT_S)

    def forged_before(request: bytes) -> bytes | list[bytes]:
        came.append(request)
        answer = agent.answer(request) or b""
        return answer if len(came) == 1 else [forge(answer), answer]

    came.clear()
    assert talk(forged_before, ask(GET), user())[0] == [FIVE]


def test_a_forgery_does_not_slip_in_behind_an_authentic_answer() -> None:
    agent = an_agent()
    heard: list[bytes] = []

    def reply(request: bytes) -> bytes | list[bytes]:
        heard.append(agent.answer(request) or b"")
        if len(heard) < 3:
            return heard[-1]
        return [heard[1], FORGERIES["no digest"](heard[-1])]

    with pytest.raises(Unanswered, match="not in SNMP"):
        talk(reply, ask(GET, GET), user(), SHORT_S)


def test_an_answer_in_the_open_is_not_taken() -> None:
    agent = an_agent()
    came: list[bytes] = []

    def reply(request: bytes) -> bytes:
        """A GET response, neither authentic nor private, in place of the report it was made from."""
        came.append(request)
        answer = agent.answer(request if len(came) == 1 else came[0]) or b""
        return answer if len(came) == 1 else swapped(answer, report_of(answer), b"\xa2" + report_of(answer)[1:])

    with pytest.raises(Unanswered, match="not in SNMP"):
        talk(reply, ask(GET), user(), SHORT_S)


def test_a_refusal_is_said_and_asked_no_further() -> None:
    async def run() -> None:
        async with device(an_agent().answer) as peer:
            agent = agent_of(peer, user(auth_password="wrong-password"), tries=3)
            with pytest.raises(DeviceError, match="does not accept the SNMPv3 user reader: Wrong SNMP PDU digest") as caught:
                await agent.hold(ask(GET))
            assert not isinstance(caught.value, Unanswered)
            assert "passwords" in caught.value.advice
            assert len(peer.came) == 2, "some devices lock whom they refuse too often"
            await agent.close()

    asyncio.run(run())


GARBAGE: dict[str, bytes] = {
    "text": b"HTTP/1.1 400 Bad Request",
    "a byte": b"\x30",
    "64 kB": bytes(65507),
    "64 kB nested": b"\x30\x80" * 30_000,
    "an endless length": b"\x30\x84\xff\xff\xff\xff",
    "too few elements": b"\x30\x03\x02\x01\x03",
    "nothing": b"\x30\x00",
}


@pytest.mark.parametrize("credential", [PUBLIC, user()], ids=["2c", "3"])
@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
def test_garbage_is_named_as_such_and_passed_over(credential: Credential, garbage: bytes) -> None:
    agent = an_agent()
    with pytest.raises(Unanswered, match="answered, but not in SNMP"):
        talk(lambda _: garbage, ask(GET), credential, SHORT_S)
    assert talk(lambda request: [garbage, agent.answer(request) or b""], ask(GET), credential)[0] == [FIVE]


@pytest.mark.parametrize("credential", [PUBLIC, user()], ids=["2c", "3"])
def test_no_octets_get_through_to_what_would_panic(credential: Credential, capfd: pytest.CaptureFixture[str]) -> None:
    """gufo_snmp writes a panic to stderr, past all logging."""
    chance, agent = random.Random(7), an_agent()

    def spoilt(octets: bytes) -> bytes:
        changed = bytearray(octets)
        for _ in range(chance.randint(1, 3)):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        return bytes(changed[: chance.randrange(1, len(changed)) if chance.random() < 0.3 else len(changed)])

    def reply(request: bytes) -> list[bytes]:
        answer = agent.answer(request)
        return [*(spoilt(answer) for _ in range(40)), answer] if answer else []

    for _ in range(60):
        with contextlib.suppress(DeviceError):
            talk(reply, ask(Request(Kind.GET_BULK, (SYSTEM,), 0, 5)), credential, SHORT_S)
    assert capfd.readouterr().err == ""


def test_a_panic_would_be_garbage(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(gufo, "check", lambda *_: None)
    monkeypatch.setattr(gufo, "decode", lambda *_: None)
    empty_binding = b"\x30\0"
    with pytest.raises(Unanswered, match="not in SNMP"):
        talk(lambda request: answer_to(request, empty_binding), ask(Request(Kind.GET, (NAME, SYSTEM))), PUBLIC, SHORT_S)
    assert "panicked" in capfd.readouterr().err


# --- what it opens --------------------------------------------------------------------------------------------------

DESCRIPTORS = Path("/proc/self/fd")
counted = pytest.mark.skipif(not DESCRIPTORS.is_dir(), reason="counts file descriptors where the system shows them")


def descriptors() -> int:
    return len(list(DESCRIPTORS.iterdir()))


@counted
@pytest.mark.parametrize(("credential", "count"), [(PUBLIC, 1000), (user(name="nobody"), 300)], ids=["2c", "3"])
def test_many_agents_leave_nothing_open_though_their_errors_are_kept(credential: Credential, count: int) -> None:
    five = ber.tagged(0x30, b"\x06\x08\x2b\x06\x01\x02\x01\x01\x05\0\x02\x01\x05")
    responder = an_agent()
    errors = []

    def reply(request: bytes) -> bytes | None:
        return answer_to(request, five) if credential is PUBLIC else responder.answer(request)

    async def use(peer: Peer, times: int) -> None:
        for number in range(times):
            agent = agent_of(peer, credential)
            try:
                await agent.hold(ask(GET) if number % 2 else breaks())
            except (DeviceError, LookupError) as error:
                errors.append(error)
            await agent.close()
        peer.came.clear()

    def breaks() -> Talk[None]:
        yield GET
        raise LookupError("on purpose")

    async def run() -> None:
        async with device(reply) as peer:
            await use(peer, 10)
            before = descriptors()
            await use(peer, count)
            assert descriptors() == before
            errors.clear()
            gc.collect()
            tracemalloc.start()
            await use(peer, 50)
            errors.clear()
            gc.collect()
            kept = tracemalloc.get_traced_memory()[0]
            await use(peer, count // 4)
            errors.clear()
            gc.collect()
            grown = tracemalloc.get_traced_memory()[0] - kept
            tracemalloc.stop()
            assert grown < 20_000, f"{grown} octets more"

    asyncio.run(run())


@counted
def test_waiting_can_be_given_up() -> None:
    async def run() -> None:
        async with device(lambda _: None) as peer:
            before = descriptors()
            agent = agent_of(peer, user())
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(SHORT_S):
                    await agent.hold(ask(GET))
            await agent.close()
            gc.collect()
            assert descriptors() == before

    asyncio.run(run())
