"""An HTTP proxy on this machine that ends every tunnel itself: it has no way out."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import Awaitable, Callable

from local_aws.http import Request, Response, serialise
from local_aws.http.connection import Connection, OpenConnections, Upgrade
from local_aws.http.limits import Limits
from local_aws.http.server import HEAD_TIMEOUT, IDLE_TIMEOUT, MAX_BODY, MAX_HEAD
from local_aws.proxy.authority import Authority
from local_aws.proxy.destinations import Destinations, service_of

_CONNECT = re.compile(rb"CONNECT ([^\s:]+|\[[^\s\]]+\]):(\d{1,5}) HTTP/1\.[01]\r?\n", re.IGNORECASE)
_CALLER = re.compile(
    rb"\r?\nProxy-Authorization:[ \t]*Basic[ \t]+([A-Za-z0-9+/=]+)[ \t]*\r?\n", re.IGNORECASE
)
_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
_HANDSHAKE_SECONDS = 10.0

Answer = Response | Awaitable[Response]


class Proxy:
    """Accepts CONNECT and requests for `http://` URLs.

    `handler` and `upgrade` answer what goes to AWS's hosts. The name in a client's proxy credentials is the
    function that calls.
    """

    def __init__(
        self,
        authority: Authority,
        destinations: Destinations,
        handler: Callable[[Request], Answer],
        upgrade: Upgrade,
        say: Callable[[str], None],
    ) -> None:
        self.authority = authority
        self.destinations = destinations
        self.handler = handler
        self.upgrade = upgrade
        self._say = say
        self._called: set[tuple[str, str | None]] = set()
        self._limits = Limits(MAX_BODY, MAX_HEAD, HEAD_TIMEOUT, IDLE_TIMEOUT)
        self._connections = OpenConnections()
        self._opening: set[_Opening] = set()
        self._tunnels: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Server | None = None

    async def start(self, host: str, port: int = 0) -> int:
        """Listen. Returns the port."""
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(lambda: _Opening(self), host, port)
        return int(self._listener.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """End every tunnel."""
        if self._listener is not None:
            self._listener.close()
        for tunnel in tuple(self._tunnels):
            tunnel.cancel()
        await asyncio.gather(*self._tunnels, return_exceptions=True)
        for opening in tuple(self._opening):
            opening.abort()
        for connection in tuple(self._connections):
            connection.abort()

    def variables(self, port: int, caller: str) -> dict[str, str]:
        """What has the SDKs and libraries of a process use this proxy, and trust it."""
        url = f"http://{caller}:function@127.0.0.1:{port}"
        authority = str(self.authority.certificate)
        return {
            "HTTPS_PROXY": url,
            "HTTP_PROXY": url,
            "NO_PROXY": "127.0.0.1,localhost",
            "AWS_CA_BUNDLE": authority,
            "REQUESTS_CA_BUNDLE": authority,
            "SSL_CERT_FILE": authority,
        }

    def admits(self, host: str, port: int, caller: str | None) -> str | None:
        """Why a call isn't taken, said to whoever runs the stack as well. None where it is."""
        refusal = self.destinations.refusal(host, port, caller)
        if refusal is not None:
            self._say(refusal)
            return refusal
        self.warn(service_of(host), caller)
        return None

    def warn(self, service: str, caller: str | None) -> None:
        """Say once of each service that a function called it which couldn't on AWS."""
        if (service, caller) in self._called:
            return
        self._called.add((service, caller))
        warning = self.destinations.warning(service, caller)
        if warning is not None:
            self._say(warning)

    def opened(self, opening: _Opening) -> None:
        self._opening.add(opening)

    def closed(self, opening: _Opening) -> None:
        self._opening.discard(opening)

    def tunnel(self, transport: asyncio.Transport, host: str) -> None:
        """Be `host` to whoever asked for it."""
        task = asyncio.get_running_loop().create_task(self._be(host, transport))
        self._tunnels.add(task)
        task.add_done_callback(self._tunnels.discard)

    def plain(self, caller: str | None) -> Connection:
        """The server of a client that asks for `http://` URLs."""

        def handle(request: Request) -> Answer:
            host, _, port = (request.header("Host") or "").partition(":")
            refusal = self.admits(host, int(port) if port.isdecimal() else 80, caller)
            if refusal is not None:
                return Response(403, [("Content-Type", "text/plain; charset=utf-8")], refusal.encode())
            return self.handler(request)

        return Connection(handle, None, self._limits, self._connections)

    async def _be(self, host: str, transport: asyncio.Transport) -> None:
        server = Connection(self.handler, self.upgrade, self._limits, self._connections)
        relay = _Relay(server)
        try:
            secured = await asyncio.get_running_loop().start_tls(
                transport,
                relay,
                self.authority.context(host),
                server_side=True,
                ssl_handshake_timeout=_HANDSHAKE_SECONDS,
            )
        except (OSError, ValueError) as error:
            # Mostly a client that doesn't trust the authority.
            self._say(f"A TLS handshake for {host} failed: {error}.")
            transport.close()
            return
        if secured is not None:
            relay.begin(secured)


