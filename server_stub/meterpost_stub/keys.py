"""The rules about clients' keys: what proves one, which of them count, which one gives way.

Pure functions over frozen records: `now` is a parameter. No clock, no store, no private key here.
Whether a key counts is derived from the facts each time, and only what somebody decided is kept.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

MOST_KEYS = 4
"""Keys of one client that count at the same time."""
GRACE = timedelta(days=30)
"""How long an older key still counts once a newer one was used. Our policy: a month of daily syncs."""
_COORDINATE = 32  # octets of a number of P-256


class KeyState(StrEnum):
    ACTIVE = "active"
    ENDED = "ended"  # its certificate's time is over, or has not begun
    RETIRED = "retired"  # a newer one has taken its place
    REVOKED = "revoked"  # its client is off
    RELEASED = "released"  # forgotten on order, so that the client can enrol again


@dataclass(frozen=True, slots=True)
class ClientKey:
    """A certificate somebody here vouches for. `client` is '' for one that speaks for all clients of its account; `key` is
    the point as T1 carries it, '' for RSA. `told` are the serial numbers of the server's certificates that travelled with
    it. `put_away` is what was decided about it: retired to make room, or released."""

    certificate: bytes  # PEM
    client: str
    account: str
    key: str
    since: datetime
    until: datetime
    told: tuple[str, ...] = ()
    first_used: datetime | None = None
    put_away: KeyState | None = None


@dataclass(frozen=True, slots=True)
class Revocation:
    """`client` is off since `at`, until it is `lifted`."""

    client: str
    at: datetime
    lifted: bool = False


def point_of(key: ec.EllipticCurvePublicKey) -> str:
    """A key as T1 carries it: the compressed point in Base64."""
    octets = key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint)
    return base64.b64encode(octets).decode("ascii")


def point(key: str) -> ec.EllipticCurvePublicKey | None:
    """The public key in `key`, spelled as the schema says; None for a number that is no point of the curve."""
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), base64.b64decode(key, validate=True))
    except ValueError:
        return None


def proved(client: str, key: str, proof: str) -> ec.EllipticCurvePublicKey | None:
    """The public key in `key`, where `proof` shows that who sent both for `client` has its private half; None otherwise."""
    public = point(key)
    try:
        numbers = base64.b64decode(proof, validate=True)
        r, s = int.from_bytes(numbers[:_COORDINATE]), int.from_bytes(numbers[_COORDINATE:])
        if public is not None:
            public.verify(encode_dss_signature(r, s), f"{client} {key}".encode(), ec.ECDSA(hashes.SHA256()))
    except (ValueError, InvalidSignature):
        return None
    return public


def state(key: ClientKey, keys: Sequence[ClientKey], off: bool, now: datetime, grace: timedelta = GRACE) -> KeyState:
    """How `key` stands among its client's `keys`, oldest first; `off`: the client is revoked."""
    if key.put_away is not None:
        return key.put_away
    if off:
        return KeyState.REVOKED
    if not key.since <= now < key.until:
        return KeyState.ENDED
    newer = [later for later in keys[keys.index(key) + 1 :] if later.put_away is not KeyState.RELEASED]
    if any(later.first_used is not None and later.first_used + grace <= now for later in newer):
        return KeyState.RETIRED
    return KeyState.ACTIVE


def in_excess(valid: Sequence[ClientKey], signer: bytes) -> tuple[ClientKey, ...]:
    """The keys of `valid`, oldest first, that give way so that MOST_KEYS are left; never the one that signs, whose
    certificate is `signer`, nor the newest. Those that were never used go first: a client whose answers are lost may ask
    again and again, and lives on its old key."""
    others = [key for key in valid[:-1] if key.certificate != signer]
    return tuple(sorted(others, key=lambda key: key.first_used is not None)[: max(len(valid) - MOST_KEYS, 0)])
