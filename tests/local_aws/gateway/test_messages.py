"""Messages: which answer a client gets, and how many of them are handled at once."""

import asyncio
import json
import re

import pytest
from websockets.asyncio.client import connect

from local_aws.functions import FunctionNotFound, Throttled
from local_aws.gateway import Limits
from local_aws.model import Throttle, WebSocketRoute
from tests.local_aws.gateway.running import Functions, api_with, echo, mock_route, route, running

FRAME = re.compile(
    r'\{"message": "(?P<message>[^"]+)", "connectionId":"(?P<id>[^"]{16})", "requestId":"[^"]{16}"\}'
)


async def silence(client, seconds=0.1):
    """That nothing comes."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(seconds):
            await client.recv()


async def test_an_answer_is_sent_where_the_route_has_a_route_response():
    api = api_with(route("loud"), route("quiet", answers=False))
    async with running(api) as it, connect(it.url) as client:
        await client.send('{"action":"quiet"}')
        await silence(client)
        await client.send('{"action":"loud"}')
        assert await client.recv() == '{"action":"loud"}'


async def test_the_status_of_an_answer_to_a_message_is_ignored():
    refuses = lambda _: {"statusCode": 403, "body": "no"}  # noqa: E731
    async with running(functions=Functions(message=refuses)) as it, connect(it.url) as client:
        await client.send("x")
        assert await client.recv() == "no"


async def test_an_answer_without_a_body_sends_nothing():
    async with (
        running(functions=Functions(message=lambda _: {"statusCode": 200})) as it,
        connect(it.url) as client,
    ):
        await client.send("x")
        await silence(client)


async def test_without_a_route_the_client_is_told_forbidden_and_stays():
    async with running(api_with(route("known"))) as it, connect(it.url) as client:
        for body in ('{"action":"unknown"}', "no json", "", '{"action":"$connect"}', '{"action":["known"]}'):
            await client.send(body)
            told = FRAME.fullmatch(await client.recv())
            assert told is not None
            assert told["message"] == "Forbidden"
            assert told["id"] in it.gateway.connections
        await client.send('{"action":"known"}')
        assert await client.recv() == '{"action":"known"}'
        assert len(it.functions.of_type("CONNECT")) == 1


def throw(error):
    def function(_):
        raise error

    return function


@pytest.mark.parametrize("is_answered", [True, False])
@pytest.mark.parametrize(
    "function",
    [
        throw(RuntimeError("a secret")),
        throw(Throttled()),
        lambda _: None,
        lambda _: {"body": "x"},
        lambda _: {"statusCode": 200, "x": 1},
        lambda _: {"statusCode": 200, "body": "x" * 131_073},
    ],
)
async def test_what_fails_is_an_internal_server_error_with_or_without_a_route_response(function, is_answered):
    api = api_with(route("$default", answers=is_answered))
    async with running(api, Functions(message=function)) as it, connect(it.url) as client:
        await client.send("x")
        told = FRAME.fullmatch(await client.recv())
        assert told is not None
        assert told["message"] == "Internal server error"
        await client.ping()


async def test_a_function_that_is_not_there_is_an_internal_server_error():
    class Nothing(Functions):
        async def invoke(self, function, payload, *, request_id=None):
            if function == "message":
                raise FunctionNotFound(function)
            return await super().invoke(function, payload)

    async with running(functions=Nothing()) as it, connect(it.url) as client:
        await client.send("x")
        assert "Internal server error" in await client.recv()


async def test_a_route_without_an_integration_is_an_internal_server_error():
    api = api_with(WebSocketRoute(key="$default", integration=None, answers=True))
    async with running(api) as it, connect(it.url) as client:
        await client.send("x")
        assert "Internal server error" in await client.recv()


async def test_a_function_that_takes_too_long_is_told_of_and_goes_on():
    ended = asyncio.Event()

    async def slow(_):
        await asyncio.sleep(0.2)
        ended.set()
        return {"statusCode": 200, "body": "late"}

    api = api_with(route("$default", timeout_ms=50))
    async with running(api, Functions(message=slow)) as it, connect(it.url) as client:
        await client.send("x")
        told = FRAME.fullmatch(await client.recv())
        assert told is not None
        assert told["message"] == "Endpoint request timed out"
        await silence(client, 0.3)
        assert ended.is_set()


async def test_a_mock_answers_without_any_function():
    api = api_with(mock_route("ping", '{"statusCode":200}', '{"type":"pong"}'))
    async with running(api) as it, connect(it.url) as client:
        await client.send('{"action":"ping"}')
        assert await client.recv() == '{"type":"pong"}'
        assert not it.functions.of_type("MESSAGE")


async def test_a_mock_without_a_route_response_is_silent():
    api = api_with(mock_route("ping", '{"statusCode":200}', '{"type":"pong"}', answers=False))
    async with running(api) as it, connect(it.url) as client:
        await client.send('{"action":"ping"}')
        await silence(client)


@pytest.mark.parametrize("body", ["", "\0", "☃", "𝄞" * 8_192, '"\\ud800"'])
async def test_a_body_arrives_as_it_was_sent(body):
    async with running() as it, connect(it.url) as client:
        await client.send(body)
        if body:
            assert await client.recv() == body
            (event,) = it.functions.of_type("MESSAGE")
            assert event["body"] == body
        else:
            await client.ping()
            await asyncio.sleep(0.05)
            (event,) = it.functions.of_type("MESSAGE")
            assert "body" not in event


async def test_every_message_has_ids_of_its_own_on_one_connection():
    async with running() as it, connect(it.url) as client:
        for _ in range(3):
            await client.send("x")
            await client.recv()
        contexts = [event["requestContext"] for event in it.functions.of_type("MESSAGE")]
        (connected,) = it.functions.of_type("CONNECT")

    assert len({context["messageId"] for context in contexts}) == 3
    assert len({context["requestId"] for context in contexts}) == 3
    assert {(context["connectionId"], context["connectedAt"]) for context in contexts} == {
        (connected["requestContext"]["connectionId"], connected["requestContext"]["connectedAt"])
    }


async def slow_echo(event):
    await asyncio.sleep(0.05 if event["body"] == "first" else 0)
    return echo(event)


async def test_messages_of_one_connection_are_handled_at_the_same_time():
    async with running(functions=Functions(message=slow_echo)) as it, connect(it.url) as client:
        await client.send("first")
        await client.send("second")
        assert [await client.recv(), await client.recv()] == ["second", "first"]


async def test_or_one_after_another():
    async with (
        running(functions=Functions(message=slow_echo), limits=Limits(events_in_flight=1)) as it,
        connect(it.url) as client,
    ):
        for body in ("first", "second", "third"):
            await client.send(body)
        assert [await client.recv() for _ in range(3)] == ["first", "second", "third"]
        assert it.functions.most_running == 1


async def test_a_flood_is_handled_within_the_bound_and_to_its_end():
    async def takes_a_moment(event):
        await asyncio.sleep(0.001)
        return echo(event)

    async with (
        running(functions=Functions(message=takes_a_moment), limits=Limits(events_in_flight=8)) as it,
        connect(it.url, compression=None) as client,
    ):
        received = []

        async def receive():
            while len(received) < 2_000:
                received.append(await client.recv())

        receiving = asyncio.create_task(receive())
        for number in range(2_000):
            await client.send(str(number))
        await asyncio.wait_for(receiving, 20)

    assert sorted(received, key=int) == [str(number) for number in range(2_000)]
    assert it.functions.most_running <= 8


async def test_beyond_the_stages_throttle_messages_are_told_so():
    # The connection takes one of the three.
    async with (
        running(api_with(route("$default"), throttle=Throttle(rate=0.001, burst=3))) as it,
        connect(it.url) as client,
    ):
        for _ in range(3):
            await client.send("x")
        answers = [await client.recv() for _ in range(3)]

    assert sum(answer == "x" for answer in answers) == 2
    assert [json.loads(answer)["message"] for answer in answers if answer != "x"] == ["Too Many Requests"]


async def test_fragments_are_one_message():
    async with running() as it, connect(it.url) as client:
        await client.send(["ab", "cd", "ef"])
        assert await client.recv() == "abcdef"


async def test_a_character_may_be_split_over_fragments():
    first, second = b"\x01\x81\0\0\0\0\xe2", b"\x80\x82\0\0\0\0\x98\x83"
    async with running() as it, connect(it.url, compression=None) as client:
        client.transport.write(first + b"\x89\x80\0\0\0\0" + second)
        assert await client.recv() == "☃"


async def test_protocol_pings_never_reach_a_function():
    async with running() as it, connect(it.url) as client:
        await asyncio.wait_for(await client.ping(), 1)
        assert not it.functions.of_type("MESSAGE")
