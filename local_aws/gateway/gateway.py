"""The data plane of the WebSocket APIs: connections in, events to integrations, answers and closes out."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from local_aws.functions import FunctionNotFound, Invoker, Throttled
from local_aws.gateway import answers, events
from local_aws.gateway.answers import Answer, MalformedAnswer
from local_aws.gateway.connection import (
    MAX_MESSAGE,
    NO_CLOSE_FRAME,
    Connection,
    Gone,
    HandshakeRefused,
    NotRead,
)
from local_aws.gateway.events import ConnectionRecord
from local_aws.gateway.ids import new_id
from local_aws.gateway.invocations import FunctionFailed, call
from local_aws.gateway.ledger import Ledger
from local_aws.gateway.management import Management
from local_aws.gateway.routes import choose
from local_aws.gateway.templates import mock_body, mock_status
from local_aws.gateway.throttling import TokenBucket
from local_aws.http import Request, Response
from local_aws.model import LambdaIntegration, MockIntegration, WebSocketApi

logger = logging.getLogger(__name__)

MAX_URL = 4096
GOING_AWAY = (1001, "Going away")
# Looking for connections that are over their limits more often than this gains nothing.
_LEAST_SECONDS_BETWEEN_LOOKS = 1.0
# How long, at the stop, a client may take to answer the close frame.
_LAST_WORDS_SECONDS = 0.5
_LEFT_BEHIND_AT_ONCE = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What API Gateway allows a connection. Times are seconds.

    `events_in_flight` bounds how many messages of one connection are handled at once; 1 handles them one
    after another.
    """

    idle: float = 600.0
    age: float = 7_200.0
    events_in_flight: int = 64


