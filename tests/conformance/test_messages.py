"""Messages: which route takes one, what the client is answered, and what is too much."""

import asyncio
import json
import re

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from local_aws.gateway import Limits
from tests.conformance.behaviour import (
    BINARY,
    INFERRED,
    INTEGRATIONS,
    OURS,
    OWN_SWITCH,
    PROTOCOL,
    QUOTAS,
    RECORDED,
    RESPONSES,
    ROUTES,
    SELECTION,
    TEMPLATES,
    behaviour,
)
from tests.conformance.clients import ask, event_of, id_of, receive
from tests.local_aws.gateway.running import running

FRAME = 32 * 1024
MESSAGE = 128 * 1024


def gateway_frame(message):
    """What the gateway's own frames look like, to the space."""
    return re.compile(
        r'\{"message": "' + message + r'", "connectionId":"(?P<connection>[A-Za-z0-9_-]{15}=)", '
        r'"requestId":"[A-Za-z0-9_-]{15}="\}'
    )


FORBIDDEN = gateway_frame("Forbidden")
FAILED = gateway_frame("Internal server error")
TIMED_OUT = gateway_frame("Endpoint request timed out")


async def route_of(client, message):
    return (await event_of(client, message))["requestContext"]["routeKey"]


async def silence(client):
    """That nothing comes before the answer to one more message."""
    await client.send('{"action":"ping"}')
    assert json.loads(await receive(client))["type"] == "pong"


async def closed(client):
    """The code with which the other side closes."""
    with pytest.raises(ConnectionClosed) as ended:
        await asyncio.wait_for(client.recv(), 15)
    assert ended.value.rcvd is not None
    return ended.value.rcvd.code


# Routes.


@behaviour(
    "The route is the exact value of the selection key, and a number is the text that it is written as",
    SELECTION,
)
async def test_route_by_value(api):
    async with api.client() as client:
        assert await route_of(client, '{"action":"event"}') == "event"
        assert await route_of(client, '{"action":"EVENT"}') == "$default"
        assert await route_of(client, '{"action":7}') == "7"
        assert await route_of(client, '{"action":"7"}') == "7"


@behaviour("What is no JSON, has no key or names no route goes to `$default`", ROUTES)
@pytest.mark.parametrize(
    "message",
    ["no json", "", '"hi"', "5", "null", "{}", '[2,"x"]', '{"action":["event"]}', '{"action":{"a":1}}',
     '{"action":null}', '{"action":"nowhere"}', '{"action":"$default"}', '{"action":"event"'],
)  # fmt: skip
async def test_default_route(api, message):
    async with api.client() as client:
        assert await route_of(client, message) == "$default"


@behaviour("Of a key that comes twice the last value counts", INFERRED, confirmed=False)
async def test_key_twice(api):
    async with api.client() as client:
        assert await route_of(client, '{"action":"event","action":"nowhere"}') == "$default"


@behaviour("Nested paths work in the selection expression", SELECTION)
async def test_nested_path(api):
    async with api.client("bare") as client:
        assert await route_of(client, '{"service":{"do":"known"}}') == "known"


@behaviour("`${a}/${b}` works in the selection expression, and a missing path is the empty string", SELECTION)
async def test_compound_selection(api):
    async with api.client("compound") as client:
        assert await route_of(client, '{"a":"x","b":"y"}') == "x/y"
        assert await route_of(client, '{"b":"y"}') == "/y"


@behaviour("Without a `$default` the client is told Forbidden, to the space, and stays connected", RECORDED)
@pytest.mark.parametrize(
    "message", ["no json", "{}", '{"service":{"do":"nowhere"}}', '{"service":"known"}', ""]
)
async def test_forbidden(api, message):
    async with api.client("bare") as client:
        await client.send(message)
        told = FORBIDDEN.fullmatch(await receive(client))
        assert told is not None
        event = await event_of(client, '{"service":{"do":"known"}}')
        assert event["requestContext"]["connectionId"] == told["connection"]


# Answers.


@behaviour("The integration's body is sent to the client if the route has a route response", RESPONSES)
async def test_answer(api):
    async with api.client() as client:
        assert await ask(client, do="status", status=200) == "status 200"


@behaviour("Without a route response the client gets nothing", RESPONSES)
async def test_no_route_response(api):
    async with api.client() as client:
        await client.send('{"action":"quiet","do":"status","status":200}')
        await silence(client)


@behaviour("The status of an answer to a message is ignored")
@pytest.mark.parametrize("status", [201, 403, 500])
async def test_status_is_ignored(api, status):
    async with api.client() as client:
        assert await ask(client, do="status", status=status) == f"status {status}"


@behaviour("An answer without a body sends nothing", INFERRED, confirmed=False)
async def test_answer_without_body(api):
    async with api.client() as client:
        await client.send('{"action":"ask","do":"silence"}')
        await asyncio.sleep(0.2)
        await silence(client)


@behaviour("An exception, or an answer that is no proxy answer, gives Internal server error")
@pytest.mark.parametrize("do", ["raise", "null", "nothing", "unknown", "number"])
async def test_failure(api, do):
    async with api.client() as client:
        connection_id = await id_of(client)
        told = FAILED.fullmatch(await ask(client, do=do))
        assert told is not None
        assert told["connection"] == connection_id


@behaviour("Internal server error is told without a route response, too")
async def test_failure_without_route_response(api):
    async with api.client() as client:
        assert FAILED.fullmatch(await ask(client, "quiet", do="raise"))


@behaviour("A function that is throttled, or that nothing permits to invoke, gives Internal server error")
async def test_not_invoked(api):
    async with api.client("bare") as client:
        await client.send('{"service":{"do":"forbidden"}}')
        assert FAILED.fullmatch(await receive(client))


