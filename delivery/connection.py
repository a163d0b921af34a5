"""One kept connection to the management API: a request, its response, the next request."""

from __future__ import annotations

import asyncio
import ssl
import time
from typing import Any, Protocol

from delivery.responses import MalformedResponse, Response, ResponseReader

_BUFFER_BYTES = 4096
KEPT_SECONDS = 15.0
"""Unused for longer, a connection may be dead without a word: the environment may have been frozen."""


class Owner(Protocol):
    """Whoever sends over connections, and is told what comes of it: one call for each request."""

    def answered(self, connection: Connection, response: Response) -> None: ...

    def broke(self, connection: Connection, reason: str) -> None: ...


class Connection(asyncio.BufferedProtocol):
    """Carries one request at a time. `owner` is who sent the one under way, None while there is none.

    It reads into a buffer of its own: asyncio would allocate 256 KB for each answer of 200 bytes.
    """

    __slots__ = (
        "_arriving",
        "_has_answered",
        "_idle_since",
        "_reader",
        "_tls",
        "_transport",
        "deadline",
        "owner",
    )

    def __init__(self, tls: ResumingContext | None = None) -> None:
        self._transport: asyncio.Transport | None = None
        self._reader = ResponseReader()
        self._arriving = memoryview(bytearray(_BUFFER_BYTES))  # with TLS asyncio fills it piece by piece
        self._tls = tls
        self._idle_since = time.time()
        self.owner: Owner | None = None
        self.deadline = 0.0
        self._has_answered = False

    @property
    def usable(self) -> bool:
        """Open, as far as can be known, and not asleep for too long.

        The wall clock decides: the monotonic one may stand still while the environment is frozen.
        """
        return (
            self._transport is not None
            and not self._transport.is_closing()
            and 0 <= time.time() - self._idle_since < KEPT_SECONDS
        )

    def send(self, owner: Owner, request: bytes, *, deadline: float) -> None:
        """Send a request. `owner` hears of the response, or that there is none."""
        assert self._transport is not None
        self.owner = owner
        self.deadline = deadline
        self._transport.write(request)

    def abort(self) -> None:
        """Close at once; a request under way breaks."""
        if self._transport is not None:
            self._transport.abort()

    def leave(self) -> None:
        """Close at once, telling nobody."""
        self.owner = None
        self.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._arriving

    def buffer_updated(self, nbytes: int) -> None:
        if self.owner is None:
            self.abort()  # an answer that nobody asked for
            return
        try:
            response = self._reader.feed(bytes(self._arriving[:nbytes]))
        except MalformedResponse as error:
            self._break(str(error))
            return
        if response is not None:
            self._complete(response)

    def eof_received(self) -> bool:
        if self.owner is not None and (response := self._reader.end()) is not None:
            self._complete(response)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._break(str(exc or "") or "the connection was closed")

    def _complete(self, response: Response) -> None:
        owner, self.owner = self.owner, None
        assert owner is not None
        self._idle_since = time.time()
        if self._tls is not None and not self._has_answered:
            self._tls.keep(self._transport)
        self._has_answered = True
        if not response.keeps:
            self.abort()
        owner.answered(self, response)

    def _break(self, reason: str) -> None:
        owner, self.owner = self.owner, None
        self.abort()
        if owner is not None:
            owner.broke(self, reason)


class ResumingContext(ssl.SSLContext):
    """Verifies servers, and resumes the newest TLS session: asyncio itself has no way to ask for that."""

    _session: ssl.SSLSession | None = None

    def keep(self, transport: asyncio.Transport | None) -> None:
        """Remember the session of a connection that has had its first answer (with TLS 1.3, its tickets)."""
        secured = transport.get_extra_info("ssl_object") if transport is not None else None
        if secured is not None and secured.session is not None:
            self._session = secured.session

    def wrap_bio(self, *arguments: Any, **options: Any) -> ssl.SSLObject:
        """What asyncio calls for each connection."""
        if options.get("session") is None:
            options["session"] = self._session
        return super().wrap_bio(*arguments, **options)


def tls_context(ca_file: str | None = None) -> ResumingContext:
    """A context that trusts the system's authorities, or those in a file. Takes 16 ms: keep it."""
    context = ResumingContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file:
        context.load_verify_locations(ca_file)
    else:
        context.load_default_certs()
    return context
