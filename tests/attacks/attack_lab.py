"""The parties: an honest sender, a receiver that believes only him, an attacker's pockets, and a URL that notices visits."""

import contextlib
import secrets
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache

from attack_case import HONEST, Case, Loot, Side
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from meterpost.model import Credentials, KeyPair, instant
from meterpost.wsse import (
    NONCE,
    POLICIES,
    Acceptance,
    ContentKey,
    Identity,
    MemoryReplayCache,
    ReplayCache,
    Trust,
    Trusted,
    Verdict,
    open_envelope,
    remember,
    seal,
    tag_of,
)
from meterpost_wsdl import compact, xmlio

CLIENT = "0a1b2c3d-0000-4000-8000-00000000000c"
ACCOUNT = Credentials("site", "correct horse")
OTHER = Credentials("other", "battery staple")
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Kind:
    """How a key of the cast is made, whose it is where it is known at all, and when it is valid, from now. `server`: whether
    the reference server believes it when its administrator brings it."""

    make: object
    holder: str = ""
    since: timedelta = -DAY
    until: timedelta = 365 * DAY
    revoked: bool = False
    server: bool = True


def _p256() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _rsa(bits: int = 2048, exponent: int = 65537):
    return lambda: rsa.generate_private_key(exponent, bits)


CAST = {
    "signer": Kind(_p256, "site"),
    "signer again": Kind(lambda: serialization.load_pem_private_key(key_of("signer").private_key, None), "site"),
    "rsa": Kind(_rsa(), "site"),
    "receiver": Kind(_rsa()),
    "client": Kind(_p256),
    "other": Kind(_p256, "other"),
    "stranger": Kind(_p256),
    "stranger-rsa": Kind(_rsa()),
    "expired": Kind(_p256, "site", -30 * DAY, -DAY),
    "future": Kind(_p256, "site", DAY, 30 * DAY),
    "revoked": Kind(_p256, "site", revoked=True, server=False),
    "rsa-1024": Kind(_rsa(1024), "site", server=False),
    "rsa-e3": Kind(_rsa(2048, 3), "site", server=False),
    "p-384": Kind(lambda: ec.generate_private_key(ec.SECP384R1()), "site", server=False),
}
"""Everybody who has a key. `receiver` decrypts, `client` signs what the client says in the tests of the client."""
SERVERS = ("signer", "signer again", "expired", "future", "receiver")
"""Whose certificates the client has for the server's, in force or not."""


@cache
def key_of(who: str) -> KeyPair:
    """This person's key, and the certificate that says so."""
    kind, now = CAST[who], datetime.now(UTC).replace(microsecond=0)
    key = kind.make()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, who)])
    number, since, until = secrets.randbits(63), now + kind.since, now + kind.until
    certificate = x509.CertificateBuilder(name, name, key.public_key(), number, since, until).sign(key, hashes.SHA256())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return KeyPair(pem, certificate.public_bytes(serialization.Encoding.PEM))


class _Keys(Mapping[str, KeyPair]):
    """Made when they are asked for: an RSA key takes its time."""

    def __getitem__(self, who: str) -> KeyPair:
        return key_of(who)

    def __iter__(self) -> Iterator[str]:
        return iter(CAST)

    def __len__(self) -> int:
        return len(CAST)


KEYS = _Keys()


def request(serial: str = HONEST) -> str:
    """What a client may say: a device is to be registered."""
    device = f'<m:Device serial="{serial}" maker="Xerox" model="C60"/>'
    return f'<m:RegisterProxyDevices client="{CLIENT}">{device}</m:RegisterProxyDevices>'


def reply(now: datetime, serial: str = HONEST) -> str:
    """What a server may say: a device is to be turned on."""
    return f'<m:SyncProxyResponse time="{instant(now)}"><m:On serial="{serial}"/></m:SyncProxyResponse>'


def sealed(case: Case, side: Side, now: datetime, to: bytes = b"") -> bytes:
    """A well-sealed message for the receiver on this side, whose certificate for encrypting is `to`."""
    policy = case.sealed_with or case.policy
    if side is Side.SERVER:
        return said(policy, request(), now, to)
    return strayed(policy, reply(now), now) if case.stray else replied(policy, reply(now), now, sent())


def replied(policy: str, content: str, now: datetime, key: ContentKey | None, question: bytes = b"") -> bytes:
    """What the honest server says, sealed; encrypted with the `key` of the request. It names the `question` it answers;
    without one it names none, as other people's servers do."""
    identity = Identity(ACCOUNT, key_of("signer"), content=key, answers=tag_of(question))
    return seal(compact.envelope(content), POLICIES[policy], identity, now, _nonce())


