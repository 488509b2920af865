"""The UsernameToken whose password signs: a key derived from it (UsernameToken Profile 1.1, 4), written and read.

The password must never be in anything this module returns, logs or raises; the derived key, which is worth as much for
one Salt, never in what it writes.
"""

import base64
import hashlib
from dataclasses import dataclass

from lxml import etree

from meterpost.wsse.dialects import WSSE11, WSSE_PREFIX, WSU_PREFIX, Dialect
from meterpost.wsse.shape import children, text
from meterpost.wsse.username import USERNAME_CHARACTERS, named
from meterpost.wsse.verdict import Reason, Refusal

SALT, KEY = 16, 20
"""Octets of a Salt and of a derived key."""

ITERATIONS = 10_000
"""What we write. The more, the dearer a guess for who has seen a message; 10 000 take a server 4 ms."""

ACCEPTED = range(1000, ITERATIONS + 1)
"""What we read. BSP R4218 demands 1000; the end is there because a stranger chooses the number and we do the work, before we
know him: with 100 000, thirty messages of 2 kB would keep a core busy for a second."""

_MAC = 1  # the octet that says what the key is for; 2 would be encryption
_SALT, _ITERATION = f"{{{WSSE11}}}Salt", f"{{{WSSE11}}}Iteration"
_MALFORMED = Reason.DIGEST_MALFORMED


@dataclass(frozen=True, slots=True)
class DerivedToken:
    """What a token claims: who signs, and how the key comes from the password."""

    username: str
    salt: bytes
    iterations: int


def derive(password: str, salt: bytes, iterations: int) -> bytes:
    """The key, 20 octets: SHA-1 of password and Salt, and of that again, `iterations` times in all."""
    return hashed(password.encode() + salt, iterations)


def hashed(octets: bytes, times: int) -> bytes:
    """`octets` after `times` SHA-1. The profile leaves no choice of hash, and what it needs of one still holds."""
    for _ in range(times):
        octets = hashlib.sha1(octets, usedforsecurity=False).digest()
    return octets


def salt(octets: bytes) -> bytes:
    """The Salt for a signature's key made of 16 random octets, of which 15 stay: the first says what the key is for."""
    if len(octets) != SALT:
        raise ValueError(f"a Salt has {SALT} octets, not {len(octets)}")
    return bytes([_MAC]) + octets[1:]


def write(dialect: Dialect, username: str, salt: bytes, iterations: int, wsu_id: str) -> str:
    """The token as XML text; `wsu_id` is what a signature's KeyInfo points to. Raises SettingsError for a username that
    cannot travel as it is."""
    w, u = WSSE_PREFIX, WSU_PREFIX
    return (
        f'<{w}:UsernameToken xmlns:k="{WSSE11}" {u}:Id="{wsu_id}"><{w}:Username>{named(username)}</{w}:Username>'
        f"<k:Salt>{base64.b64encode(salt).decode('ascii')}</k:Salt><k:Iteration>{iterations}</k:Iteration></{w}:UsernameToken>"
    )


def read(element: etree._Element, dialect: Dialect) -> DerivedToken:
    """The token in `element`. Raises Refusal: it has no password (it would give the key away) and both parameters
    (R4217, R4218), and nothing else: its time is the Timestamp's."""
    tags = (dialect.tag("wsse", "Username"), _SALT, _ITERATION)
    parts = children(element, _MALFORMED, tags)
    username, written, count = (text(parts[tag], _MALFORMED) for tag in tags)
    if len(username) not in USERNAME_CHARACTERS:
        raise Refusal(_MALFORMED, "Username is empty or longer than 256 characters")
    return DerivedToken(username, _salt(written), _iterations(count.strip()))


def _salt(written: str) -> bytes:
    try:
        octets = base64.b64decode(written, validate=True)
    except ValueError:
        raise Refusal(_MALFORMED, "Salt is not Base64") from None
    # The profile says "high order octet" of a number whose order it does not say; stacks have it at either end.
    if len(octets) != SALT or _MAC not in (octets[0], octets[-1]):
        raise Refusal(_MALFORMED, "Salt is not the Base64 of 16 octets marked for a signature")
    return octets


def _iterations(written: str) -> int:
    if not (written.isascii() and written.isdigit() and len(written) <= 9 and int(written) in ACCEPTED):
        raise Refusal(_MALFORMED, f"Iteration is not from {ACCEPTED[0]} to {ACCEPTED[-1]}")
    return int(written)
