"""One UDP socket for all agents that are asked with a community: fire, and collect what comes, whenever it comes.

Nobody waits for anybody: a conversation moves on in the moment its answer arrives. An answer counts only from the address
that was asked and with the request-id it was asked with; garbage costs nobody but its sender. Nothing leaves faster than
the pace. Everything happens in one event loop; nothing here knows what is asked.
"""

import asyncio
import contextlib
import errno
import heapq
import secrets
import socket
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import count
from typing import Any, Protocol, TypeVar

from meterpost.devices.snmp import hello
from meterpost.devices.snmp.credentials import HELLO, Credential
from meterpost.devices.snmp.pace import Pace
from meterpost.devices.snmp.port import Answer, Request, Talk, Unanswered

MAX_MESSAGE = 65_535
LONGEST_WAIT_S = 30.0
_NUMBERS = 0x40000000  # request-ids begin anywhere below and stay within four octets
_TICK_S = 0.01
_RECEIVE_BUFFER = 4 * 1024 * 1024  # the system gives what it allows
_IP_AND_UDP = {2: 28, 4: 48}  # octets of heads, by the length of a socket address: IPv4, IPv6
_AT_ONCE = 64  # datagrams out before those that came are looked at
_HEARD_AT_ONCE = 1024  # of those that came while nobody looked, before any is taken for silence
_MOST_LENIENT = 4096  # octets a further codec is given: pyasn1 can be kept busy for 6 µs by each

T = TypeVar("T")
Address = tuple[Any, ...]
"""A socket address as `getaddrinfo` gives it."""


class Codec(Protocol):
    """Messages as octets and back; `ber` and `reference.PysnmpCodec` are two of them. Any exception of `decode` is garbage."""

    def encode(self, request: Request, version: str, community: str, number: int) -> bytes: ...

    def decode(self, message: bytes) -> tuple[int, Answer]: ...


class _Asking:
    """One conversation, with the request that is under way."""

    __slots__ = (
        "address",
        "credential",
        "end",
        "left",
        "message",
        "number",
        "queued",
        "resent",
        "sent_at",
        "talk",
        "tries",
        "wait_s",
    )

    def __init__(self, talk: Talk[Any], address: Address, credential: Credential, tries: int, wait_s: float) -> None:
        self.talk, self.address, self.credential = talk, address, credential
        self.tries, self.wait_s = tries, wait_s
        self.number = self.left = 0
        self.sent_at = 0.0
        self.queued = self.resent = False
        self.message = b""
        self.end: asyncio.Future[Any] = asyncio.get_running_loop().create_future()


