"""The wire over real sockets on loopback: whose answer counts, how often is asked, what is counted, who suffers from whom.

Waits are tens of milliseconds, and what is looked at is datagrams: nothing here sleeps.
"""

import asyncio
import errno
import gc
import os
import random
import socket
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import pytest

from meterpost.devices.snmp import ber
from meterpost.devices.snmp.credentials import HELLO, Credential
from meterpost.devices.snmp.network import Network, resolve
from meterpost.devices.snmp.pace import Pace
from meterpost.devices.snmp.port import Answer, Kind, Request, Talk, Unanswered
from meterpost.devices.snmp.reference import PysnmpCodec
from meterpost.devices.snmp.wire import Address, Wire
from meterpost.errors import DeviceError
from meterpost.recording import Tag, Variable
from meterpost_stub.printers.agent import Agent
from meterpost_stub.printers.mib import Mib
from meterpost_stub.printers.usm import Usm

T = TypeVar("T")
Reply = bytes | list[bytes] | None

NAME = (1, 3, 6, 1, 2, 1, 1, 5, 0)
GET = Request(Kind.GET, (NAME,))
PUBLIC = Credential("2c", "public")
SHORT_S, LONG_S = 0.05, 5.0
"""First waits for an answer: where none comes, and where one must come however busy the machine is."""
LOOPBACK = "127.0.0.1"
IPV4_AND_UDP, IPV6_AND_UDP = 28, 48

MIB = [Variable(NAME, Tag.OCTETS, b"hall"), Variable((*NAME[:-2], 6, 0), Tag.INTEGER, 6)]
AGENT = Agent(Mib(MIB), ("public",), Usm(b"e", (), 0))


class Peer(asyncio.DatagramProtocol):
    """A device: `reply` makes of a datagram what is sent back. What came is in `came`, when it came in `at`."""

    def __init__(self, reply: Callable[[bytes], Reply]) -> None:
        self._reply = reply
        self.came: list[bytes] = []
        self.sent: list[bytes] = []
        self.at: list[float] = []

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.address: Address = transport.get_extra_info("sockname")

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.came.append(data)
        self.at.append(asyncio.get_running_loop().time())
        replies = self._reply(data)
        for reply in [replies] if isinstance(replies, bytes) else replies or []:
            self.sent.append(reply)
            self.transport.sendto(reply, addr)


def silent(_: bytes) -> None:
    pass


class Table:
    """A wire, and who else sits at it. Errors that end up in the event loop are in `errors`."""

    def __init__(self, wait_s: float, codecs: Iterable[Any], pace: Pace | None) -> None:
        self.wire = Wire(tuple(codecs), wait_s, pace)
        self.errors: list[Any] = []
        self._peers: list[Peer] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: self.errors.append(context))

    async def peer(self, reply: Callable[[bytes], Reply] = AGENT.answer, host: str = LOOPBACK, port: int = 0) -> Peer:
        loop = asyncio.get_running_loop()
        _, peer = await loop.create_datagram_endpoint(lambda: Peer(reply), local_addr=(host, port))
        self._peers.append(peer)
        return peer

    async def ask(self, peer: Peer, request: Request = GET, tries: int = 1, credential: Credential = PUBLIC) -> Answer:
        return await self.wire.hold(one(request), peer.address, credential, tries)

    def close(self) -> None:
        self.wire.close()
        for peer in self._peers:
            peer.transport.close()


@asynccontextmanager
async def table(wait_s: float = LONG_S, codecs: Iterable[Any] = (ber,), pace: Pace | None = None) -> AsyncIterator[Table]:
    laid = Table(wait_s, codecs, pace)
    try:
        yield laid
    finally:
        laid.close()
        await asyncio.sleep(0)
    assert laid.errors == []


def run(test: Callable[[], Awaitable[T]]) -> T:
    return asyncio.run(test())  # type: ignore[arg-type]


def one(request: Request = GET) -> Talk[Answer]:
    return (yield request)


