"""The message every test of this room starts from, and the ways to seal, alter and open it."""

from datetime import UTC, datetime

from meterpost.model import Credentials
from meterpost.wsse import (
    POLICIES,
    Acceptance,
    Identity,
    MemoryReplayCache,
    Policy,
    ReplayCache,
    Trust,
    Verdict,
    open_envelope,
    seal,
)
from meterpost_wsdl import xmlio

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
NONCE_OCTETS = bytes(range(16))
ACCOUNT = Credentials("site-4711", "pässword & <key>")
ENVELOPE = (
    b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:m="urn:meterpost:1"><s:Body>'
    b'<m:SyncProxy client="c" version="1"/></s:Body></s:Envelope>'
)
DRAFT, OASIS = POLICIES["digest-2002"], POLICIES["digest-2004"]


def password_of(username: str) -> str | None:
    """The server's book of accounts: one."""
    return ACCOUNT.password if username == ACCOUNT.username else None


def sealed(policy: Policy, at: datetime = NOON, nonce: bytes = NONCE_OCTETS) -> bytes:
    return seal(ENVELOPE, policy, Identity(ACCOUNT), at, nonce)


def opened(
    message: bytes, now: datetime = NOON, accept: Acceptance | None = None, replay: ReplayCache | None = None
) -> Verdict:
    return open_envelope(
        xmlio.parse(message),
        accept or Acceptance(),
        Trust(password_of),
        replay if replay is not None else MemoryReplayCache(),
        now,
    )


def altered(message: bytes, *edits: tuple[str, str]) -> bytes:
    """`message` with each edit made at its first place; an edit that finds nothing is a mistake in the test."""
    text = message.decode()
    for old, new in edits:
        assert old in text, f"{old!r} is not in the message"
        text = text.replace(old, new, 1)
    return text.encode()
