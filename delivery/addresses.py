"""The addresses of a host, looked up once for many connections, and used in turn.

asyncio's own lookup would be one for each connection, each in a thread of its own.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time

_KEPT_SECONDS = 60.0


class Addresses:
    """Where a host can be reached. Belongs to one event loop."""

    def __init__(self, hostname: str, port: int) -> None:
        self._hostname = hostname
        self._port = port
        self._known: list[str] = []
        self._since = float("-inf")
        self._looking = asyncio.Lock()

    async def next(self) -> str:
        """The next address in turn. Raises OSError where the name can't be resolved."""
        async with self._looking:
            # Wall-clock time: the monotonic clock may stand still while an environment is frozen.
            if not self._known or not 0 <= time.time() - self._since < _KEPT_SECONDS:
                self._known = await self._look_up()
                self._since = time.time()
            self._known.append(self._known.pop(0))
            return self._known[-1]

    def forget(self, address: str) -> bool:
        """Leave out an address that didn't answer. False if none is left: then the next is looked up anew."""
        if address in self._known:
            self._known.remove(address)
        return bool(self._known)

    async def _look_up(self) -> list[str]:
        try:
            return [str(ipaddress.ip_address(self._hostname))]
        except ValueError:
            loop = asyncio.get_running_loop()
            found = await loop.getaddrinfo(self._hostname, self._port, type=socket.SOCK_STREAM)
            return list(dict.fromkeys(str(address[0]) for *_, address in found))
