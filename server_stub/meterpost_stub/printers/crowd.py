"""A crowd: thousands of printers from a few recordings behind one UDP socket, fast enough to measure clients with. TEST ONLY.

Printer n has the n-th address of the network and serves recording n modulo their number, but as a device of its own: its
number in five hexadecimal digits ends its serial number, its sysName and its MAC addresses. What a recording answers to a
request is worked out once by an `Agent` and then remembered without the request-id and those digits.

The socket is bound to the loopback device (Linux; since 5.7 without privilege), so no packet from elsewhere reaches it, and
packets to addresses outside the crowd are dropped: a dead address is silent, as on a real network, and not refused.
"""

import heapq
import ipaddress
import random
import re
import socket
import struct
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from math import ceil
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from meterpost.errors import SettingsError
from meterpost.recording import BadRecording, Tag, Variable, load, oid
from meterpost_stub.printers.agent import Agent
from meterpost_stub.printers.fleet import FleetError, addresses, engine_id
from meterpost_stub.printers.mib import Mib
from meterpost_stub.printers.pdu import MAX_MESSAGE
from meterpost_stub.printers.usm import AgentUser, Usm

NAME, MAC = oid("1.3.6.1.2.1.1.5.0"), oid("1.3.6.1.2.1.2.2.1.6")
SERIALS = tuple(
    map(
        oid,
        (
            "1.3.6.1.2.1.43.5.1.1.17",  # prtGeneralSerialNumber
            "1.3.6.1.4.1.11.2.3.9.4.2.1.1.3.3",  # HP
            "1.3.6.1.4.1.236.11.5.1.1.1.4",  # Samsung
            "1.3.6.1.4.1.253.8.53.3.2.1.3",  # Xerox
            "1.3.6.1.4.1.367.3.2.1.2.1.4",  # Ricoh
            "1.3.6.1.4.1.641.2.1.2.1.6",  # Lexmark
            "1.3.6.1.4.1.641.6.2.3.1.5",
            "1.3.6.1.4.1.674.10898.100.2.1.2.1.6",  # Dell
            "1.3.6.1.4.1.1129.1.2.1.1.1.1.1",  # Toshiba
            "1.3.6.1.4.1.1248.1.2.2.1.1.1.5",  # Epson
            "1.3.6.1.4.1.1347.43.5.1.1.28",  # Kyocera
            "1.3.6.1.4.1.1602.1.2.1.8.1.3.1",  # Canon
            "1.3.6.1.4.1.2001.1.1.1.1.11.1.10.45",  # OKI
            "1.3.6.1.4.1.2435.2.3.9.4.2.1.5.5.1",  # Brother
            "1.3.6.1.4.1.10642.1.9",  # Zebra
            "1.3.6.1.4.1.10642.200.19.5",
        ),
    )
)
"""Columns that hold a serial number."""
_NAMED_SERIAL = re.compile(rb"\b(?:SN:|SERN:|S/N )(\w+)")  # in a device id (IEEE 1284), or in a sysDescr

DIGITS = 5
MAX_PRINTERS = 16**DIGITS
MEMO_OCTETS = 64 * 1024 * 1024
_TELLING = 6  # octets; a shorter serial number may stand in other values by chance
_LONGEST_ID = b"\x02\x04\x7f\xff\xff\xff"  # the memo's request-id: with any other, an answer is not larger than with this
_PKTINFO = getattr(socket, "IP_PKTINFO", 8)  # in_pktinfo: device, local address, destination; it sends as it is received
_MEMINFO, _DROPS = 55, 8  # SO_MEMINFO and the place in it of what the kernel dropped for want of room
_RECEIVE_OCTETS = 64 * 1024 * 1024
_AT_ONCE = 64  # datagrams taken before what is due is sent


