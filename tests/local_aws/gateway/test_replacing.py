"""A changed template: what takes effect, what stays open, and what the gateway says of itself."""

from dataclasses import replace

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from local_aws.model import Throttle, WebSocketRoute
from tests.local_aws.gateway.running import Functions, api_with, mock_route, route, running
from tests.local_aws.gateway.test_connecting import refusal


async def test_open_sockets_get_the_new_routes():
    old = api_with(route("$default"))
    new = api_with(mock_route("$default", '{"statusCode":200}', "new"))
    async with running(old) as it, connect(it.url) as client:
        await client.send("x")
        assert await client.recv() == "x"
        it.gateway.replace([new])
        await client.send("x")
        assert await client.recv() == "new"
        assert it.manage("POST", it.connection(), b"posted").status == 200
        assert await client.recv() == "posted"


async def test_connections_of_a_stage_that_is_gone_are_closed():
    api = api_with(route("$default"))
    async with running(api) as it, connect(it.url) as client:
        path = it.connection()
        it.gateway.replace([replace(api, stage="other")])
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()

        assert closed.value.rcvd.code == 1001
        assert it.manage("POST", path, b"x").status == 403


async def test_a_limit_that_stays_keeps_its_count():
    api = api_with(route("$default"), throttle=Throttle(rate=0.001, burst=2))
    async with running(api) as it, connect(it.url), connect(it.url):
        it.gateway.replace([api_with(route("$default"), route("more"), throttle=api.throttle)])
        assert (await refusal(it.url)).status_code == 429
        it.gateway.replace([replace(api, throttle=None)])
        async with connect(it.url):
            pass


async def test_a_routes_own_limit_goes_before_its_stages():
    limited = replace(route("few"), throttle=Throttle(rate=0.001, burst=1))
    async with running(api_with(limited, route("$default"))) as it, connect(it.url) as client:
        for message, answer in (("few", "few"), ("few", "Too Many Requests"), ("many", "many")):
            await client.send(f'{{"action":"{message}"}}')
            assert answer in await client.recv()


async def test_a_message_without_a_route_counts_too():
    api = api_with(route("known"), throttle=Throttle(rate=0.001, burst=2))
    async with running(api) as it, connect(it.url) as client:
        for told in ("Forbidden", "Too Many Requests"):
            await client.send("no route")
            assert told in await client.recv()


async def test_a_function_that_nothing_permits_is_an_internal_server_error_and_is_told_of(caplog):
    def may_invoke(function, source_arn, role_arn):
        return not source_arn.endswith("/ws/secret")

    api = api_with(route("secret"), route("$default"))
    async with running(api, may_invoke=may_invoke) as it, connect(it.url) as client:
        await client.send('{"action":"secret"}')
        assert "Internal server error" in await client.recv()
        await client.send("x")
        assert await client.recv() == "x"

    assert "nothing permits arn:aws:execute-api:eu-west-1:123456789012:api1/ws/secret" in caplog.text


async def test_a_connect_that_nothing_permits_is_a_500():
    async with running(may_invoke=lambda *_: False) as it:
        assert (await refusal(it.url)).status_code == 500
        assert it.functions.events == []


async def test_variables_of_the_stage_are_in_events():
    api = replace(api_with(route("$default")), variables={"table": "orders"})
    async with running(api) as it:
        async with connect(it.url) as client:
            await client.send("x")
            await client.recv()
        await it.functions.disconnected()

    assert [event["stageVariables"] for event in it.functions.events] == [{"table": "orders"}] * 3


async def test_the_gateway_says_what_there_is():
    api = api_with(route("$default"), WebSocketRoute(key="nothing", integration=None))
    functions = Functions()
    async with running(api, functions) as it, connect(it.url, user_agent_header="Browser/1") as client:
        await client.send("x")
        await client.recv()
        it.manage("POST", it.connection(), b"x")
        functions.connect = lambda _: {"statusCode": 403}
        await refusal(it.url)
        status = it.gateway.status()
        [stage] = status.apis
        [connection] = stage.connections

        assert (status.accepted, status.refused, status.messages, status.posts) == (1, 1, 1, 1)
        assert (stage.api_id, stage.name, stage.stage) == ("api1", "chat", "ws")
        assert stage.routes == ("$connect", "$default", "$disconnect", "nothing")
        assert connection.connection_id in it.gateway.connections
        assert (connection.source_ip, connection.user_agent) == ("127.0.0.1", "Browser/1")
        assert (connection.events_in_flight, connection.unsent) == (0, 0)
        assert connection.connected_at <= connection.last_active
