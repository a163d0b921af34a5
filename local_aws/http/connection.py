"""One client of the HTTP server: bounded in memory and time, whatever it sends."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import httptools

from local_aws.http.limits import Limits
from local_aws.http.messages import Request, Response, serialise

logger = logging.getLogger(__name__)

# How long a connection that is being closed may take to read what was sent to it.
LINGER = 2.0
# How much is parsed at once bounds how many pipelined requests can be waiting.
_SLICE = 64 * 1024
_MAX_UNREAD = 256 * 1024

# Of a head only Host, Expect and Content-Length are looked at.
_WATCHED_LENGTHS = frozenset({4, 6, 14})


class Later:
    """A response that is given by a call, and sent in it: a future would take another turn of the loop.

    Once `done` it has its `response`, or none where the connection is to end without an answer.
    """

    __slots__ = ("done", "response", "taken_by")

    def __init__(self) -> None:
        self.done = False
        self.response: Response | None = None
        self.taken_by: Callable[[Response | None], None] | None = None

    def give(self, response: Response | None) -> None:
        """Answer with this. Only the first call counts."""
        if self.done:
            return
        self.done = True
        self.response = response
        if self.taken_by is not None:
            self.taken_by(response)

    def cancel(self) -> None:
        """End the connection without an answer."""
        self.give(None)


Handler = Callable[[Request], Response | Later | Awaitable[Response]]
Upgrade = Callable[[Request, asyncio.Transport, bytes], None]


class OpenConnections(set["Connection"]):
    """The connections of a server, with an event for the moment in which the last one ends."""

    def __init__(self) -> None:
        super().__init__()
        self.ended = asyncio.Event()
        self.ended.set()

    def add(self, connection: Connection) -> None:
        super().add(connection)
        self.ended.clear()

    def discard(self, connection: object) -> None:
        super().discard(connection)
        if not self:
            self.ended.set()


class _Refused(Exception):
    """Raised inside the parser's callbacks to stop it."""