@dataclass(frozen=True, slots=True)
class Manner:
    """How the crowd behaves. `printers` have addresses, the share `alive` of them answers, each answer after a time
    drawn evenly from `delay_ms`; the share `loss` of the answers is lost. Equal seeds draw equally. Raises SettingsError."""

    printers: int
    alive: float = 1.0
    delay_ms: tuple[float, float] = (0.0, 0.0)
    loss: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.printers <= MAX_PRINTERS:
            raise SettingsError(f"a crowd of {self.printers} is not one of 1 to {MAX_PRINTERS} printers")
        if not (0 <= self.alive <= 1 and 0 <= self.loss <= 1):
            raise SettingsError(f"alive {self.alive} and loss {self.loss} are not shares between 0 and 1")
        low, high = self.delay_ms
        if not 0 <= low <= high <= 60_000:
            raise SettingsError(f"the delay {low:g}-{high:g} is not a range of milliseconds up to 60000")

    def living(self) -> tuple[int, ...]:
        """The numbers of the printers that answer."""
        chosen = random.Random(self.seed).sample(range(self.printers), round(self.alive * self.printers))  # noqa: S311  # reproducible
        return tuple(sorted(chosen))


@dataclass(slots=True)
class Counts:
    """Datagrams and octets of UDP payload; `unheard` are the requests to dead addresses, `lost` the answers lost."""

    requests: int = 0
    request_octets: int = 0
    unheard: int = 0
    unheard_octets: int = 0
    answers: int = 0
    answer_octets: int = 0
    lost: int = 0


class _Parts(NamedTuple):
    """A v1 or v2c message: version, community and tag of the PDU; the request-id as it was encoded; what follows it."""

    head: bytes
    request_id: bytes
    rest: bytes


_NOTHING = _Parts(b"", b"", b"")


class _Template(NamedTuple):
    """An answer without its request-id; between `pieces` belong the digits of the printer."""

    head: bytes
    pieces: tuple[bytes, ...]


class _Recording:
    """The variables of one, and the answers worked out so far."""

    def __init__(self, path: Path, communities: tuple[str, ...]) -> None:
        try:
            self.variables = load(path)
        except (BadRecording, OSError) as error:
            raise SettingsError(f"the recording {path} cannot be served: {error}") from None
        self._two = [Agent(Mib(own(self.variables, n)), communities, Usm(b"", (), 0)) for n in (0, MAX_PRINTERS - 1)]
        self.memo: dict[bytes, _Template | None] = {}

    def template(self, asked: _Parts) -> _Template | None:
        """Two printers that differ in every digit are asked: where their answers differ, the digits belong."""
        request = assemble(_Parts(asked.head, _LONGEST_ID, asked.rest))
        first, last = (agent.answer(request) for agent in self._two)
        if first is None or last is None:
            return None
        head, _, rest = split(first) or _NOTHING
        return _Template(head, tuple(_between(rest, (split(last) or _NOTHING).rest)))


