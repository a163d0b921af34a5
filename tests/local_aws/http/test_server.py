"""The HTTP server over real sockets: what it understands, what it refuses, and what it never lets grow."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from local_aws.http import Later, Request, Response, serve

HEAD = " HTTP/1.1\r\nHost: a\r\n"
LIMITS = {"max_head": 2_000, "max_body": 1_000, "head_timeout": 0.2, "idle_timeout": 0.15}


class Handler:
    """Answers with what it got. `/slow` takes a moment, `/hangs` until `go_on`."""

    def __init__(self):
        self.requests: list[Request] = []
        self.go_on = asyncio.Event()
        self.cancelled = 0

    def __call__(self, request):
        self.requests.append(request)
        match request.path:
            case "/slow" | "/slow-fails" | "/hangs":
                return self.later(request)
            case "/fails":
                raise RuntimeError("boom")
            case "/splits":
                return Response(200, [("X", "a\r\nSet-Cookie: b")])
            case "/nothing":
                return Response(204, [], b"ignored")
            case "/large":
                return Response(200, [], b"x" * 5_000_000)
        return Response(200, [("X-Path", request.path)], request.body or request.path.encode())

    async def later(self, request):
        try:
            if request.path == "/hangs":
                await self.go_on.wait()
            await asyncio.sleep(0.02)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if request.path == "/slow-fails":
            raise RuntimeError("boom")
        return Response(200, [], b"slow")


@asynccontextmanager
async def served(**options):
    handler = Handler()
    server = await serve(handler, host="127.0.0.1", port=0, **(LIMITS | options))
    try:
        yield handler, server
    finally:
        server.close()
        await server.wait_closed(0.5)


async def exchange(server, data, *, seconds=5.0):
    """What comes back on bytes until the end of the connection or of the time."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=2**24)
    received = b""
    try:
        writer.write(data if isinstance(data, bytes) else data.encode())
        async with asyncio.timeout(seconds):
            while part := await reader.read(2**20):
                received += part
    except TimeoutError:
        pass
    finally:
        writer.transport.abort()
    return received


def statuses(received):
    return [int(part[:3]) for part in received.split(b"HTTP/1.1 ")[1:]]


async def test_a_request_comes_as_it_was_sent():
    async with served() as (handler, server):
        await exchange(
            server, "POST /a%2Fb/?q=%zz&q=a+b" + HEAD + "X-One: 1\r\nx-one: 2\r\nContent-Length: 2\r\n\r\nhi"
        )
        (request,) = handler.requests

    assert (request.method, request.path, request.query) == ("POST", "/a%2Fb/", "q=%zz&q=a+b")
    assert request.headers == [("Host", "a"), ("X-One", "1"), ("x-one", "2"), ("Content-Length", "2")]
    assert (request.header("X-ONE"), request.header("missing")) == ("1", None)
    assert (request.body, request.peer) == (b"hi", "127.0.0.1")


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("/", "/", ""),
        ("/?", "/", ""),
        ("//a//b", "//a//b", ""),
        ("http://a/b?c", "/b", "c"),
        ("http://a", "/", ""),
        ("http://a?b", "/", "b"),
        ("/a#b", "/a", ""),
    ],
)
async def test_targets(target, path, query):
    async with served() as (handler, server):
        await exchange(server, f"GET {target}" + HEAD + "\r\n")

    assert [(request.path, request.query) for request in handler.requests] == [(path, query)]


async def test_pipelined_requests_are_answered_in_their_order():
    async with served() as (_, server):
        received = await exchange(
            server, "".join(f"GET {path}{HEAD}\r\n" for path in ("/1", "/slow", "/3", "/slow", "/5"))
        )

    assert statuses(received) == [200] * 5
    assert [received.index(part) for part in (b"/1", b"slow", b"/3", b"/5")] == sorted(
        received.index(part) for part in (b"/1", b"slow", b"/3", b"/5")
    )


async def test_requests_in_single_bytes():
    request = (
        "POST /a" + HEAD + "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n4\r\n you\r\n0\r\nTrailer: x\r\n\r\n"
    )
    async with served() as (handler, server):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        for byte in request:
            writer.write(byte.encode())
            await asyncio.sleep(0)
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.transport.abort()

    assert handler.requests[0].body == b"hi you"
    assert handler.requests[0].header("Trailer") is None


async def test_head_has_the_length_but_no_body():
    async with served() as (_, server):
        received = await exchange(server, f"HEAD /abc{HEAD}\r\n")

    assert b"Content-Length: 4" in received
    assert received.endswith(b"\r\n\r\n")


