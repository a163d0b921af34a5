"""A stage's throttle: a token bucket."""

from __future__ import annotations

from local_aws.model import Throttle


class TokenBucket:
    """Lets `rate` requests a second through, and `burst` at once. Time is what the caller says it is."""

    def __init__(self, throttle: Throttle, now: float) -> None:
        self._rate = throttle.rate
        self._burst = float(throttle.burst)
        self._tokens = self._burst
        self._filled = now

    def take(self, now: float) -> bool:
        """Whether one more request goes through."""
        self._tokens = min(self._burst, self._tokens + max(0.0, now - self._filled) * self._rate)
        self._filled = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