class Gateway:
    """Serves WebSocket APIs. Transports come from an HTTP server by `upgrade`."""

    def __init__(
        self,
        apis: Iterable[WebSocketApi],
        invoker: Invoker,
        *,
        region: str,
        ledger: Path | None = None,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.apis = tuple(apis)
        self._invoker = invoker
        self._region = region
        self._limits = limits or Limits()
        self._clock = clock
        self._ledger = None if ledger is None else Ledger(ledger)
        self._buckets = {
            (api.id, api.stage): TokenBucket(api.throttle, clock()) for api in self.apis if api.throttle
        }
        self._by_stage = {(api.id, api.stage): api for api in self.apis}
        self._live: dict[str, Connection] = {}
        self._held: set[Connection] = set()
        self._running: set[asyncio.Task[Any]] = set()
        self._look: asyncio.TimerHandle | None = None
        self._stopping = False
        self._management = Management(self.apis, self._live, clock)

    @property
    def connections(self) -> Mapping[str, Connection]:
        """The open connections by their id."""
        return self._live

    def management(self, request: Request, api_id: str | None = None) -> Response:
        """Answer a request to `@connections`."""
        return self._management.answer(request, api_id)

    def upgrade(
        self, api: WebSocketApi, request: Request, transport: asyncio.Transport, rest: bytes = b""
    ) -> None:
        """Take over a transport whose client has sent a WebSocket handshake, and `rest` after it.

        The request's path is the stage's; its X-Forwarded-For is what the hops before have made of it.
        """
        record = ConnectionRecord(
            connection_id=self._new_connection_id(),
            api_id=api.id,
            stage=api.stage,
            domain_name=f"{api.id}.execute-api.{self._region}.amazonaws.com",
            connected_at=int(self._clock() * 1000),
            source_ip=request.peer,
            user_agent=request.header("User-Agent"),
        )
        connection = Connection(
            record,
            transport,
            on_message=partial(self._on_message, api),
            on_end=partial(self._on_end, api),
            events_in_flight=self._limits.events_in_flight,
        )
        try:
            self._check(api, request)
            connection.negotiate(request)
        except HandshakeRefused as refused:
            logger.info("%s refused with %s", record.connection_id, refused.status)
            connection.refuse(refused.status)
            return
        self._held.add(connection)
        if rest:
            connection.data_received(rest)
        self._spawn(self._connect(api, connection, request))

    async def disconnect_left_behind(self) -> None:
        """Run `$disconnect` for the connections that an earlier run couldn't end."""
        if self._ledger is None:
            return
        turn = asyncio.Semaphore(_LEFT_BEHIND_AT_ONCE)

        async def disconnect(record: ConnectionRecord, ledger: Ledger) -> None:
            api = self._by_stage.get((record.api_id, record.stage))
            if api is None:
                ledger.closed(record.connection_id)
                return
            async with turn:
                await self._disconnect(api, record, *NO_CLOSE_FRAME)

        await asyncio.gather(*(disconnect(record, self._ledger) for record in self._ledger.left_behind))

    async def close_all(self, code: int = 1001, reason: str = GOING_AWAY[1], *, within: float = 5.0) -> None:
        """Close every connection, take no new ones, and wait until `$disconnect` has run for each.

        That, and what is left of messages being handled, is waited for at most `within` seconds.
        """
        self._stopping = True
        if self._look is not None:
            self._look.cancel()
        closing = tuple(self._live.values())
        for connection in closing:
            connection.close(code, reason)
        deadline = asyncio.get_running_loop().time() + within
        while self._running and (left := deadline - asyncio.get_running_loop().time()) > 0:
            await asyncio.wait(self._running, timeout=left)
            await asyncio.sleep(0)  # what ends may start a `$disconnect`
        if sockets := [connection.lost for connection in closing if not connection.lost.done()]:
            await asyncio.wait(sockets, timeout=_LAST_WORDS_SECONDS)
        for task in tuple(self._running):
            task.cancel()
        for connection in (*self._held, *closing):
            connection.abort()
        if self._ledger is not None:
            self._ledger.close()

    def close_expired(self) -> None:
        """Close the connections that were idle or open for too long."""
        now = self._clock()
        for connection in tuple(self._live.values()):
            if now >= self._expiry(connection):
                logger.info("%s was idle or open for too long", connection.record.connection_id)
                connection.close(*GOING_AWAY)

    # Connecting.

    def _new_connection_id(self) -> str:
        while (connection_id := new_id()) in self._live:
            pass
        return connection_id

    def _check(self, api: WebSocketApi, request: Request) -> None:
        if len(request.target) > MAX_URL:
            raise HandshakeRefused(414)
        if request.path not in (f"/{api.stage}", f"/{api.stage}/"):
            raise HandshakeRefused(403)
        if self._stopping:
            raise HandshakeRefused(503)
        if not self._admits(api):
            raise HandshakeRefused(429)

    def _admits(self, api: WebSocketApi) -> bool:
        bucket = self._buckets.get((api.id, api.stage))
        return bucket is None or bucket.take(self._clock())

    async def _connect(self, api: WebSocketApi, connection: Connection, request: Request) -> None:
        record = connection.record
        try:
            answer = await self._answer_to_connect(api, record, request)
        finally:
            self._held.discard(connection)
        if not answer.accepts:
            logger.info("%s refused with %s", record.connection_id, answer.status)
            connection.refuse(answer.status)
            return
        logger.info("%s opened", record.connection_id)
        self._live[record.connection_id] = connection
        if self._ledger is not None:
            self._ledger.opened(record)
        self._look_later()
        connection.open(_subprotocol(answer))
        if self._stopping:
            connection.close(*GOING_AWAY)

    async def _answer_to_connect(
        self, api: WebSocketApi, record: ConnectionRecord, request: Request
    ) -> Answer:
        route = api.routes.get("$connect")
        if route is None or route.integration is None:
            return Answer(200)
        event = events.connect_event(
            record, headers=request.headers, query=request.query, request_id=new_id(), now=self._clock()
        )
        integration = route.integration
        if isinstance(integration, MockIntegration):
            return Answer(mock_status(integration, "", event["requestContext"]))
        try:
            return answers.parse(await self._call(integration, event))
        except TimeoutError:
            logger.warning("%s: %s took too long to connect", record.connection_id, integration.function)
            return Answer(504)  # unconfirmed
        except (Throttled, FunctionNotFound) as refusal:
            logger.warning("%s: %s: %r", record.connection_id, integration.function, refusal)
            return Answer(500)
        except (FunctionFailed, MalformedAnswer) as failure:
            logger.warning(
                "%s: %s failed to connect: %s", record.connection_id, integration.function, failure
            )
            return Answer(502)

    # Messages.

    def _on_message(self, api: WebSocketApi, connection: Connection, body: str) -> asyncio.Task[None] | None:
        now = self._clock()
        connection.last_active = now
        request_id = new_id()
        if not self._admits(api):
            self._say(connection, answers.TOO_MANY_REQUESTS, request_id)
            return None
        route = choose(api, body)
        if route is None:
            self._say(connection, answers.FORBIDDEN, request_id)
            return None
        integration = route.integration
        if integration is None:
            self._say(connection, answers.INTERNAL_SERVER_ERROR, request_id)
            return None
        event = events.message_event(
            connection.record,
            route_key=route.key,
            body=body,
            message_id=new_id(),
            request_id=request_id,
            now=now,
        )
        if isinstance(integration, MockIntegration):
            if route.answers:
                answer = mock_body(integration, body, event["requestContext"])
                self._send(connection, answer.encode("utf-8", "replace"))
            return None
        return self._spawn(self._handle(connection, integration, event, request_id, route.answers))

    async def _handle(
        self,
        connection: Connection,
        integration: LambdaIntegration,
        event: events.Event,
        request_id: str,
        is_answered: bool,
    ) -> None:
        connection_id = connection.record.connection_id
        try:
            answer = answers.parse(await self._call(integration, event))
            if len(answer.body) > MAX_MESSAGE:
                raise MalformedAnswer(f"a body of {len(answer.body)} bytes")
        except TimeoutError:
            logger.warning("%s: %s took too long", connection_id, integration.function)
            self._say(connection, answers.TIMED_OUT, request_id)
        except (Throttled, FunctionNotFound, FunctionFailed, MalformedAnswer) as failure:
            logger.warning("%s: %s failed: %s", connection_id, integration.function, failure or repr(failure))
            self._say(connection, answers.INTERNAL_SERVER_ERROR, request_id)
        else:
            if is_answered and answer.body:
                self._send(connection, answer.body)

    def _say(self, connection: Connection, message: str, request_id: str) -> None:
        connection_id = connection.record.connection_id
        self._send(
            connection, answers.gateway_frame(message, connection_id=connection_id, request_id=request_id)
        )

    def _send(self, connection: Connection, message: bytes) -> None:
        try:
            connection.send(message)
        except Gone:
            return
        except NotRead:
            logger.warning("%s doesn't read: an answer is dropped", connection.record.connection_id)
            return
        connection.last_active = self._clock()

    # The end.

    def _on_end(self, api: WebSocketApi, connection: Connection, code: int, reason: str) -> None:
        logger.info("%s closed: %s %s", connection.record.connection_id, code, reason)
        self._live.pop(connection.record.connection_id, None)
        self._spawn(self._disconnect(api, connection.record, code, reason))

    async def _disconnect(self, api: WebSocketApi, record: ConnectionRecord, code: int, reason: str) -> None:
        """Best effort, as on AWS: what fails here isn't tried again."""
        route = api.routes.get("$disconnect")
        if route is not None and isinstance(route.integration, LambdaIntegration):
            event = events.disconnect_event(
                record, status_code=code, reason=reason, request_id=new_id(), now=self._clock()
            )
            try:
                answers.parse(await self._call(route.integration, event))
            except (
                TimeoutError,
                Throttled,
                FunctionNotFound,
                FunctionFailed,
                MalformedAnswer,
            ) as failure:
                logger.warning("%s: $disconnect failed: %s", record.connection_id, failure or repr(failure))
        if self._ledger is not None:
            self._ledger.closed(record.connection_id)

    # Work.

    async def _call(self, integration: LambdaIntegration, event: events.Event) -> bytes:
        return await call(
            self._invoker, integration.function, events.encode(event), timeout_ms=integration.timeout_ms
        )

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (failure := task.exception()):
            logger.error("The gateway failed at an event", exc_info=failure)

    # Limits in time.

    def _expiry(self, connection: Connection) -> float:
        age = connection.record.connected_at / 1000 + self._limits.age
        return min(connection.last_active + self._limits.idle, age)

    def _look_later(self) -> None:
        """Look again when the first connection may be over its limits: one timer for all of them."""
        if self._look is not None or self._stopping or not self._live:
            return
        first = min(self._expiry(connection) for connection in self._live.values())
        delay = max(first - self._clock(), _LEAST_SECONDS_BETWEEN_LOOKS)
        self._look = asyncio.get_running_loop().call_later(delay, self._look_now)

    def _look_now(self) -> None:
        self._look = None
        self.close_expired()
        self._look_later()


def _subprotocol(answer: Answer) -> str | None:
    """The only header of a `$connect` answer that reaches the client."""
    for name, value in answer.headers:
        if name.lower() == "sec-websocket-protocol" and value.isprintable() and value.isascii():
            return value
    return None
