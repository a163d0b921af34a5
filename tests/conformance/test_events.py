"""The events that functions get."""

import json
import re
import uuid

from tests.conformance.behaviour import CONNECT, RECORDED, REPORTED, behaviour
from tests.conformance.clients import ask, event_of, id_of

ID = r"[A-Za-z0-9_-]{15}="


@behaviour("`$connect` carries every header that the client sent, in its own casing")
async def test_connect_headers(api):
    event = await api.connected(
        additional_headers={"X-CuStom": "1", "cookie": "a=b"},
        origin="https://example.com",
        user_agent_header="Browser/1",
    )

    sent = {"X-CuStom": "1", "cookie": "a=b", "Origin": "https://example.com", "User-Agent": "Browser/1"}
    assert sent.items() <= event["headers"].items()
    assert event["multiValueHeaders"]["X-CuStom"] == ["1"]
    assert event["headers"]["Sec-WebSocket-Version"] == "13"


@behaviour("Headers are sorted by name without regard to case")
async def test_connect_headers_sorted(api):
    event = await api.connected(additional_headers={"b-lower": "1", "A-Upper": "2", "C-Upper": "3"})

    names = list(event["headers"])
    assert names == sorted(names, key=str.lower)
    assert list(event["multiValueHeaders"]) == names


@behaviour("The gateway adds Host, X-Amzn-Trace-Id, X-Forwarded-For, -Port `443` and -Proto `https`")
async def test_connect_headers_added(api):
    event = await api.connected()
    headers = event["headers"]

    assert headers["Host"] == event["requestContext"]["domainName"]
    assert re.match(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}", headers["X-Amzn-Trace-Id"])
    assert headers["X-Forwarded-For"].endswith(event["requestContext"]["identity"]["sourceIp"])
    assert (headers["X-Forwarded-Port"], headers["X-Forwarded-Proto"]) == ("443", "https")


@behaviour("A header that the client didn't send is missing, and its userAgent too")
async def test_connect_headers_missing(api):
    event = await api.connected(user_agent_header=None, compression=None)

    assert not {"User-Agent", "Origin", "Cookie", "Sec-WebSocket-Extensions"} & set(event["headers"])
    assert set(event["requestContext"]["identity"]) == {"sourceIp"}


@behaviour("Upgrade, Connection, Content-Length and X-Real-Ip are in no `$connect` event")
async def test_connect_headers_never(api):
    event = await api.connected(additional_headers={"X-Real-Ip": "203.0.113.7"})

    assert not {"upgrade", "connection", "content-length", "x-real-ip"} & {
        name.lower() for name in event["headers"]
    }


@behaviour("Of a header sent twice `headers` has the last value, `multiValueHeaders` all")
async def test_connect_headers_repeated(api):
    event = await api.connected(additional_headers=[("X-Twice", "1"), ("X-Twice", "2")])

    assert event["headers"]["X-Twice"] == "2"
    assert event["multiValueHeaders"]["X-Twice"] == ["1", "2"]


@behaviour("Of a query key sent twice the single map has the last value, the other one all")
async def test_connect_query(api):
    event = await api.connected("a=1&a=2&b=x%2By+z&empty=")

    probe = event["queryStringParameters"].pop("probe")
    assert event["queryStringParameters"] == {"a": "2", "b": "x+y z", "empty": ""}
    assert event["multiValueQueryStringParameters"] == {
        "probe": [probe],
        "a": ["1", "2"],
        "b": ["x+y z"],
        "empty": [""],
    }


@behaviour("Without a query there are no query string parameters in `$connect`")
async def test_connect_without_query(api):
    async with api.client() as client:
        event = (await api.seen(connection_id=await id_of(client)))["event"]

    assert not {"queryStringParameters", "multiValueQueryStringParameters"} & set(event)


@behaviour("`requestContext` of `$connect` has its fields in their order")
async def test_connect_context(api):
    event = await api.connected()
    context = event["requestContext"]

    assert list(context) == [
        "routeKey",
        "eventType",
        "extendedRequestId",
        "requestTime",
        "messageDirection",
        "stage",
        "connectedAt",
        "requestTimeEpoch",
        "identity",
        "requestId",
        "domainName",
        "connectionId",
        "apiId",
    ]
    assert (context["routeKey"], context["eventType"]) == ("$connect", "CONNECT")
    assert context["messageDirection"] == "IN"
    assert context["requestId"] == context["extendedRequestId"]
    assert (context["stage"], context["apiId"]) == (api.deployment.stage, api.deployment.apis["main"])
    assert context["domainName"].startswith(f"{context['apiId']}.execute-api.{api.deployment.region}.")


