"""The Timestamp: when a message was made, and until when it counts. No clock here, `now` is a parameter.

We write Created only. Expires would cost 43 octets of every message and bind nobody: a receiver's own
`max_age` is the bound that counts, so Expires is honoured when it comes and never sent.
"""

import re
from datetime import UTC, datetime, timedelta

from lxml import etree

from meterpost.wsse.dialects import WSU_PREFIX, Dialect
from meterpost.wsse.policy import Acceptance
from meterpost.wsse.shape import children, text
from meterpost.wsse.verdict import Reason, Refusal

# xs:dateTime in UTC (R3217, R3223), seconds below 60 (R3213); +00:00 is how some peers write Z.
_TIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9])(?:\.([0-9]{1,9}))?(?:Z|[+-]00:00)")


def write(created: str) -> str:
    """The Timestamp as XML text, the same in every dialect."""
    return f"<{WSU_PREFIX}:Timestamp><{WSU_PREFIX}:Created>{created}</{WSU_PREFIX}:Created></{WSU_PREFIX}:Timestamp>"


def read_time(element: etree._Element, dialect: Dialect, reason: Reason) -> datetime:
    """The time a Created or Expires means. Raises Refusal(`reason`)."""
    if not dialect.draft and element.get("ValueType") is not None:  # R3225, R3226
        raise Refusal(reason, "a time has a ValueType")
    match = _TIME.fullmatch(text(element, reason))
    try:
        if match is None:
            raise ValueError
        when = datetime.fromisoformat(match[1]).replace(tzinfo=UTC)
    except ValueError:
        raise Refusal(reason, "a time is not an xs:dateTime in UTC") from None
    return when + timedelta(microseconds=int((match[2] or "0").ljust(6, "0")[:6]))


def check(element: etree._Element, dialect: Dialect, accept: Acceptance, now: datetime) -> None:
    """Raises Refusal unless the Timestamp `element` is well made and counts at `now`."""
    malformed = Reason.TIMESTAMP_MALFORMED
    created_tag, expires_tag = dialect.tag("wsu", "Created"), dialect.tag("wsu", "Expires")
    received = (dialect.tag("wsu", "Received"),) if dialect.draft else ()  # an intermediary's trace, gone in the standard
    parts = children(element, malformed, [created_tag], [expires_tag], received)  # R3203, R3224
    created = read_time(parts[created_tag], dialect, malformed)
    if expires_tag in parts:
        if next(iter(parts)) == expires_tag:  # R3221
            raise Refusal(malformed, "Expires stands before Created")
        expires = read_time(parts[expires_tag], dialect, malformed)
        if expires <= created:
            raise Refusal(malformed, "Expires is not after Created")
        if expires < now - accept.max_skew:
            raise Refusal(Reason.TIMESTAMP_EXPIRED, "Expires has passed")
    check_fresh(created, accept, now, Reason.TIMESTAMP_STALE, Reason.TIMESTAMP_EARLY)


def check_fresh(created: datetime, accept: Acceptance, now: datetime, stale: Reason, early: Reason) -> None:
    """Raises Refusal(`stale` or `early`) unless `created` lies in the window of `accept`, both ends included."""
    age, skew = (now - created).total_seconds(), accept.max_skew.total_seconds()
    if created < now - accept.max_age - accept.max_skew:
        raise Refusal(
            stale, f"Created is {age:.0f} s ago, {accept.max_age.total_seconds():.0f} s and {skew:.0f} s of skew are allowed"
        )
    if created > now + accept.max_skew:
        raise Refusal(early, f"Created is {-age:.0f} s ahead, {skew:.0f} s of skew are allowed")
