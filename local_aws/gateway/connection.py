"""One client's socket: the WebSocket protocol's shell, with `$connect` held and exact close codes.

The protocol itself (frames, masking, compression, closing handshake) is the sans-I/O part of `websockets`.
What it means for an API is the gateway's business: this calls back with whole messages and with the end.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from http import HTTPStatus

from websockets.datastructures import Headers
from websockets.exceptions import InvalidHandshake, InvalidMethod, InvalidUpgrade
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request as HandshakeRequest
from websockets.protocol import State
from websockets.server import ServerProtocol

from local_aws.gateway.events import ConnectionRecord
from local_aws.gateway.frames import MAX_FRAME, text_message
from local_aws.http import Request, Response, serialise

logger = logging.getLogger(__name__)

MAX_MESSAGE = 128 * 1024
# A client that reads this much less than it is sent is told of by 429; the kernel holds some MB before.
MAX_UNSENT = 1024 * 1024
# What may be waiting while a connection's events in flight are at their limit.
_MAX_UNREAD = 64 * 1024
# How many bytes are parsed at once bounds the number of frames that they can hold.
_SLICE = 16 * 1024
_CLOSE_SECONDS = 5.0

# What the gateway gives as the code where the connection ended without any close frame (unconfirmed).
NO_CLOSE_FRAME = (-1, "")
# What `$disconnect` says of a close frame without a code.
NO_CLOSE_CODE = (CloseCode.NO_STATUS_RCVD, "Client-side close frame status not set")
BINARY_REFUSED = "Binary messages are not supported"

# The protocol's own log would say twice what this module and the gateway say with the connection's id.
_protocol_logger = logging.getLogger(f"{__name__}.protocol")
_protocol_logger.setLevel(logging.ERROR)

# Small windows, and no state kept for what is never sent compressed.
_DEFLATE = ServerPerMessageDeflateFactory(
    server_no_context_takeover=True, server_max_window_bits=12, client_max_window_bits=12
)


class Gone(Exception):
    """The connection is closed or closing."""


class NotRead(Exception):
    """The client doesn't read what it is sent."""


