"""The fast engine for SNMPv3, and the only importer of gufo_snmp; it speaks v2c too, where it is asked to.

gufo_snmp asks for one name in a GETNEXT or GETBULK, hides error-status, and leaves out what is missing. Here its answers are
put in the order of RFC 3416, 4.2.3, and where nothing came back each name is asked alone, which tells missing from refused.
Its low-level sockets are used: only they read the answer to any request as names and values (its iterators end with the
subtree they began in). And it believes what it receives: no digest is checked, and some octets make it panic. So every
datagram is looked at first, and whatever is not sound BER, or not authentic, never gets to it.
"""

import asyncio
import hmac
import re
import socket
from collections.abc import Awaitable, Callable, Iterable
from functools import lru_cache
from typing import TypeVar

from gufo.snmp._fast import GetIter, NoSuchInstance, SnmpError, SnmpV2cClientSocket, SnmpV3ClientSocket
from gufo.snmp.user import (
    Aes128Key,
    Aes192Key,
    Aes256Key,
    BaseAuthKey,
    BasePrivKey,
    DesKey,
    KeyExpansion,
    KeyType,
    Md5Key,
    Sha1Key,
    Sha224Key,
    Sha256Key,
    Sha384Key,
    Sha512Key,
    User,
)

from meterpost.devices.snmp.ber import Garbled
from meterpost.devices.snmp.credentials import Credential, SnmpUserSecret
from meterpost.devices.snmp.port import Answer, Binding, ErrorStatus, Kind, Request, T, Talk, Unanswered, hold
from meterpost.devices.snmp.wire import LONGEST_WAIT_S, MAX_MESSAGE, Address
from meterpost.errors import DeviceError
from meterpost.recording import Oid, Value, dotted

# Hash, and octets of the digest that are sent (RFC 3414, 6.3.1 and 7.3.1; RFC 7860, 4.1).
_AUTH: dict[str, tuple[type[BaseAuthKey], str, int]] = {
    "MD5": (Md5Key, "md5", 12),
    "SHA": (Sha1Key, "sha1", 12),
    "SHA224": (Sha224Key, "sha224", 16),
    "SHA256": (Sha256Key, "sha256", 24),
    "SHA384": (Sha384Key, "sha384", 32),
    "SHA512": (Sha512Key, "sha512", 48),
}
_PRIV: dict[str, type[BasePrivKey]] = {"DES": DesKey, "AES": Aes128Key, "AES192": Aes192Key, "AES256": Aes256Key}

# What a report counts, by its place below usmStats (RFC 3414, section 5), in the words of the reference engine.
_USM_STATS = bytes.fromhex("2b060106030f0101")
_NOT_IN_TIME, _UNKNOWN_ENGINE = 2, 4
_REFUSALS = {
    1: "Unsupported SNMP security level",
    _NOT_IN_TIME: "SNMP message timing parameters not in windows of trust",
    3: "Unknown USM user",
    _UNKNOWN_ENGINE: "Unknown SNMP engine ID encountered",
    5: "Wrong SNMP PDU digest",
    6: "Ciphering services not available or ciphertext is broken",
}
_BUFFER = 4080  # octets of a message gufo_snmp has room for
_AUTHENTIC_AND_PRIVATE = 3  # msgFlags (RFC 3412, 6.4)
_SEQUENCE, _INTEGER, _OCTETS, _NULL, _OID, _REPORT = 0x30, 0x02, 0x04, 0x05, 0x06, 0xA8
_MAY_BE_EMPTY = frozenset({_OCTETS, _NULL, 0x44, 0x80, 0x81, 0x82})
_DEEPEST = 6

R = TypeVar("R")
Socket = SnmpV2cClientSocket | SnmpV3ClientSocket
Element = tuple[int, int, int]
"""Tag, and where the content begins and ends."""


def takes(credential: Credential) -> bool:
    """Whether this engine can ask with `credential`."""
    user = credential.user
    return credential.version == "2c" if user is None else user.auth in _AUTH and user.priv in _PRIV


