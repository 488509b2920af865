"""How old, and how early, a message may be: exact to the second at both ends of the window."""

from datetime import timedelta

import pytest
from wsse_messages import DRAFT, NOON, OASIS, altered, opened, sealed

from meterpost.settings import SecuritySettings
from meterpost.wsse import Acceptance, Reason
from meterpost.wsse.verdict import Fault

SECOND = timedelta(seconds=1)
ACCEPT = Acceptance(max_age=timedelta(minutes=5), max_skew=timedelta(minutes=1))
WINDOW = ACCEPT.max_age + ACCEPT.max_skew
POLICIES = pytest.mark.parametrize("policy", [DRAFT, OASIS], ids=lambda policy: policy.name)


class RecordingCache:
    """Accepts everything and keeps what it was asked."""

    def __init__(self):
        self.asked = []

    def remember(self, key, until, now):
        self.asked.append((key, until, now))
        return True


@POLICIES
@pytest.mark.parametrize(
    ("age", "reason"),
    [
        (timedelta(0), None),
        (WINDOW, None),
        (WINDOW + SECOND, Reason.TIMESTAMP_STALE),
        (WINDOW + timedelta(microseconds=1), Reason.TIMESTAMP_STALE),
        (-ACCEPT.max_skew, None),
        (-ACCEPT.max_skew - SECOND, Reason.TIMESTAMP_EARLY),
    ],
)
def test_the_window_of_a_message(policy, age, reason):
    assert opened(sealed(policy), now=NOON + age, accept=ACCEPT).reason is reason


@POLICIES
@pytest.mark.parametrize(
    ("age", "reason"),
    [(WINDOW, None), (WINDOW + SECOND, Reason.DIGEST_STALE), (-ACCEPT.max_skew - SECOND, Reason.DIGEST_EARLY)],
)
def test_the_token_has_the_same_window_of_its_own(policy, age, reason):
    now = NOON + age
    fresh = f"<u:Timestamp><u:Created>{now:%Y-%m-%dT%H:%M:%SZ}"
    message = altered(sealed(policy), ("<u:Timestamp><u:Created>2026-11-20T12:00:00Z", fresh))
    assert opened(message, now=now, accept=ACCEPT).reason is reason


@pytest.mark.parametrize(("late", "reason"), [(timedelta(0), None), (SECOND, Reason.TIMESTAMP_EXPIRED)])
def test_expires_is_honoured_with_the_skew(late, reason):
    end = "Z</u:Created><u:Expires>2026-11-20T12:00:30Z</u:Expires></u:Timestamp>"
    message = altered(sealed(OASIS), ("Z</u:Created></u:Timestamp>", end))
    now = NOON + timedelta(seconds=30) + ACCEPT.max_skew + late
    assert opened(message, now=now, accept=ACCEPT).reason is reason


def test_the_peer_is_told_how_far_the_clocks_are_apart():
    verdict = opened(sealed(OASIS), now=NOON + timedelta(hours=1), accept=ACCEPT)
    assert verdict.fault == Fault(
        OASIS.dialect.wsu,
        "MessageExpired",
        "The message is too old. Check the clocks of both sides. (Created is 3600 s ago, 300 s and 60 s of skew are allowed)",
    )


def test_a_nonce_is_kept_longer_than_its_token_can_be_fresh():
    cache = RecordingCache()
    earliest = NOON - ACCEPT.max_skew
    assert opened(sealed(OASIS), now=earliest, accept=ACCEPT, replay=cache).ok
    ((key, until, now),) = cache.asked
    assert now == earliest
    assert until > NOON + WINDOW
    assert until >= now + ACCEPT.max_age + 2 * ACCEPT.max_skew
    assert len(key) == 64


@pytest.mark.parametrize("message", [altered(sealed(OASIS), ("site-4711", "site-4712")), altered(sealed(OASIS), ("=<", "<"))])
def test_a_nonce_is_not_kept_before_its_digest_held(message):
    cache = RecordingCache()
    assert not opened(message, replay=cache).ok
    assert cache.asked == []


def test_the_window_is_that_of_the_settings():
    settings = SecuritySettings()
    assert (Acceptance().max_age.total_seconds(), Acceptance().max_skew.total_seconds()) == (
        settings.max_age_s,
        settings.max_skew_s,
    )