class HandshakeRefused(Exception):
    """The request is no WebSocket handshake. `status` says how to answer it."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


OnMessage = Callable[["Connection", str], bool]
OnEnd = Callable[["Connection", int, str], None]


class Connection(asyncio.Protocol):
    """A client, from its handshake on.

    `on_message` says whether the message is under way, which lasts until `event_done`; at most
    `events_at_once` of those are at once, and beyond that nothing more is read from the client. `on_end` is
    called once, and only after `open`. `lost` is done when the socket is closed.
    """

    __slots__ = (
        "__weakref__",
        "_abort_timer",
        "_ended",
        "_events_at_once",
        "_fragments",
        "_frames",
        "_handshake",
        "_in_flight",
        "_lost",
        "_on_end",
        "_on_message",
        "_opened",
        "_protocol",
        "_reading_paused",
        "_transport",
        "_unread",
        "_writing_paused",
        "last_active",
        "lost",
        "record",
    )

    def __init__(
        self,
        record: ConnectionRecord,
        transport: asyncio.Transport,
        *,
        on_message: OnMessage,
        on_end: OnEnd,
        events_at_once: int,
    ) -> None:
        self.record = record
        self.last_active = record.connected_at / 1000
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._transport = transport
        self._on_message = on_message
        self._on_end = on_end
        self._events_at_once = events_at_once
        self._protocol = ServerProtocol(
            state=State.OPEN,  # the head of the request is read already
            extensions=[_DEFLATE],
            max_size=(MAX_MESSAGE, MAX_FRAME),
            logger=_protocol_logger,
        )
        self._handshake: list[tuple[str, str]] = []
        self._fragments: list[bytes] | None = None
        self._frames: deque[object] = deque()  # received and not handled yet
        self._in_flight = 0
        self._unread = bytearray()
        self._opened = False
        self._ended = False
        self._lost = False
        self._reading_paused = False
        self._writing_paused = False
        self._abort_timer: asyncio.TimerHandle | None = None
        transport.set_protocol(self)

    # Called by the gateway.

    @property
    def events_in_flight(self) -> int:
        """How many of the client's messages are being handled."""
        return self._in_flight

    @property
    def unsent(self) -> int:
        """How many bytes wait for the client to read."""
        return self._transport.get_write_buffer_size()

    @property
    def is_gone(self) -> bool:
        """Whether nothing can be sent any more."""
        return self._ended or self._transport.is_closing()

    def negotiate(self, request: Request) -> None:
        """Check the handshake and agree on extensions. Raises `HandshakeRefused`."""
        handshake = HandshakeRequest(request.target, Headers(request.headers), request.method)
        try:
            accept, extensions, _ = self._protocol.process_request(handshake)
        except InvalidUpgrade:
            raise HandshakeRefused(426) from None
        except InvalidMethod:
            raise HandshakeRefused(405) from None
        except InvalidHandshake:
            raise HandshakeRefused(400) from None
        self._handshake = [
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Accept", accept),
        ]
        if extensions is not None:
            self._handshake.append(("Sec-WebSocket-Extensions", extensions))

    def open(self, subprotocol: str | None = None) -> None:
        """Accept the client, and handle what it has sent meanwhile."""
        self._opened = True
        if subprotocol is not None:
            self._handshake.append(("Sec-WebSocket-Protocol", subprotocol))
        lines = "".join(f"{name}: {value}\r\n" for name, value in self._handshake)
        self._handshake = []
        self._write(f"HTTP/1.1 101 Switching Protocols\r\n{lines}\r\n".encode())
        self._go_on()

    def refuse(self, status: int) -> None:
        """Answer the handshake with a status and no body, and end the connection."""
        self._ended = True
        self._unread.clear()
        headers = [("Upgrade", "websocket")] if status == HTTPStatus.UPGRADE_REQUIRED else []
        self._write(serialise(Response(status, headers), "GET", keep_alive=False))
        self._shut_down()

    def send(self, message: bytes) -> None:
        """Send a text message. Raises `Gone`, `NotRead`."""
        if self.is_gone:
            raise Gone
        if self._transport.get_write_buffer_size() > MAX_UNSENT:
            raise NotRead
        self._transport.write(text_message(message))

    def close(self, code: int, reason: str) -> None:
        """Close with a close frame."""
        if self._ended:
            return
        self._protocol.send_close(code, reason)
        self._flush()
        self._end(code, reason)
        self._go_on()

    def event_done(self) -> None:
        """Have one message less under way."""
        self._in_flight -= 1
        if self._frames or self._unread:
            self._go_on()

    def abort(self) -> None:
        """Drop the socket."""
        self._transport.abort()

    # Called by the transport.

    def data_received(self, data: bytes) -> None:
        if not self._opened or self._blocked or self._frames or self._unread:
            if self._ended and not self._opened:
                return  # refused: what the client goes on to send isn't looked at
            self._unread += data
            if len(self._unread) > _MAX_UNREAD:
                self._pause_reading()
            return
        self._parse(data)

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        if not self.lost.done():
            self.lost.set_result(None)
        if self._abort_timer is not None:
            self._abort_timer.cancel()
            self._abort_timer = None
        if self._opened:
            self._go_on()

    def pause_writing(self) -> None:
        self._writing_paused = True

    def resume_writing(self) -> None:
        self._writing_paused = False
        self._go_on()

    # Reading.

    @property
    def _blocked(self) -> bool:
        return not self._ended and (
            self._in_flight >= self._events_at_once or (self._writing_paused and not self._lost)
        )

    def _go_on(self) -> None:
        """Handle what is unread, as far as the limits let it."""
        if not self._opened:
            return
        if self._frames:
            self._handle_frames()
        if self._unread and not self._blocked and not self._frames:
            unread = bytes(self._unread)
            self._unread.clear()
            self._parse(unread)
        if self._lost:
            if not self._unread and not self._frames:
                self._end(*NO_CLOSE_FRAME)
        elif self._reading_paused and len(self._unread) <= _MAX_UNREAD:
            self._reading_paused = False
            self._transport.resume_reading()

    def _parse(self, data: bytes) -> None:
        for start in range(0, len(data), _SLICE):
            if self._blocked or self._frames:
                self._unread += data[start:]
                if len(self._unread) > _MAX_UNREAD:
                    self._pause_reading()
                return
            self._protocol.receive_data(data[start : start + _SLICE] if len(data) > _SLICE else data)
            self._frames.extend(self._protocol.events_received())
            self._handle_frames()

    def _handle_frames(self) -> None:
        while self._frames and not self._blocked:
            frame = self._frames.popleft()
            if isinstance(frame, Frame) and not self._ended:
                self._on_frame(frame)
        if self._frames:
            return  # what the protocol has to say, a close above all, comes after the answers to these
        if self._protocol.state is not State.OPEN and not self._ended:
            self._end_as_the_protocol_says()
        self._flush()

    def _pause_reading(self) -> None:
        if not self._reading_paused and not self._lost:
            self._reading_paused = True
            self._transport.pause_reading()

    def _on_frame(self, frame: Frame) -> None:
        match frame.opcode:
            case Opcode.TEXT if frame.fin:
                self._on_text(bytes(frame.data))
            case Opcode.TEXT:
                self._fragments = [bytes(frame.data)]
            case Opcode.CONT if self._fragments is not None:
                self._fragments.append(bytes(frame.data))
                if frame.fin:
                    message = b"".join(self._fragments)
                    self._fragments = None
                    self._on_text(message)
            case Opcode.BINARY:
                self._fail(CloseCode.UNSUPPORTED_DATA, BINARY_REFUSED)
            case Opcode.CLOSE:
                self._end_as_the_protocol_says()

    def _on_text(self, message: bytes) -> None:
        try:
            text = message.decode()
        except UnicodeDecodeError:
            self._fail(CloseCode.INVALID_DATA, "Invalid UTF-8")
            return
        if self._on_message(self, text):
            self._in_flight += 1

    # The end.

    def _fail(self, code: CloseCode, reason: str) -> None:
        if self._protocol.state is State.OPEN:
            self._protocol.fail(code, reason)
        self._end(code, reason)

    def _end_as_the_protocol_says(self) -> None:
        """The peer's close frame counts; without one, the close frame that the protocol has sent."""
        close = self._protocol.close_rcvd or self._protocol.close_sent
        if close is None:
            self._end(*NO_CLOSE_FRAME)
        elif close.code == CloseCode.NO_STATUS_RCVD:
            self._end(*NO_CLOSE_CODE)
        else:
            self._end(close.code, close.reason)

    def _end(self, code: int, reason: str) -> None:
        if self._ended:
            return
        self._ended = True
        self._fragments = None
        self._on_end(self, int(code), reason)
        if self._lost:
            return
        if self._abort_timer is None:
            self._abort_timer = asyncio.get_running_loop().call_later(_CLOSE_SECONDS, self._transport.abort)
        if self._reading_paused:  # the client's close frame, or its end, is still to come
            self._reading_paused = False
            self._transport.resume_reading()

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._write(data)
            else:
                self._shut_down()

    def _shut_down(self) -> None:
        """Send no more, and leave the client a moment to read what was sent and to close."""
        if self._lost or self._transport.is_closing():
            return
        if self._transport.can_write_eof():
            self._transport.write_eof()
        if self._abort_timer is None:
            self._abort_timer = asyncio.get_running_loop().call_later(_CLOSE_SECONDS, self._transport.abort)
        if self._reading_paused:
            self._reading_paused = False
            self._transport.resume_reading()

    def _write(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)
