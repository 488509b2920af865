"""SNMPv3 for one agent: USM authPriv (RFC 3414) around pysnmp's message format and its ciphers.

An engine of pysnmp's own per printer would cost tens of milliseconds and megabytes each; a read-only responder needs
only what is here. Other security levels than authPriv are answered with a report, never with data.
"""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from pyasn1.codec.ber import decoder, encoder
from pyasn1.type.univ import OctetString
from pysnmp.error import PySnmpError
from pysnmp.proto.api import v2c
from pysnmp.proto.mpmod.rfc3412 import ScopedPDU, SNMPv3Message
from pysnmp.proto.secmod.rfc3414.service import SnmpUSMSecurityModel, UsmSecurityParameters

from meterpost.errors import SettingsError
from meterpost.recording import Oid
from meterpost_stub.printers.mib import Mib
from meterpost_stub.printers.pdu import MAX_MESSAGE, Version, parsing, respond

# The names people use -> the identifiers of RFC 3414, RFC 7860 and RFC 3826; 192 and 256 bits with keys drawn out as Cisco and
# most others do it (draft-reeder-snmpv3-usm-3desede-00, 2.1), under the numbers pysnmp gave that.
_AUTH_PROTOCOLS: Oid = (1, 3, 6, 1, 6, 3, 10, 1, 1)
AUTHENTICATION = {
    name: (*_AUTH_PROTOCOLS, number) for number, name in enumerate(("MD5", "SHA", "SHA224", "SHA256", "SHA384", "SHA512"), 2)
}
PRIVACY = {
    "DES": (1, 3, 6, 1, 6, 3, 10, 1, 2, 2),
    "AES": (1, 3, 6, 1, 6, 3, 10, 1, 2, 4),
    "AES192": (1, 3, 6, 1, 4, 1, 9, 12, 6, 1, 101),
    "AES256": (1, 3, 6, 1, 4, 1, 9, 12, 6, 1, 102),
}

TIME_WINDOW = 150  # seconds; RFC 3414, 2.2.3
_AUTH, _PRIV, _REPORTABLE = 1, 2, 4  # msgFlags; RFC 3412, 6.4
_USM = 3  # msgSecurityModel
_STATS: Oid = (1, 3, 6, 1, 6, 3, 15, 1, 1)  # usmStats: the six counters below
_UNSUPPORTED_LEVEL, _NOT_IN_TIME, _UNKNOWN_USER, _UNKNOWN_ENGINE, _WRONG_DIGEST, _DECRYPTION = range(1, 7)


@dataclass(frozen=True, slots=True)
class AgentUser:
    """A user all agents know. `auth` is a name in AUTHENTICATION, `priv` one in PRIVACY. Raises SettingsError."""

    name: str
    auth_password: str = field(repr=False)
    priv_password: str = field(repr=False)
    auth: str = "SHA"
    priv: str = "AES"

    def __post_init__(self) -> None:
        if not 1 <= len(self.name.encode()) <= 32:
            raise SettingsError(f"the SNMPv3 user name {self.name!r} is not of 1 to 32 octets")
        if min(len(self.auth_password), len(self.priv_password)) < 8:
            raise SettingsError(f"a password of the SNMPv3 user {self.name} is shorter than 8 characters (RFC 3414, 11.2)")
        if self.auth not in AUTHENTICATION or self.priv not in PRIVACY:
            known = f"{', '.join(AUTHENTICATION)}; {', '.join(PRIVACY)}"
            raise SettingsError(f"the SNMPv3 user {self.name} has an unknown protocol", f"Known here: {known}.")


def _services(user: AgentUser) -> tuple[Any, Any]:
    auth, priv = AUTHENTICATION[user.auth], PRIVACY[user.priv]
    return SnmpUSMSecurityModel.AUTH_SERVICES[auth], SnmpUSMSecurityModel.PRIV_SERVICES[priv]


@cache
def _master_keys(user: AgentUser) -> tuple[Any, Any]:
    """A megabyte of hashing each (RFC 3414, A.2), so once per user and not once per agent."""
    auth, priv = _services(user)
    return (
        auth.hash_passphrase(user.auth_password.encode()),
        priv.hash_passphrase(AUTHENTICATION[user.auth], user.priv_password.encode()),
    )


class _Keys:
    """A user's protocols with the keys localised to one engine."""

    def __init__(self, user: AgentUser, engine_id: bytes) -> None:
        (auth_key, priv_key), engine = _master_keys(user), OctetString(engine_id)
        self.auth, self.priv = _services(user)
        self.auth_key = self.auth.localize_key(auth_key, engine)
        self.priv_key = self.priv.localize_key(AUTHENTICATION[user.auth], priv_key, engine)


class _Report(Exception):
    """A counter of usmStats instead of an answer; authenticated when the sender was."""

    def __init__(self, reason: int, keys: _Keys | None = None) -> None:
        super().__init__(reason)
        self.reason, self.keys = reason, keys


