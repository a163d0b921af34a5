"""The handshake: who is let in, and how others are refused."""

import asyncio
import json
import time
from urllib.parse import urlsplit

import pytest

from tests.conformance.behaviour import (
    AUTHORIZER,
    CONNECT,
    INFERRED,
    PROTOCOL,
    QUOTAS,
    REPORTED,
    ROUTES,
    THROTTLING,
    behaviour,
)
from tests.conformance.clients import ask, event_of, id_of, receive


async def answer_to(deployment, path, *lines, api="main"):
    """Status and head of what a request, written by hand, is answered with."""
    url = urlsplit(deployment.url(api, path=path))
    reader, writer = await asyncio.open_connection(
        url.hostname, url.port or 443, ssl=True if url.scheme == "wss" else None
    )
    target = url.path + (f"?{url.query}" if url.query else "")
    writer.write("\r\n".join([f"GET {target} HTTP/1.1", f"Host: {url.netloc}", *lines, "", ""]).encode())
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 15)
    writer.transport.abort()
    return int(head.split()[1]), head


HANDSHAKE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
)


@behaviour("The upgrade is held until the `$connect` integration answers", CONNECT)
async def test_held(api):
    started = time.monotonic()
    async with api.client(query="sleep=0.4"):
        assert time.monotonic() - started >= 0.4


@behaviour("A frame sent before the upgrade is answered is handled after it", INFERRED, confirmed=False)
async def test_early_frame(api):
    url = urlsplit(api.deployment.url(query="sleep=0.3"))
    reader, writer = await asyncio.open_connection(
        url.hostname, url.port or 443, ssl=True if url.scheme == "wss" else None
    )
    head = "\r\n".join([f"GET {url.path}?{url.query} HTTP/1.1", f"Host: {url.netloc}", *HANDSHAKE, "", ""])
    body = b'{"action":"ping"}'
    writer.write(head.encode() + bytes([0x81, 0x80 | len(body)]) + b"\0\0\0\0" + body)
    assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 15)).startswith(b"HTTP/1.1 101 ")
    assert (await asyncio.wait_for(reader.readuntil(b"}"), 15)).endswith(b'"}')
    writer.transport.abort()


@behaviour("Any 2xx of `$connect` accepts", CONNECT)
@pytest.mark.parametrize("status", [200, 204, 299])
async def test_accepted(api, status):
    async with api.client(query=f"status={status}") as client:
        assert await ask(client, do="status", status=200) == "status 200"


@behaviour(
    "Any other status of `$connect` is returned as it is, without the integration's body",
    INFERRED,
    confirmed=False,
)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 503])
async def test_refused(api, status):
    refusal = await api.refusal(query=f"status={status}")

    assert refusal.status_code == status
    assert b"a body" not in (refusal.body or b"")


@behaviour("An exception or a malformed answer of `$connect` gives 502")
@pytest.mark.parametrize("answer", ["raise", "null", "nothing", "unknown"])
async def test_failed(api, answer):
    assert (await api.refusal(query=f"answer={answer}")).status_code == 502


@behaviour("A `$connect` that takes longer than its integration may gives 504", INFERRED, confirmed=False)
async def test_too_slow(api):
    assert (await api.refusal("impatient", "sleep=1")).status_code == 504


@behaviour("A `$connect` function that is throttled gives 500")
async def test_throttled_function(api):
    assert (await api.refusal("stopped")).status_code == 500


@behaviour("A `$connect` function that nothing permits the API to invoke gives 500")
async def test_unpermitted(api):
    assert (await api.refusal("unpermitted")).status_code == 500


@behaviour("Beyond the stage's throttle a client gets 429", THROTTLING)
async def test_throttled_stage(api):
    outcomes = await asyncio.gather(
        *(answer_to(api.deployment, None, *HANDSHAKE, api="throttled") for _ in range(20))
    )

    statuses = {status for status, _ in outcomes}
    assert statuses == {101, 429}


