"""How connections end, and what `$disconnect` then says."""

import asyncio

import pytest
from websockets.asyncio.client import connect

from local_aws.gateway import Limits
from tests.local_aws.gateway.running import Clock, Functions, api_with, route, running


async def closed(client):
    """The close frame that the client gets."""
    await asyncio.wait_for(client.wait_closed(), 5)
    received = client.protocol.close_rcvd
    return None if received is None else (received.code, received.reason)


async def said(it):
    """Code and reason in `$disconnect`."""
    context = (await it.functions.disconnected())["requestContext"]
    return context["disconnectStatusCode"], context["disconnectReason"]


@pytest.mark.parametrize(
    ("size", "code"), [(32_768, None), (32_769, 1009), (131_072, 1009)], ids=["fits", "a byte more", "128 KB"]
)
async def test_a_frame_has_32_kb_at_most(size, code):
    async with running() as it, connect(it.url, compression=None, max_size=None) as client:
        await client.send("x" * size)
        if code is None:
            assert len(await client.recv()) == size
        else:
            assert (await closed(client))[0] == code
            assert (await said(it))[0] == code


@pytest.mark.parametrize(("size", "code"), [(131_072, None), (131_073, 1009)], ids=["fits", "a byte more"])
async def test_a_message_has_128_kb_at_most(size, code):
    async with running() as it, connect(it.url, compression=None, max_size=None) as client:
        text = "x" * size
        await client.send([text[start : start + 32_768] for start in range(0, size, 32_768)])
        if code is None:
            assert len(await client.recv()) == size
        else:
            assert (await closed(client))[0] == code


async def test_what_unpacks_to_too_much_is_too_big():
    async with running() as it, connect(it.url, max_size=None) as client:
        await client.send("x" * 1_000_000)
        assert (await closed(client))[0] == 1009


async def test_a_binary_frame_closes_with_1003():
    async with running() as it, connect(it.url) as client:
        await client.send(b"x")
        code, reason = await closed(client)
        assert code == 1003
        assert await said(it) == (1003, reason)
        assert not it.functions.of_type("MESSAGE")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x81\x81\0\0\0\0\xff", 1007),
        (b"\x81\x01x", 1002),
        (b"\xf1\x81\0\0\0\0x", 1002),
        (b"\x83\x80\0\0\0\0", 1002),
        (b"\x80\x81\0\0\0\0x", 1002),
        (b"\x89\xfe\x00\x7e\0\0\0\0" + b"x" * 126, 1002),
    ],
    ids=["no UTF-8", "not masked", "reserved bits", "unknown opcode", "a stray continuation", "a long ping"],
)
async def test_what_is_no_websocket_closes_with_its_code_and_nobody_else_notices(data, code):
    async with running() as it, connect(it.url) as other, connect(it.url, compression=None) as client:
        client.transport.write(data)
        assert (await closed(client))[0] == code
        assert (await said(it))[0] == code
        await other.send("still here")
        assert await other.recv() == "still here"


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"\x88\x80\0\0\0\0", (1005, "Client-side close frame status not set")),
        (b"\x88\x82\0\0\0\0\x03\xe9", (1001, "")),
        (b"\x88\x85\0\0\0\0\x03\xe8bye", (1000, "bye")),
        (b"\x88\x84\0\0\0\0\x0f\xa0ok", (4000, "ok")),
    ],
)
async def test_disconnect_says_what_the_client_said(data, told):
    async with running() as it, connect(it.url) as client:
        client.transport.write(data)
        assert await said(it) == told
        assert not it.gateway.connections


async def test_disconnect_without_a_close_frame():
    async with running() as it, connect(it.url) as client:
        client.transport.abort()
        assert await said(it) == (-1, "")
        assert not it.gateway.connections


async def test_messages_sent_just_before_the_close_are_handled_before_it():
    async with running() as it, connect(it.url, compression=None) as client:
        client.transport.write(b"\x81\x81\0\0\0\0x" * 3 + b"\x88\x82\0\0\0\0\x03\xe8")
        await it.functions.disconnected()
        kinds = [event["requestContext"]["eventType"] for event in it.functions.events]

    assert kinds == ["CONNECT", "MESSAGE", "MESSAGE", "MESSAGE", "DISCONNECT"]


async def test_messages_beyond_the_bound_are_handled_though_the_client_has_left():
    async def takes_a_moment(_):
        await asyncio.sleep(0.005)
        return {"statusCode": 200}

    async with running(functions=Functions(message=takes_a_moment), limits=Limits(events_in_flight=2)) as it:
        async with connect(it.url, compression=None) as client:
            client.transport.write(b"\x81\x81\0\0\0\0x" * 20 + b"\x88\x82\0\0\0\0\x03\xe8")
            await client.wait_closed()
        assert await said(it) == (1000, "")
        assert len(it.functions.of_type("MESSAGE")) == 20


