"""What messages take on the wire under each policy, measured: sealed by the library, with the heads client and stub write.

The same each time: what is random in a seal has a fixed value of the same length here.
"""

import re
import sys
from base64 import b64encode
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import sha512
from pathlib import Path
from unittest import mock

sys.path += [str(Path(__file__).parent), str(Path(__file__).parent / "golden")]

from golden_cases import CLASSIC_ZLIB as CLASSIC_ZLIB
from golden_cases import Golden
from golden_keys import KINDS, pair

from longest import MESSAGES, NOW, REPLIES, Filler
from meterpost import wsse
from meterpost.model import Credentials
from meterpost.settings import ServerSettings
from meterpost.soap.envelope import envelope
from meterpost.transport import HttpsTransport, Outbound
from meterpost_stub import coding as answers
from meterpost_stub.web import HttpRequest
from meterpost_wsdl import names

ADDRESS = "https://localhost:54321/mp"
"""The reference server's."""
LONG_ADDRESS = "https://communication-server.services.printer-vendor.example:8443/smart/esolutions/ws"
"""One of an ordinary kind; it stands in every request's head."""
FULL_HEAD = 332
"""Octets of a full ordinary response head (status line, Date, Server, caching and connection headers)."""
SPREAD = 24
"""Octets that compressed messages are counted longer: as other random octets in their seals may make them."""

USED = [name for name in wsse.POLICIES if name != "timestamp-2004"]
"""What a client can be told to use: the other row is for replies alone."""

_ENROLLING = {row.enrols_with for row in wsse.POLICIES.values()}
_SIGNATURE = re.compile(rb"(SignatureValue>)[^<]{88}(?=<)")
_VALUE = b64encode(sha512(b"of an ECDSA signature").digest())
_TAG = sha512(b"of a request's signature").hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Figure:
    """Octets of one message: its envelope, and the HTTP message at the reference server, plain and in gzip; how many more a
    head has that names the long address or, of a reply, is a full one."""

    envelope: int
    plain: int
    coded: int
    compressed: bool
    longer_head: int

    @property
    def sent(self) -> int:
        """As the policy sends it, at most."""
        return self.coded + SPREAD if self.compressed else self.plain

    @property
    def sent_far(self) -> int:
        """The same with the longer head."""
        return self.sent + self.longer_head


def kinds(policy: str) -> tuple[str, ...]:
    """The keys a client can have under `policy`; '' where it needs none."""
    return KINDS if wsse.POLICIES[policy].needs_key else ("",)


def cases(policy: str, kind: str) -> list[str]:
    """What is said under `policy`: who has no key yet registers one with another policy, and renews it with this one. Clients
    make P-256 keys, so an RSA key is its administrator's to renew."""
    without = {"T1 with a key": policy not in _ENROLLING, "T1 renewal": kind != "p256"}
    return [case for case in MESSAGES if not without.get(case)]


def measure(case: str, devices: int, content: str, policy: str, kind: str) -> Figure:
    """The longest message of `case` for so many devices. Raises SettingsError where it cannot be sealed at all."""
    row = wsse.POLICIES[policy]
    operation, data = _unsealed(case, devices, content)
    if case in REPLIES:
        sealed = _sealed(data, wsse.POLICIES[row.reply], _identity(policy, kind, content, "server"))
        plain, coded = (answers.answer(_asked(field), 200, sealed) for field in ("identity", "gzip"))
        longer = FULL_HEAD - len(plain.head)
        return Figure(len(sealed), len(plain.head) + len(plain.body), len(coded.head) + len(coded.body), row.compressed, longer)
    sealed = _sealed(data, row, _identity(policy, kind, content, "client"))
    bare, zipped = (Outbound.of(names.action(operation), sealed, compressed) for compressed in (False, True))
    near, far = _transport(ADDRESS), _transport(LONG_ADDRESS)
    octets = (len(near.head(message)) + len(message.body) for message in (bare, zipped))
    return Figure(len(sealed), *octets, row.compressed, len(far.head(bare)) - len(near.head(bare)))


def _sealed(data: bytes, row: wsse.Policy, identity: wsse.Identity) -> bytes:
    with mock.patch("secrets.token_bytes", lambda count: bytes(range(count))):  # the IV
        return _SIGNATURE.sub(rb"\g<1>" + _VALUE, wsse.seal(data, row, identity, NOW, _nonce()), count=1)


def _nonce() -> bytes:
    return sha512(b"a nonce").digest()[: wsse.NONCE]


@lru_cache(64)
def _unsealed(case: str, devices: int, content: str) -> tuple[str, bytes]:
    """The operation and the envelope, kept for the next policy."""
    message = MESSAGES[case](Filler(content), devices)
    return type(message).__name__, envelope(message)


@cache
def _identity(policy: str, kind: str, content: str, sender: str) -> wsse.Identity:
    """With names at their limit, the password too where it is shown. The content key is wrapped as in a golden message."""
    filler = Filler(content)
    credentials = Credentials(filler.text(64), filler.text(64))
    encrypted = wsse.POLICIES[policy].encrypted
    recipient = pair("server", "rsa2048").certificate if encrypted and sender == "client" else b""
    wrapped = Golden("T3", policy, "p256").content_key() if encrypted else None
    answers = _TAG if sender == "server" else ""
    return wsse.Identity(credentials, pair(sender, kind) if kind else None, recipient, wrapped, answers)


@cache
def _transport(url: str) -> HttpsTransport:
    return HttpsTransport(ServerSettings(url=url, http_proxy="none"), Path())


def _asked(content_encoding: str) -> HttpRequest:
    return HttpRequest("POST", names.PATH, "", {"content-encoding": content_encoding}, b"", b"")
