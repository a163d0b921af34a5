"""The end of a connection: close codes, and what `$disconnect` is told of them."""

import asyncio

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from local_aws.gateway import Limits
from tests.conformance.behaviour import CLOCK, CONNECT, INFERRED, OURS, PROTOCOL, QUOTAS, behaviour
from tests.conformance.clients import id_of
from tests.local_aws.gateway.running import Clock, running

MINUTES = 60


async def pair(api, connection_id):
    """Code and reason of `$disconnect`."""
    context = (await api.disconnected(connection_id))["requestContext"]
    return context["disconnectStatusCode"], context["disconnectReason"]


@behaviour('A close frame without a code: `$disconnect` has 1005, "Client-side close frame status not set"')
async def test_no_code(api):
    async with api.client() as client:
        connection_id = await id_of(client)
        client.protocol.send_close()
        client.transport.write(b"".join(client.protocol.data_to_send()))
        await client.wait_closed()

    assert await pair(api, connection_id) == (1005, "Client-side close frame status not set")


@behaviour("A closed tab: `$disconnect` has 1001 with an empty reason")
async def test_tab_closed(api):
    async with api.client() as client:
        connection_id = await id_of(client)
        await client.close(1001)

    assert await pair(api, connection_id) == (1001, "")


@behaviour("`$disconnect` has the code and the reason that the client gave", CONNECT)
async def test_code_and_reason(api):
    async with api.client() as client:
        connection_id = await id_of(client)
        await client.close(4000, "done \u2603")

    assert await pair(api, connection_id) == (4000, "done \u2603")


@behaviour("The gateway answers a close frame with its code", PROTOCOL)
async def test_close_is_answered(api):
    async with api.client() as client:
        await client.close(1000, "bye")

        assert client.protocol.close_rcvd is not None
        assert client.protocol.close_rcvd.code == 1000


@behaviour(
    "A connection that breaks without a close frame: `$disconnect` has -1 with an empty reason, if it comes",
    INFERRED,
    confirmed=False,
)
async def test_broken(api):
    async with api.client() as client:
        connection_id = await id_of(client)
        client.transport.abort()

        assert await pair(api, connection_id) == (-1, "")


@behaviour(
    'After DELETE the client is closed with 1000, and `$disconnect` has 1000, "Connection Closed Normally"'
)
async def test_deleted(api):
    async with api.client() as client:
        connection_id = await id_of(client)
        manager = api.deployment.manager()
        await asyncio.to_thread(manager.delete_connection, ConnectionId=connection_id)
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(client.recv(), 15)

        assert client.close_code == 1000
    manager.close()
    assert await pair(api, connection_id) == (1000, "Connection Closed Normally")


async def ended(client):
    with pytest.raises(ConnectionClosed) as closed:
        await asyncio.wait_for(client.recv(), 5)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code, closed.value.rcvd.reason


@behaviour(
    "A connection is closed with 1001 once nothing has gone either way for 10 minutes", QUOTAS, local=CLOCK
)
async def test_idle():
    clock = Clock()
    async with running(clock=clock) as it, connect(it.url) as client:
        clock.now += 10 * MINUTES - 1
        it.gateway.close_expired()
        await client.send("still here")
        assert await client.recv() == "still here"

        clock.now += 10 * MINUTES - 1
        it.gateway.close_expired()
        assert it.gateway.connections
        clock.now += 1
        it.gateway.close_expired()
        assert await ended(client) == (1001, "Going away")


@behaviour(
    "A message from the client, and one posted to it, each start the 10 minutes anew", QUOTAS, local=CLOCK
)
@pytest.mark.parametrize("way", ["from the client", "to the client"])
async def test_active(way):
    clock = Clock()
    async with running(clock=clock) as it, connect(it.url) as client:
        clock.now += 9 * MINUTES
        if way == "from the client":
            await client.send("x")
        else:
            assert it.manage("POST", it.connection(), b"x").status == 200
        await client.recv()
        clock.now += 9 * MINUTES
        it.gateway.close_expired()
        assert it.gateway.connections


@behaviour("Protocol pings don't keep a connection from being idle", INFERRED, confirmed=False, local=CLOCK)
async def test_pings_are_no_messages():
    clock = Clock()
    async with running(clock=clock) as it, connect(it.url) as client:
        clock.now += 9 * MINUTES
        await (await client.ping())
        clock.now += MINUTES
        it.gateway.close_expired()
        assert await ended(client) == (1001, "Going away")


@behaviour("A connection is closed with 1001 after two hours, however busy", QUOTAS, local=CLOCK)
async def test_age():
    clock = Clock()
    async with running(clock=clock) as it, connect(it.url) as client:
        for _ in range(24):
            clock.now += 5 * MINUTES - 0.01
            it.gateway.close_expired()
            await client.send("x")
            assert await client.recv() == "x"
        clock.now += 1
        it.gateway.close_expired()
        assert await ended(client) == (1001, "Going away")


@behaviour('The gateway\'s own close for idleness: `$disconnect` has 1001, "Going away"', local=CLOCK)
async def test_idle_disconnect():
    clock = Clock()
    async with running(clock=clock) as it, connect(it.url):
        clock.now += 10 * MINUTES
        it.gateway.close_expired()
        context = (await it.functions.disconnected())["requestContext"]

    assert (context["disconnectStatusCode"], context["disconnectReason"]) == (1001, "Going away")


@behaviour("Both limits are options of the local gateway", OURS, local=CLOCK)
async def test_limits_are_options():
    async with running(limits=Limits(idle=0.05)) as it, connect(it.url) as client:
        assert await ended(client) == (1001, "Going away")
    async with running(limits=Limits(age=0.05)) as it, connect(it.url) as client:
        assert await ended(client) == (1001, "Going away")
