"""The throttles of stages and routes: token buckets."""

from __future__ import annotations

from collections.abc import Iterable

from local_aws.model import Throttle, WebSocketApi


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


class Throttles:
    """The buckets of all stages: a route's own one where it has one, else its stage's."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[str, ...], TokenBucket] = {}
        self._limits: dict[tuple[str, ...], Throttle] = {}

    def replace(self, apis: Iterable[WebSocketApi], now: float) -> None:
        """Hold the limits of these from now on. A limit that stays as it was keeps its count."""
        limits: dict[tuple[str, ...], Throttle] = {}
        for api in apis:
            if api.throttle is not None:
                limits[api.id, api.stage] = api.throttle
            for route in api.routes.values():
                if route.throttle is not None:
                    limits[api.id, api.stage, route.key] = route.throttle
        self._buckets = {
            key: self._buckets[key] if self._limits.get(key) == throttle else TokenBucket(throttle, now)
            for key, throttle in limits.items()
        }
        self._limits = limits

    def admit(self, api: WebSocketApi, route_key: str, now: float) -> bool:
        """Whether one more request of a route goes through."""
        if not self._buckets:
            return True
        bucket = self._buckets.get((api.id, api.stage, route_key)) or self._buckets.get((api.id, api.stage))
        return bucket is None or bucket.take(now)