@behaviour("An integration that takes longer than it may gives Endpoint request timed out", QUOTAS)
async def test_timeout(api):
    async with api.client() as client:
        assert TIMED_OUT.fullmatch(await ask(client, "impatient", do="sleep", seconds=1))


@behaviour("An answer over 128 KB gives Internal server error", QUOTAS, confirmed=False)
async def test_answer_too_large(api):
    async with api.client() as client:
        assert len(await ask(client, do="size", size=MESSAGE)) == MESSAGE
        assert FAILED.fullmatch(await ask(client, do="size", size=MESSAGE + 1))


# One connection's messages at once.


@behaviour(
    "Messages of one connection may be handled at once, and answered in any order", RESPONSES, confirmed=False
)
async def test_at_once(api):
    async with api.client() as client:
        for _ in range(2):  # has a second environment started, if there is none
            await client.send('{"action":"ask","do":"sleep","seconds":0.3}')
        for _ in range(2):
            await receive(client)
        await client.send('{"action":"ask","do":"sleep","seconds":0.7,"n":1}')
        await client.send('{"action":"ask","do":"sleep","seconds":0,"n":2}')
        order = [json.loads(await receive(client))["n"] for _ in range(2)]

    assert order == [2, 1]


@behaviour(
    "The local gateway can be told to handle one message of a connection after another",
    OURS,
    local=OWN_SWITCH,
)
async def test_one_after_another():
    async with running(limits=Limits(events_in_flight=1)) as it:

        async def slowly(event):
            await asyncio.sleep(0.02 if event["body"] == "1" else 0)
            return {"statusCode": 200, "body": event["body"]}

        it.functions.message = slowly
        async with connect(it.url) as client:
            for number in range(1, 6):
                await client.send(str(number))
            order = [await receive(client) for _ in range(5)]

    assert order == ["1", "2", "3", "4", "5"]
    assert it.functions.most_running == 1


# Integrations without a function.


@behaviour("A MOCK answers from its response template, with `$context` filled in", INTEGRATIONS)
async def test_mock(api):
    async with api.client() as client:
        connection_id = await id_of(client)
        assert json.loads(await ask(client, "ping")) == {"type": "pong", "connection": connection_id}


@behaviour("A MOCK without a route response answers nothing", RESPONSES)
async def test_mock_without_route_response(api):
    async with api.client() as client:
        await client.send('{"action":"quiet-ping"}')
        await silence(client)


@behaviour("The status that a MOCK's request template gives selects its integration response", SELECTION)
@pytest.mark.parametrize(
    ("status", "answer"), [(200, "fine"), (204, "fine"), (404, "missing"), (500, "else")]
)
async def test_mock_selection(api, status, answer):
    async with api.client("services") as client:
        assert await ask(client, "mock", status=status) == answer


@behaviour(
    "An AWS integration makes a service's request of the message: SQS SendMessage as a role", TEMPLATES
)
async def test_service(api):
    async with api.client("services") as client:
        body = json.dumps({"sent": "50% & more = \u2603"})
        await client.send(body)
        answer = json.loads(await receive(client))

    assert answer["SendMessageResponse"]["SendMessageResult"]["MessageId"]
    await api.queued("50% & more = \u2603")


# What is too much.


@behaviour("A frame may have 32 KB: one more byte closes with 1009", QUOTAS)
async def test_frame_size(api):
    async with api.client(compression=None) as client:
        message = json.dumps({"action": "ask", "do": "length", "x": ""})
        message = message.replace('""', '"' + "x" * (FRAME - len(message)) + '"')
        await client.send(message)
        assert await receive(client) == str(FRAME)
        await client.send(message + " ")
        assert await closed(client) == 1009


@behaviour("A message of several frames may have 128 KB: one more byte closes with 1009", QUOTAS)
async def test_message_size(api):
    async with api.client(compression=None) as client:
        message = json.dumps({"action": "ask", "do": "length", "x": ""})
        message = message.replace('""', '"' + "x" * (MESSAGE - len(message)) + '"')
        frames = [message[start : start + FRAME] for start in range(0, MESSAGE, FRAME)]
        await client.send(frames)
        assert await receive(client) == str(MESSAGE)
        await client.send([*frames, " "])
        assert await closed(client) == 1009


@behaviour(
    "The function still learns of a connection that was closed for its size", INFERRED, confirmed=False
)
async def test_disconnect_after_size(api):
    async with api.client(compression=None) as client:
        connection_id = await id_of(client)
        await client.send("x" * (FRAME + 1))
        assert await closed(client) == 1009
    context = (await api.disconnected(connection_id))["requestContext"]

    assert context["disconnectStatusCode"] == 1009


@behaviour("A binary frame closes with 1003", BINARY)
async def test_binary(api):
    async with api.client() as client:
        await client.send(b"binary")
        assert await closed(client) == 1003


@behaviour("Text that is no UTF-8 closes with 1007", PROTOCOL)
async def test_no_utf8(api):
    async with api.client() as client:
        client.protocol.send_text(b"\xff\xfe")
        client.transport.write(b"".join(client.protocol.data_to_send()))
        assert await closed(client) == 1007


@behaviour("Protocol pings are answered by the gateway, with their payload, and reach no function", PROTOCOL)
async def test_ping(api):
    async with api.client() as client:
        await asyncio.wait_for(await client.ping(b"payload"), 15)
        await silence(client)


@behaviour("A message of several frames reaches the function as one event", PROTOCOL)
async def test_fragments(api):
    async with api.client() as client:
        await client.send(['{"action":', '"event"', "}"])
        assert json.loads(await receive(client))["body"] == '{"action":"event"}'
