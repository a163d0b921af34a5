"""What each gateway is asked. Each question is bounded in time: what isn't there by then is said."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import time
from collections.abc import Iterable
from urllib.parse import quote, urlsplit

import psutil
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from benchmarks.gateways.contestants import Contestant
from benchmarks.gateways.posts import post, signed_post
from benchmarks.gateways.sinks import open_sink
from benchmarks.results import Cell

COLD = 100
BURST_CONNECTIONS, BURST_MESSAGES = 100, 20
IDLE = 2_000
STOP = 100
POSTS = 20_000
_CONNECT_AT_ONCE = 100
_CONNECT_SECONDS = 15.0
_ECHO_SECONDS = 4.0
_BURST_SECONDS = 10.0
_ANSWER_SECONDS = 10.0
_POST_SECONDS = 5.0
_POST_CONNECTIONS, _POST_READERS = 64, 20
_STOP_SECONDS = 12.0


async def cold_connects(contestant: Contestant) -> tuple[Cell]:
    """Seconds until so many clients, who come at once right after the start, are connected."""
    started = time.perf_counter()
    sockets = await _connected(contestant, COLD, at_once=COLD)
    seconds = time.perf_counter() - started
    await _close(sockets)
    return (seconds if len(sockets) == COLD else f"only {len(sockets)} in {_CONNECT_SECONDS:.0f} s",)


async def echo(contestant: Contestant) -> tuple[Cell]:
    """The median of one connection's echoes, one after another, in milliseconds."""
    taken: list[float] = []
    async with _connect(contestant) as socket:
        for _ in range(20):
            await _asked(socket)
        until = time.monotonic() + _ECHO_SECONDS
        while time.monotonic() < until and len(taken) < 3_000:
            started = time.perf_counter()
            await _asked(socket)
            taken.append(time.perf_counter() - started)
    return (statistics.median(taken) * 1e3,)


async def works(contestant: Contestant) -> bool:
    """Whether it lets a client in and answers: a baseline that doesn't run is no baseline."""
    try:
        async with _connect(contestant) as socket:
            return await _asked(socket) == '{"a": 1}'
    except (OSError, TimeoutError, WebSocketException):
        return False


async def burst(contestant: Contestant, *, waiting: bool) -> tuple[Cell, Cell]:
    """Messages a second where many connections talk at once.

    With `waiting` each has one message under way and waits for its answer, otherwise all of its messages.
    Also returns how many were answered in time.
    """
    sockets = await _connected(contestant, BURST_CONNECTIONS)
    answered = 0

    async def converse(socket: ClientConnection) -> None:
        nonlocal answered
        for _ in range(BURST_MESSAGES):
            await socket.send('{"a": 1}')
            if waiting:
                await socket.recv()
                answered += 1
        for _ in range(0 if waiting else BURST_MESSAGES):
            await socket.recv()
            answered += 1

    started = time.perf_counter()
    talks = [asyncio.create_task(converse(socket)) for socket in sockets]
    _, pending = await asyncio.wait(talks, timeout=_BURST_SECONDS) if talks else (set(), set())
    seconds = time.perf_counter() - started
    for talk in pending:
        talk.cancel()
    await asyncio.gather(*talks, return_exceptions=True)
    await _close(sockets)
    return answered / seconds, answered


async def idle(contestant: Contestant) -> tuple[Cell, int]:
    """Megabytes that so many open connections add, and how many of them are answered afterwards."""
    await asyncio.sleep(1)
    before = await asyncio.to_thread(contestant.memory)
    sockets = await _connected(contestant, IDLE)
    await asyncio.sleep(1)
    grown = (await asyncio.to_thread(contestant.memory) - before) / 1e6
    answered = await _answering(sockets)
    await _close(sockets)
    if len(sockets) == IDLE:
        return grown, answered
    return f"{grown:.0f} for the {len(sockets):,} that it let in within {_CONNECT_SECONDS:.0f} s", answered


