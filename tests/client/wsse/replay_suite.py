"""What every replay cache must do, wherever it keeps its keys. `from replay_suite import check_replay_cache`."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from meterpost.wsse import ReplayCache

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
WINDOW = timedelta(minutes=7)
FIRST, OTHER, THIRD = ("a" * 64, "b" * 64, "c" * 64)


def check_replay_cache(make: Callable[[], ReplayCache]) -> None:
    """`make` gives a fresh, empty cache at every call. Fails with an AssertionError that says which promise broke."""
    cache = make()
    assert cache.remember(FIRST, NOON + WINDOW, NOON), "a new key is accepted"
    assert not cache.remember(FIRST, NOON + WINDOW, NOON), "a key is refused in the same instant"
    assert cache.remember(OTHER, NOON + WINDOW, NOON), "another key does not suffer"
    assert not cache.remember(FIRST, NOON + 2 * WINDOW, NOON + WINDOW - SECOND), "a key is refused until its end"
    assert cache.remember(FIRST, NOON + 3 * WINDOW, NOON + WINDOW + SECOND), "a key counts as new after its end"
    assert not cache.remember(FIRST, NOON + 3 * WINDOW, NOON + WINDOW + SECOND), "and is remembered again"

    cache = make()
    assert cache.remember(FIRST, NOON + 2 * WINDOW, NOON)
    assert cache.remember(OTHER, NOON + WINDOW, NOON), "keys with an earlier end are taken after later ones"
    assert cache.remember(THIRD, NOON + 2 * WINDOW, NOON + WINDOW + SECOND), "forgetting makes room"
    assert not cache.remember(FIRST, NOON + 3 * WINDOW, NOON + WINDOW + SECOND), "forgetting one key keeps the others"
    assert cache.remember(OTHER, NOON + 2 * WINDOW, NOON + WINDOW + SECOND), "the key that ended is new again"

    assert make().remember(FIRST, NOON + WINDOW, NOON), "make() gives an empty cache"
