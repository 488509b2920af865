"""Tokens that were used: the port every replay cache fills, and the one in memory.

A cache must never forget a key before its time, not even when it is full: it refuses instead.
"""

import heapq
import threading
from datetime import datetime
from typing import Protocol


class ReplayCache(Protocol):
    """Keys that were used. Safe to call from several threads."""

    def remember(self, key: str, until: datetime, now: datetime) -> bool:
        """True and remembered until `until`, where `key` is new; False where it is still remembered.
        Keys whose `until` lies before `now` are forgotten. `key` is 64 hexadecimal digits."""
        ...


class MemoryReplayCache:
    """Remembers up to `capacity` live keys; when full it answers False to new ones, for forgetting a live one
    would let it be replayed. Only who knows a password can fill it."""

    def __init__(self, capacity: int = 100_000) -> None:
        self._capacity = capacity
        self._keys: set[str] = set()
        self._ends: list[tuple[datetime, str]] = []
        self._lock = threading.Lock()

    def remember(self, key: str, until: datetime, now: datetime) -> bool:
        with self._lock:
            while self._ends and self._ends[0][0] < now:
                self._keys.remove(heapq.heappop(self._ends)[1])
            if key in self._keys or len(self._keys) >= self._capacity:
                return False
            self._keys.add(key)
            heapq.heappush(self._ends, (until, key))
            return True
