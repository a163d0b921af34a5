"""Listening, and ending in order."""

from __future__ import annotations

import asyncio
import ssl as tls
from typing import Any

from local_aws.http.connection import LINGER, Connection, Handler, OpenConnections, Upgrade
from local_aws.http.limits import Limits

MAX_BODY = 10 * 1024 * 1024
MAX_HEAD = 32 * 1024
HEAD_TIMEOUT = 30.0
IDLE_TIMEOUT = 350.0


class Server:
    """A listening server and its open connections. `port` is the one that it listens on."""

    def __init__(self, listener: asyncio.Server, connections: OpenConnections) -> None:
        self.port: int = listener.sockets[0].getsockname()[1]
        self._listener = listener
        self._connections = connections

    @property
    def sockets(self) -> tuple[Any, ...]:
        """The listening sockets."""
        return tuple(self._listener.sockets)

    def close(self) -> None:
        """Stop listening; end idle connections now and busy ones once they have their answer."""
        self._listener.close()
        for connection in tuple(self._connections):
            connection.finish()

    async def wait_closed(self, timeout: float = LINGER) -> None:  # noqa: ASYNC109 - the bound is the point
        """Wait until the last connection has ended, and abort what is left after `timeout` seconds."""
        try:
            await asyncio.wait_for(self._connections.ended.wait(), timeout)
        except TimeoutError:
            for connection in tuple(self._connections):
                connection.abort()


async def serve(
    handler: Handler,
    *,
    host: str,
    port: int,
    backlog: int = 1024,
    max_body: int = MAX_BODY,
    max_head: int = MAX_HEAD,
    head_timeout: float = HEAD_TIMEOUT,
    idle_timeout: float = IDLE_TIMEOUT,
    upgrade: Upgrade | None = None,
    ssl: tls.SSLContext | None = None,
) -> Server:
    """Serve `handler` on `host` and `port` (0 for any).

    The handler returns a response, or an awaitable of one, which is cancelled when the client goes away
    meanwhile: shield what must go on. `upgrade` gets the WebSocket handshakes and takes their transport over,
    with what was received after the head. Times are seconds, sizes bytes.
    """
    limits = Limits(max_body, max_head, head_timeout, idle_timeout)
    connections = OpenConnections()
    listener = await asyncio.get_running_loop().create_server(
        lambda: Connection(handler, upgrade, limits, connections), host, port, backlog=backlog, ssl=ssl
    )
    return Server(listener, connections)
