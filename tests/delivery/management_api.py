"""A server that answers posts to connections as scripted, faults included, over plain TCP or TLS."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def answer(status: int, body: str = "", *headers: str) -> bytes:
    """A response of the management API."""
    lines = "".join(f"{header}\r\n" for header in headers)
    content = body.encode()
    return f"HTTP/1.1 {status} Said\r\n{lines}Content-Length: {len(content)}\r\n\r\n".encode() + content


THROTTLED = answer(429, '{"message":"Limit exceeded"}', "x-amzn-ErrorType: LimitExceededException")


@dataclass
class Request:
    """A post as it arrived, or what else was asked for."""

    method: str
    connection_id: str
    path: str
    headers: dict[str, str]
    body: bytes
    peer: int


@dataclass
class ManagementApi:
    """`script` maps a connection id to the answers to its posts, in turn; after them, and else, it is 200.

    An answer is the bytes to send, or: "reset", "close", "hang", "half", "garbage". Above
    `posts_per_second`, with `burst` at once, posts are refused as the account's limit does it.
    """

    script: dict[str, list[bytes | str]] = field(default_factory=dict)
    delay: float = 0.0
    posts_per_second: float | None = None
    burst: float = 50
    refused: int = 0
    requests: list[Request] = field(default_factory=list)
    handshakes: int = 0
    resumed: int = 0
    most_at_once: int = 0
    on_request: Callable[[Request], None] | None = None

    def posts_to(self, connection_id: str) -> int:
        return sum(request.connection_id == connection_id for request in self.requests)

    @property
    def closed(self) -> list[str]:
        return [request.connection_id for request in self.requests if request.method == "DELETE"]

    @property
    def counts(self) -> dict[str, int]:
        counted: dict[str, int] = defaultdict(int)
        for request in self.requests:
            counted[request.connection_id] += 1
        return dict(counted)

    def start(self, tls: ssl.SSLContext | None = None, port: int = 0) -> ManagementApi:
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tls = tls
        self._at_once = 0
        self._tokens = self.burst
        self._filled_at = time.monotonic()
        started = threading.Event()

        def run() -> None:
            asyncio.set_event_loop(self._loop)
            self._server = self._loop.run_until_complete(
                asyncio.start_server(self._serve, "127.0.0.1", port, ssl=tls, backlog=512)
            )
            started.set()
            self._loop.run_forever()

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()
        assert started.wait(5)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/ws"

    def drop_all(self) -> None:
        """Close every connection, as a peer does while an environment is frozen."""

        def close() -> None:
            for writer in list(self._writers):
                writer.transport.abort()

        self._loop.call_soon_threadsafe(close)
        deadline = datetime.now(UTC) + timedelta(seconds=2)
        while self._writers and datetime.now(UTC) < deadline:
            threading.Event().wait(0.01)

    def stop(self) -> None:
        async def close() -> None:
            self._server.close()
            # More than once: connections that were being accepted or shaking hands only now have a transport.
            for _ in range(3):
                await asyncio.sleep(0.01)
                others = asyncio.all_tasks() - {asyncio.current_task()}
                for task in others:
                    task.cancel()
                await asyncio.gather(*others, return_exceptions=True)
                for transport in list(self._loop._transports.values()):
                    transport.abort()
            await asyncio.sleep(0.01)
            self._loop.stop()

        asyncio.run_coroutine_threadsafe(close(), self._loop)
        self._thread.join(5)
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        secured = writer.get_extra_info("ssl_object")
        self.handshakes += 1
        self.resumed += bool(secured and secured.session_reused)
        try:
            while (request := await _read(reader, writer)) is not None:
                self.requests.append(request)
                self._at_once += 1
                self.most_at_once = max(self.most_at_once, self._at_once)
                if self.on_request:
                    self.on_request(request)
                if self.delay:
                    await asyncio.sleep(self.delay)
                self._at_once -= 1
                answers = self.script.get(request.connection_id)
                step = answers.pop(0) if answers else OK
                if self._over_limit():
                    self.refused += 1
                    step = THROTTLED
                if not await _act(step, writer):
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    def _over_limit(self) -> bool:
        if self.posts_per_second is None:
            return False
        now = time.monotonic()
        self._tokens = min(self.burst, self._tokens + (now - self._filled_at) * self.posts_per_second)
        self._filled_at = now
        if self._tokens < 1:
            return True
        self._tokens -= 1
        return False


async def _act(step: bytes | str, writer: asyncio.StreamWriter) -> bool:
    if step == "hang":
        await asyncio.sleep(60)
    elif step == "reset":
        writer.transport.abort()
    elif step == "half":
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
    elif step == "garbage":
        writer.write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
    elif isinstance(step, bytes):
        for piece in step.split(b"|"):  # a pipe cuts an answer into packets
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        return b"onnection: close" not in step
    return False


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.rstrip().split("\r\n")
    method, path, version = first.split(" ")
    assert method in ("POST", "DELETE")
    assert version == "HTTP/1.1"
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    body = await reader.readexactly(int(headers["content-length"]))
    connection_id = unquote(path.rpartition("/@connections/")[2])
    return Request(method, connection_id, path, headers, body, writer.get_extra_info("peername")[1])


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself: its file, and its key's."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return files
