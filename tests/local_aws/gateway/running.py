"""A gateway on a real socket, and functions that are Python callables in the test's own loop."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local_aws.functions import Invocation, Invoker, Throttled
from local_aws.gateway import Chaos, Gateway, Integrations, Limits
from local_aws.http import Request, Response, serve
from local_aws.model import (
    IntegrationResponse,
    LambdaIntegration,
    MockIntegration,
    Throttle,
    WebSocketApi,
    WebSocketRoute,
)

ACCOUNT = "123456789012"
Event = dict[str, Any]
Function = Callable[[Event], Any]


def accept(_: Event) -> Any:
    """The answer of a function that has nothing to say."""
    return {"statusCode": 200}


def echo(event: Event) -> Any:
    """Answer with the message."""
    return {"statusCode": 200, "body": event.get("body", "")}


@dataclass
class Functions(Invoker):
    """An invoker: `connect`, `disconnect` and `message` are the functions, to be replaced by a test."""

    connect: Function = accept
    disconnect: Function = accept
    message: Function = echo
    events: list[Event] = field(default_factory=list)
    running: int = 0
    most_running: int = 0
    _disconnected: asyncio.Event = field(default_factory=asyncio.Event)

    async def invoke(self, function: str, payload: bytes, *, request_id: str | None = None) -> Invocation:
        event = json.loads(payload)
        self.events.append(event)
        if event["requestContext"]["eventType"] == "DISCONNECT":
            self._disconnected.set()
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            answer = getattr(self, function)(event)
            if isinstance(answer, Awaitable):
                answer = await answer
        except Throttled:
            raise
        except Exception as error:
            return Invocation(json.dumps({"errorMessage": str(error)}).encode(), "Unhandled", "request")
        finally:
            self.running -= 1
        return Invocation(json.dumps(answer).encode(), None, "request")

    def of_type(self, event_type: str) -> list[Event]:
        return [event for event in self.events if event["requestContext"]["eventType"] == event_type]

    async def disconnected(self) -> Event:
        """Wait for the first `$disconnect`."""
        await asyncio.wait_for(self._disconnected.wait(), 5)
        return self.of_type("DISCONNECT")[0]


@dataclass
class Clock:
    """Time that a test moves."""

    now: float = 1_764_064_800.0  # 25 November 2025, 10:00

    def __call__(self) -> float:
        return self.now


def route(
    key: str, function: str = "message", *, answers: bool = True, timeout_ms: int = 29_000
) -> WebSocketRoute:
    return WebSocketRoute(
        key=key, integration=LambdaIntegration(function=function, timeout_ms=timeout_ms), answers=answers
    )


def mock_route(key: str, request: str, response: str, *, answers: bool = True) -> WebSocketRoute:
    integration = MockIntegration(
        request_templates={"$default": request},
        responses={"$default": IntegrationResponse(templates={"$default": response})},
    )
    return WebSocketRoute(key=key, integration=integration, answers=answers)


def api_with(*routes: WebSocketRoute, throttle: Throttle | None = None, **settings: Any) -> WebSocketApi:
    """An API with stage `ws`; `$connect` and `$disconnect` run unless they are given."""
    by_key = {
        "$connect": route("$connect", "connect", answers=False),
        "$disconnect": route("$disconnect", "disconnect", answers=False),
    } | {each.key: each for each in routes}
    return WebSocketApi(id="api1", name="chat", stage="ws", routes=by_key, throttle=throttle, **settings)


@dataclass
class Running:
    gateway: Gateway
    functions: Functions
    port: int

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws"

    def manage(self, method: str, path: str, body: bytes = b"") -> Response:
        return self.gateway.management(Request(method, path, path, "", [], body, "127.0.0.1"))

    def connection(self, connection_id: str | None = None, *, stage: str = "ws") -> str:
        """The path of a connection: the given one, or the only one."""
        return f"/{stage}/@connections/{connection_id or next(iter(self.gateway.connections))}"


@asynccontextmanager
async def running(
    api: WebSocketApi | None = None,
    functions: Functions | None = None,
    *,
    limits: Limits | None = None,
    clock: Callable[[], float] | None = None,
    ledger: Path | None = None,
    chaos: Chaos | None = None,
    **of_integrations: Any,
) -> AsyncIterator[Running]:
    """A gateway for one API (by default one whose `$default` echoes)."""
    api = api or api_with(route("$default"))
    functions = functions or Functions()
    extra = {} if clock is None else {"clock": clock}
    integrations = Integrations(invoker=functions, region="eu-west-1", **of_integrations)
    gateway = Gateway(
        [api], integrations, account=ACCOUNT, limits=limits, ledger=ledger, chaos=chaos, **extra
    )

    def upgrade(request: Request, transport: asyncio.Transport, rest: bytes) -> None:
        gateway.upgrade(api, request, transport, rest)

    server = await serve(gateway.management, host="127.0.0.1", port=0, upgrade=upgrade)
    try:
        yield Running(gateway, functions, server.port)
    finally:
        await gateway.close_all(within=2)
        server.close()
        await server.wait_closed()