class Wire:
    """Make it inside the event loop that uses it; `close` it in the end. `timeout_s` is the first wait for an answer: a
    silent agent is given twice as long at each further try, a slow one as long as it needs."""

    def __init__(self, codecs: Sequence[Codec], timeout_s: float, pace: Pace | None = None) -> None:
        """Messages are written by the first of `codecs`, and read by the first that can."""
        self._codecs = codecs
        self._timeout_s = timeout_s
        self._pace = pace
        self._loop = asyncio.get_running_loop()
        self._sockets: dict[int, socket.socket] = {}
        self._numbers = count(secrets.randbelow(_NUMBERS))
        self._waiting: dict[tuple[Address, int], _Asking] = {}
        self._sweeps: dict[int, Callable[[Address], None]] = {}
        self._hello: Callable[[Address], None] | None = None
        self._deadlines: list[tuple[float, int, Address]] = []
        self._ready: deque[_Asking] = deque()
        self._pumping = False
        self._garbled: set[Address] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        self.sent = self.fired = 0  # packets that left, and those of them that were fired
        self.octets = self.packets = 0  # IP octets (IPv4 heads included) and packets, both ways

    def close(self) -> None:
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        while self._sockets:
            _, opened = self._sockets.popitem()
            self._loop.remove_reader(opened)
            opened.close()
        self._ready.clear()
        self._deadlines.clear()
        for asking in list(self._waiting.values()):
            asking.end.cancel()

    async def hold(
        self, talk: Talk[T], address: Address, credential: Credential, tries: int, first_tries: int | None = None
    ) -> T:
        """Holds `talk` with the agent at `address`, sending each request at most `tries` times, the first at most
        `first_tries` times. Raises what the talk raises."""
        asking = _Asking(talk, address, credential, tries if first_tries is None else first_tries, self._timeout_s)
        try:
            self._say(asking, talk.__next__)
            asking.tries = tries
            learnt: T = await asking.end
            return learnt
        finally:
            self._waiting.pop((address, asking.number), None)
            talk.close()

    # --- conversations -------------------------------------------------------------------------------------

    def _say(self, asking: _Asking, step: Callable[[], Request]) -> None:
        """Takes the talk one step on, and asks what it asks."""
        self._waiting.pop((asking.address, asking.number), None)
        try:
            request = step()
            number = self._number()
            credential = asking.credential
            message = self._codecs[0].encode(request, credential.version, credential.community, number)
        except StopIteration as end:
            if not asking.end.done():
                asking.end.set_result(end.value)
            return
        except Exception as error:
            if not asking.end.done():
                asking.end.set_exception(error)
            return
        asking.number, asking.message = number, message
        asking.left = asking.tries
        asking.resent = False
        self._waiting[asking.address, number] = asking
        self._garbled.discard(asking.address)
        self._queue(asking)

    def _number(self) -> int:
        return _NUMBERS | next(self._numbers) % _NUMBERS

    def _queue(self, asking: _Asking) -> None:
        """What became ready in one turn of the loop leaves together. An answer to the try before may come while a further
        one still waits for its turn: then the next request takes that turn."""
        if not asking.queued:
            asking.queued = True
            self._ready.append(asking)
        if not self._pumping:
            self._pumping = True
            self._loop.call_soon(self._pump)

    def _pump(self) -> None:
        """Sends what is ready and has its turn."""
        self._pumping = False
        ready = len(self._ready)
        for _ in range(ready if self._pace is None else self._pace.turns(self._loop.time(), ready)):
            self._send(self._ready.popleft())
        self._arm()

    def _send(self, asking: _Asking) -> None:
        asking.queued = False
        if asking.end.done():
            return
        asking.sent_at = self._loop.time()
        try:
            self._put(asking.message, asking.address)
        except OSError as error:
            self._fail(asking, f"{asking.address[0]} cannot be reached: {error.strerror}", "Is this computer on the network?")
            return
        heapq.heappush(self._deadlines, (asking.sent_at + asking.wait_s, asking.number, asking.address))
        self._arm()

    def _arm(self) -> None:
        if self._timer is None and (self._deadlines or self._ready):
            self._timer = self._loop.call_later(_TICK_S, self._tick)

    def _tick(self) -> None:
        """Who did not answer in time. The loop may have been away for long: what came meanwhile is no silence."""
        self._timer = None
        now = self._loop.time()
        if self._deadlines and self._deadlines[0][0] <= now:
            for opened in tuple(self._sockets.values()):
                self._hear(opened, _HEARD_AT_ONCE)
        while self._deadlines and self._deadlines[0][0] <= now:
            _, number, address = heapq.heappop(self._deadlines)
            asking = self._waiting.get((address, number))
            if asking is not None and asking.sent_at + asking.wait_s <= now:
                self._unanswered(asking)
        self._pump()
        self._arm()

    def _unanswered(self, asking: _Asking) -> None:
        asking.left -= 1
        asking.resent = True
        where = f"{asking.address[0]} port {asking.address[1]}"
        if asking.left > 0:
            asking.wait_s = min(2 * asking.wait_s, LONGEST_WAIT_S)
            self._queue(asking)
        elif asking.address in self._garbled:
            self._fail(asking, f"{where} answered, but not in SNMP", "Is another service listening on this port?")
        else:
            self._fail(
                asking,
                f"{where} does not answer SNMP",
                "Is it switched on, is SNMP on in its settings, and are community or user right?",
            )

    def _fail(self, asking: _Asking, what: str, advice: str) -> None:
        self._say(asking, lambda: asking.talk.throw(Unanswered(what, advice)))

    # --- sweeps --------------------------------------------------------------------------------------------

    def question(self, request: Request, credential: Credential, heard: Callable[[Address], None]) -> bytes:
        """A message to `fire`, the same for all. Whoever answers it, until the wire is closed, is given to `heard`, from any
        address: the caller knows whom it asked. HELLO is a question too, and has no request."""
        number = self._number()
        self._sweeps[number] = heard
        if credential == HELLO:
            self._hello = heard
            return hello.message(number)
        return self._codecs[0].encode(request, credential.version, credential.community, number)

    async def fire(self, addresses: Iterable[Address], message: bytes) -> None:
        """One packet with `message` to each of `addresses`; returns when the last has left."""
        left = list(addresses)
        left.reverse()
        while left:
            self._pump()
            turns = _AT_ONCE if self._pace is None else self._pace.turns(self._loop.time(), _AT_ONCE)
            for _ in range(min(turns, len(left))):
                self.fired += 1
                with contextlib.suppress(OSError):  # no way to this one
                    self._put(message, left.pop())
            await asyncio.sleep(0 if turns or self._pace is None else self._pace.wait(self._loop.time()))

    # --- octets --------------------------------------------------------------------------------------------

    def _put(self, message: bytes, address: Address) -> None:
        try:
            self._socket_for(address).sendto(message, address)
        except BlockingIOError:  # as good as lost on the way: there is another try
            pass
        except OSError as error:
            if error.errno != errno.ENOBUFS:  # likewise
                raise
        self.sent += 1
        self.count(message, address)

    def count(self, message: bytes, address: Address) -> None:
        """Adds a message, either way, to what passed; of other engines' too."""
        self.packets += 1
        self.octets += len(message) + _IP_AND_UDP[len(address)]

    def _socket_for(self, address: Address) -> socket.socket:
        family = socket.AF_INET if len(address) == len(("host", "port")) else socket.AF_INET6
        if family not in self._sockets:
            if self._closed:
                raise OSError(errno.EBADF, "the wire is closed")
            opened = socket.socket(family, socket.SOCK_DGRAM)
            opened.setblocking(False)
            with contextlib.suppress(OSError):
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
            self._sockets[family] = opened
            self._loop.add_reader(opened, self._hear, opened)
        return self._sockets[family]

    def _hear(self, from_socket: socket.socket, most: int = _AT_ONCE) -> None:
        for _ in range(most):
            try:
                message, address = from_socket.recvfrom(MAX_MESSAGE)
            except OSError:  # nothing more, or an ICMP error some systems report here
                return
            self.count(message, address)
            self._heard(message, address)

    def _heard(self, message: bytes, address: Address) -> None:
        if self._hello is not None and hello.is_v3(message):
            self._hello(address)
            return
        read = self._decoded(message, address)
        if read is None:
            return
        number, answer = read
        asking = self._waiting.get((address, number))
        if asking is not None:
            if not asking.resent:  # RFC 6298, section 3: which try was answered cannot be told
                took_s = self._loop.time() - asking.sent_at
                asking.wait_s = min(max(self._timeout_s, 4 * took_s), LONGEST_WAIT_S)
            self._say(asking, lambda: asking.talk.send(answer))
        elif number in self._sweeps:
            self._sweeps[number](address)

    def _decoded(self, message: bytes, address: Address) -> tuple[int, Answer] | None:
        """What the first codec reads that can. The others cost much: they are tried for who was asked, once a request."""
        first, *others = self._codecs
        try:
            return first.decode(message)
        except Exception:  # on garbage pyasn1 raises whatever it trips over, not only its own errors
            if address in self._garbled or not any(asked == address for asked, _ in self._waiting):
                return None
        for codec in others if len(message) <= _MOST_LENIENT else ():
            with contextlib.suppress(Exception):
                return codec.decode(message)
        self._garbled.add(address)
        return None