async def test_204_has_neither_body_nor_length():
    async with served() as (_, server):
        received = await exchange(server, f"GET /nothing{HEAD}\r\n")

    assert received == b"HTTP/1.1 204 No Content\r\n\r\n"


@pytest.mark.parametrize(
    ("request_", "closes"),
    [
        (f"GET /{HEAD}\r\n", False),
        (f"GET /{HEAD}Connection: close\r\n\r\nleft over", True),
        ("GET / HTTP/1.0\r\n\r\n", True),
    ],
)
async def test_connections_are_kept_where_the_client_wants_it(request_, closes):
    async with served() as (_, server):
        received = await exchange(server, request_)

    assert statuses(received) == [200]
    assert (b"Connection: close" in received) == closes


async def test_who_expects_100_gets_it_before_sending_the_body():
    async with served() as (_, server):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(f"POST /{HEAD}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n".encode())
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"hi")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.transport.abort()


async def test_an_upgrade_to_another_protocol_is_declined_by_going_on():
    async with served() as (_, server):
        received = await exchange(
            server, f"GET /1{HEAD}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\nGET /2{HEAD}\r\n"
        )

    assert statuses(received) == [200, 200]


async def test_a_websocket_handshake_is_handed_over_with_what_came_after_it():
    taken = []

    def upgrade(request, transport, rest):
        taken.append((request.path, rest))
        transport.abort()

    async with served(upgrade=upgrade) as (handler, server):
        await exchange(
            server, f"GET /1{HEAD}\r\nGET /ws{HEAD}Connection: Upgrade\r\nUpgrade: WebSocket\r\n\r\nrest"
        )

    assert taken == [("/ws", b"rest")]
    assert [request.path for request in handler.requests] == ["/1"]


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ("nonsense\r\n\r\n", 400),
        ("\x16\x03\x01\x02\x00\x01", 400),
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (f"GET /{HEAD}bad header\r\n\r\n", 400),
        (f"GET /{HEAD}X: a\r\n folded\r\n\r\n", 400),
        (f"POST /{HEAD}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (f"POST /{HEAD}Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (f"POST /{HEAD}Content-Length: -1\r\n\r\n", 400),
        (f"POST /{HEAD}Content-Length: {'9' * 40}\r\n\r\n", 400),
        (f"POST /{HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        (f"CONNECT a:1{HEAD}\r\n", 405),
        (f"GET /{HEAD}X: {'y' * 2_000}\r\n\r\n", 431),
        (f"GET /{'y' * 2_000}{HEAD}\r\n", 431),
        (f"GET /{HEAD}X: {'y' * 500_000}", 431),
        (f"GET /{HEAD}" + "X: y\r\n" * 500, 431),
        (f"POST /{HEAD}Content-Length: 1001\r\n\r\n", 413),
        (f"POST /{HEAD}Transfer-Encoding: chunked\r\n\r\n3e9\r\n" + "y" * 1_001, 413),
    ],
)
async def test_what_isnt_taken_is_refused_and_the_connection_closed(data, status):
    async with served() as (handler, server):
        received = await exchange(server, data)
        again = await exchange(server, f"GET /{HEAD}\r\n")

    assert statuses(received) == [status]
    assert b"Connection: close" in received
    assert statuses(again) == [200]
    assert [request.path for request in handler.requests] == ["/"]


async def test_garbage_behind_good_requests_costs_only_itself():
    async with served() as (_, server):
        received = await exchange(server, f"GET /1{HEAD}\r\nGET /slow{HEAD}\r\ngarbage\r\n\r\n")

    assert statuses(received) == [200, 200, 400]


async def test_a_refusal_reaches_a_client_that_is_still_sending():
    async with served() as (_, server):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(f"POST /{HEAD}Content-Length: 50000000\r\n\r\n".encode())
        writer.write(b"x" * 3_000_000)
        assert (await asyncio.wait_for(reader.readline(), 1)).startswith(b"HTTP/1.1 413")
        writer.transport.abort()


@pytest.mark.parametrize(
    ("data", "received"),
    [
        ("", b""),
        ("\r\n\r\n", b""),
        ("GET / HT", b"HTTP/1.1 408 "),
        (f"GET /{HEAD}", b"HTTP/1.1 408 "),
        (f"POST /{HEAD}Content-Length: 5\r\n\r\nab", b"HTTP/1.1 408 "),
    ],
)
async def test_who_doesnt_go_on_is_let_go(data, received):
    async with served() as (_, server):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(data.encode())
        assert (await asyncio.wait_for(reader.read(), 1)).startswith(received)
        writer.close()


