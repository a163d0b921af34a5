"""A bound on how many posts a second one environment makes."""

from __future__ import annotations


class Rate:
    """At most `per_second` in the long run, and `burst` at once. Times are seconds of one steady clock."""

    def __init__(self, per_second: float, burst: float) -> None:
        self._interval = 1 / per_second
        self._slack = burst / per_second
        self._full_at = float("-inf")

    def wait(self, now: float) -> float:
        """Seconds until the next post may go; 0 takes its place at once."""
        earliest = max(self._full_at, now) + self._interval - self._slack
        if earliest > now:
            return earliest - now
        self._full_at = max(self._full_at, now) + self._interval
        return 0.0
