"""Posting frames to connections: many at once over kept connections, until each is settled or time is up."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from http import HTTPStatus
from urllib.parse import quote, urlsplit

from delivery.connection import Connection, ResumingContext, tls_context
from delivery.rate import Rate
from delivery.responses import Response
from delivery.signing import Signer, payload_hash

MAX_CONNECTIONS = 64
ATTEMPTS = 6
CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 5.0
FIRST_BACKOFF_SECONDS = 0.1
MAX_BACKOFF_SECONDS = 2.0
_SWEEP_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Shard:
    """One frame and the connections that it goes to."""

    connections: Sequence[str]
    data: bytes


@dataclass(slots=True)
class Outcome:
    """What became of a shard: each of its connections is in one of these.

    `gone` is closed (410), `refused` will never be taken (with the reason), `remaining` may be tried again.
    """

    delivered: int = 0
    gone: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    remaining: dict[str, str] = field(default_factory=dict)


class Poster:
    """Posts to the connections of one stage. Belongs to one event loop; connections outlive a run."""

    def __init__(
        self,
        connections_url: str,
        signer: Signer,
        *,
        posts_per_second: float = 5000,
        max_connections: int = MAX_CONNECTIONS,
        ca_file: str | None = None,
    ) -> None:
        parts = urlsplit(connections_url)
        secure = parts.scheme == "https"
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{connections_url!r} is no URL of a stage's connections.")
        default_port = 443 if secure else 80
        self._hostname = parts.hostname
        self._port = parts.port or default_port
        self._host = self._hostname if self._port == default_port else f"{self._hostname}:{self._port}"
        self._path = f"{parts.path.rstrip('/')}/@connections/"
        self._signer = signer
        self._tls: ResumingContext | None = tls_context(ca_file) if secure else None
        self.rate = Rate(posts_per_second, burst=posts_per_second / 5)
        self.max_connections = max_connections
        self.idle: list[Connection] = []
        self.opening: set[asyncio.Task[None]] = set()

    async def post(self, work: Sequence[tuple[Shard, Outcome]], *, seconds: float) -> None:
        """Post each shard's frame to its connections and write down what became of it.

        What isn't settled after `seconds` remains.
        """
        # What the peer closed while the loop stood still is noticed before the first write to it.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await _Run(self, work, seconds).finished()

    async def open(self) -> Connection:
        """Another connection. Raises OSError or TimeoutError."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(CONNECT_SECONDS):
            _, connection = await loop.create_connection(
                lambda: Connection(self._tls),
                self._hostname,
                self._port,
                ssl=self._tls,
                server_hostname=self._hostname if self._tls else None,
            )
        return connection

    def request(self, connection_id: str, body: bytes, body_hash: str) -> bytes:
        """A signed request, ready to send."""
        path = self._path + _quoted(connection_id)
        headers = self._signer.headers("POST", self._host, path, body_hash=body_hash)
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        head = f"POST {path} HTTP/1.1\r\nHost: {self._host}\r\n{lines}Content-Length: {len(body)}\r\n\r\n"
        return head.encode() + body

    async def close(self) -> None:
        """Close all connections, those that are still being opened too."""
        await asyncio.gather(*self.opening)
        while self.idle:
            self.idle.pop().leave()
        await asyncio.sleep(0)
        await asyncio.sleep(0)


@lru_cache(maxsize=8192)
def _quoted(connection_id: str) -> str:
    return quote(connection_id, safe="")


class _Post:
    __slots__ = ("attempts", "body_hash", "connection_id", "data", "outcome", "reason")

    def __init__(self, connection_id: str, data: bytes, body_hash: str, outcome: Outcome) -> None:
        self.connection_id = connection_id
        self.data = data
        self.body_hash = body_hash
        self.outcome = outcome
        self.attempts = 0
        self.reason = "there was no time"


