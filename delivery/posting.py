"""Posting frames to the connections of one stage: what is posted by, and what outlives a batch."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import quote, urlsplit

from delivery.addresses import Addresses
from delivery.connection import Connection, ResumingContext, tls_context
from delivery.pace import Pace
from delivery.shards import Shard
from delivery.signing import PathSigner, Signer, canonical, payload_hash
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

    def requests(self, method: str, body: bytes) -> Requests:
        """Signed requests to connections with one body."""
        return Requests(self._signer, method, self._host, self._path, body)

    async def close(self) -> None:
        """Close all connections, those that are still being opened too."""
        await asyncio.gather(*self.opening)
        while self.idle:
            self.idle.pop().leave()
        await asyncio.sleep(0)
        await asyncio.sleep(0)


class Requests:
    """Requests that differ in the connection alone. All else is made once, and once a second anew."""

    __slots__ = (
        "_begin",
        "_body_hash",
        "_end",
        "_host",
        "_method",
        "_middle",
        "_path",
        "_second",
        "_signer",
        "_signs",
    )

    def __init__(self, signer: Signer, method: str, host: str, path: str, body: bytes) -> None:
        self._signer = signer
        self._method = method
        self._host = host
        self._path = path
        self._body_hash = payload_hash(body)
        self._begin = f"{method} {path}".encode()
        self._end = f"\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
        self._second = -1
        self._signs: PathSigner

    def to(self, connection_id: str, now: float | None = None) -> bytes:
        """The request to a connection, ready to send."""
        second = int(time.time() if now is None else now)
        if second != self._second:
            self._sign_anew(second)
        path_end, canonical_end = _path_ends(connection_id)
        signature = self._signs.signature(canonical_end).encode()
        return b"".join((self._begin, path_end, self._middle, signature, self._end))

    def _sign_anew(self, second: int) -> None:
        self._signs = self._signer.for_paths(
            self._method, self._host, self._path, body_hash=self._body_hash, now=second
        )
        self._middle = f" HTTP/1.1\r\nHost: {self._host}\r\n{self._signs.headers}".encode()
        self._second = second


@lru_cache(maxsize=8192)  # a room's connections are posted to again and again
def _path_ends(connection_id: str) -> tuple[bytes, bytes]:
    """How the path of a connection ends, on the wire and in what is signed."""
    quoted = quote(connection_id, safe="")
    return quoted.encode(), canonical(quoted)


class Post:
    """One frame on its way to one connection."""

    __slots__ = ("attempts", "connection_id", "outcome", "reason", "requests", "settled")

    def __init__(self, connection_id: str, requests: Requests, outcome: Outcome) -> None:
        self.connection_id = connection_id
        self.requests = requests
        self.outcome = outcome
        self.attempts = 0
        self.reason = "there was no time"
        self.settled = False


def posts_in_turn(poster: Poster, work: Sequence[tuple[Shard, Outcome]], method: str) -> list[Post]:
    """The requests of several shards: the first of each, then the second of each, and so on.

    So a frame for two people never waits for one to a thousand.
    """
    posts: list[tuple[int, Post]] = []
    for shard, outcome in work:
        requests = poster.requests(method, shard.data)
        posts += [
            (turn, Post(connection_id, requests, outcome))
            for turn, connection_id in enumerate(dict.fromkeys(shard.connections))
        ]
    posts.sort(key=lambda each: each[0])
    return [post for _, post in posts]