class Connection(asyncio.Protocol):
    """One client: its requests are answered one after another, in their order."""

    __slots__ = (
        "__weakref__",
        "_answering",
        "_body",
        "_body_size",
        "_closing",
        "_connections",
        "_deadline",
        "_handler",
        "_head_size",
        "_headers",
        "_in_head",
        "_in_message",
        "_limits",
        "_loop",
        "_parser",
        "_peer",
        "_reading_paused",
        "_refusal",
        "_target",
        "_timer",
        "_transport",
        "_unfinished",
        "_unread",
        "_upgrade",
        "_version",
        "_waiting",
        "_websocket",
        "_writing_paused",
    )

    _transport: asyncio.Transport

    def __init__(
        self, handler: Handler, upgrade: Upgrade | None, limits: Limits, connections: OpenConnections
    ) -> None:
        self._handler = handler
        self._upgrade = upgrade
        self._limits = limits
        self._connections = connections
        self._loop = asyncio.get_running_loop()
        self._parser: Any = httptools.HttpRequestParser(self)
        self._target = b""
        self._version = ""
        self._headers: list[tuple[str, str]] = []
        self._body: list[bytes] = []
        self._body_size = 0
        self._head_size = 0
        self._unfinished = 0
        self._in_head = False
        self._in_message = False
        self._waiting: deque[tuple[Request, bool]] = deque()
        self._answering: asyncio.Future[Response] | Later | None = None
        self._websocket: Request | None = None
        self._refusal: int | None = None
        self._closing = False
        self._writing_paused = False
        self._reading_paused = False
        self._unread = bytearray()
        self._peer = ""
        self._deadline: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    # Called by the transport.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        peer = transport.get_extra_info("peername")
        self._peer = peer[0] if peer else ""
        self._connections.add(self)
        self._expect_within(self._limits.head_timeout)

    def data_received(self, data: bytes) -> None:
        if self._closing:
            return
        if self._busy:
            self._unread += data
            if len(self._unread) > _MAX_UNREAD and not self._reading_paused:
                self._reading_paused = True
                self._transport.pause_reading()
            return
        self._parse(data)

    def eof_received(self) -> bool:
        # Who has shut down one side counts as gone: a Runtime API must see at once that its process ended.
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        if self._answering is not None:
            self._answering.cancel()

    def pause_writing(self) -> None:
        self._writing_paused = True

    def resume_writing(self) -> None:
        self._writing_paused = False
        self._go_on()

    # Called by the server.

    def finish(self) -> None:
        """Close once the request at hand is answered; at once where there is none."""
        self._closing = True
        self._waiting.clear()
        self._unread.clear()
        if self._answering is None:
            self._transport.close()

    def abort(self) -> None:
        """Drop the connection."""
        self._transport.abort()

    # Called by the parser.

    def on_message_begin(self) -> None:
        self._target = b""
        self._headers = []
        self._body = []
        self._body_size = 0
        self._head_size = 0
        self._unfinished = 0
        self._in_head = self._in_message = True

    def on_url(self, url: bytes) -> None:
        self._target += url
        self._count_head(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_size += len(name) + len(value) + 4  # ": " and "\r\n"
        if self._head_size > self._limits.max_head:
            self._stop_parsing(431)
        if self._in_head:  # the trailers of a chunked body are left out
            self._headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        self._in_head = False
        version = self._version = self._parser.get_http_version()
        if not version.startswith("1."):
            self._stop_parsing(505)
        length, hosts, expects = 0, 0, False
        for name, value in self._headers:
            if len(name) not in _WATCHED_LENGTHS:
                continue
            match name.lower():
                case "content-length":
                    length = int(value)
                case "host":
                    hosts += 1
                case "expect":
                    expects = value.lower() == "100-continue"
        if hosts > 1 or (hosts == 0 and version == "1.1"):
            self._stop_parsing(400)
        if length > self._limits.max_body:
            self._stop_parsing(413)
        if expects and not self._waiting:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._body_size += len(body)
        if self._body_size > self._limits.max_body:
            self._stop_parsing(413)
        self._body.append(body)

    def on_message_complete(self) -> None:
        self._in_message = False
        method = self._parser.get_method().decode("ascii")
        if method == "CONNECT":
            self._stop_parsing(405)
        target = _origin_form(self._target.decode("latin-1"))
        path, _, query = target.partition("?")
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._body = []
        request = Request(method, target, path, query, self._headers, body, self._peer)
        upgrades = self._upgrade is not None and self._parser.should_upgrade()
        if upgrades and (request.header("upgrade") or "").lower() == "websocket":
            self._websocket = request
            return
        keep_alive = self._version == "1.1" and self._parser.should_keep_alive()
        self._waiting.append((request, keep_alive))

    # Requests in.

    @property
    def _busy(self) -> bool:
        return self._answering is not None or self._writing_paused

    def _parse(self, data: bytes) -> None:
        start = 0
        while start < len(data) and not self._closing:
            if self._busy:
                self._unread += data[start:]
                return
            part = data if len(data) <= _SLICE else data[start : start + _SLICE]
            start += len(part)
            try:
                self._parser.feed_data(part)
            except httptools.HttpParserUpgrade as upgrade:
                # Any other protocol is declined by going on in this one.
                self._parser = httptools.HttpRequestParser(self)
                start -= len(part) - upgrade.args[0]
            except httptools.HttpParserError:
                self._refusal = self._refusal or 400
            self._answer_waiting()
            if self._websocket is not None:
                self._hand_over(self._websocket, data[start:])
            elif self._in_message and not self._busy:
                self._watch_unfinished(len(part))

    def _watch_unfinished(self, size: int) -> None:
        """Bound what the parser keeps of a head, the time that a head may take, and the pauses of a body."""
        if not self._in_head or self._unfinished == 0:
            self._expect_within(self._limits.head_timeout)
        if self._in_head:
            # The parser tells of a header only once it is complete.
            self._unfinished += size
            if self._unfinished > self._limits.max_head + _SLICE:
                self._refuse(431)

    def _count_head(self, size: int) -> None:
        self._head_size += size
        if self._head_size > self._limits.max_head:
            self._stop_parsing(431)

    def _stop_parsing(self, status: int) -> None:
        self._refusal = status
        raise _Refused

    def _hand_over(self, request: Request, rest: bytes) -> None:
        assert self._upgrade is not None
        self._websocket = None
        if self._answering is not None:
            self._transport.abort()  # a handshake pipelined behind a request has no meaning
            return
        self._forget()
        self._upgrade(request, self._transport, rest)

    # Responses out.

    def _answer_waiting(self) -> None:
        while self._waiting and not self._busy:
            request, keep_alive = self._waiting.popleft()
            self._deadline = None
            try:
                answer = self._handler(request)
            except Exception:
                logger.exception("%s %s failed", request.method, request.path)
                answer = Response(500)
            if isinstance(answer, Response):
                self._send(answer, request, keep_alive)
            elif isinstance(answer, Later):
                if answer.done:
                    self._take(answer.response, request, keep_alive)
                else:
                    self._answering = answer
                    answer.taken_by = partial(self._given, request, keep_alive)
            else:
                self._answering = asyncio.ensure_future(answer)
                self._answering.add_done_callback(partial(self._answered, request, keep_alive))
        if self._refusal is not None and not self._busy:
            self._refuse(self._refusal)

    def _answered(self, request: Request, keep_alive: bool, answer: asyncio.Future[Response]) -> None:
        response: Response | None = None
        if not answer.cancelled():
            if failure := answer.exception():
                logger.error("%s %s failed", request.method, request.path, exc_info=failure)
                response = Response(500)
            else:
                response = answer.result()
        self._given(request, keep_alive, response)

    def _given(self, request: Request, keep_alive: bool, response: Response | None) -> None:
        self._answering = None
        self._take(response, request, keep_alive)
        self._go_on()

    def _take(self, response: Response | None, request: Request, keep_alive: bool) -> None:
        if response is None:
            self._closing = True
            self._transport.abort()
        else:
            self._send(response, request, keep_alive)

    def _send(self, response: Response, request: Request, keep_alive: bool) -> None:
        if self._transport.is_closing():
            return
        keep_alive = keep_alive and not self._closing
        try:
            data = serialise(response, request.method, keep_alive)
        except ValueError:
            logger.exception("%s %s has an answer that HTTP can't carry", request.method, request.path)
            data = serialise(Response(500), request.method, keep_alive)
        self._transport.write(data)
        if keep_alive:
            self._expect_within(self._limits.idle_timeout)
        else:
            self._closing = True
            self._waiting.clear()
            self._transport.close()

    def _refuse(self, status: int) -> None:
        """Answer what isn't taken, and read on for a moment so that the client gets to see it."""
        if self._closing:
            return
        self._closing = True
        self._transport.write(serialise(Response(status), "", keep_alive=False))
        if self._transport.can_write_eof():
            self._transport.write_eof()
            self._expect_within(LINGER)
        else:
            self._transport.close()

    def _go_on(self) -> None:
        self._answer_waiting()
        if self._unread and not self._busy:
            unread = bytes(self._unread)
            self._unread.clear()
            self._parse(unread)
        if self._reading_paused and len(self._unread) <= _MAX_UNREAD and not self._transport.is_closing():
            self._reading_paused = False
            self._transport.resume_reading()

    # Time. One timer for a connection, looked at again when it fires, costs next to nothing a request.

    def _expect_within(self, seconds: float) -> None:
        deadline = self._deadline = self._loop.time() + seconds
        if self._timer is None or self._timer.when() > deadline:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_at(deadline, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        if self._deadline is None:
            return
        if self._loop.time() < self._deadline:
            self._timer = self._loop.call_at(self._deadline, self._on_timer)
        elif self._closing:
            self._transport.abort()
        elif self._answering is None:
            if self._in_message:
                self._refuse(408)
            else:
                self._transport.close()

    def _forget(self) -> None:
        self._closing = True
        self._waiting.clear()
        self._unread.clear()
        self._connections.discard(self)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _origin_form(target: str) -> str:
    """A target without scheme and authority (those of a proxy's request) and without a fragment."""
    if not target.startswith("/"):
        _, _, rest = target.partition("://")
        path = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
        if rest:
            target = rest[path:] if rest[path : path + 1] == "/" else f"/{rest[path:]}"
    return target.partition("#")[0]
