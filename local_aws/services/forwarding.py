"""Passes requests on to a server on this machine, over connections that stay open."""

from __future__ import annotations

import asyncio

import httptools

from local_aws.http import Request, Response

_HOP_BY_HOP = frozenset(
    {"connection", "content-length", "expect", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)


class Unreachable(Exception):
    """The server isn't there, or went away before it answered."""


class Forwarder:
    """A client of one server. Each request has a connection to itself; idle ones are used again."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._idle: list[_Connection] = []

    async def forward(self, request: Request) -> Response:
        """The server's answer. Raises `Unreachable`."""
        data = _serialised(request)
        while self._idle:
            connection = self._idle.pop()
            if connection.usable:
                return await self._exchange(connection, data, request.method)
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_connection(_Connection, self._host, self._port)
        except OSError as error:
            raise Unreachable(str(error)) from error
        return await self._exchange(connection, data, request.method)

    def close(self) -> None:
        for connection in self._idle:
            connection.close()
        self._idle.clear()

    async def _exchange(self, connection: _Connection, data: bytes, method: str) -> Response:
        try:
            response = await connection.exchange(data, method)
        except BaseException:
            connection.close()  # whatever still comes on it belongs to nobody
            raise
        if connection.usable:
            self._idle.append(connection)
        return response


class _Connection(asyncio.Protocol):
    """One connection: sends a request, and reads one response with httptools."""

    def __init__(self) -> None:
        self.usable = True
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Response] | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._without_body = False
        self._headers: list[tuple[str, str]] = []
        self._body: list[bytes] = []

    async def exchange(self, data: bytes, method: str) -> Response:
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._parser = httptools.HttpResponseParser(self)
        self._without_body = method == "HEAD"
        self._headers, self._body = [], []
        self._transport.write(data)
        return await self._answer

    def close(self) -> None:
        self.usable = False
        if self._transport is not None:
            self._transport.close()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self._parser is None or self._answer is None or self._answer.done():
            self.close()
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(f"its answer can't be read ({error})")

    def connection_lost(self, error: Exception | None) -> None:
        self.usable = False
        self._fail("the connection ended before the answer did")

    # httptools.HttpResponseParser

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        if self._without_body:  # the parser would wait for the bytes that Content-Length counts
            self._complete()

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        self._complete()

    def _complete(self) -> None:
        if self._parser is None or self._answer is None or self._answer.done():
            return
        if self._without_body or not self._parser.should_keep_alive():
            self.close()
        headers = [(name, value) for name, value in self._headers if not _left_out(name, self._without_body)]
        self._answer.set_result(Response(self._parser.get_status_code(), headers, b"".join(self._body)))

    def _fail(self, reason: str) -> None:
        self.close()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(Unreachable(reason))


def _left_out(name: str, without_body: bool) -> bool:
    lowered = name.lower()
    return lowered in _HOP_BY_HOP and not (without_body and lowered == "content-length")


def _serialised(request: Request) -> bytes:
    lines = [f"{request.method} {request.target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in request.headers if name.lower() not in _HOP_BY_HOP]
    lines.append(f"Content-Length: {len(request.body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + request.body