class _Refused(Exception):
    """The answer says nothing: an error-status, which gufo_snmp hides, or more octets than it has room for."""


class _OutOfTime(Exception):
    """The agent's clock is not what we thought; now it is known."""


class GufoAgent:
    """An agent on a socket of its own, which is opened by the first request."""

    def __init__(
        self, address: Address, credential: Credential, timeout_s: float, tries: int, turn: Callable[[], Awaitable[None]]
    ) -> None:
        """`turn` is awaited before every packet. Each of at most `tries` is waited for twice as long as the one before."""
        self._address, self._credential = address, credential
        self._timeout_s, self._tries, self._turn = timeout_s, tries, turn
        self._socket: Socket | None = None
        self._auth_key = b""
        self._garbled = False

    @property
    def has_bulk(self) -> bool:
        return True

    async def hold(self, talk: Talk[T], first_tries: int | None = None) -> T:
        return await hold(talk, self._ask, self._tries, first_tries)

    async def close(self) -> None:
        self._socket = None  # closes it

    # --- requests ------------------------------------------------------------------------------------------

    async def _ask(self, request: Request, tries: int) -> Answer:
        exchange = _Exchange(self, await self._open(tries), tries)
        bindings: list[Binding] = []
        try:
            if request.kind is Kind.GET:
                await exchange.get(request.names, bindings)
            elif request.kind is Kind.GET_NEXT:
                for name in request.names:
                    bindings.append(await exchange.next(name))
            else:
                await exchange.successors(request.names[: request.non_repeaters], bindings)
                bindings += await exchange.rows(request.names[request.non_repeaters :], request.repetitions)
        except _Refused:
            return Answer(status=ErrorStatus.GEN_ERR, index=len(bindings) + 1)
        return Answer(tuple(bindings))

    async def _open(self, tries: int) -> Socket:
        if self._socket is not None:
            return self._socket
        host, port, *scope = self._address
        where = f"[{host.partition('%')[0]}%{scope[1]}]:{port}" if scope else f"{host}:{port}"
        try:
            if self._credential.user is None:
                self._socket = SnmpV2cClientSocket(where, self._credential.community, 0, 0, 0, 0)
                return self._socket
            asked = SnmpV3ClientSocket(where, b"", "", 0, b"", 0, b"", 0, 0, 0, 0)
        except OSError as error:
            raise self._unreachable(error) from None
        # Engine id and clock come with one report (RFC 3414, section 4). They are asked anew by every agent: to ask with a
        # remembered engine id costs a packet for the clock all the same.
        await _Exchange(self, asked, tries).tell(asked.send_refresh, asked.recv_refresh)
        user, auth = _user(self._credential.user), _AUTH[self._credential.user.auth][0]
        self._auth_key = auth.get_localized_key(user.get_auth_key(), asked.get_engine_id())
        asked.set_keys(user.name, user.get_auth_alg(), user.get_auth_key(), user.get_priv_alg(), user.get_priv_key())
        self._socket = asked
        return asked

    # --- what may be believed ------------------------------------------------------------------------------

    def _trust(self, octets: bytes) -> None:
        """Raises Garbled for what must not be looked at, DeviceError for a refusal, _OutOfTime for a clock that differs."""
        user = self._credential.user
        if user is None:
            _check(octets, 0, len(octets))
            return
        (version, header, usm, data) = _elements(octets, *_only(octets, 0, len(octets), _SEQUENCE), count=4)
        _, _, flags, _ = _elements(octets, header[1], header[2], count=4)
        parameters = _elements(octets, *_only(octets, usm[1], usm[2], _SEQUENCE), count=6)
        if octets[version[1] : version[2]] != b"\x03" or flags[2] - flags[1] != 1:
            raise Garbled("not a message of SNMPv3")
        level, digest = octets[flags[1]] & _AUTHENTIC_AND_PRIVATE, parameters[4]
        if data[0] == _OCTETS:
            if level != _AUTHENTIC_AND_PRIVATE or not self._is_authentic(octets, digest, user):
                raise Garbled("not authentic")
            return
        reason = _reason(octets, data)
        if reason == _UNKNOWN_ENGINE and not self._auth_key:
            return
        if reason == _NOT_IN_TIME:
            if not self._is_authentic(octets, digest, user):
                raise Garbled("not authentic")
            raise _OutOfTime
        raise DeviceError(
            f"{self._address[0]} does not accept the SNMPv3 user {user.name}: {_REFUSALS.get(reason, 'report')}",
            "Compare name, passwords and protocols with the printer's SNMPv3 page.",
        )

    def _is_authentic(self, octets: bytes, digest: Element, user: SnmpUserSecret) -> bool:
        """RFC 3414, 6.3.2: the digest is that of the message with zeros in its place."""
        _, hash_name, size = _AUTH[user.auth]
        _, start, stop = digest
        blanked = octets[:start] + bytes(stop - start) + octets[stop:]
        right = hmac.digest(self._auth_key, blanked, hash_name)[:size]
        return bool(self._auth_key) and hmac.compare_digest(octets[start:stop], right)

    # --- errors --------------------------------------------------------------------------------------------

    def _unreachable(self, error: OSError) -> Unanswered:
        what = re.sub(r" \(os error \d+\)$", "", str(error))  # gufo_snmp gives words, no number
        return Unanswered(f"{self._address[0]} cannot be reached: {what}", "Is this computer on the network?")

    def _silence(self) -> Unanswered:
        where = f"{self._address[0]} port {self._address[1]}"
        if self._garbled:
            return Unanswered(f"{where} answered, but not in SNMP", "Is another service listening on this port?")
        return Unanswered(
            f"{where} does not answer SNMP",
            "Is it switched on, is SNMP on in its settings, and are community or user right?",
        )