def several(count: int) -> Talk[list[Answer]]:
    answers = []
    for _ in range(count):
        answers.append((yield GET))
    return answers


HALL = Answer(((NAME, b"hall"),))


def numbered(reply: bytes | None, by: int) -> bytes:
    """`reply` with another request-id."""
    assert reply
    number = ber.decode(reply)[0]
    return reply.replace(number.to_bytes(4, "big"), (number + by).to_bytes(4, "big"))


# --- an ordinary conversation ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("codecs", [(ber,), (PysnmpCodec(),), (ber, PysnmpCodec())], ids=["ber", "pysnmp", "both"])
@pytest.mark.parametrize("version", ["1", "2c"])
def test_a_conversation_and_every_octet_of_it(codecs: tuple[Any, ...], version: str) -> None:
    async def test() -> None:
        async with table(codecs=codecs) as laid:
            peer = await laid.peer()
            answers = await laid.wire.hold(several(3), peer.address, Credential(version, "public"), 1)
            assert answers == [HALL] * 3
            assert (len(peer.came), len(set(peer.came))) == (3, 3), "every request has a number of its own"
            assert laid.wire.packets == 6
            assert laid.wire.octets == sum(map(len, peer.came + peer.sent)) + 6 * IPV4_AND_UDP

    run(test)


def test_over_ipv6() -> None:
    async def test() -> None:
        async with table() as laid:
            try:
                peer = await laid.peer(host="::1")
            except OSError:
                pytest.skip("this machine has no IPv6 loopback")
            assert await laid.ask(peer) == HALL
            assert laid.wire.octets == len(peer.came[0]) + len(peer.sent[0]) + 2 * IPV6_AND_UDP
            network = Network(LONG_S, "wire")
            agent = await network.agent("::1", peer.address[1], PUBLIC, tries=1)
            assert await agent.hold(one()) == HALL
            await network.close()

    run(test)


def test_many_at_once_each_get_their_own_answer() -> None:
    async def test() -> None:
        async with table() as laid:
            agents = [Agent(Mib([Variable(NAME, Tag.INTEGER, n)]), ("public",), Usm(b"e", (), 0)) for n in range(100)]
            peers = [await laid.peer(agent.answer) for agent in agents]
            answers = await asyncio.gather(*(laid.ask(peer, tries=3) for peer in peers))
            assert answers == [Answer(((NAME, n),)) for n in range(100)]

    run(test)


def test_two_conversations_with_one_device_do_not_mix() -> None:
    async def test() -> None:
        async with table() as laid:
            peer = await laid.peer()
            other = Request(Kind.GET_NEXT, (NAME,))
            both = await asyncio.gather(laid.ask(peer), laid.ask(peer, other))
            assert both == [HALL, Answer((((*NAME[:-2], 6, 0), 6),))]

    run(test)


def test_a_talk_that_asks_nothing_and_one_that_breaks() -> None:
    def nothing() -> Talk[str]:
        yield from ()
        return "done"

    def breaks() -> Talk[None]:
        yield GET
        raise LookupError("on purpose")

    async def test() -> None:
        async with table() as laid:
            peer = await laid.peer()
            assert await laid.wire.hold(nothing(), peer.address, PUBLIC, 1) == "done"
            with pytest.raises(LookupError, match="on purpose"):
                await laid.wire.hold(breaks(), peer.address, PUBLIC, 1)
            assert await laid.ask(peer) == HALL

    run(test)


# --- whose answer counts --------------------------------------------------------------------------------------------


def test_an_answer_from_another_address_is_not_taken() -> None:
    async def test() -> None:
        async with table(SHORT_S) as laid:
            beside, elsewhere = await laid.peer(silent), await laid.peer(silent, host="127.0.0.2")

            def reply(request: bytes) -> bytes | None:
                answer = AGENT.answer(request)
                back = laid.wire._sockets[socket.AF_INET].getsockname()[1]
                for stranger in (beside, elsewhere):
                    stranger.transport.sendto(answer, (LOOPBACK, back))
                return None

            asked = await laid.peer(reply)
            with pytest.raises(Unanswered, match=f"^127.0.0.1 port {asked.address[1]} does not answer SNMP$"):
                await laid.ask(asked)
            assert laid.wire.packets == 3, "they did arrive"

    run(test)


