"""Thousands of handshakes in a row, ended in every way: nothing is left of them, and nobody else notices."""

import asyncio
import gc
import os
import socket
import struct

import psutil
from websockets.asyncio.client import connect

from local_aws.gateway.connection import Connection
from local_aws.http.connection import Connection as HttpConnection
from tests.local_aws.gateway.running import Functions, running
from tests.local_aws.gateway.test_connecting import handshake

# `make endurance` asks for ten thousand.
HANDSHAKES = int(os.environ.get("HANDSHAKES", "300"))
AT_ONCE = 20
FRAME = b"\x81\x82\0\0\0\0hi"
CLOSE = b"\x88\x80\0\0\0\0"


class Forgetful(Functions):
    """Functions that keep no events: those would be a leak of the test's own."""

    async def invoke(self, function, payload, *, request_id=None):
        answer = await super().invoke(function, payload)
        self.events.clear()
        return answer


async def closes(reader, writer):
    writer.write(FRAME)
    await reader.readexactly(4)
    writer.write(CLOSE)
    await reader.read()


async def resets(reader, writer):
    writer.write(FRAME)
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


async def shuts_down_half(reader, writer):
    writer.write(FRAME)
    writer.write_eof()
    await reader.read()


async def talks_nonsense(reader, writer):
    writer.write(b"\xff" * 100)
    await reader.read()


async def sends_half_a_frame(reader, writer):
    writer.write(FRAME[:3])
    await writer.drain()
    writer.transport.abort()


ENDS = (closes, resets, shuts_down_half, talks_nonsense, sends_half_a_frame)


async def come_and_go(port, number):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        if number % 7 == 6:
            writer.write(handshake()[: number % 150])  # and goes before it is complete
            return
        writer.write(handshake())
        await reader.readuntil(b"\r\n\r\n")
        await ENDS[number % len(ENDS)](reader, writer)
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.transport.abort()


async def rounds(port, first, last):
    for start in range(first, last, AT_ONCE):
        await asyncio.gather(*(come_and_go(port, number) for number in range(start, start + AT_ONCE)))


def left():
    """Connections that are still somewhere in memory."""
    gc.collect()
    return [each for each in gc.get_objects() if isinstance(each, Connection | HttpConnection)]


async def settled(it, *, open_connections):
    for _ in range(500):
        if len(it.gateway.connections) == open_connections and len(left()) == open_connections:
            return
        await asyncio.sleep(0.01)


async def test_nothing_is_left_of_handshakes_and_nobody_else_notices(caplog):
    process = psutil.Process()
    async with running(functions=Forgetful()) as it, connect(it.url) as witness:
        await rounds(it.port, 0, HANDSHAKES // 3)
        await settled(it, open_connections=1)
        files, tasks, memory = process.num_fds(), len(asyncio.all_tasks()), process.memory_info().rss

        await rounds(it.port, HANDSHAKES // 3, HANDSHAKES)
        await settled(it, open_connections=1)
        await witness.send("still here")

        assert await witness.recv() == "still here"
        assert len(it.gateway.connections) == len(left()) == 1
        assert (process.num_fds(), len(asyncio.all_tasks())) == (files, tasks)
        # A page here and there; a leak of one connection's size would be a hundred times that.
        assert process.memory_info().rss - memory < 4_000_000 + 200 * HANDSHAKES
    assert not [record for record in caplog.records if record.exc_info or record.levelname == "ERROR"]


async def test_clients_that_never_finish_their_handshake_hold_up_nobody():
    silent = []
    async with running() as it:
        for number in range(200):
            sock = socket.create_connection(("127.0.0.1", it.port))
            sock.sendall(handshake()[: number % 120])
            silent.append(sock)
        async with connect(it.url) as client:
            await client.send("x")
            assert await client.recv() == "x"
            assert len(it.gateway.connections) == 1
        for sock in silent:
            sock.close()
