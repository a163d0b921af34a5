"""When connections have been idle or open for too long: one timer for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

from local_aws.gateway.connection import Connection

# Looking for connections that are over their limits more often than this gains nothing.
_LEAST_SECONDS_BETWEEN_LOOKS = 1.0


class Expiry:
    """Calls `expire` for each connection that is over a limit, in seconds of `clock`."""

    def __init__(
        self,
        connections: Callable[[], Collection[Connection]],
        expire: Callable[[Connection], None],
        *,
        idle: float,
        age: float,
        clock: Callable[[], float],
    ) -> None:
        self._connections = connections
        self._expire = expire
        self._idle = idle
        self._age = age
        self._clock = clock
        self._timer: asyncio.TimerHandle | None = None
        self._stopped = False

    def watch(self) -> None:
        """Look again when the first connection may be over its limits: to be called for each new one."""
        if self._timer is not None or self._stopped or not self._connections():
            return
        first = min(self._limit(connection) for connection in self._connections())
        delay = max(first - self._clock(), min(_LEAST_SECONDS_BETWEEN_LOOKS, self._idle, self._age))
        self._timer = asyncio.get_running_loop().call_later(delay, self._look)

    def look(self) -> None:
        """Expire what is over its limits now."""
        now = self._clock()
        for connection in tuple(self._connections()):
            if now >= self._limit(connection):
                self._expire(connection)

    def stop(self) -> None:
        """Look no more."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        self._timer = None
        self.look()
        self.watch()

    def _limit(self, connection: Connection) -> float:
        return min(connection.last_active + self._idle, connection.record.connected_at / 1000 + self._age)