@pytest.mark.parametrize("by", [1, -1, 256])
def test_an_answer_to_another_question_is_not_taken(by: int) -> None:
    async def test() -> None:
        async with table(SHORT_S) as laid:
            wrong = await laid.peer(lambda request: numbered(AGENT.answer(request), by))
            with pytest.raises(Unanswered, match="does not answer SNMP"):
                await laid.ask(wrong)
        async with table() as laid:
            first_wrong = await laid.peer(lambda request: [numbered(AGENT.answer(request), by), AGENT.answer(request) or b""])
            assert await laid.ask(first_wrong) == HALL

    run(test)


def test_duplicates_and_late_answers_do_no_harm() -> None:
    async def test() -> None:
        async with table() as laid:
            past: list[bytes] = []

            def reply(request: bytes) -> list[bytes]:
                past.append(AGENT.answer(request) or b"")
                return [*past, past[-1], past[-1]]

            peer = await laid.peer(reply)
            assert await laid.wire.hold(several(5), peer.address, PUBLIC, 1) == [HALL] * 5
            assert len(peer.came) == 5

    run(test)


# --- how often is asked ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tries", [1, 2, 3])
def test_a_silent_device_is_asked_so_often_and_given_twice_as_long_each_time(tries: int) -> None:
    async def test() -> None:
        async with table(SHORT_S) as laid:
            peer = await laid.peer(silent)
            with pytest.raises(Unanswered, match="does not answer SNMP") as caught:
                await laid.ask(peer, tries=tries)
            assert "switched on" in caught.value.advice
            end = asyncio.get_running_loop().time()
            assert peer.came == tries * peer.came[:1], "the same number, so that an answer to any try counts"
            waits = [after - before for before, after in zip(peer.at, [*peer.at[1:], end], strict=True)]
            assert all(wait >= 0.9 * SHORT_S * 2**turn for turn, wait in enumerate(waits)), waits

    run(test)


def test_the_second_try_may_be_answered() -> None:
    async def test() -> None:
        async with table(0.15) as laid:
            peer = await laid.peer(lambda request: AGENT.answer(request) if len(peer.came) == 2 else None)
            assert await laid.ask(peer, tries=2) == HALL
            assert len(peer.came) == 2

    run(test)


def test_every_request_has_its_tries_and_the_first_its_own() -> None:
    def three() -> Talk[int]:
        yield GET
        for _ in range(2):
            with pytest.raises(Unanswered):
                yield GET
        return 3

    async def test() -> None:
        async with table(0.15) as laid:
            peer = await laid.peer(lambda request: AGENT.answer(request) if len(peer.came) == 1 else None)
            assert await laid.wire.hold(three(), peer.address, PUBLIC, 2, first_tries=1) == 3
            assert len(peer.came) == 1 + 2 + 2
            deaf = await laid.peer(silent)
            with pytest.raises(Unanswered):
                await laid.wire.hold(one(), deaf.address, PUBLIC, 3, first_tries=1)
            assert len(deaf.came) == 1

    run(test)


def test_a_conversation_goes_on_after_silence() -> None:
    def patient() -> Talk[Answer]:
        try:
            return (yield GET)
        except Unanswered:
            return (yield Request(Kind.GET_NEXT, (NAME[:-1],)))

    async def test() -> None:
        async with table(0.15) as laid:
            peer = await laid.peer(lambda request: AGENT.answer(request) if Kind.GET_NEXT in request else None)
            assert await laid.wire.hold(patient(), peer.address, PUBLIC, 1) == HALL

    run(test)


class Gate(Pace):
    """Lets through what comes while it is open."""

    def __init__(self) -> None:
        super().__init__(1000)
        self.open = True

    def turns(self, now: float, most: int) -> int:
        return most if self.open else 0