class _Opening(asyncio.Protocol):
    """A client that hasn't said yet what it wants."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._transport: asyncio.Transport | None = None
        self._head = bytearray()
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._timer = asyncio.get_running_loop().call_later(HEAD_TIMEOUT, transport.abort)
        self._proxy.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._done()

    def data_received(self, data: bytes) -> None:
        self._head += data
        end = self._head.find(b"\r\n\r\n")
        if end < 0:
            if len(self._head) > MAX_HEAD:
                self._refuse(431, "")
            return
        head = bytes(self._head[: end + 4])
        assert self._transport is not None
        caller = _caller(head)
        if not head.upper().startswith(b"CONNECT "):
            self._done()
            server = self._proxy.plain(caller)
            self._transport.set_protocol(server)
            server.connection_made(self._transport)
            server.data_received(bytes(self._head))
            return
        match = _CONNECT.match(head)
        if match is None:
            self._refuse(400, "")
            return
        host = match[1].decode("latin-1").lower().rstrip(".")
        refusal = self._proxy.admits(host, int(match[2]), caller)
        if refusal is not None:
            self._refuse(403, refusal)
            return
        self._done()
        # Nothing may be read before TLS has taken the transport over.
        self._transport.pause_reading()
        self._transport.write(_ESTABLISHED)
        self._proxy.tunnel(self._transport, host)

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _refuse(self, status: int, sentence: str) -> None:
        self._done()
        assert self._transport is not None
        headers = [("Content-Type", "text/plain; charset=utf-8")]
        answer = serialise(Response(status, headers, sentence.encode()), "", keep_alive=False)
        if sentence:
            # Most clients show the reason phrase of a refused tunnel, and none its body.
            line, _, rest = answer.partition(b"\r\n")
            answer = b"%b (%b)\r\n%b" % (line, sentence.encode("ascii", "replace"), rest)
        self._transport.write(answer)
        self._transport.close()

    def _done(self) -> None:
        self._proxy.closed(self)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _Relay(asyncio.Protocol):
    """Holds what comes with the end of the handshake until the server behind it has its transport."""

    def __init__(self, server: Connection) -> None:
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._early = bytearray()
        self._lost = False

    def begin(self, transport: asyncio.Transport) -> None:
        if self._lost:
            return
        self._transport = transport
        transport.set_protocol(self._server)
        self._server.connection_made(transport)
        if self._early:
            self._server.data_received(bytes(self._early))

    def data_received(self, data: bytes) -> None:
        self._early += data

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True


def _caller(head: bytes) -> str | None:
    match = _CALLER.search(head)
    if match is None:
        return None
    try:
        return base64.b64decode(match[1]).decode().partition(":")[0] or None
    except (binascii.Error, UnicodeDecodeError):
        return None