class Crowd:
    """A context manager: inside it `turn` takes what has come and sends what is due.

    Raises SettingsError for a bad recording or network, FleetError on entering when the port cannot be had."""

    def __init__(
        self,
        recordings: Sequence[Path],
        manner: Manner,
        network: str = "127.64.0.0/12",
        port: int = 1161,
        communities: tuple[str, ...] = ("public",),
        users: tuple[AgentUser, ...] = (),
    ) -> None:
        self._addresses = addresses(network, manner.printers)
        self._first = int(ipaddress.IPv4Address(self._addresses[0]))
        self._recordings = [_Recording(path, communities) for path in recordings]
        self._communities, self._users, self._boots = communities, users, int(time.time())
        self._agents: dict[int, Agent] = {}
        self._memo_room = MEMO_OCTETS
        self._due: list[tuple[float, int, bytes, Any, Any]] = []
        self._order = count()
        self.port = port
        self.behave(manner)

    def __enter__(self) -> Self:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
            self._socket.setsockopt(socket.IPPROTO_IP, _PKTINFO, 1)
            _enlarge(self._socket)
            self._socket.bind(("", self.port))
        except (OSError, AttributeError) as error:
            self._socket.close()
            raise FleetError(
                f"the crowd cannot listen on port {self.port} of the loopback device: {error}",
                "Stop what uses the port, or choose another --port. A crowd needs Linux 5.7.",
            ) from None
        self.port = self._socket.getsockname()[1]
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._socket.close()

    def fileno(self) -> int:
        """So that a crowd can be waited for."""
        return self._socket.fileno()

    @property
    def alive(self) -> tuple[str, ...]:
        """The addresses that answer."""
        return tuple(self._addresses[n] for n in self.manner.living())

    def behave(self, manner: Manner) -> Counts:
        """From now on so; what was on its way is forgotten. The counts up to now. Raises SettingsError."""
        if manner.printers > len(self._addresses):
            raise SettingsError(f"the crowd has {len(self._addresses)} printers and cannot be made one of {manner.printers}")
        self.manner, self._random = manner, random.Random(manner.seed)  # noqa: S311  # reproducible
        living = frozenset(manner.living())
        self._alive = [n in living for n in range(manner.printers)]
        self._due.clear()
        counts, self.counts = getattr(self, "counts", Counts()), Counts()
        return counts

    def dropped(self) -> int:
        """Datagrams the kernel has dropped since the start because the crowd was too slow to take them."""
        return int(struct.unpack("9I", self._socket.getsockopt(socket.SOL_SOCKET, _MEMINFO, 36))[_DROPS])

    def answer(self, n: int, octets: bytes) -> bytes | None:
        """What printer `n` sends back for a datagram; None is silence."""
        asked = split(octets)
        if asked is None:  # v3, and whatever a crowd need not be quick at
            return self._agent(n).answer(octets)
        recording = self._recordings[n % len(self._recordings)]
        key = asked.head + asked.rest
        try:
            template = recording.memo[key]
        except KeyError:
            template = self._remember(recording, key, asked)
        if template is None:
            return None
        return assemble(_Parts(template.head, asked.request_id, (b"%05X" % n).join(template.pieces)))

    def turn(self, now: float) -> float | None:
        """Take some of what has come and send what is due by `now`. Until when (on the same clock, in seconds) there is
        nothing to do unless something comes; None: for ever."""
        low, high = self.manner.delay_ms
        counts, alive, drawn = self.counts, self._alive, self._random.random
        for _ in range(_AT_ONCE):
            try:
                octets, ancillary, _, peer = self._socket.recvmsg(MAX_MESSAGE + 1, 64, socket.MSG_DONTWAIT)
            except BlockingIOError:
                break
            n = int.from_bytes(ancillary[0][2][8:12], "big") - self._first
            if not 0 <= n < len(alive) or not alive[n]:
                counts.unheard += 1
                counts.unheard_octets += len(octets)
                continue
            counts.requests += 1
            counts.request_octets += len(octets)
            answer = self.answer(n, octets)
            if answer is None:
                continue
            if self.manner.loss and drawn() < self.manner.loss:
                counts.lost += 1
            elif high:
                at = ceil(now * 1000 + low + (high - low) * drawn()) / 1000  # many at one tick cost one turn
                heapq.heappush(self._due, (at, next(self._order), answer, ancillary, peer))
            else:
                self._send(answer, ancillary, peer)
        while self._due and self._due[0][0] <= now:
            self._send(*heapq.heappop(self._due)[2:])
        return self._due[0][0] if self._due else None

    def _send(self, answer: bytes, ancillary: Any, peer: Any) -> None:
        self.counts.answers += 1
        self.counts.answer_octets += len(answer)
        self._socket.sendmsg((answer,), ancillary, 0, peer)

    def _remember(self, recording: _Recording, key: bytes, asked: _Parts) -> _Template | None:
        template = recording.template(asked)
        self._memo_room -= 2 * len(key) + sum(map(len, template.pieces if template else ())) + 500
        if self._memo_room < 0:  # somebody asks ever new things
            for each in self._recordings:
                each.memo.clear()
            self._memo_room = MEMO_OCTETS
        recording.memo[key] = template
        return template

    def _agent(self, n: int) -> Agent:
        if n not in self._agents:
            variables = self._recordings[n % len(self._recordings)].variables
            usm = Usm(engine_id(self._addresses[n]), self._users, self._boots)
            self._agents[n] = Agent(Mib(own(variables, n)), self._communities, usm)
        return self._agents[n]