def test_an_answer_that_comes_while_a_further_try_waits_for_its_turn_makes_that_try_needless() -> None:
    async def test() -> None:
        gate = Gate()
        async with table(SHORT_S, pace=gate) as laid:

            def first_waits(request: bytes) -> Reply:
                gate.open = len(peer.came) > 1
                return AGENT.answer(request) if gate.open else None

            peer = await laid.peer(first_waits)
            held = asyncio.create_task(laid.wire.hold(several(2), peer.address, PUBLIC, 3))
            while not (peer.came and laid.wire._ready):
                await asyncio.sleep(0)
            number = ber.decode(AGENT.answer(peer.came[0]) or b"")[0]
            peer.transport.sendto(AGENT.answer(peer.came[0]), laid.wire._sockets[socket.AF_INET].getsockname())
            while (peer.address, number) in laid.wire._waiting:
                await asyncio.sleep(0)
            gate.open = True
            assert await held == [HALL] * 2
            assert len(set(peer.came)) == len(peer.came) == 2

    run(test)


def test_which_try_was_answered_is_not_guessed() -> None:
    async def test() -> None:
        async with table(0.15) as laid:
            peer = await laid.peer(lambda request: AGENT.answer(request) if peer.came.count(request) == 2 else None)
            assert await laid.wire.hold(several(2), peer.address, PUBLIC, 2) == [HALL] * 2
            first, second = peer.at[1] - peer.at[0], peer.at[3] - peer.at[2]
            assert second >= 0.9 * 2 * 0.15 > first, "it may be the slow answer to the first: it is still given twice as long"

    run(test)


def test_what_came_while_the_loop_was_away_is_not_silence() -> None:
    async def test() -> None:
        async with table(SHORT_S) as laid:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device:
                device.bind((LOOPBACK, 0))
                device.settimeout(5)
                held = [asyncio.create_task(laid.wire.hold(one(), device.getsockname(), PUBLIC, 1)) for _ in range(150)]
                while len(laid.wire._deadlines) < len(held):
                    await asyncio.sleep(0)
                for _ in held:  # nobody runs the loop meanwhile
                    request, asker = device.recvfrom(65535)
                    device.sendto(AGENT.answer(request) or b"", asker)
                while asyncio.get_running_loop().time() < laid.wire._deadlines[-1][0]:
                    pass
                assert await asyncio.gather(*held) == [HALL] * len(held)

    run(test)


# --- who suffers from whom ------------------------------------------------------------------------------------------


def truncated(request: bytes) -> list[bytes]:
    answer = AGENT.answer(request) or b""
    return [answer[:length] for length in range(len(answer))]


GARBAGE: dict[str, Callable[[bytes], Reply]] = {
    "http": lambda _: b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "echo": lambda request: request,
    "cut anywhere": truncated,
    "64 kB of zeros": lambda _: bytes(65507),
    "64 kB of noise": lambda _: random.Random(7).randbytes(65507),
    "endless length": lambda _: b"\x30\x84\xff\xff\xff\xff" + bytes(100),
    "nested to the end": lambda _: b"\x30\x80" * 30_000,
    "many": lambda _: [random.Random(n).randbytes(n) for n in range(1, 200)],
}


@pytest.mark.parametrize("codecs", [(ber,), (ber, PysnmpCodec())], ids=["ber", "both"])
def test_garbage_costs_only_its_sender(codecs: tuple[Any, ...]) -> None:
    async def test() -> None:
        async with table(0.5, codecs) as laid:
            bad = [await laid.peer(reply) for reply in GARBAGE.values()]
            good = [await laid.peer() for _ in range(20)]
            outcomes = await asyncio.gather(*(laid.ask(peer) for peer in bad + good), return_exceptions=True)
            for peer, said in zip(bad, outcomes, strict=False):
                assert isinstance(said, Unanswered)
                assert str(said) == f"127.0.0.1 port {peer.address[1]} answered, but not in SNMP"
                assert said.advice
            assert outcomes[len(bad) :] == [HALL] * len(good)

    run(test)