class _Exchange:
    """One request of a talk, in as many packets as gufo_snmp needs for it."""

    def __init__(self, agent: GufoAgent, asked: Socket, tries: int) -> None:
        self._agent, self._socket, self._tries = agent, asked, tries
        self._fd = asked.get_fd()

    async def get(self, names: tuple[Oid, ...], bindings: list[Binding]) -> None:
        """Puts `names` with their values into `bindings`. Raises _Refused."""
        found = await self._several(names) if len(names) > 1 else {}
        for name in names:
            bindings.append((name, found.get(name) if found else await self._alone(name, bool(len(names) > 1))))

    async def next(self, name: Oid) -> Binding:
        """The successor of `name`, `name` with None at the end of the MIB. Raises _Refused."""
        rows = await self._following(name, 1)
        return rows[0] if rows else (name, None)

    async def successors(self, names: tuple[Oid, ...], bindings: list[Binding]) -> None:
        """As `next` for many `names`, with one GET for those whose successor can be guessed: no name is between x and x.0,
        and the instance after x is x's sibling, unless something is below x, which is no instance then."""
        guesses = {name: (*([(*name, 0)] if name[-1] else []), (*name[:-1], name[-1] + 1)) for name in names}
        found = await self._several([guess for pair in guesses.values() for guess in pair]) if names else {}
        for name in names:
            known = next(((guess, found[guess]) for guess in guesses[name] if guess in found), None)
            bindings.append(known or await self.next(name))

    async def rows(self, names: tuple[Oid, ...], repetitions: int) -> list[Binding]:
        """Rows of what follows each of `names`, as many as all of those have that are not at the end. Raises _Refused."""
        if not names or repetitions < 1:
            return []
        columns = [await self._following(name, repetitions) for name in names]
        height = min((len(column) for column in columns if column), default=1)
        ends = [column or [(name, None)] * height for name, column in zip(names, columns, strict=True)]
        return [column[row] for row in range(height) for column in ends]

    async def _several(self, names: Iterable[Oid]) -> dict[Oid, Value]:
        texts = [dotted(name) for name in names]
        try:
            return await self._named(lambda: self._socket.send_get_many(texts))
        except _Refused:
            return {}

    async def _alone(self, name: Oid, doubtful: bool) -> Value:
        """The value of `name`; `doubtful` where it was asked among others and nothing came back at all."""
        value = await self._one(lambda: self._socket.send_get(dotted(name)))
        if doubtful and value is not None:
            raise _Refused
        return value

    async def _following(self, name: Oid, most: int) -> list[Binding]:
        start = GetIter(dotted(name if len(name) > 1 else (*name, 0)), most)
        send = (lambda: self._socket.send_get_bulk(start)) if most > 1 else (lambda: self._socket.send_get_next(start))
        found = await self._named(send)
        if not found and await self._one(lambda: self._socket.send_get_next(start)) is not None:
            raise _Refused
        return list(found.items())[:most]

    async def _named(self, send: Callable[[], None]) -> dict[Oid, Value]:
        found = await self.tell(send, self._socket.recv_get_many)
        return {_oid(name): _value(value) for name, value in found.items()}

    async def _one(self, send: Callable[[], None]) -> Value:
        """The value of the one name asked, None where it is missing. Raises _Refused for an answer without either."""
        try:
            value = _value(await self.tell(send, self._socket.recv_get))
        except NoSuchInstance:
            return None
        if value is None:
            raise _Refused
        return value

    # --- packets -------------------------------------------------------------------------------------------

    async def tell(self, send: Callable[[], None], receive: Callable[[], R]) -> R:
        """Sends and receives. Raises Unanswered, DeviceError, _Refused, and NoSuchInstance where `receive` does."""
        self._agent._garbled = False
        tries, wait_s, adjusted = self._tries, self._agent._timeout_s, False
        while tries > 0:
            await self._agent._turn()
            try:
                send()
            except BlockingIOError:
                pass  # as good as lost on the way
            except OSError as error:
                raise self._agent._unreachable(error) from None
            try:
                async with asyncio.timeout(wait_s):
                    return await self._hear(receive)
            except TimeoutError:
                tries -= 1
                wait_s = min(2 * wait_s, LONGEST_WAIT_S)
            except _OutOfTime:
                tries -= adjusted
                adjusted = True
        raise self._agent._silence()

    async def _hear(self, receive: Callable[[], R]) -> R:
        while True:
            await self._readable()
            try:
                octets = self._look(socket.MSG_PEEK)
                self._agent._trust(octets)
                if len(octets) > _BUFFER:
                    raise _Refused
            except BlockingIOError:
                continue
            except ConnectionRefusedError:
                raise self._agent._silence() from None
            except (Garbled, IndexError):
                self._look()
                self._agent._garbled = True
                continue
            except _OutOfTime:
                assert isinstance(self._socket, SnmpV3ClientSocket)
                self._safely(self._socket.recv_refresh)
                raise
            except (DeviceError, _Refused):
                self._look()
                raise
            try:
                return self._safely(receive)
            except BlockingIOError:  # the answer to another question
                continue
            except NoSuchInstance:
                raise
            except SnmpError:
                self._agent._garbled = True

    def _safely(self, receive: Callable[[], R]) -> R:
        try:
            return receive()
        except BaseException as error:
            if type(error).__name__ != "PanicException":  # of the Rust binding; it derives from BaseException
                raise
            raise SnmpError(str(error)) from None

    async def _readable(self) -> None:
        loop = asyncio.get_running_loop()
        came = asyncio.Event()
        loop.add_reader(self._fd, came.set)
        try:
            await came.wait()
        finally:
            loop.remove_reader(self._fd)

    def _look(self, how: int = 0) -> bytes:
        """The next datagram, taken unless `how` is MSG_PEEK."""
        family = socket.AF_INET6 if len(self._agent._address) > len(("host", "port")) else socket.AF_INET
        borrowed = socket.socket(family, socket.SOCK_DGRAM, socket.IPPROTO_UDP, self._fd)
        try:
            return borrowed.recv(MAX_MESSAGE, how)
        finally:
            borrowed.detach()


