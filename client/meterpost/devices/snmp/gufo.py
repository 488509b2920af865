"""The fast engine for SNMPv3, and the only importer of gufo_snmp; it speaks v2c too, where it is asked to.

gufo_snmp asks for one name in a GETNEXT or GETBULK, hides error-status, and leaves out what is missing. Here its answers are
put in the order of RFC 3416, 4.2.3, and where nothing came back each name is asked alone, which tells missing from refused.
Its low-level sockets are used: only they read the answer to any request as names and values (its iterators end with the
subtree they began in). And it believes what it receives: no digest is checked, and some octets make it panic. So it is only
the codec: its socket is one end of a pair, ours the other. What it writes there is sent, as often as need be; what comes is
looked at, and only what is sound BER, and authentic, is handed to it, one datagram at a time.
"""

import asyncio
import hmac
import os
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

from meterpost.devices.snmp.ber import Garbled, decode
from meterpost.devices.snmp.credentials import Credential, SnmpUserSecret
from meterpost.devices.snmp.port import Answer, Binding, ErrorStatus, Kind, Request, T, Talk, Unanswered, hold
from meterpost.devices.snmp.sound import INTEGER, OCTETS, SEQUENCE, Element, check, elements, reason, these
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
_NOT_IN_TIME, _UNKNOWN_ENGINE = 2, 4
_REFUSALS = {
    1: "Unsupported SNMP security level",
    _NOT_IN_TIME: "SNMP message timing parameters not in windows of trust",
    3: "Unknown USM user",
    _UNKNOWN_ENGINE: "Unknown SNMP engine ID encountered",
    5: "Wrong SNMP PDU digest",
    6: "Ciphering services not available or ciphertext is broken",
}
_GIVES_UP = ("PanicException", "RuntimeError")
"""How the Rust binding fails where it has no error of its own: the first derives from BaseException, the other has the name
of the error it wants to be in its text."""
_BUFFER = 4080  # octets of a message gufo_snmp has room for

R = TypeVar("R")
Codec = SnmpV2cClientSocket | SnmpV3ClientSocket


def takes(credential: Credential) -> bool:
    """Whether this engine can ask with `credential`, on this system: Windows has no pair of sockets to put before it."""
    user = credential.user
    if not hasattr(socket, "AF_UNIX"):
        return False
    return credential.version == "2c" if user is None else user.auth in _AUTH and user.priv in _PRIV


class _Refused(Exception):
    """The answer says nothing: an error-status, which gufo_snmp hides, or more octets than it has room for."""


class _OutOfTime(Exception):
    """The agent's clock is not what we thought; now it is known."""