@behaviour("Without a `$connect` route every client is accepted", CONNECT)
async def test_without_connect(api):
    async with api.client("bare") as client:
        await client.send('{"service":{"do":"known"}}')
        assert json.loads(await receive(client))["requestContext"]["routeKey"] == "known"


@behaviour("A client's own action `$connect` is no route: it is never run by a message", ROUTES)
async def test_lifecycle_keys_are_no_routes(api):
    async with api.client() as client:
        for key in ("$connect", "$disconnect"):
            event = await event_of(client, json.dumps({"action": key}))
            assert event["requestContext"]["routeKey"] == "$default"


@behaviour("Of the headers of a `$connect` answer only Sec-WebSocket-Protocol reaches the client", CONNECT)
async def test_subprotocol(api):
    async with api.client(query="subprotocol=chat.v2", subprotocols=["chat.v1", "chat.v2"]) as client:
        assert client.subprotocol == "chat.v2"
        assert "Set-Cookie" not in client.response.headers


@behaviour("The gateway never chooses a subprotocol itself", CONNECT)
async def test_no_subprotocol(api):
    async with api.client(subprotocols=["chat.v1"]) as client:
        assert client.subprotocol is None


@behaviour("permessage-deflate is negotiated when the client offers it")
async def test_compression(api):
    async with api.client() as client:
        assert "permessage-deflate" in client.response.headers["Sec-WebSocket-Extensions"]
        text = "x" * 3_000
        assert await ask(client, do="length", text=text) == str(
            len(json.dumps({"action": "ask", "do": "length", "text": text}))
        )
    async with api.client(compression=None) as client:
        assert "Sec-WebSocket-Extensions" not in client.response.headers


@behaviour("A plain GET without an upgrade gives 426, below the stage too")
@pytest.mark.parametrize("below", ["", "/", "/more", "/more/segments"])
async def test_plain_get(deployment, below):
    status, _ = await answer_to(deployment, f"/{deployment.stage}{below}", "Accept: text/html")
    assert status == 426


@behaviour("The path is exactly the stage; a slash after it is accepted")
@pytest.mark.parametrize("below", ["", "/"])
async def test_stage_path(deployment, below):
    status, _ = await answer_to(deployment, f"/{deployment.stage}{below}", *HANDSHAKE)
    assert status == 101


@behaviour("An extra segment, another stage or none at all gives 403")
@pytest.mark.parametrize("path", ["/{}/more", "/{}//", "/other", "/"])
async def test_other_path(deployment, path):
    status, _ = await answer_to(deployment, path.format(deployment.stage), *HANDSHAKE)
    assert status == 403


@behaviour("A URL has 4,096 characters at most; the status beyond that is a guess", QUOTAS, confirmed=False)
@pytest.mark.parametrize(("more", "accepted"), [(0, True), (1, False)])
async def test_url_length(deployment, more, accepted):
    target = urlsplit(deployment.url("bare"))
    local_prefix = len(target.path) - len(f"/{deployment.stage}")  # the local address has the API's id in it
    path = f"/{deployment.stage}?q="
    path += "x" * (4_096 + more - len(path))
    status, _ = await answer_to(deployment, path, *HANDSHAKE, api="bare")
    assert local_prefix >= 0
    assert status == 101 if accepted else status in (400, 413, 414)


@behaviour("A handshake without a key, with a wrong one or for another version gives 400", PROTOCOL)
@pytest.mark.parametrize(
    "lines",
    [
        HANDSHAKE[:3],
        (*HANDSHAKE[:3], "Sec-WebSocket-Key: short"),
        (*HANDSHAKE[:2], "Sec-WebSocket-Version: 8", HANDSHAKE[3]),
    ],
    ids=["no key", "wrong key", "old version"],
)
async def test_malformed_handshake(deployment, lines):
    status, _ = await answer_to(deployment, f"/{deployment.stage}", *lines)
    assert status == 400


# Authorizers.