class _Request:
    """A message's fields; `boots` and `time` are this engine's at its arrival. Raises Malformed."""

    def __init__(self, octets: bytes, boots: int, time: int) -> None:
        self.octets, self.boots, self.time = octets, boots, time
        with parsing():
            message, _ = decoder.decode(octets, asn1Spec=SNMPv3Message())
            self.id, max_size, flags, model = message[1].values()
            self.max_size, self.flags, self.model = int(max_size), flags.asNumbers()[0], int(model)
            self.parameters, _ = decoder.decode(message[2], asn1Spec=UsmSecurityParameters())
            self.data = message[3].getComponent()
            plain = message[3].getName() == "plaintext"
            # RFC 3412, 7.1: a report carries the request's request-id where it can be read, else 0.
            self.request_id = int(self.data[2].getComponent()[0]) if plain else 0


class Usm:
    """The authoritative engine of one agent. `now` is any clock in seconds that never goes back; `boots` must be
    larger at each start, or managers that remember the engine take its answers for replays."""

    def __init__(self, engine_id: bytes, users: tuple[AgentUser, ...], boots: int, now: Callable[[], float] = time.monotonic):
        self.engine_id = engine_id
        self._keys = {user.name.encode(): _Keys(user, engine_id) for user in users}
        self._boots, self._now, self._start = boots, now, now()
        self._reports: Counter[int] = Counter()

    def answer(self, octets: bytes, mib: Mib) -> bytes | None:
        """The message that answers `octets`: a response, a report, or None. Raises Malformed."""
        request = _Request(octets, self._boots, int(self._now() - self._start))
        if request.model != _USM:
            return None
        try:
            keys, pdu = self._open(request)
        except _Report as report:
            self._reports[report.reason] += 1
            return self._seal(request, self._report(request, report), report.keys) if request.flags & _REPORTABLE else None
        limit = min(MAX_MESSAGE, request.max_size)
        return respond(pdu, mib, Version.V3, lambda response: self._seal(request, response, keys, encrypted=True), limit)

    def _open(self, request: _Request) -> tuple[_Keys, Any]:
        """The sender's keys and its PDU. The checks are in the order of RFC 3414, 3.2. Raises _Report, Malformed."""
        engine_id, boots, at, name, digest, salt = request.parameters.values()
        if engine_id.asOctets() != self.engine_id:
            raise _Report(_UNKNOWN_ENGINE)
        keys = self._keys.get(name.asOctets())
        if keys is None:
            raise _Report(_UNKNOWN_USER)
        if request.flags & (_AUTH | _PRIV) != _AUTH | _PRIV:
            raise _Report(_UNSUPPORTED_LEVEL)
        try:
            keys.auth.authenticate_incoming_message(keys.auth_key, digest, request.octets)
        except PySnmpError:
            raise _Report(_WRONG_DIGEST) from None
        if int(boots) != request.boots or abs(int(at) - request.time) > TIME_WINDOW:
            raise _Report(_NOT_IN_TIME, keys)
        try:
            plain = keys.priv.decrypt_data(keys.priv_key, (boots, at, salt), request.data)
        except PySnmpError:
            raise _Report(_DECRYPTION) from None
        with parsing():
            return keys, decoder.decode(plain, asn1Spec=ScopedPDU())[0][2].getComponent()

    def _report(self, request: _Request, report: _Report) -> Any:
        pdu = v2c.ReportPDU()
        v2c.apiPDU.set_defaults(pdu)
        v2c.apiPDU.set_request_id(pdu, request.request_id)
        v2c.apiPDU.set_varbinds(pdu, [((*_STATS, report.reason, 0), v2c.Counter32(self._reports[report.reason]))])
        return pdu

    def _seal(self, request: _Request, pdu: Any, keys: _Keys | None, encrypted: bool = False) -> bytes:
        scoped, parameters, message = ScopedPDU(), UsmSecurityParameters(), SNMPv3Message()
        scoped[0], scoped[1] = self.engine_id, b""
        scoped[2].setComponentByType(pdu.tagSet, pdu)
        salt = b""
        if keys and encrypted:
            clock = (request.boots, request.time, None)
            message[3]["encryptedPDU"], salt = keys.priv.encrypt_data(keys.priv_key, clock, encoder.encode(scoped))
        else:
            message[3]["plaintext"] = scoped
        blank = bytes(keys.auth.digest_length) if keys else b""
        _fill(parameters, self.engine_id, request.boots, request.time, request.parameters[3], blank, salt)
        flags = (_AUTH if keys else 0) | (_PRIV if encrypted else 0)
        _fill(message[1], request.id, MAX_MESSAGE, bytes([flags]), _USM)
        message[0], message[2] = Version.V3, encoder.encode(parameters)
        octets: bytes = encoder.encode(message)
        return keys.auth.authenticate_outgoing_message(keys.auth_key, octets) if keys else octets


def _fill(sequence: Any, *values: Any) -> None:
    for position, value in enumerate(values):
        sequence[position] = value