def test_a_huge_but_proper_answer_is_taken() -> None:
    async def test() -> None:
        async with table() as laid:
            big = Agent(Mib([Variable(NAME, Tag.OCTETS, b"hall")]), ("public",), Usm(b"e", (), 0))

            def reply(request: bytes) -> bytes:
                number = ber.decode(big.answer(request) or b"")[0].to_bytes(4, "big")
                binding = ber.tagged(0x30, b"\x06\x08\x2b\x06\x01\x02\x01\x01\x05\0" + ber.tagged(0x04, bytes(60_000)))
                pdu = ber.tagged(0xA2, b"\x02\x04" + number + b"\x02\x01\0\x02\x01\0" + ber.tagged(0x30, binding))
                return ber.tagged(0x30, b"\x02\x01\x01\x04\x06public" + pdu)

            peer = await laid.peer(reply)
            assert await laid.ask(peer) == Answer(((NAME, bytes(60_000)),))

    run(test)


def test_garbage_before_an_answer_is_passed_over() -> None:
    async def test() -> None:
        async with table(0.15) as laid:
            peer = await laid.peer(lambda request: [b"garbage", AGENT.answer(request) or b""])
            assert await laid.ask(peer) == HALL
            mumbles = await laid.peer(lambda request: b"garbage" if len(mumbles.came) == 1 else AGENT.answer(request))
            assert await laid.ask(mumbles, tries=2) == HALL

    run(test)


def test_the_second_codec_reads_what_the_first_cannot() -> None:
    def indefinite(request: bytes) -> bytes:
        """The message's length is left open (X.690, 8.1.3.6), as SNMP forbids."""
        answer = AGENT.answer(request) or b""
        return b"\x30\x80" + answer[2:] + b"\0\0"

    async def test() -> None:
        async with table(SHORT_S) as laid:
            with pytest.raises(Unanswered, match="not in SNMP"):
                await laid.ask(await laid.peer(indefinite))
        async with table(codecs=(ber, PysnmpCodec())) as laid:
            assert await laid.ask(await laid.peer(indefinite)) == HALL

    run(test)


class Patient:
    """A second codec that takes its time over everything; how often is counted."""

    def __init__(self) -> None:
        self.looked_at: list[int] = []

    def encode(self, request: Request, version: str, community: str, number: int) -> bytes:
        raise AssertionError("messages are written by the first")

    def decode(self, message: bytes) -> tuple[int, Answer]:
        self.looked_at.append(len(message))
        raise ValueError("nothing in it")


def test_only_who_was_asked_and_once_a_request_makes_the_second_codec_work() -> None:
    async def test() -> None:
        patient = Patient()
        async with table(SHORT_S, codecs=(ber, patient)) as laid:
            peer = await laid.peer(lambda request: [b"0" * size for size in (65_000, 7, 8, 9)] + [AGENT.answer(request) or b""])
            stranger = await laid.peer()

            def babbles(request: bytes) -> Reply:
                stranger.transport.sendto(b"hello", laid.wire._sockets[socket.AF_INET].getsockname())
                return [b"12345", b"1234", AGENT.answer(request) or b""]

            assert await laid.ask(peer) == HALL
            assert patient.looked_at == [], "what is so long keeps it busy for half a second"
            assert await laid.wire.hold(several(2), (await laid.peer(babbles)).address, PUBLIC, 1) == [HALL] * 2
            assert patient.looked_at == [5, 5]

    run(test)


def test_a_request_that_cannot_be_written_ends_its_conversation_only() -> None:
    async def test() -> None:
        async with table() as laid:
            peer = await laid.peer()
            odd, good = await asyncio.gather(
                laid.wire.hold(one(), peer.address, Credential("2c", "\udc80"), 1), laid.ask(peer), return_exceptions=True
            )
            assert isinstance(odd, UnicodeEncodeError)
            assert good == HALL

    run(test)