async def posts(contestant: Contestant) -> tuple[Cell, str]:
    """Signed posts taken a second, and what becomes of one whose signature is wrong."""
    sinks = [await open_sink(contestant.url) for _ in range(_POST_READERS)]
    try:
        urls = [contestant.post_url(quote(sink.connection_id, safe="")) for sink in sinks]
        credentials = contestant.credentials()
        body = b"x" * 200
        requests = [
            signed_post(urls[number % len(urls)], b"%08d%b" % (number, body), credentials)
            for number in range(POSTS)
        ]
        address = urlsplit(urls[0])
        assert address.hostname is not None
        assert address.port is not None
        forged = signed_post(urls[0], body, credentials).replace(b"x" * 200, b"y" * 200)
        target = address.hostname, address.port
        refusals, _ = await post(*target, [forged], connections=1, within=5)
        statuses, seconds = await post(*target, requests, connections=_POST_CONNECTIONS, within=_POST_SECONDS)
    finally:
        for sink in sinks:
            sink.close()
    taken = sum(200 <= status < 300 for status in statuses)
    verified = (
        "refused with 403" if refusals == [403] else f"taken ({refusals[0] if refusals else 'no answer'})"
    )
    if taken == 0:
        return f"none: {sorted(set(statuses))}", verified
    return taken / seconds, verified


async def stop(contestant: Contestant) -> tuple[Cell, Cell, Cell, Cell]:
    """SIGTERM while many sockets are open and a function is at work.

    Returns the seconds until the program had ended, how many clients got 1001, whether the function was named
    in what was printed, and how many processes were left.
    """
    sockets = await _connected(contestant, STOP)
    if not sockets:
        raise TimeoutError
    await sockets[0].send("sleep")
    await asyncio.sleep(1)
    running = contestant.processes()
    said_before = len(contestant.lines)
    started = time.monotonic()
    contestant.terminate()
    closes = asyncio.gather(*(_close_code(socket) for socket in sockets))
    ended = await asyncio.to_thread(contestant.ended, _STOP_SECONDS)
    seconds = time.monotonic() - started
    await asyncio.sleep(1)
    left = [process for process in running[1:] if _runs(process)]
    said = any(contestant.names_call_under_way(line) for line in contestant.lines[said_before:])
    contestant.clean_up()
    for process in left:
        with contextlib.suppress(psutil.Error):
            process.kill()
    codes = await closes
    return (
        seconds if ended else f"not within {_STOP_SECONDS:.0f} s",
        f"{codes.count(1001)} of {len(sockets)}",
        "yes" if said else "no",
        len(left) if ended else None,
    )


def _connect(contestant: Contestant) -> connect:
    return connect(
        contestant.url, proxy=None, compression=None, open_timeout=_CONNECT_SECONDS, ping_interval=None
    )


async def _connected(
    contestant: Contestant, count: int, *, at_once: int = _CONNECT_AT_ONCE
) -> list[ClientConnection]:
    """As many connections as come up in time."""
    turn = asyncio.Semaphore(at_once)
    sockets: list[ClientConnection] = []

    async def one() -> None:
        async with turn:
            with contextlib.suppress(OSError, WebSocketException, TimeoutError):
                sockets.append(await _connect(contestant))

    attempts = [asyncio.create_task(one()) for _ in range(count)]
    _, pending = await asyncio.wait(attempts, timeout=_CONNECT_SECONDS)
    for attempt in pending:
        attempt.cancel()
    await asyncio.gather(*attempts, return_exceptions=True)
    return sockets


async def _answering(sockets: Iterable[ClientConnection]) -> int:
    async def answers(socket: ClientConnection) -> bool:
        try:
            return await _asked(socket) == '{"a": 1}'
        except ConnectionClosed:
            return False

    asked = [asyncio.create_task(answers(socket)) for socket in sockets]
    done, pending = await asyncio.wait(asked, timeout=_ANSWER_SECONDS) if asked else (set(), set())
    for task in pending:
        task.cancel()
    await asyncio.gather(*asked, return_exceptions=True)
    return sum(task.result() for task in done)


async def _asked(socket: ClientConnection) -> str:
    await socket.send('{"a": 1}')
    return str(await socket.recv())


async def _close(sockets: Iterable[ClientConnection]) -> None:
    for socket in sockets:
        socket.transport.abort()
    await asyncio.sleep(0.5)


async def _close_code(socket: ClientConnection) -> int | None:
    try:
        async with asyncio.timeout(_STOP_SECONDS + 5):
            while True:
                await socket.recv()
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd is not None else None
    except TimeoutError:
        return None


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
