"""Many WebSocket clients in one process, fast enough not to be what is measured.

Frames are read and written by hand: no extension is offered, so that none has to be undone, and a message is
found by its marker instead of being parsed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import cast
from urllib.parse import urlsplit

_MARKER = b"#m"
_DIGITS = 8
_WORDS = "and some words, as people write them, for a message of a hundred characters or so"
_ACKNOWLEDGED = b'"message_accepted"'
_REFUSED = b'"type":"error"'


@dataclass(slots=True, eq=False)
class Message:
    """A message on its way to the members of a room. Times are of the performance counter."""

    number: int
    recipients: int
    sent: float = 0.0
    acknowledged: float | None = None
    last: float | None = None
    arrivals: list[float] = field(default_factory=list)
    reached: set[int] = field(default_factory=set)
    doubled: int = 0
    refused: bool = False

    @property
    def missing(self) -> int:
        return 0 if self.refused else self.recipients - len(self.reached)

    @property
    def settled(self) -> bool:
        return self.refused or (self.acknowledged is not None and not self.missing)


class Crowd:
    """The clients of one server, and the messages that they sent."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self.host = parts.hostname
        self.port = parts.port or 80
        self.path = parts.path
        self.messages: list[Message] = []
        self.refusals: list[bytes] = []
        self.members: list[Member] = []
        self.arrived = asyncio.Event()
        """Set at each arrival."""

    async def join(self, room: str, count: int, *, at_once: int = 50) -> list[Member]:
        """Let so many more people into a room."""
        loop = asyncio.get_running_loop()
        joined: list[Member] = []

        async def enter() -> None:
            while len(joined) < count:
                member = Member(self, len(self.members), room)
                joined.append(member)
                self.members.append(member)
                await loop.create_connection(partial(_same, member), self.host, self.port)
                await asyncio.wait_for(member.opened, 60)

        await asyncio.gather(*(enter() for _ in range(at_once)))
        return joined

    def say(self, member: Member, recipients: int) -> Message:
        """Let a member send the next message to a room of so many."""
        message = Message(len(self.messages), recipients)
        self.messages.append(message)
        text = f"#m{message.number:0{_DIGITS}d} {_WORDS}"
        member.waiting_for.append(message)
        message.sent = time.perf_counter()
        member.send(json.dumps({"action": "chat_message", "message": text}).encode())
        return message

    async def settle(self, messages: Sequence[Message], *, patience: float, at_most: float = 60.0) -> None:
        """Wait until all of them have reached everybody, or nothing has come for some seconds.

        Whatever else comes meanwhile, not longer than `at_most` seconds.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(at_most):
                while not all(message.settled for message in messages):
                    self.arrived.clear()
                    await asyncio.wait_for(self.arrived.wait(), patience)
                    await asyncio.sleep(0.02)

    async def leave(self) -> None:
        """Close every connection."""
        for member in self.members:
            member.close()
        await asyncio.sleep(0.2)


def _same(member: Member) -> Member:
    return member


class Member(asyncio.Protocol):
    """One client, in one room."""

    def __init__(self, crowd: Crowd, number: int, room: str) -> None:
        self.crowd = crowd
        self.number = number
        self.room = room
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting_for: list[Message] = []
        self.on_acknowledged = lambda: None
        self._buffer = b""
        self._handshaken = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are no asyncio.Transport
        origin = f"http://{self.crowd.host}:{self.crowd.port}"
        self._transport.write(
            f"GET {self.crowd.path}?channel={self.room} HTTP/1.1\r\n"
            f"Host: {self.crowd.host}:{self.crowd.port}\r\n"
            f"Origin: {origin}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        buffer = self._buffer + data if self._buffer else data
        if not self._handshaken:
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                self._buffer = buffer
                return
            if not buffer.startswith(b"HTTP/1.1 101"):
                self.opened.set_exception(ConnectionError(buffer[:200].decode(errors="replace")))
                return
            self._handshaken = True
            self.opened.set_result(None)
            buffer = buffer[end + 4 :]
        start = 0
        while len(buffer) - start >= 2:
            length, begin = buffer[start + 1] & 0x7F, start + 2
            if length == 126:
                length, begin = int.from_bytes(buffer[start + 2 : start + 4], "big"), start + 4
            elif length == 127:
                length, begin = int.from_bytes(buffer[start + 2 : start + 10], "big"), start + 10
            if len(buffer) < begin + length:
                break
            self._frame(buffer[start] & 0x0F, buffer[begin : begin + length], now)
            start = begin + length
        self._buffer = buffer[start:]

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_exception(ConnectionError("closed before it was open"))

    def send(self, payload: bytes, opcode: int = 1) -> None:
        """Send a frame, masked with a mask that changes nothing."""
        length = len(payload)
        head = bytes([0x80 | opcode, 0x80 | length]) if length < 126 else bytes([0x80 | opcode, 0xFE])
        size = b"" if length < 126 else length.to_bytes(2, "big")
        self._transport.write(head + size + b"\0\0\0\0" + payload)

    def close(self) -> None:
        if self._handshaken:
            self.send(b"\x03\xe8", 8)
            self._transport.close()

    def _frame(self, opcode: int, payload: bytes, now: float) -> None:
        if opcode == 9:
            self.send(payload, 10)
        if opcode != 1:
            return
        found = payload.find(_MARKER)
        if found >= 0:
            self._arrived(int(payload[found + 2 : found + 2 + _DIGITS]), now)
        elif _ACKNOWLEDGED in payload:
            self.waiting_for.pop(0).acknowledged = now
            self.on_acknowledged()
        elif _REFUSED in payload:
            self.crowd.refusals.append(payload)
            self.waiting_for.pop(0).refused = True
            self.crowd.arrived.set()

    def _arrived(self, number: int, now: float) -> None:
        message = self.crowd.messages[number]
        if self.number in message.reached:
            message.doubled += 1
            return
        message.reached.add(self.number)
        message.arrivals.append(now)
        message.last = now
        self.crowd.arrived.set()