def test_no_room_in_the_system_is_a_lost_packet(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(socket.socket):
        sent = 0

        def sendto(self, *what: Any) -> int:
            self.sent += 1
            if self.sent == 1:
                raise OSError(errno.ENOBUFS, "No buffer space available")
            return super().sendto(*what)

    async def test() -> None:
        async with table(SHORT_S) as laid:
            peer = await laid.peer()
            monkeypatch.setattr("meterpost.devices.snmp.wire.socket.socket", Full)
            assert await laid.ask(peer, tries=2) == HALL
            assert len(peer.came) == 1

    run(test)


# --- sweeps ---------------------------------------------------------------------------------------------------------


def test_a_sweep_sends_one_packet_to_each_and_hears_whoever_answers() -> None:
    async def test() -> None:
        async with table() as laid:
            first = await laid.peer(host="127.9.0.1")
            port = first.address[1]
            living = [first, *[await laid.peer(host=f"127.9.0.{n}", port=port) for n in (7, 20, 90)]]
            heard: list[Address] = []
            all_heard = asyncio.Event()

            def hear(address: Address) -> None:
                heard.append(address)
                if len(heard) == len(living):
                    all_heard.set()

            message = laid.wire.question(GET, PUBLIC, hear)
            await laid.wire.fire([(f"127.9.0.{n}", port) for n in range(1, 101)], message)
            async with asyncio.timeout(5):
                await all_heard.wait()
            assert sorted(heard) == sorted(peer.address for peer in living)
            assert [peer.came for peer in living] == [[message]] * len(living)
            assert laid.wire.packets == 100 + len(living)
            sent = 100 * len(message) + sum(len(reply) for peer in living for reply in peer.sent)
            assert laid.wire.octets == sent + laid.wire.packets * IPV4_AND_UDP

    run(test)


def test_a_sweep_keeps_the_pace_and_lets_conversations_in() -> None:
    async def test() -> None:
        async with table(pace=Pace(1000)) as laid:
            peer = await laid.peer()
            began = asyncio.get_running_loop().time()
            message = laid.wire.question(GET, PUBLIC, lambda _: None)
            answer, _ = await asyncio.gather(laid.ask(peer), laid.wire.fire([("127.9.1.1", peer.address[1])] * 100, message))
            assert answer == HALL
            assert asyncio.get_running_loop().time() - began >= 0.09 - 0.01, "100 at 1000 a second, less one tick's burst"
            assert laid.wire.packets == 102

    run(test)


def test_a_sweep_passes_over_what_has_no_route() -> None:
    async def test() -> None:
        async with table() as laid:
            heard = asyncio.Event()
            peer = await laid.peer()
            message = laid.wire.question(GET, PUBLIC, lambda _: heard.set())
            await laid.wire.fire([("255.255.255.255", 161), peer.address, ("255.255.255.255", 161)], message)
            async with asyncio.timeout(5):
                await heard.wait()
            assert (laid.wire.packets, len(peer.came)) == (2, 1), "what could not leave is not counted"

    run(test)


def test_two_questions_have_their_own_hearers() -> None:
    async def test() -> None:
        async with table() as laid:
            said: list[str] = []
            both = asyncio.Event()

            def hear(what: str) -> None:
                said.append(what)
                if len(said) == 2:
                    both.set()

            peer = await laid.peer()
            hello = laid.wire.question(Request(Kind.GET, ()), HELLO, lambda _: hear("v3"))
            plain = laid.wire.question(GET, PUBLIC, lambda _: hear("v2c"))
            await laid.wire.fire([peer.address], hello)
            await laid.wire.fire([peer.address], plain)
            async with asyncio.timeout(5):
                await both.wait()
            assert said == ["v3", "v2c"]

    run(test)


def test_conversations_keep_the_pace_too() -> None:
    async def test() -> None:
        async with table(pace=Pace(500)) as laid:
            peers = [await laid.peer() for _ in range(30)]
            assert await asyncio.gather(*(laid.ask(peer) for peer in peers)) == [HALL] * 30
            times = sorted(time for peer in peers for time in peer.at)
            assert times[-1] - times[0] >= 29 / 500 - 0.02

    run(test)


# --- ways that do not exist, and the end ----------------------------------------------------------------------------


def test_an_address_without_a_route_is_said() -> None:
    async def test() -> None:
        async with table() as laid:
            nowhere = laid.wire.hold(one(), ("255.255.255.255", 161), PUBLIC, 3)  # refused by the system without SO_BROADCAST
            with pytest.raises(Unanswered, match=r"^255\.255\.255\.255 cannot be reached: Permission denied$") as caught:
                await nowhere
            assert "on the network" in caught.value.advice

    run(test)


def test_a_name_that_does_not_resolve_is_said() -> None:
    with pytest.raises(DeviceError, match=r"^the name no-such-printer\.invalid cannot be resolved: "):
        run(lambda: resolve("no-such-printer.invalid", 161))
    for name in ("a..b", "x" * 64):
        with pytest.raises(DeviceError, match=rf"^the name {name} cannot be resolved: it is no host name$"):
            run(lambda: resolve(name, 161))  # noqa: B023


def test_names_and_addresses_resolve() -> None:
    assert run(lambda: resolve("10.1.2.3", 161)) == ("10.1.2.3", 161)
    assert run(lambda: resolve("localhost", 161)) == ("127.0.0.1", 161)
    assert run(lambda: resolve("2001:db8::7", 161))[:2] == ("2001:db8::7", 161)


def test_closing_ends_what_waits_and_gives_the_sockets_back() -> None:
    async def test() -> None:
        def descriptors() -> int:
            return len(os.listdir("/proc/self/fd"))  # noqa: PTH208

        before = descriptors()
        async with table() as laid:
            peer = await laid.peer(silent)
            closed: list[int] = []

            def waits(number: int) -> Talk[None]:
                try:
                    yield GET
                finally:
                    closed.append(number)

            held = [asyncio.create_task(laid.wire.hold(waits(n), peer.address, PUBLIC, 9)) for n in range(5)]
            while len(peer.came) < 5:
                await asyncio.sleep(0)
            laid.wire.close()
            outcomes = await asyncio.gather(*held, return_exceptions=True)
            assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes)
            assert sorted(closed) == [0, 1, 2, 3, 4]
        assert descriptors() == before

    run(test)