async def test_a_head_that_drips_is_not_waited_for_longer():
    async with served() as (_, server):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"GET / HTTP/1.1\r\n")
        answer = asyncio.create_task(reader.read())
        for _ in range(12):
            writer.write(b"X: y\r\n")
            await asyncio.sleep(0.025)
        assert answer.done()
        assert (await answer).startswith(b"HTTP/1.1 408 ")
        writer.close()


async def test_an_idle_connection_is_closed():
    async with served(idle_timeout=0.4) as (_, server):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(f"GET /{HEAD}\r\n".encode())
        started = asyncio.get_running_loop().time()
        await asyncio.wait_for(reader.read(), 2)
        writer.close()

    assert asyncio.get_running_loop().time() - started > 0.3


async def test_an_answer_may_take_longer_than_any_of_these_times():
    async with served(head_timeout=0.05, idle_timeout=0.05) as (handler, server):
        asyncio.get_running_loop().call_later(0.3, handler.go_on.set)
        received = await exchange(server, f"GET /hangs{HEAD}\r\n")

    assert statuses(received) == [200]


@pytest.mark.parametrize("path", ["/fails", "/slow-fails", "/splits"])
async def test_what_fails_is_a_500_and_the_connection_goes_on(path, caplog):
    async with served() as (_, server):
        received = await exchange(server, f"GET {path}{HEAD}\r\nGET /{HEAD}\r\n")

    assert statuses(received) == [500, 200]
    assert b"Set-Cookie" not in received
    assert path in caplog.text


@pytest.mark.parametrize("abort", [True, False])
async def test_an_answer_that_nobody_waits_for_is_cancelled(abort):
    async with served() as (handler, server):
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(f"GET /hangs{HEAD}\r\n".encode())
        await asyncio.sleep(0.05)
        if abort:
            writer.transport.abort()
        else:
            writer.close()
        await asyncio.sleep(0.05)
        assert handler.cancelled == 1


async def test_who_sends_and_never_reads_costs_bounded_memory():
    async with served() as (handler, server):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1_024)
        writer.write(f"GET /large{HEAD}\r\n".encode() * 100)
        await asyncio.sleep(0.1)
        assert len(handler.requests) < 10
        assert statuses(await exchange(server, f"GET /{HEAD}\r\n")) == [200]
        writer.transport.abort()
        del reader


async def test_thousands_of_pipelined_requests():
    async with served() as (_, server):
        received = await exchange(server, f"GET /{HEAD}\r\n" * 10_000)

    assert statuses(received) == [200] * 10_000


async def test_at_the_end_busy_connections_get_their_answer_and_idle_ones_end():
    async with served() as (handler, server):
        busy_reader, busy = await asyncio.open_connection("127.0.0.1", server.port)
        idle_reader, idle = await asyncio.open_connection("127.0.0.1", server.port)
        busy.write(f"GET /hangs{HEAD}\r\n".encode())
        idle.write(f"GET /{HEAD}\r\n".encode())
        await idle_reader.readline()
        server.close()
        ending = asyncio.create_task(server.wait_closed(1))
        assert (await asyncio.wait_for(idle_reader.read(), 1)).endswith(b"/")
        handler.go_on.set()
        assert b"Connection: close" in await asyncio.wait_for(busy_reader.read(), 1)
        await ending
        busy.close()
        idle.close()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", server.port)


async def test_what_doesnt_end_is_aborted():
    async with served() as (handler, server):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(f"GET /hangs{HEAD}\r\n".encode())
        await asyncio.sleep(0.05)
        server.close()
        await server.wait_closed(0.05)
        assert await asyncio.wait_for(reader.read(), 1) == b""
        writer.close()
        await asyncio.sleep(0.02)
        assert handler.cancelled == 1


@pytest.mark.parametrize("given", ["before", "after", "never"])
async def test_a_response_that_is_given_by_a_call(given):
    """What was pipelined meanwhile is answered after it; without a response the connection ends."""
    later = Later()

    def handler(request):
        return later if request.path == "/later" else Response(200, [], b"next")

    if given == "before":
        later.give(Response(200, [], b"given"))
    server = await serve(handler, host="127.0.0.1", port=0, **LIMITS)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(f"GET /later{HEAD}\r\nGET /next{HEAD}\r\n".encode())
    await asyncio.sleep(0.02)
    if given == "never":
        later.cancel()
    else:
        later.give(Response(200, [], b"given"))
    received = b""
    try:
        async with asyncio.timeout(2):
            while not received.endswith(b"next") and (data := await reader.read(1_000)):
                received += data
    except ConnectionResetError:
        assert given == "never"
    assert (b"given" in received, b"next" in received) == ((given != "never",) * 2)
    writer.close()
    server.close()
    await server.wait_closed(0.5)