@lru_cache(64)
def _user(secret: SnmpUserSecret) -> User:
    """With its passwords hashed: a megabyte each (RFC 3414, A.2), so once per user and not once per agent."""
    auth = _AUTH[secret.auth][0]
    return User(
        secret.name,
        key_expansion=KeyExpansion.Cisco,  # as pysnmp, and most devices, draw a hash out to 192 and 256 bits
        auth_key=auth(auth.get_master_key(secret.auth_password.encode()), KeyType.Master),
        priv_key=_PRIV[secret.priv](auth.get_master_key(secret.priv_password.encode()), KeyType.Master),
    )


def _oid(text: str) -> Oid:
    return tuple(map(int, text.split(".")))


def _value(value: object) -> Value:
    """Object identifiers and addresses both come as dotted text; four arcs are an address, for who would name so little?"""
    if isinstance(value, int | bytes):
        return value
    if not isinstance(value, str):
        return None
    arcs = _oid(value)
    return bytes(arcs) if len(arcs) == 4 and max(arcs) < 256 else arcs


# --- BER, as far as it must be sound ---------------------------------------------------------------------------


def _elements(octets: bytes, at: int, end: int, count: int | None = None) -> list[Element]:
    """The elements that fill the octets from `at` to `end`. Raises Garbled, also where they are not `count`."""
    found: list[Element] = []
    while at < end:
        tag, size = octets[at], octets[at + 1]
        at += 2
        if size & 0x80:
            width = size & 0x7F
            if not 1 <= width <= 3:
                raise Garbled(f"a length of {width} octets")
            size = int.from_bytes(octets[at : at + width], "big")
            at += width
        if at + size > end or tag & 0x1F == 0x1F:
            raise Garbled(f"an element with tag {tag:#x} and {size} octets at octet {at}")
        found.append((tag, at, at + size))
        at += size
    if at != end or (count is not None and len(found) != count):
        raise Garbled(f"{len(found)} elements")
    return found


