"""WebSocket clients that only count what arrives, so that reading costs next to nothing."""

from __future__ import annotations

import asyncio
import os
from urllib.parse import urlsplit

_HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
_TEXT, _MASKED = 0x81, 0x80
_SECONDS = 20


class Sink(asyncio.Protocol):
    """Counts the bytes that come. `connection_id` is what the function says it is."""

    def __init__(self, connection_id: str, writer: asyncio.StreamWriter) -> None:
        self.connection_id = connection_id
        self.received = 0
        # Kept: a writer that nobody holds closes its connection.
        self._writer = writer
        writer.transport.set_protocol(self)

    def close(self) -> None:
        self._writer.transport.abort()

    def data_received(self, data: bytes) -> None:
        self.received += len(data)


async def open_sink(url: str) -> Sink:
    """Connect, and ask the function for the connection's id."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    async with asyncio.timeout(_SECONDS):
        writer.write(_HANDSHAKE.format(path=parts.path or "/", host=parts.netloc).encode())
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101"):
            raise ConnectionError(head.decode(errors="replace"))
        mask = os.urandom(4)
        asked = bytes(byte ^ key for byte, key in zip(b"id", mask, strict=False))
        writer.write(bytes([_TEXT, _MASKED | len(asked)]) + mask + asked)
        _, length = await reader.readexactly(2)
        connection_id = (await reader.readexactly(length)).decode()
    return Sink(connection_id, writer)
