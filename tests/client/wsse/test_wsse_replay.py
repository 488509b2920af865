"""The replay cache in memory."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from replay_suite import NOON, WINDOW, check_replay_cache

from meterpost.wsse import MemoryReplayCache


def test_the_cache_in_memory_keeps_the_promises_of_every_cache():
    check_replay_cache(MemoryReplayCache)


def test_a_full_cache_refuses_rather_than_forgets_a_live_key():
    cache = MemoryReplayCache(capacity=2)
    assert cache.remember("one", NOON + WINDOW, NOON)
    assert cache.remember("two", NOON + WINDOW, NOON)
    assert not cache.remember("three", NOON + WINDOW, NOON)
    assert not cache.remember("one", NOON + WINDOW, NOON)
    later = NOON + WINDOW + timedelta(seconds=1)
    assert cache.remember("three", later + WINDOW, later)


def test_of_many_threads_with_one_key_a_single_one_wins():
    cache = MemoryReplayCache()
    with ThreadPoolExecutor(8) as pool:
        wins = list(pool.map(lambda number: cache.remember(str(number % 50), NOON + WINDOW, NOON), range(400)))
    assert sum(wins) == 50