class _Run:
    """The posts of one call. Driven by what happens on connections, without a task for each post."""

    def __init__(self, poster: Poster, work: Sequence[tuple[Shard, Outcome]], seconds: float) -> None:
        self._poster = poster
        self._loop = asyncio.get_running_loop()
        self._deadline = self._loop.time() + seconds
        self._ready: deque[_Post] = deque()
        for shard, outcome in work:
            body_hash = payload_hash(shard.data)
            self._ready.extend(
                _Post(connection_id, shard.data, body_hash, outcome)
                for connection_id in dict.fromkeys(shard.connections)
            )
        self._unsettled = set(self._ready)
        self._under_way: dict[Connection, _Post] = {}
        self._awake: set[Connection] = set()
        """Opened or answering in this run: what breaks there breaks for another reason than sleep."""
        self._timers: list[asyncio.TimerHandle] = []
        self._paced = False
        self._done: asyncio.Future[None] = self._loop.create_future()

    async def finished(self) -> None:
        """Run until every post is settled or the time is up."""
        if self._unsettled:
            self._later(max(0.0, self._deadline - self._loop.time()), self._time_is_up)
            self._later(_SWEEP_SECONDS, self._sweep)
            self._pump()
            try:
                await self._done
            finally:
                self._clear_up()

    def answered(self, connection: Connection, response: Response) -> None:
        """An answer came. Called by the connection."""
        post = self._under_way.pop(connection)
        self._awake.add(connection)
        status = response.status
        if 200 <= status < 300:
            post.outcome.delivered += 1
            self._settle(post)
        elif status == HTTPStatus.GONE:
            post.outcome.gone.append(post.connection_id)
            self._settle(post)
        else:
            reason = f"{status} {response.body[:200].decode(errors='replace')}".strip()
            if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUEST_TIMEOUT) or status >= 500:
                self._try_again(post, reason)
            elif status == HTTPStatus.FORBIDDEN:
                # A missing permission or wrong credentials: nothing that passes soon, nor the frame's fault.
                post.outcome.remaining[post.connection_id] = reason
                self._settle(post)
            else:
                post.outcome.refused[post.connection_id] = reason
                self._settle(post)
        if response.keeps:
            if self._ready and not self._paced:
                self._send_next(connection)
            else:
                self._poster.idle.append(connection)
        elif self._ready:
            self._pump()

    def broke(self, connection: Connection, reason: str) -> None:
        """No answer will come. Called by the connection."""
        post = self._under_way.pop(connection)
        if connection in self._awake:
            self._try_again(post, reason)
        else:  # it was most likely closed before the request, which is no failure of the post
            post.attempts -= 1
            self._ready.appendleft(post)
        self._pump()

    def _pump(self) -> None:
        """Use every idle connection, and open more while there is something to send."""
        idle = self._poster.idle
        while self._ready and not self._paced:
            if idle:
                connection = idle.pop()
                if connection.usable:
                    self._send_next(connection)
                else:
                    connection.leave()
            elif len(self._under_way) + len(self._poster.opening) < self._poster.max_connections:
                if self._may_go():
                    self._open_for(self._ready.popleft())
            else:
                break

    def _send_next(self, connection: Connection) -> None:
        if not self._may_go():
            self._poster.idle.append(connection)
            return
        self._send(connection, self._ready.popleft())

    def _send(self, connection: Connection, post: _Post) -> None:
        post.attempts += 1
        self._under_way[connection] = post
        request = self._poster.request(post.connection_id, post.data, post.body_hash)
        connection.send(self, request, deadline=self._loop.time() + ANSWER_SECONDS)

    def _may_go(self) -> bool:
        wait = self._poster.rate.wait(self._loop.time())
        if wait > 0:
            self._paced = True
            self._later(wait, self._go_on)
        return not self._paced

    def _go_on(self) -> None:
        self._paced = False
        self._pump()

    def _open_for(self, post: _Post) -> None:
        task = self._loop.create_task(self._open(post))
        self._poster.opening.add(task)
        task.add_done_callback(self._poster.opening.discard)

    async def _open(self, post: _Post) -> None:
        try:
            connection = await self._poster.open()
        except OSError as error:  # TimeoutError and TLS errors are among them
            if not self._done.done():
                post.attempts += 1
                self._try_again(post, f"no connection: {error or type(error).__name__}")
            return
        if self._done.done():
            self._poster.idle.append(connection)  # too late for this run, in time for the next
            return
        self._awake.add(connection)
        self._send(connection, post)

    def _try_again(self, post: _Post, reason: str) -> None:
        post.reason = reason
        backoff = min(MAX_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2 ** (post.attempts - 1))
        delay = random.uniform(backoff / 2, backoff)  # noqa: S311 - spreads load, hides nothing
        if post.attempts >= ATTEMPTS or self._loop.time() + delay >= self._deadline:
            post.outcome.remaining[post.connection_id] = reason
            self._settle(post)
        else:
            self._later(delay, self._return, post)

    def _return(self, post: _Post) -> None:
        self._ready.append(post)
        self._pump()

    def _settle(self, post: _Post) -> None:
        self._unsettled.discard(post)
        if not self._unsettled and not self._done.done():
            self._done.set_result(None)

    def _sweep(self) -> None:
        """Give up on answers that are overdue."""
        now = self._loop.time()
        for connection in [late for late in self._under_way if late.deadline < now]:
            post = self._under_way.pop(connection)
            connection.leave()
            self._try_again(post, f"no answer within {ANSWER_SECONDS:g} s")
        self._pump()
        self._later(_SWEEP_SECONDS, self._sweep)

    def _time_is_up(self) -> None:
        if not self._done.done():
            self._done.set_result(None)

    def _clear_up(self) -> None:
        for timer in self._timers:
            timer.cancel()
        for connection in self._under_way:
            connection.leave()  # its answer, if it comes, would be taken for the next request's
        for post in self._unsettled:
            post.outcome.remaining[post.connection_id] = post.reason
        self._ready.clear()
        self._paced = True

    def _later(self, seconds: float, call: Callable[..., None], *arguments: object) -> None:
        self._timers.append(self._loop.call_later(seconds, call, *arguments))
