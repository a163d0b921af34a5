"""Posts to `@connections` as fast as a gateway takes them, from a client that costs little itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from functools import partial
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as SigningCredentials

from benchmarks.gateways.contestants import Credentials


def signed_post(url: str, body: bytes, credentials: Credentials) -> bytes:
    """The bytes of one signed POST."""
    parts = urlsplit(url)
    request = AWSRequest("POST", url, headers={"Host": parts.netloc}, data=body)
    keys = SigningCredentials(credentials.access_key, credentials.secret, credentials.token)
    SigV4Auth(keys, "execute-api", "us-east-1").add_auth(request)
    headers = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    head = f"POST {parts.path} HTTP/1.1\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class _Poster(asyncio.Protocol):
    """Sends the next request whenever the last one has its answer."""

    def __init__(self, requests: Iterator[bytes], statuses: list[int], done: asyncio.Event) -> None:
        self._requests = requests
        self._statuses = statuses
        self._done = done
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator:
            return
        lowered = head.lower()
        if b"\r\ntransfer-encoding: chunked" in lowered:
            if not body.endswith(b"0\r\n\r\n"):
                return
        elif len(body) < _length(lowered):
            return
        self._received = b""
        self._statuses.append(int(head[9:12]))
        self._next()

    def connection_lost(self, error: Exception | None) -> None:
        self._done.set()

    def _next(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self._transport.close()
        else:
            self._transport.write(request)


async def post(
    host: str, port: int, requests: Sequence[bytes], *, connections: int, within: float
) -> tuple[list[int], float]:
    """Send them over so many connections at once. Returns the statuses that came, and the seconds it took."""
    statuses: list[int] = []
    waiting = iter(requests)
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    ends = []
    transports = []
    for _ in range(connections):
        done = asyncio.Event()
        transport, _ = await loop.create_connection(partial(_Poster, waiting, statuses, done), host, port)
        ends.append(asyncio.create_task(done.wait()))
        transports.append(transport)
    await asyncio.wait(ends, timeout=within)
    seconds = time.perf_counter() - started
    for transport in transports:
        transport.abort()
    return statuses, seconds


def _length(head: bytes) -> int:
    _, found, rest = head.partition(b"\r\ncontent-length:")
    return int(rest.partition(b"\r\n")[0]) if found else 0