@pytest.mark.parametrize("seconds", [600, 7_200])
async def test_idle_for_ten_minutes_closes_with_1001(seconds):
    clock = Clock()
    async with running(clock=clock) as it, connect(it.url) as client:
        clock.now += 599.9
        it.gateway.close_expired()
        assert len(it.gateway.connections) == 1
        clock.now += seconds - 599.9
        it.gateway.close_expired()
        assert await closed(client) == (1001, "Going away")
        assert await said(it) == (1001, "Going away")


async def test_messages_either_way_keep_a_connection_for_two_hours_at_most():
    clock = Clock()
    async with running(clock=clock) as it, connect(it.url) as client:
        for minute in range(0, 7_200, 500):
            if minute % 1_000:
                await client.send("x")
                await client.recv()
            else:
                assert it.manage("POST", it.connection(), b"x").status == 200
                await client.recv()
            it.gateway.close_expired()
            assert len(it.gateway.connections) == 1
            clock.now += 500
        it.gateway.close_expired()
        assert await closed(client) == (1001, "Going away")


async def test_idle_connections_are_closed_without_being_asked():
    async with running(limits=Limits(idle=0.3)) as it, connect(it.url) as client:
        assert await closed(client) == (1001, "Going away")


async def test_at_the_stop_clients_get_1001_and_disconnect_has_run():
    async def takes_a_moment(_):
        await asyncio.sleep(0.05)
        return {"statusCode": 200}

    async with (
        running(functions=Functions(disconnect=takes_a_moment)) as it,
        connect(it.url) as first,
        connect(it.url) as second,
    ):
        await it.gateway.close_all()
        assert len(it.functions.of_type("DISCONNECT")) == 2
        assert it.functions.running == 0
        assert await closed(first) == (1001, "Going away")
        assert await closed(second) == (1001, "Going away")


async def test_the_stop_doesnt_wait_for_ever():
    async def hangs(_):
        await asyncio.sleep(60)

    started = asyncio.get_running_loop().time()
    async with running(functions=Functions(disconnect=hangs, message=hangs)) as it, connect(it.url) as client:
        await client.send("x")
        await asyncio.sleep(0.05)
        await it.gateway.close_all(within=0.2)
        assert await closed(client) == (1001, "Going away")
    assert asyncio.get_running_loop().time() - started < 3


async def test_who_is_still_connecting_at_the_stop_is_closed_too():
    go_on = asyncio.Event()

    async def slow(_):
        await go_on.wait()
        return {"statusCode": 200}

    async with running(functions=Functions(connect=slow)) as it:
        connecting = asyncio.create_task(connect(it.url).__aenter__())
        await asyncio.sleep(0.05)
        stopping = asyncio.create_task(it.gateway.close_all())
        await asyncio.sleep(0.05)
        go_on.set()
        client = await connecting
        assert await closed(client) == (1001, "Going away")
        await stopping
        assert len(it.functions.of_type("DISCONNECT")) == 1


async def test_a_disconnect_that_fails_is_only_logged(caplog):
    def fails(_):
        raise RuntimeError("boom")

    async with running(functions=Functions(disconnect=fails)) as it:
        async with connect(it.url):
            connection_id = next(iter(it.gateway.connections))
        await it.functions.disconnected()
        await asyncio.sleep(0.02)

    assert f"{connection_id}: $disconnect failed" in caplog.text


async def test_connections_that_a_kill_left_behind_are_disconnected_at_the_next_start(tmp_path):
    ledger = tmp_path / "connections"
    async with running(ledger=ledger) as it, connect(it.url):
        killed = ledger.read_bytes()
        (connected,) = it.functions.of_type("CONNECT")
    assert b"opened" in killed

    async with running(ledger=ledger) as it:  # ended in order: nobody is left
        await it.gateway.disconnect_left_behind()
        assert not it.functions.events

    ledger.write_bytes(killed)
    async with running(ledger=ledger) as it:
        await it.gateway.disconnect_left_behind()
        (event,) = it.functions.of_type("DISCONNECT")
        assert event["requestContext"]["connectionId"] == connected["requestContext"]["connectionId"]
        assert event["requestContext"]["connectedAt"] == connected["requestContext"]["connectedAt"]

    async with running(ledger=ledger) as it:  # and only once
        await it.gateway.disconnect_left_behind()
        assert not it.functions.events


async def test_without_a_disconnect_route_nothing_runs():
    api = api_with(route("$default"))
    api = type(api)(id=api.id, name=api.name, stage=api.stage, routes={"$default": api.routes["$default"]})
    async with running(api) as it:
        async with connect(it.url):
            pass
        await asyncio.sleep(0.05)
        assert not it.gateway.connections
        assert not it.functions.events
