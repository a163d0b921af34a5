"""How fast one environment posts: within a bound of its own, and within what the account lets through."""

from __future__ import annotations

_WINDOW = 0.25
"""Seconds over which accepted posts are counted."""
_BELOW = 0.9
"""Of what was accepted, what is tried after a refusal: less, so that what has piled up drains."""
_LEAST = 0.02
_REGAINED = 0.05
"""Parts of the bound: what is always tried, and what a second without refusals gives back."""
_PAUSE = 0.1
_DEAF = 0.3
"""After a refusal: how long nothing is sent, and how long refusals answer what was sent before."""


class Pace:
    """At most `most` posts a second in the long run, `burst` at once. Times are of one steady clock, in s.

    The account's quota is shared with whatever else runs in the region, so nobody can say what is left of it
    for this environment: it falls to what was accepted when posts are refused, and rises slowly again.
    """

    def __init__(self, most: float, burst: float) -> None:
        self._most = most
        self.per_second = most
        self._slack = burst / most
        self._full_at = float("-inf")
        self._regained_at = float("-inf")
        self._deaf_until = float("-inf")
        self._window_from = float("-inf")
        self._accepted = 0
        self._accepted_before = 0.0

    def wait(self, now: float) -> float:
        """Seconds until the next post may go; 0 takes its place at once."""
        if self.per_second < self._most and now > self._regained_at:
            gained = (now - self._regained_at) * self._most * _REGAINED
            self.per_second = min(self._most, self.per_second + gained)
            self._regained_at = now
        interval = 1 / self.per_second
        earliest = max(self._full_at, now) + interval - self._slack
        if earliest > now:
            return earliest - now
        self._full_at = max(self._full_at, now) + interval
        return 0.0

    def accepted(self, now: float) -> None:
        """A post went through."""
        if now >= self._window_from + _WINDOW:
            self._roll(now)
        self._accepted += 1

    def refused(self, now: float) -> None:
        """The account's limit refused a post."""
        if now < self._deaf_until:
            return
        self._deaf_until = now + _DEAF
        if now >= self._window_from + _WINDOW:
            self._roll(now)
        elapsed = max(now - self._window_from, _WINDOW / 5)
        through = max(self._accepted / elapsed, self._accepted_before)
        self.per_second = max(self._most * _LEAST, min(self.per_second, through) * _BELOW)
        self._regained_at = now + _DEAF
        self._full_at = now + _PAUSE + self._slack

    def _roll(self, now: float) -> None:
        elapsed = now - self._window_from
        self._accepted_before = self._accepted / elapsed if elapsed < 2 * _WINDOW else 0.0
        self._accepted = 0
        self._window_from = now
