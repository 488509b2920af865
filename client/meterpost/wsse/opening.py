"""A message becomes a verdict: shape, policy, times, password, replay, in this order.

Everything before the password costs the same for everybody; a nonce is remembered only after its digest held,
so strangers cannot fill the replay cache. Must never look into the body, and never raise for what a peer wrote.
"""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from lxml import etree

from meterpost.wsse import timestamp, username
from meterpost.wsse.dialects import TIMESTAMP
from meterpost.wsse.policy import POLICIES, Acceptance, Part, Policy
from meterpost.wsse.replay import ReplayCache
from meterpost.wsse.shape import Header, header_of, local
from meterpost.wsse.verdict import Reason, Refusal, Verdict

_ALGORITHMS = ("http://www.w3.org/2000/09/xmldsig#", "http://www.w3.org/2001/04/xmlenc#")


def open_envelope(
    root: etree._Element,
    accept: Acceptance,
    password_of: Callable[[str], str | None],
    replay: ReplayCache,
    now: datetime,
) -> Verdict:
    """Whether the envelope `root` (from `xmlio.parse`) is sealed as `accept` asks, and by whom.

    `password_of` knows each user's password, None for a stranger. A refusal says the first thing that is wrong.
    """
    policy, token = POLICIES[accept.policies[0]], None
    try:
        header = header_of(root)
        dialect = header.dialect
        row = next(row for row in POLICIES.values() if row.dialect.draft == dialect.draft)
        policy = replace(row, dialect=dialect)
        if row.name not in accept.policies:
            raise Refusal(Reason.POLICY_REFUSED, f"{row.name} is not accepted")
        parts = _parts(policy, header)
        token = username.read(parts[Part.USERNAME_TOKEN], dialect)
        timestamp.check(parts[Part.TIMESTAMP], dialect, accept, now)
        timestamp.check_fresh(token.created, accept, now, Reason.DIGEST_STALE, Reason.DIGEST_EARLY)
        _authenticate(token, password_of(token.username))
        if not remember(token.username, token.nonce, accept, replay, now):
            raise Refusal(Reason.REPLAYED)
    except Refusal as refusal:
        claimed = (token.username, token.created, token.nonce) if token else ("", None, b"")
        return Verdict(policy, refusal.reason, refusal.detail, *claimed)
    return Verdict(policy, None, "", token.username, token.created, token.nonce)


def _parts(policy: Policy, header: Header) -> dict[Part, etree._Element]:
    """The header's parts, each of the policy's once and nothing else."""
    if len(header.stamps) > 1:  # R3227, whatever their namespaces and places
        raise Refusal(Reason.PART_REPEATED, "more than one Timestamp")
    wanted = {policy.dialect.tag(*part.value): part for part in policy.parts}
    found: dict[Part, etree._Element] = {}
    inside = [element for element in header.security.iterchildren("*") if element.tag not in TIMESTAMP]
    for element in header.stamps + inside:
        part = wanted.get(str(element.tag))
        if part is None:
            algorithm = etree.QName(element).namespace in _ALGORITHMS
            raise Refusal(Reason.ALGORITHM_UNSUPPORTED if algorithm else Reason.PART_UNSUPPORTED)
        if part in found:
            raise Refusal(Reason.PART_REPEATED, f"more than one {local(element)}")
        found[part] = element
    for part in policy.parts:
        if part not in found:
            raise Refusal(Reason.PART_MISSING, f"no {part.value[1]}")
    return found


def _authenticate(token: username.Token, password: str | None) -> None:
    """A stranger costs what a wrong password costs."""
    expected = username.digest(token.nonce, token.created_text, password or "")
    holds = hmac.compare_digest(expected.encode(), token.digest.encode())
    if password is None:
        raise Refusal(Reason.USER_UNKNOWN)
    if not holds:
        raise Refusal(Reason.DIGEST_WRONG)


def remember(username: str, nonce: bytes, accept: Acceptance, replay: ReplayCache, now: datetime) -> bool:
    """Notes that a token was used; False where it was before. Also for the tokens one sends oneself: both sides know
    the same password, so a peer without it could otherwise answer with the header it was sent."""
    # Kept for the longest time the token could be fresh, and a second more for caches that keep whole seconds.
    until = now + accept.max_age + 2 * accept.max_skew + timedelta(seconds=1)
    # XML text has no NUL, so user and nonce cannot run into each other.
    key = hashlib.sha256(username.encode() + b"\0" + nonce).hexdigest()
    return replay.remember(key, until, now)