class GufoAgent:
    """An agent on a socket of its own, which is opened by the first request."""

    def __init__(
        self,
        address: Address,
        credential: Credential,
        timeout_s: float,
        tries: int,
        turn: Callable[[], Awaitable[None]],
        count: Callable[[bytes, Address], None] = lambda *_: None,
    ) -> None:
        """`turn` is awaited before every packet. Each of at most `tries` is waited for twice as long as the one before.
        `count` is told of every message, either way."""
        self.address, self.timeout_s, self.turn, self.count = address, timeout_s, turn, count
        self._credential, self._tries = credential, tries
        self._codec: Codec | None = None
        self._line: _Line | None = None
        self._auth_key = b""

    @property
    def has_bulk(self) -> bool:
        return True

    async def hold(self, talk: Talk[T], first_tries: int | None = None) -> T:
        return await hold(talk, self._ask, self._tries, first_tries)

    async def close(self) -> None:
        if self._line is not None:
            self._line.close()
        self._codec = self._line = None
        self._auth_key = b""

    @property
    def codec(self) -> Codec:
        """Its end of the pair is closed with the last reference to it, so nobody else keeps one: errors keep their frames."""
        assert self._codec is not None
        return self._codec

    # --- requests ------------------------------------------------------------------------------------------

    async def _ask(self, request: Request, tries: int) -> Answer:
        await self._open(tries)
        assert self._line is not None
        exchange = _Exchange(self, self._line, tries)
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

    async def _open(self, tries: int) -> None:
        user = self._credential.user
        if self._line is None:
            try:
                self._codec = (
                    SnmpV2cClientSocket(self._where(), self._credential.community, 0, 0, 0, 0)
                    if user is None
                    else SnmpV3ClientSocket(self._where(), b"", "", 0, b"", 0, b"", 0, 0, 0, 0)
                )
                self._line = _Line(self._codec.get_fd())
            except OSError as error:  # also where this computer has no more descriptors
                self._codec = None
                words = re.sub(r" \(os error \d+\)$", "", str(error))  # gufo_snmp gives no number
                raise self.unreachable(words) from None
        if user is None or self._auth_key:
            return
        # Engine id and clock come with one report (RFC 3414, section 4). They are asked anew by every agent: to ask with a
        # remembered engine id costs a packet for the clock all the same.
        await _Exchange(self, self._line, tries).refresh()
        keys, engine_id = _user(user), self.v3.get_engine_id()
        self.v3.set_keys(keys.name, keys.get_auth_alg(), keys.get_auth_key(), keys.get_priv_alg(), keys.get_priv_key())
        self._auth_key = _AUTH[user.auth][0].get_localized_key(keys.get_auth_key(), engine_id)

    @property
    def v3(self) -> SnmpV3ClientSocket:
        """The codec, where it is one of SNMPv3."""
        assert isinstance(self._codec, SnmpV3ClientSocket)
        return self._codec

    def _where(self) -> str:
        host, port, *scope = self.address
        return f"[{host.partition('%')[0]}%{scope[1]}]:{port}" if scope else f"{host}:{port}"

    # --- what may be believed ------------------------------------------------------------------------------

    def trust(self, octets: bytes) -> bool:
        """False for what comes too late. Raises Garbled for what must not be looked at, DeviceError for a refusal, _OutOfTime
        for a clock that differs."""
        user = self._credential.user
        if user is None:
            check(octets)
            decode(octets)
            return True
        (message,) = these(octets, (0, len(octets)), SEQUENCE)
        version, header, usm, data = elements(octets, *message[1:])
        these(octets, header, INTEGER, INTEGER, OCTETS, INTEGER)
        (parameters,) = these(octets, usm, SEQUENCE)
        *_, digest, _ = these(octets, parameters, OCTETS, INTEGER, INTEGER, OCTETS, OCTETS, OCTETS)
        if octets[version[1] : version[2]] != b"\x03":
            raise Garbled("not a message of SNMPv3")
        if data[0] == OCTETS:  # encrypted
            if not self._is_authentic(octets, digest, user):
                raise Garbled("not authentic")
            return True
        counted = reason(octets, data)
        if counted == _UNKNOWN_ENGINE:
            return not self._auth_key
        if counted == _NOT_IN_TIME:
            if not self._is_authentic(octets, digest, user):
                raise Garbled("not authentic")
            raise _OutOfTime
        raise DeviceError(
            f"{self.address[0]} does not accept the SNMPv3 user {user.name}: {_REFUSALS.get(counted, 'report')}",
            "Compare name, passwords and protocols with the printer's SNMPv3 page.",
        )

    def _is_authentic(self, octets: bytes, digest: Element, user: SnmpUserSecret) -> bool:
        """RFC 3414, 6.3.2: the digest is that of the message with zeros in its place."""
        _, hash_name, size = _AUTH[user.auth]
        _, start, stop = digest
        blanked = octets[:start] + bytes(stop - start) + octets[stop:]
        right = hmac.digest(self._auth_key, blanked, hash_name)[:size]
        return bool(self._auth_key) and hmac.compare_digest(octets[start:stop], right)

    def unreachable(self, why: str) -> Unanswered:
        """The error that says so."""
        return Unanswered(f"{self.address[0]} cannot be reached: {why}", "Is this computer on the network?")


class _Line:
    """The way to the device, taken from behind the codec's back: its descriptor becomes one end of a pair."""

    def __init__(self, descriptor: int) -> None:
        self.outside = socket.socket(fileno=os.dup(descriptor))
        self.inside, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        for end in (self.outside, self.inside, theirs):
            end.setblocking(False)
        os.dup2(theirs.fileno(), descriptor, inheritable=False)
        theirs.close()

    def close(self) -> None:
        self.outside.close()
        self.inside.close()