def _only(octets: bytes, at: int, end: int, tag: int) -> tuple[int, int]:
    (found,) = _elements(octets, at, end, count=1)
    if found[0] != tag:
        raise Garbled(f"tag {found[0]:#x} instead of {tag:#x}")
    return found[1], found[2]


def _check(octets: bytes, at: int, end: int, depth: int = 0, within: int = 0) -> None:
    """Raises Garbled unless every element fills what holds it and is not emptier than its tag allows."""
    for tag, start, stop in _elements(octets, at, end):
        if start == stop and tag not in _MAY_BE_EMPTY and not (tag == _SEQUENCE and within & 0xE0 == 0xA0):
            raise Garbled(f"nothing in tag {tag:#x} at octet {start}")
        if tag & 0x20:
            if depth == _DEEPEST:
                raise Garbled("too deep")
            _check(octets, start, stop, depth + 1, tag)


def _reason(octets: bytes, scoped: Element) -> int:
    """Which of usmStats a plain report counts, 0 for another counter. Raises Garbled where it is no report."""
    _check(octets, scoped[1], scoped[2], depth=1, within=scoped[0])
    _, _, pdu = _elements(octets, scoped[1], scoped[2], count=3)
    if pdu[0] != _REPORT:
        raise Garbled(f"tag {pdu[0]:#x} in the open")
    *_, bindings = _elements(octets, pdu[1], pdu[2], count=4)
    for binding in _elements(octets, bindings[1], bindings[2]):
        name, _ = _elements(octets, binding[1], binding[2], count=2)
        if octets[name[1] : name[2]].startswith(_USM_STATS) and name[2] - name[1] > len(_USM_STATS):
            return octets[name[1] + len(_USM_STATS)]
    return 0