def strayed(policy: str, content: str, now: datetime) -> bytes:
    """What the honest server says to another client, which asked the same."""
    key = ContentKey.to(key_of("receiver").certificate) if POLICIES[policy].encrypted else None
    return replied(policy, content, now, key, asked(policy, "other"))


def registration(policy: str, now: datetime, to: bytes) -> bytes:
    """The honest client's first message."""
    return said(policy, f'<m:RegisterProxy client="{CLIENT}" name="n" os="o" version="1"/>', now, to)


def question(policy: str, now: datetime, to: bytes) -> bytes:
    """What the honest client asks once a day; it changes nothing."""
    return said(policy, f'<m:SyncProxy client="{CLIENT}" version="1"/>', now, to)


def said(policy: str, content: str, now: datetime, to: bytes, key: ContentKey | None = None) -> bytes:
    """What the honest client says, sealed; encrypted with this `key`, or a fresh one."""
    identity = Identity(ACCOUNT, key_of("signer"), to or key_of("receiver").certificate, key)
    return seal(compact.envelope(content), POLICIES[policy], identity, now, _nonce())


def _nonce() -> bytes:
    return secrets.token_bytes(NONCE)


@cache
def asked(policy: str, who: str = "client") -> bytes:
    """What this client has asked last."""
    identity = Identity(ACCOUNT, key_of(who), key_of("receiver").certificate)
    return seal(compact.envelope(request()), POLICIES[policy], identity, datetime.now(UTC), _nonce())


@cache
def sent() -> ContentKey:
    """The key of the client's last request."""
    return ContentKey.to(key_of("receiver").certificate)


def answered(case: Case, replay: ReplayCache, now: datetime) -> bytes:
    """What the receiver itself said before, and remembers."""
    nonce = _nonce()
    assert remember(POLICIES[case.policy], ACCOUNT.username, nonce, acceptance(case), replay, now)
    identity = Identity(ACCOUNT, key_of("receiver"), content=sent())
    return seal(compact.envelope(reply(now)), POLICIES[case.policy], identity, now, nonce)


def loot(case: Case, now: datetime, back: bytes, trap: str, to: bytes = b"") -> Loot:
    return Loot(POLICIES[case.policy], ACCOUNT, KEYS, to or key_of("receiver").certificate, back, now, trap)


def acceptance(case: Case) -> Acceptance:
    return Acceptance(policies=(case.policy,))


def trust(case: Case, side: Side) -> Trust:
    """Whom the receiver believes: at the server the accounts, and the keys of the client the Body speaks for, where it can be
    read already; at the client the one server."""
    passwords = {account.username: account.password for account in (ACCOUNT, OTHER)}
    known = [Trusted(key_of(who).certificate, kind.holder, kind.revoked) for who, kind in CAST.items() if kind.holder]
    of_site = [one for one in known if one.holder == ACCOUNT.username]
    if side is Side.CLIENT:
        passwords.pop(OTHER.username)
        server = [replace(one, holder="") for one in of_site]
        return Trust(passwords.get, lambda name: server, sent=sent(), asked=tag_of(asked(case.policy)))
    policy = POLICIES[case.policy]
    believed = known if policy.encrypted or policy.password else of_site  # a password says whose the key must be
    return Trust(passwords.get, lambda name: believed, (key_of("receiver"),))


def opened(message: bytes, case: Case, side: Side, replay: ReplayCache, now: datetime) -> Verdict:
    """The security room by itself."""
    return open_envelope(xmlio.parse(message), acceptance(case), trust(case, side), replay, now)


def content_key(policy: str, envelope: bytes, now: datetime) -> ContentKey | None:
    """The key a client's request was encrypted with, as the honest server finds it."""
    if not POLICIES[policy].encrypted:
        return None
    client = Trusted(key_of("client").certificate, ACCOUNT.username)
    opened = Trust(keys=lambda _: [client], own=(key_of("receiver"),))
    verdict = open_envelope(xmlio.parse(envelope), Acceptance((policy,)), opened, MemoryReplayCache(), now)
    assert verdict.ok, verdict.reasons
    return verdict.content


@dataclass
class Trap:
    """A listener on loopback that nobody has a reason to visit."""

    url: str
    visits: list[str] = field(default_factory=list)


@contextmanager
def trap() -> Iterator[Trap]:
    listener = socket.create_server(("127.0.0.1", 0))
    trapped = Trap(f"http://127.0.0.1:{listener.getsockname()[1]}/trap")

    def listen() -> None:
        with contextlib.suppress(OSError):  # closed: the test is over
            while True:
                connection, who = listener.accept()
                trapped.visits.append(str(who))
                connection.close()

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        yield trapped
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)
