"""Posting frames to the connections of one stage: what is posted by, and what outlives a batch."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import quote, urlsplit

from delivery.addresses import Addresses
from delivery.connection import Connection, ResumingContext, tls_context
from delivery.pace import Pace
from delivery.shards import Shard
from delivery.signing import Signer, payload_hash
from delivery.throttling import Throttling

CONNECT_SECONDS = 3.0
MOST_CONNECTIONS = 256
_LEAST_CONNECTIONS = 64
_SMOOTHING = 1 / 32


@dataclass(slots=True)
class Outcome:
    """What became of a shard: each of its connections is in one of these.

    `gone` is closed (410), `refused` will never be taken (with the reason), `remaining` may be tried again,
    and of those `slow` have a reader who doesn't keep up.
    """

    delivered: int = 0
    gone: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    remaining: dict[str, str] = field(default_factory=dict)
    slow: set[str] = field(default_factory=set)


class Poster:
    """Requests to the connections of one stage. Belongs to one event loop; its own connections are kept."""

    def __init__(
        self,
        connections_url: str,
        signer: Signer,
        *,
        posts_per_second: float = 5000,
        max_connections: int = MOST_CONNECTIONS,
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
        self._max_connections = max_connections
        self._addresses = Addresses(self._hostname, self._port)
        self._answer_seconds = 0.0
        self.pace = Pace(posts_per_second, burst=posts_per_second / 5)
        self.throttling = Throttling()
        self.idle: list[Connection] = []
        self.opening: set[asyncio.Task[None]] = set()

    @property
    def wanted_connections(self) -> int:
        """As many as the pace keeps busy: what is under way is the rate times the time of an answer."""
        busy = int(self.pace.per_second * self._answer_seconds * 1.25)
        return min(self._max_connections, max(_LEAST_CONNECTIONS, busy))

    def took(self, seconds: float) -> None:
        """Note how long an answer took."""
        self._answer_seconds += (seconds - self._answer_seconds) * _SMOOTHING

    async def open(self) -> Connection:
        """Another connection. Raises OSError, of which TimeoutError and what TLS objects to are kinds."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(CONNECT_SECONDS):
            while True:
                address = await self._addresses.next()
                try:
                    _, connection = await loop.create_connection(
                        lambda: Connection(self._tls),
                        address,
                        self._port,
                        ssl=self._tls,
                        server_hostname=self._hostname if self._tls else None,
                    )
                except OSError:
                    if not self._addresses.forget(address):
                        raise
                except asyncio.CancelledError:  # the time is up
                    self._addresses.forget(address)
                    raise
                else:
                    return connection

    def request(self, connection_id: str, body: bytes, body_hash: str, method: str = "POST") -> bytes:
        """A signed request, ready to send."""
        path = self._path + _quoted(connection_id)
        headers = self._signer.headers(method, self._host, path, body_hash=body_hash)
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        head = f"{method} {path} HTTP/1.1\r\nHost: {self._host}\r\n{lines}Content-Length: {len(body)}\r\n\r\n"
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


class Post:
    """One frame on its way to one connection."""

    __slots__ = ("attempts", "body_hash", "connection_id", "data", "outcome", "reason", "settled")

    def __init__(self, connection_id: str, data: bytes, body_hash: str, outcome: Outcome) -> None:
        self.connection_id = connection_id
        self.data = data
        self.body_hash = body_hash
        self.outcome = outcome
        self.attempts = 0
        self.reason = "there was no time"
        self.settled = False


def posts_in_turn(work: Sequence[tuple[Shard, Outcome]]) -> list[Post]:
    """The posts of several shards: the first of each, then the second of each, and so on.

    So a frame for two people never waits for one to a thousand.
    """
    posts: list[tuple[int, Post]] = []
    for shard, outcome in work:
        body_hash = payload_hash(shard.data)
        posts += [
            (turn, Post(connection_id, shard.data, body_hash, outcome))
            for turn, connection_id in enumerate(dict.fromkeys(shard.connections))
        ]
    posts.sort(key=lambda each: each[0])
    return [post for _, post in posts]
