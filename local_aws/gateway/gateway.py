"""The data plane of the WebSocket APIs: connections in, events to integrations, answers and closes out."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_aws.gateway import answers
from local_aws.gateway.chaos import Chaos
from local_aws.gateway.connecting import Connecting
from local_aws.gateway.connection import NO_CLOSE_FRAME, Connection, Gone, HandshakeRefused, NotRead
from local_aws.gateway.disconnecting import Disconnecting
from local_aws.gateway.events import ConnectionRecord
from local_aws.gateway.expiry import Expiry
from local_aws.gateway.ids import new_id
from local_aws.gateway.integrations import Integrations
from local_aws.gateway.ledger import Ledger
from local_aws.gateway.management import Management
from local_aws.gateway.messages import Message
from local_aws.gateway.routes import choose
from local_aws.gateway.status import ApiStatus, ConnectionStatus, GatewayStatus
from local_aws.gateway.throttling import Throttles
from local_aws.http import Request, Response
from local_aws.model import WebSocketApi

logger = logging.getLogger(__name__)

MAX_URL = 4096
GOING_AWAY = (1001, "Going away")
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
        integrations: Integrations,
        *,
        account: str,
        ledger: Path | None = None,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.time,
        chaos: Chaos | None = None,
    ) -> None:
        self._integrations = integrations
        self._account = account
        self._limits = limits or Limits()
        self._clock = clock
        self._chaos = chaos
        self._ledger = None if ledger is None else Ledger(ledger)
        self._live: dict[str, Connection] = {}
        self._held: set[Connection] = set()
        self._running: set[asyncio.Task[Any]] = set()
        # Messages that a function or a service has not answered yet, and who waits until there are none.
        self._under_way = 0
        self._all_answered: asyncio.Future[None] | None = None
        self._stopping = False
        self._accepted = self._refused = self._messages = 0
        self._throttles = Throttles()
        self._management = Management(self._live, clock, push=None if chaos is None else chaos.push)
        self._expiry = Expiry(
            self._live.values, self._expire, idle=self._limits.idle, age=self._limits.age, clock=clock
        )
        self._apis: dict[tuple[str, str], WebSocketApi] = {}
        self.replace(apis)

    @property
    def apis(self) -> tuple[WebSocketApi, ...]:
        """The stages that are served."""
        return tuple(self._apis.values())

    @property
    def connections(self) -> Mapping[str, Connection]:
        """The open connections by their id."""
        return self._live

    def replace(self, apis: Iterable[WebSocketApi]) -> None:
        """Serve these from now on. Sockets of a stage that is still there stay open."""
        self._apis = {(api.id, api.stage): api for api in apis}
        self._throttles.replace(self._apis.values(), self._clock())
        self._management.replace(self._apis)
        for connection in tuple(self._live.values()):
            if self._api_of(connection.record) is None:
                connection.close(*GOING_AWAY)

    def management(self, request: Request, api_id: str | None = None) -> Response:
        """Answer a request to `@connections`."""
        return self._management.answer(request, api_id)

    def status(self) -> GatewayStatus:
        """What there is now."""
        connections: dict[tuple[str, str], list[ConnectionStatus]] = {key: [] for key in self._apis}
        for connection in self._live.values():
            record = connection.record
            connections[record.api_id, record.stage].append(
                ConnectionStatus(
                    connection_id=record.connection_id,
                    connected_at=record.connected_at / 1000,
                    last_active=connection.last_active,
                    source_ip=record.source_ip,
                    user_agent=record.user_agent,
                    events_in_flight=connection.events_in_flight,
                    unsent=connection.unsent,
                )
            )
        return GatewayStatus(
            apis=tuple(
                ApiStatus(
                    api_id=api.id,
                    name=api.name,
                    stage=api.stage,
                    routes=tuple(sorted(api.routes)),
                    connections=tuple(connections[key]),
                )
                for key, api in self._apis.items()
            ),
            connecting=len(self._held),
            accepted=self._accepted,
            refused=self._refused,
            messages=self._messages,
            posts=self._management.posts,
        )

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
            domain_name=f"{api.id}.execute-api.{self._integrations.region}.amazonaws.com",
            connected_at=int(self._clock() * 1000),
            source_ip=request.peer,
            user_agent=request.header("User-Agent"),
        )
        connection = Connection(
            record,
            transport,
            on_message=self._on_message,
            on_end=self._on_end,
            events_at_once=self._limits.events_in_flight,
        )
        try:
            self._check(api, request)
            connection.negotiate(request)
        except HandshakeRefused as refused:
            self._refuse(connection, refused.status)
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

        async def disconnect(record: ConnectionRecord) -> None:
            async with turn:
                await self._disconnect(record, *NO_CLOSE_FRAME)

        await asyncio.gather(*(disconnect(record) for record in self._ledger.left_behind))

    async def close_all(self, code: int = 1001, reason: str = GOING_AWAY[1], *, within: float = 5.0) -> None:
        """Close every connection, take no new ones, and wait until `$disconnect` has run for each.

        That, and what is left of messages being handled, is waited for at most `within` seconds.
        """
        self._stopping = True
        self._expiry.stop()
        closing = tuple(self._live.values())
        for connection in closing:
            connection.close(code, reason)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within
        while (self._running or self._under_way) and (left := deadline - loop.time()) > 0:
            self._all_answered = loop.create_future()
            awaited = {*self._running, self._all_answered} if self._under_way else self._running
            await asyncio.wait(awaited, timeout=left)
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
        self._expiry.look()

    # Connecting.

    def _api_of(self, record: ConnectionRecord) -> WebSocketApi | None:
        return self._apis.get((record.api_id, record.stage))

    def _stage_arn(self, api: WebSocketApi) -> str:
        return f"arn:aws:execute-api:{self._integrations.region}:{self._account}:{api.id}/{api.stage}"

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
        if not self._throttles.admit(api, "$connect", self._clock()):
            raise HandshakeRefused(429)

    def _refuse(self, connection: Connection, status: int) -> None:
        self._refused += 1
        logger.info("%s refused with %s", connection.record.connection_id, status)
        connection.refuse(status)

    async def _connect(self, api: WebSocketApi, connection: Connection, request: Request) -> None:
        connecting = Connecting(
            integrations=self._integrations,
            api=api,
            stage_arn=self._stage_arn(api),
            request=request,
            now=self._clock(),
        )
        try:
            answer, connection.record = await connecting.answer(connection.record)
        finally:
            self._held.discard(connection)
        if not answer.accepts:
            self._refuse(connection, answer.status)
            return
        self._accepted += 1
        record = connection.record
        logger.info("%s opened", record.connection_id)
        self._live[record.connection_id] = connection
        if self._ledger is not None:
            self._ledger.opened(record)
        if self._chaos is not None:
            self._chaos.opened(connection)
        self._expiry.watch()
        connection.open(answer.subprotocol)
        if self._stopping or self._api_of(record) is None:
            connection.close(*GOING_AWAY)

    # Messages.

    def _on_message(self, connection: Connection, body: str) -> bool:
        record = connection.record
        api = self._api_of(record)
        if api is None:
            return False
        now = connection.last_active = self._clock()
        self._messages += 1
        request_id = new_id()
        route = choose(api, body)
        if not self._throttles.admit(api, "$default" if route is None else route.key, now):
            told = answers.TOO_MANY_REQUESTS
        elif route is None:
            told = answers.FORBIDDEN
        else:
            message = Message(api, route, record, body, request_id, now)
            answer = message.answer()
            if answer is None:
                return self._ask(connection, message, self._stage_arn(api))
            self._send(connection, answer)
            return False
        frame = answers.gateway_frame(told, connection_id=record.connection_id, request_id=request_id)
        self._send(connection, frame)
        return False

    def _ask(self, connection: Connection, message: Message, stage_arn: str) -> bool:
        """Answer with what the integration says; when it takes too long with that, and let it go on.

        Returns whether the answer is still to come.
        """
        answered = under_way = False
        timer: asyncio.TimerHandle | None = None

        def answer(frame: bytes) -> None:
            nonlocal answered
            if answered:
                return
            answered = True
            if timer is not None:
                timer.cancel()
            self._send(connection, frame)
            if under_way:
                connection.event_done()

        def time_out() -> None:
            record, route = message.record, message.route
            logger.warning("%s: the route %s took too long", record.connection_id, route.key)
            answer(message.told(answers.TIMED_OUT))

        def came(frame: bytes) -> None:
            self._under_way -= 1
            if self._all_answered is not None and not self._under_way and not self._all_answered.done():
                self._all_answered.set_result(None)
            answer(frame)

        self._under_way += 1
        work = message.ask(self._integrations, stage_arn, came)
        if answered:
            return False
        under_way = True
        timer = asyncio.get_running_loop().call_later(message.timeout_seconds, time_out)
        if work is not None:
            self._spawn(work)
        return True

    def _send(self, connection: Connection, message: bytes) -> None:
        if not message:
            return
        try:
            connection.send(message)
        except Gone:
            return
        except NotRead:
            logger.warning("%s doesn't read: an answer is dropped", connection.record.connection_id)
            return
        connection.last_active = self._clock()

    # The end.

    def _expire(self, connection: Connection) -> None:
        logger.info("%s was idle or open for too long", connection.record.connection_id)
        connection.close(*GOING_AWAY)

    def _on_end(self, connection: Connection, code: int, reason: str) -> None:
        record = connection.record
        logger.info("%s closed: %s %s", record.connection_id, code, reason)
        self._live.pop(record.connection_id, None)
        if self._chaos is not None:
            self._chaos.closed(connection)
            if self._chaos.loses_disconnect():
                logger.info("%s: its $disconnect is lost", record.connection_id)
                if self._ledger is not None:
                    self._ledger.closed(record.connection_id)
                return
        self._spawn(self._disconnect(record, code, reason))

    async def _disconnect(self, record: ConnectionRecord, code: int, reason: str) -> None:
        """Best effort, as on AWS: what fails here isn't tried again."""
        api = self._api_of(record)
        route = None if api is None else api.routes.get("$disconnect")
        if api is not None and route is not None:
            disconnecting = Disconnecting(
                integrations=self._integrations, api=api, stage_arn=self._stage_arn(api), now=self._clock()
            )
            await disconnecting.run(record, route.integration, code, reason)
        if self._ledger is not None:
            self._ledger.closed(record.connection_id)

    # Work.

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (failure := task.exception()):
            logger.error("The gateway failed at an event", exc_info=failure)
