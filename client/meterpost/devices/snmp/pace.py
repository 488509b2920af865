"""How fast packets may leave: turns, evenly spaced, for everything that one room sends."""


class Pace:
    """At most `per_second` turns, in bursts of no more than one tick's worth. Time is in seconds, from any one clock."""

    def __init__(self, per_second: float, tick_s: float = 0.01) -> None:
        self._interval_s = 1 / per_second
        self._burst_s = max(0.0, tick_s - self._interval_s)
        self._next = float("-inf")

    def turns(self, now: float, most: int) -> int:
        """How many of `most` may go now; they are taken."""
        self._next = max(self._next, now - self._burst_s)
        count = min(most, int((now - self._next) / self._interval_s + 1e-6) + 1) if self._next <= now else 0
        self._next += count * self._interval_s
        return count

    def wait(self, now: float) -> float:
        """Seconds until the next turn."""
        return max(0.0, self._next - now)