def own(variables: Sequence[Variable], n: int) -> Iterator[Variable]:
    """The variables as printer `n` has them, values as long as any other printer's. A serial number is replaced wherever
    it stands; what is empty or not there stays so."""
    digits = b"%05X" % n
    serials = {}
    for variable in variables:
        value = variable.value
        if isinstance(value, bytes):
            is_serial = variable.oid[:-1] in SERIALS or variable.oid[:-2] in SERIALS
            for serial in [value.strip(b" \0")] if is_serial else _NAMED_SERIAL.findall(value):
                serials[serial] = serial[:-DIGITS] + digits
    serials.pop(b"", None)
    for variable in variables:
        value = variable.value
        if variable.tag is not Tag.OCTETS or not isinstance(value, bytes) or not value:
            yield variable
        elif variable.oid[:-1] == MAC:
            yield replace(variable, value=b"\x02" + digits) if len(value) == 1 + DIGITS else variable
        elif variable.oid == NAME:
            yield replace(variable, value=value[:-DIGITS] + digits)
        else:
            bare = value.strip(b" \0")
            for serial, mine in serials.items():
                if serial == bare or len(serial) >= _TELLING:
                    value = value.replace(serial, mine)
            yield replace(variable, value=value) if value != variable.value else variable


def split(octets: bytes) -> _Parts | None:
    """The parts of a v1 or v2c message with lengths in order; None for anything else."""
    try:
        start, end = _content(octets, 0)
        community = start + 3
        if octets[start:community] not in (b"\x02\x01\x00", b"\x02\x01\x01") or end != len(octets):
            return None
        _, tag = _content(octets, community)
        body, end = _content(octets, tag)
        number, rest = _content(octets, body)
        value = int.from_bytes(octets[number:rest], "big", signed=True)
    except IndexError:
        return None
    if octets[0] != 0x30 or end != len(octets):
        return None
    shortest = value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)  # which is how an agent writes it back
    if octets[body:rest] != bytes((0x02, len(shortest))) + shortest:
        return None
    return _Parts(octets[start : tag + 1], octets[body:rest], octets[rest:])


def assemble(parts: _Parts) -> bytes:
    """The message of these parts; the lengths around them are worked out anew."""
    size = len(parts.request_id) + len(parts.rest)
    inner = b"%b%b%b%b" % (parts.head, _length(size), parts.request_id, parts.rest)
    return b"0%b%b" % (_length(len(inner)), inner)


def _content(octets: bytes, at: int) -> tuple[int, int]:
    """Where the content of the element at `at` starts and ends (X.690, 8.1.3). Raises IndexError."""
    size = octets[at + 1]
    if size < 0x80:
        return at + 2, at + 2 + size
    start = at + 2 + (size & 0x7F)
    return start, start + int.from_bytes(octets[at + 2 : start], "big")


def _length(size: int) -> bytes:
    if size < 0x80:
        return size.to_bytes(1, "big")
    return b"\x81%c" % size if size < 0x100 else b"\x82" + size.to_bytes(2, "big")


def _between(first: bytes, last: bytes) -> Iterator[bytes]:
    """The pieces of `first` around the runs of DIGITS octets in which it differs from `last`."""
    start = at = 0
    while at < len(first):
        if first[at] == last[at]:
            at += 1
        else:
            yield first[start:at]
            start = at = at + DIGITS
    yield first[start:]


def _enlarge(endpoint: socket.socket) -> None:
    """A sweep's requests come faster than they are taken; beyond the system's limit only with privilege."""
    try:
        endpoint.setsockopt(socket.SOL_SOCKET, 33, _RECEIVE_OCTETS)  # SO_RCVBUFFORCE
    except OSError:
        endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_OCTETS)