@behaviour("An authorizer that allows lets the client in", AUTHORIZER)
async def test_authorizer_allows(api):
    async with api.client("guarded", "token=allow") as client:
        assert (await event_of(client, "x"))["requestContext"]["eventType"] == "MESSAGE"


@behaviour(
    "What an authorizer said is on every event of the connection: principalId, and values as strings",
    AUTHORIZER,
)
async def test_authorizer_context(api):
    async with api.client("guarded", "token=allow") as client:
        message = await event_of(client, "x")
    connection_id = message["requestContext"]["connectionId"]
    connect = (await api.seen(connection_id=connection_id))["event"]
    disconnect = await api.disconnected(connection_id)

    for event in (connect, message, disconnect):
        authorizer = event["requestContext"]["authorizer"]
        assert authorizer["principalId"] == "somebody"
        assert (authorizer["tenant"], authorizer["n"], authorizer["ok"]) == ("a", "1", "true")


@behaviour("An authorizer gets a REQUEST event whose methodArn ends in `/STAGE/$connect`", AUTHORIZER)
async def test_authorizer_event(api):
    async with api.client("guarded", "token=allow&token=again&x=") as client:
        context = (await event_of(client, "x"))["requestContext"]
    event = json.loads(context["authorizer"]["event"])

    assert event["type"] == "REQUEST"
    assert event["methodArn"].startswith(f"arn:aws:execute-api:{api.deployment.region}:")
    assert event["methodArn"].endswith(f":{context['apiId']}/{context['stage']}/$connect")
    assert event["queryStringParameters"] == {"token": "again", "x": ""}
    assert event["multiValueQueryStringParameters"]["token"] == ["allow", "again"]
    assert event["stageVariables"] == {}


@behaviour("An authorizer's event has Connection, Upgrade and `content-length: 0` among its headers")
async def test_authorizer_headers(api):
    async with api.client("guarded", "token=allow") as client:
        authorizer = (await event_of(client, "x"))["requestContext"]["authorizer"]
    headers = json.loads(authorizer["event"])["headers"]

    assert headers["Connection"].lower() == "upgrade"
    assert headers["Upgrade"].lower() == "websocket"
    assert headers["content-length"] == "0"


@behaviour("An authorizer that denies, or allows only something else, gives 403", AUTHORIZER)
@pytest.mark.parametrize("token", ["deny", "elsewhere"])
async def test_authorizer_denies(api, token):
    assert (await api.refusal("guarded", f"token={token}")).status_code == 403


@behaviour('An authorizer\'s error "Unauthorized" gives 401', AUTHORIZER)
async def test_authorizer_says_unauthorized(api):
    assert (await api.refusal("guarded", "token=unauthorized")).status_code == 401


@behaviour("A missing or empty identity source gives 401 without asking the authorizer", AUTHORIZER)
@pytest.mark.parametrize("query", ["", "token=", "other=1"])
async def test_identity_source(api, query):
    assert (await api.refusal("guarded", query)).status_code == 401


@behaviour("Any other error of an authorizer, and an answer that is no policy, gives 500", AUTHORIZER)
@pytest.mark.parametrize("token", ["raise", "nonsense", "nested"])
async def test_authorizer_fails(api, token):
    assert (await api.refusal("guarded", f"token={token}")).status_code == 500


@behaviour("A connection that `$connect` refused gets no `$disconnect`", REPORTED)
async def test_refused_without_disconnect(api):
    refused = (await api.refusal(query="status=403&probe=refused")).status_code
    connect = (await api.seen(probe="refused"))["event"]["requestContext"]
    async with api.client() as client:
        last = await id_of(client)
    await api.disconnected(last)

    assert refused == 403
    with pytest.raises(AssertionError):
        await asyncio.to_thread(
            api._observer.wait_for,
            lambda message: (
                message.get("event", {}).get("requestContext", {}).get("eventType") == "DISCONNECT"
                and message["event"]["requestContext"]["connectionId"] == connect["connectionId"]
            ),
            0.1,
        )