def test_a_closed_wire_stays_closed() -> None:
    async def test() -> None:
        async with table(SHORT_S) as laid:
            peer = await laid.peer(silent)
            held = asyncio.create_task(laid.ask(peer, tries=9))
            while not peer.came:
                await asyncio.sleep(0)
            laid.wire.close()
            with pytest.raises(Unanswered, match="cannot be reached: the wire is closed"):
                await laid.ask(peer)
            await asyncio.gather(held, return_exceptions=True)
            assert (laid.wire._sockets, laid.wire._waiting, laid.wire._deadlines) == ({}, {}, [])

    run(test)


def test_what_was_learnt_is_not_kept_until_the_wait_would_have_ended() -> None:
    class Learnt:
        pass

    def learns() -> Talk[Learnt]:
        yield GET
        return Learnt()

    async def test() -> None:
        async with table() as laid:
            kept = weakref.ref(await laid.wire.hold(learns(), (await laid.peer()).address, PUBLIC, 1))
            await asyncio.sleep(0)  # the loop still holds what it has just given
            gc.collect()
            assert kept() is None

    run(test)


def test_who_gives_up_waiting_is_forgotten() -> None:
    async def test() -> None:
        async with table(SHORT_S) as laid:
            kept: list[tuple[bytes, Any]] = []
            deaf = await laid.peer(silent)
            deaf.datagram_received = lambda data, addr: kept.append((data, addr))  # type: ignore[method-assign]
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(SHORT_S / 2):
                    await laid.ask(deaf, tries=5)
            (request, back), peer = kept[0], await laid.peer()
            deaf.transport.sendto(AGENT.answer(request), back)
            assert await laid.ask(peer) == HALL
            assert laid.wire._waiting == {}
            assert len(kept) == 1, "nobody asks on his behalf"

    run(test)