@behaviour("requestTime is written as in access logs, requestTimeEpoch and connectedAt are milliseconds")
async def test_times(api):
    context = (await api.connected())["requestContext"]

    assert re.fullmatch(r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000", context["requestTime"])
    assert context["requestTimeEpoch"] > 1_700_000_000_000
    assert 0 <= context["requestTimeEpoch"] - context["connectedAt"] < 10_000


@behaviour("connectedAt, connectionId and identity are the same in every event of a connection")
async def test_same_in_every_event(api):
    async with api.client() as client:
        message = (await event_of(client))["requestContext"]
    connection_id = message["connectionId"]
    connect = (await api.seen(connection_id=connection_id))["event"]["requestContext"]
    disconnect = (await api.disconnected(connection_id))["requestContext"]

    for name in ("connectedAt", "identity", "domainName", "apiId", "stage"):
        assert connect[name] == message[name] == disconnect[name]


@behaviour("isBase64Encoded is false; there is no `body` in `$connect`, and no null anywhere")
async def test_no_nulls(api):
    async with api.client() as client:
        message = await event_of(client)
    connection_id = message["requestContext"]["connectionId"]
    connect = (await api.seen(connection_id=connection_id))["event"]
    disconnect = await api.disconnected(connection_id)

    for event in (connect, message, disconnect):
        assert event["isBase64Encoded"] is False
        assert "null" not in json.dumps(event)
    assert not {"body"} & (set(connect) | set(disconnect))


@behaviour(
    "Messages have neither headers nor a query; messageId comes after routeKey; `body` is the frame's text"
)
async def test_message_event(api):
    async with api.client() as client:
        event = await event_of(client, '{"action":"event","text":"\u2603\U0001d11e"}')

    assert set(event) == {"requestContext", "body", "isBase64Encoded"}
    assert event["body"] == '{"action":"event","text":"\u2603\U0001d11e"}'
    context = event["requestContext"]
    assert list(context)[:3] == ["routeKey", "messageId", "eventType"]
    assert (context["routeKey"], context["eventType"]) == ("event", "MESSAGE")


@behaviour("An empty text frame gives an event without a `body`")
async def test_empty_message(api):
    async with api.client() as client:
        event = await event_of(client, "")

    assert "body" not in event
    assert event["requestContext"]["routeKey"] == "$default"


@behaviour("`$disconnect` has headers Host, x-api-key, X-Forwarded-For and x-restapi, all but Host empty")
async def test_disconnect_event(api):
    async with api.client() as client:
        connection_id = await id_of(client)
    event = await api.disconnected(connection_id)

    domain_name = event["requestContext"]["domainName"]
    headers = {"Host": domain_name, "x-api-key": "", "X-Forwarded-For": "", "x-restapi": ""}
    assert event["headers"] == headers
    assert event["multiValueHeaders"] == {name: [value] for name, value in headers.items()}
    assert (event["requestContext"]["routeKey"], event["requestContext"]["eventType"]) == (
        "$disconnect",
        "DISCONNECT",
    )


@behaviour("No event of a WebSocket API has httpMethod or path")
async def test_no_http_fields(api):
    async with api.client() as client:
        message = await event_of(client)
    connection_id = message["requestContext"]["connectionId"]

    for event in (
        message,
        (await api.seen(connection_id=connection_id))["event"],
        await api.disconnected(connection_id),
    ):
        assert not {"httpMethod", "path"} & (set(event) | set(event["requestContext"]))


@behaviour(
    "Connection, message and request ids are 11 bytes in URL-safe base64: 16 characters that end in `=`"
)
async def test_ids(api):
    async with api.client() as client:
        context = (await event_of(client))["requestContext"]

    for name in ("connectionId", "messageId", "requestId"):
        assert re.fullmatch(ID, context[name])


@behaviour("Connection ids of one moment share their beginning and, in a region, their end", REPORTED)
async def test_ids_are_alike(api):
    async with api.client() as first, api.client() as second:
        ids = [await id_of(first), await id_of(second)]

    assert ids[0] != ids[1]
    assert ids[0][:2] == ids[1][:2]
    assert ids[0][-3:] == ids[1][-3:]


@behaviour("The route key of the event is the route's, also where `$default` took the message", CONNECT)
async def test_route_key(api):
    async with api.client() as client:
        event = await event_of(client, uuid.uuid4().hex)

    assert event["requestContext"]["routeKey"] == "$default"


@behaviour("A disconnect during a message leaves the message's invocation to its end", RECORDED)
async def test_left_during_a_message(api):
    async with api.client() as client:
        connection_id = await id_of(client)
        await client.send(json.dumps({"action": "ask", "do": "sleep", "seconds": 0.2}))
    await api.disconnected(connection_id)

    async with api.client() as client:
        assert await ask(client, do="status", status=200) == "status 200"
