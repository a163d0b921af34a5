"""Standard clients of the suite's APIs, and what the functions behind them have seen."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus
from websockets.http11 import Response

from tests.conformance.deployment import PATIENCE, Deployment, Observer


class Api:
    """Clients of the app's APIs, and what its functions have seen of them."""

    def __init__(self, deployment: Deployment, observer: Observer) -> None:
        self.deployment = deployment
        self._observer = observer

    @asynccontextmanager
    async def client(
        self, api: str = "main", query: str = "", **options: Any
    ) -> AsyncIterator[ClientConnection]:
        """An open connection."""
        async with connect(
            self.deployment.url(api, query), open_timeout=PATIENCE, max_size=None, **options
        ) as client:
            yield client

    async def refusal(self, api: str = "main", query: str = "", path: str | None = None) -> Response:
        """How a handshake is refused."""
        with pytest.raises(InvalidStatus) as refused:
            async with connect(self.deployment.url(api, query, path), open_timeout=PATIENCE):
                pass
        return refused.value.response

    async def connected(self, query: str = "", api: str = "main", **options: Any) -> dict[str, Any]:
        """The event of `$connect` of a client that comes and goes."""
        probe = uuid.uuid4().hex
        async with self.client(api, f"probe={probe}&{query}", **options):
            pass
        return (await self.seen(probe=probe))["event"]

    async def seen(
        self, *, probe: str | None = None, connection_id: str | None = None, event_type: str = "CONNECT"
    ) -> dict[str, Any]:
        """What the function of `$connect` or `$disconnect` told of a connection."""

        def fits(message: dict[str, Any]) -> bool:
            event = message.get("event")
            if event is None or event["requestContext"]["eventType"] != event_type:
                return False
            if probe is not None:
                return event.get("queryStringParameters", {}).get("probe") == probe
            return event["requestContext"]["connectionId"] == connection_id

        return await asyncio.to_thread(self._observer.wait_for, fits)

    async def disconnected(self, connection_id: str) -> dict[str, Any]:
        """The event of `$disconnect`."""
        return (await self.seen(connection_id=connection_id, event_type="DISCONNECT"))["event"]

    async def queued(self, body: str) -> dict[str, Any]:
        """A message that came into the queue by a route of its own."""
        return await asyncio.to_thread(self._observer.wait_for, lambda message: message.get("sent") == body)


async def ask(client: ClientConnection, action: str = "ask", **asked: Any) -> str:
    """What the function answers to a message."""
    await client.send(json.dumps({"action": action, **asked}))
    return await receive(client)


async def receive(client: ClientConnection) -> str:
    """The next message, which is text."""
    message = await asyncio.wait_for(client.recv(), PATIENCE)
    assert isinstance(message, str)
    return message


async def event_of(client: ClientConnection, message: str = '{"action":"event"}') -> dict[str, Any]:
    """The event that a message becomes: the function answers with it."""
    await client.send(message)
    event: dict[str, Any] = json.loads(await receive(client))
    return event


async def id_of(client: ClientConnection) -> str:
    """The connection's id."""
    connection_id: str = (await event_of(client))["requestContext"]["connectionId"]
    return connection_id
