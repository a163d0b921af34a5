"""Clients that misbehave: nothing leaks, nothing is thrown, nobody else notices."""

import asyncio
import contextlib
import random

import pytest
from websockets.asyncio.client import connect

from tests.local_aws.gateway.running import Functions, running
from tests.local_aws.gateway.test_connecting import handshake


async def send(port, data, *, wait=0.0, abort=False):
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    with contextlib.suppress(ConnectionError):
        await writer.drain()
    await asyncio.sleep(wait)
    if abort:
        writer.transport.abort()
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def assert_unharmed(it, caplog):
    """Nobody is left, others are served, and nothing failed."""
    async with connect(it.url) as client:
        await client.send("hi")
        assert await client.recv() == "hi"
    for _ in range(500):
        if not it.gateway.connections and not it.functions.running:
            break
        await asyncio.sleep(0.01)
    assert not it.gateway.connections
    connects = it.functions.of_type("CONNECT")
    assert len(it.functions.of_type("DISCONNECT")) == len(connects)
    assert not [record for record in caplog.records if record.exc_info or record.levelname == "ERROR"]


@pytest.mark.parametrize("seed", range(5))
async def test_nonsense_instead_of_a_handshake(seed, caplog):
    noise = random.Random(seed)
    async with running() as it:
        await asyncio.gather(
            *(send(it.port, noise.randbytes(noise.randrange(1, 5_000)), abort=bool(n % 2)) for n in range(50))
        )
        await assert_unharmed(it, caplog)


@pytest.mark.parametrize("seed", range(5))
async def test_nonsense_instead_of_frames(seed, caplog):
    noise = random.Random(seed)
    async with running() as it:
        await asyncio.gather(
            *(
                send(
                    it.port,
                    handshake() + noise.randbytes(noise.randrange(1, 70_000)),
                    wait=0.02,
                    abort=bool(n % 2),
                )
                for n in range(50)
            )
        )
        await assert_unharmed(it, caplog)


async def test_handshakes_that_stop_in_the_middle(caplog):
    request = handshake()
    async with running() as it:
        await asyncio.gather(
            *(send(it.port, request[:length], abort=bool(length % 2)) for length in range(0, len(request), 3))
        )
        await assert_unharmed(it, caplog)


async def test_clients_that_vanish_while_they_are_connecting(caplog):
    async def slow(_):
        await asyncio.sleep(0.02)
        return {"statusCode": 200}

    async with running(functions=Functions(connect=slow)) as it:
        await asyncio.gather(*(send(it.port, handshake(), wait=0.005, abort=bool(n % 2)) for n in range(50)))
        await assert_unharmed(it, caplog)


async def test_clients_that_vanish_while_their_messages_are_handled(caplog):
    async def slow(event):
        await asyncio.sleep(0.02)
        return {"statusCode": 200, "body": event["body"]}

    message = b"\x81\x85\0\0\0\0hello"
    async with running(functions=Functions(message=slow)) as it:
        await asyncio.gather(
            *(send(it.port, handshake() + message * 20, wait=0.03, abort=bool(n % 2)) for n in range(20))
        )
        await assert_unharmed(it, caplog)


async def test_a_second_handshake_on_an_open_connection(caplog):
    async with running() as it:
        await send(it.port, handshake() + handshake(), wait=0.05)
        await assert_unharmed(it, caplog)


async def test_a_handshake_behind_another_request(caplog):
    async with running() as it:
        await send(it.port, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" + handshake(), wait=0.05)
        await assert_unharmed(it, caplog)


async def test_a_head_that_never_ends(caplog):
    async with running() as it:
        await send(it.port, handshake()[:-2] + b"X: " + b"y" * 1_000_000, wait=0.05)
        await send(it.port, handshake()[:-2] + b"X: y\r\n" * 200_000, wait=0.05)
        await assert_unharmed(it, caplog)


async def test_frames_for_a_refused_handshake_are_not_looked_at(caplog):
    refuses = Functions(connect=lambda _: {"statusCode": 403})
    async with running(functions=refuses) as it:
        await send(it.port, handshake() + b"\x81\x85\0\0\0\0hello" * 1_000, wait=0.05)

        assert not it.functions.of_type("MESSAGE")
        assert not it.functions.of_type("DISCONNECT")


async def test_a_client_that_sends_and_never_reads_is_slowed_down_and_costs_bounded_memory(caplog):
    answer = "y" * 10_000
    handled = 0

    def big(_):
        nonlocal handled
        handled += 1
        return {"statusCode": 200, "body": answer}

    async with running(functions=Functions(message=big)) as it:
        reader, writer = await asyncio.open_connection("127.0.0.1", it.port, limit=1_024)
        writer.write(handshake())
        await reader.readline()
        (connection,) = it.gateway.connections.values()
        writer.write(b"\x81\x81\0\0\0\0x" * 20_000)
        before = -1
        while before != handled:
            before = handled
            await asyncio.sleep(0.2)

        assert handled < 5_000
        assert connection._transport.get_write_buffer_size() < 3_000_000
        async with connect(it.url) as other:
            await other.send("x")
            assert await other.recv() == answer
        writer.transport.abort()
        await it.functions.disconnected()
    assert not [record for record in caplog.records if record.exc_info]


async def test_who_never_answers_the_close_frame_is_dropped(monkeypatch):
    monkeypatch.setattr("local_aws.gateway.connection._CLOSE_SECONDS", 0.1)
    async with running() as it:
        reader, writer = await asyncio.open_connection("127.0.0.1", it.port)
        writer.write(handshake())
        await reader.readuntil(b"\r\n\r\n")
        it.manage("DELETE", it.connection())

        assert (await asyncio.wait_for(reader.read(), 2)).startswith(b"\x88")
        writer.close()


async def test_many_at_once(caplog):
    async with running() as it:

        async def one(number):
            async with connect(it.url) as client:
                for message in range(10):
                    await client.send(f"{number}/{message}")
                return sorted([await client.recv() for _ in range(10)])

        everybody = await asyncio.gather(*(one(number) for number in range(100)))

        assert everybody == [sorted(f"{number}/{message}" for message in range(10)) for number in range(100)]
        await assert_unharmed(it, caplog)