class _Exchange:
    """One request of a talk, in as many packets as gufo_snmp needs for it."""

    def __init__(self, agent: GufoAgent, line: _Line, tries: int) -> None:
        self._agent, self._line, self._tries = agent, line, tries
        self._garbled = False

    async def refresh(self) -> None:
        """Engine id and clock."""
        await self._tell(lambda: self._agent.v3.send_refresh(), lambda: self._agent.v3.recv_refresh())

    async def get(self, names: tuple[Oid, ...], bindings: list[Binding]) -> None:
        """Puts `names` with their values into `bindings`. Raises _Refused."""
        found = await self._several(names) if len(names) > 1 else {}
        for name in names:
            bindings.append((name, found.get(name) if found else await self._alone(name)))

    async def next(self, name: Oid) -> Binding:
        """The successor of `name`, `name` with None at the end of the MIB. Raises _Refused."""
        rows = await self._following(name, 1)
        return rows[0] if rows else (name, None)

    async def successors(self, names: tuple[Oid, ...], bindings: list[Binding]) -> None:
        """As `next` for many `names`, with one GET for those whose successor can be guessed: no name is between x and x.0,
        and the instance after x is x's sibling, unless something is below x, which is no instance then."""
        guesses = {name: ((*name, 0), (*name[:-1], name[-1] + 1)) for name in names}
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
            return await self._named(lambda: self._agent.codec.send_get_many(texts))
        except _Refused:
            return {}

    async def _alone(self, name: Oid) -> Value:
        return await self._one(lambda: self._agent.codec.send_get(dotted(name)))

    async def _following(self, name: Oid, most: int) -> list[Binding]:
        start = GetIter(dotted(name if len(name) > 1 else (*name, 0)), most)
        send = (
            (lambda: self._agent.codec.send_get_bulk(start)) if most > 1 else (lambda: self._agent.codec.send_get_next(start))
        )
        found = await self._named(send)
        if not found and await self._one(lambda: self._agent.codec.send_get_next(start)) is not None:
            raise _Refused
        return list(found.items())[:most]

    async def _named(self, send: Callable[[], None]) -> dict[Oid, Value]:
        found = await self._tell(send, lambda: self._agent.codec.recv_get_many())
        return {_oid(name): _value(value) for name, value in found.items()}

    async def _one(self, send: Callable[[], None]) -> Value:
        """The value of the one name asked, None where it is missing. Raises _Refused for an answer without either."""
        try:
            value = _value(await self._tell(send, lambda: self._agent.codec.recv_get()))
        except NoSuchInstance:
            return None
        if value is None:
            raise _Refused
        return value

    # --- packets -------------------------------------------------------------------------------------------

    async def _tell(self, write: Callable[[], None], read: Callable[[], R]) -> R:
        """Has a message written, sends it, and has the answer read. Raises Unanswered, DeviceError, _Refused, and
        NoSuchInstance where `read` does."""
        try:
            return await self._send(self._written(write), read)
        except _OutOfTime:
            return await self._send(self._written(write), read)

    def _written(self, write: Callable[[], None]) -> bytes:
        write()
        return self._line.inside.recv(MAX_MESSAGE)

    async def _send(self, message: bytes, read: Callable[[], R]) -> R:
        wait_s = self._agent.timeout_s
        self._garbled = False
        for _ in range(self._tries):
            await self._agent.turn()
            try:
                self._line.outside.send(message)
                self._agent.count(message, self._agent.address)
            except BlockingIOError:
                pass  # as good as lost on the way
            except ConnectionRefusedError:
                break
            except OSError as error:
                raise self._agent.unreachable(str(error.strerror)) from None
            try:
                async with asyncio.timeout(wait_s):
                    return await self._hear(read)
            except TimeoutError:
                wait_s = min(2 * wait_s, LONGEST_WAIT_S)
            except ConnectionRefusedError:
                break
        raise self._silence()

    async def _hear(self, read: Callable[[], R]) -> R:
        while True:
            octets = await asyncio.get_running_loop().sock_recv(self._line.outside, MAX_MESSAGE)
            self._agent.count(octets, self._agent.address)
            try:
                if not self._agent.trust(octets):
                    continue
                if len(octets) > _BUFFER:
                    raise _Refused
                return self._read(octets, read)
            except BlockingIOError:  # the answer to another question
                pass
            except _OutOfTime:
                self._read(octets, lambda: self._agent.v3.recv_refresh())
                raise
            except NoSuchInstance:
                raise
            except (ValueError, IndexError, SnmpError):  # Garbled is a ValueError
                self._garbled = True

    def _read(self, octets: bytes, read: Callable[[], R]) -> R:
        self._line.inside.send(octets)
        try:
            return read()
        except BaseException as error:
            if type(error).__name__ not in _GIVES_UP:
                raise
            raise SnmpError(str(error)) from None

    def _silence(self) -> Unanswered:
        where = f"{self._agent.address[0]} port {self._agent.address[1]}"
        if self._garbled:
            return Unanswered(f"{where} answered, but not in SNMP", "Is another service listening on this port?")
        return Unanswered(
            f"{where} does not answer SNMP",
            "Is it switched on, is SNMP on in its settings, and are community or user right?",
        )


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
