"""Envelope bytes become sealed bytes: the header is put in front of the body, at byte level.

The body may be 13 MB; it is neither parsed nor changed, so a message is sealed anew for every attempt.
"""

from datetime import datetime

from meterpost.model import Credentials, instant
from meterpost.wsse import timestamp, username
from meterpost.wsse.dialects import WSSE_PREFIX, WSU_PREFIX
from meterpost.wsse.policy import Part, Policy
from meterpost_wsdl import compact

NONCE = 16
"""Octets of the nonces we send: 128 random bits."""

_OPENING, _BODY = compact.OPENING.encode(), compact.BODY.encode()


def seal(envelope: bytes, policy: Policy, credentials: Credentials, now: datetime, nonce: bytes) -> bytes:
    """`envelope` (as `soap` writes it, without header) with the parts `policy` asks for, made at `now`.

    `nonce` is 16 fresh random octets. Raises ValueError for another kind of envelope or nonce, SettingsError for
    a username that cannot travel.
    """
    if not envelope.startswith(_OPENING + _BODY):
        raise ValueError("only a compact envelope of this protocol, without a header, can be sealed")
    if len(nonce) != NONCE:
        raise ValueError(f"a nonce has {NONCE} octets, not {len(nonce)}")
    dialect, created = policy.dialect, instant(now)
    written = {
        Part.TIMESTAMP: timestamp.write(created),
        Part.USERNAME_TOKEN: username.write(dialect, credentials, created, nonce),
    }
    beside = written.pop(Part.TIMESTAMP) if dialect.timestamp_beside else ""
    inside = "".join(written[part] for part in policy.parts if part in written)
    w = WSSE_PREFIX
    header = (
        f' xmlns:{w}="{dialect.wsse}" xmlns:{WSU_PREFIX}="{dialect.wsu}"><s:Header>'
        f'{beside}<{w}:Security s:mustUnderstand="1">{inside}</{w}:Security></s:Header'
    )
    return b"".join((_OPENING, header.encode(), memoryview(envelope)[len(_OPENING) :]))
