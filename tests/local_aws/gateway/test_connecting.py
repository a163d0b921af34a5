"""`$connect`: held until the integration answers, and what each answer means for the client."""

import asyncio

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from local_aws.functions import Throttled
from local_aws.model import Throttle, WebSocketRoute
from tests.local_aws.gateway.running import Functions, api_with, mock_route, route, running


async def refusal(url, **options):
    """How the handshake is refused."""
    with pytest.raises(InvalidStatus) as refused:
        async with connect(url, **options):
            pass
    return refused.value.response


async def status_of(port, request):
    """The status that a handshake, given as bytes, is answered with."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    line = await asyncio.wait_for(reader.readline(), 5)
    writer.transport.abort()
    return int(line.split()[1])


def throw(error):
    def function(_):
        raise error

    return function


def answer(**fields):
    return lambda _: fields


@pytest.mark.parametrize("status", [200, 201, 204, 299])
async def test_any_2xx_accepts(status):
    async with (
        running(functions=Functions(connect=answer(statusCode=status))) as it,
        connect(it.url) as client,
    ):
        await client.send("hi")
        assert await client.recv() == "hi"


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 429, 500, 503])
async def test_any_other_status_is_returned_without_body_and_headers(status):
    refuses = answer(statusCode=status, body="secret", headers={"Set-Cookie": "a=b"})
    async with running(functions=Functions(connect=refuses)) as it:
        response = await refusal(it.url)

        assert response.status_code == status
        assert not response.body
        assert "Set-Cookie" not in response.headers
        assert not it.gateway.connections
    assert not it.functions.of_type("DISCONNECT")


@pytest.mark.parametrize(
    ("function", "status"),
    [
        (throw(RuntimeError("boom")), 502),
        (lambda _: None, 502),
        (answer(body="no status"), 502),
        (answer(statusCode=200, unknown=1), 502),
        (throw(Throttled()), 500),
    ],
)
async def test_what_goes_wrong_has_its_status(function, status):
    async with running(functions=Functions(connect=function)) as it:
        assert (await refusal(it.url)).status_code == status


async def test_a_connect_that_takes_too_long_is_a_504():
    async def slow(_):
        await asyncio.sleep(0.5)
        return {"statusCode": 200}

    api = api_with(route("$connect", "connect", timeout_ms=50), route("$default"))
    async with running(api, Functions(connect=slow)) as it:
        assert (await refusal(it.url)).status_code == 504


async def test_without_a_connect_route_everybody_is_accepted():
    api = api_with(WebSocketRoute(key="$connect", integration=None), route("$default"))
    async with running(api) as it, connect(it.url) as client:
        await client.send("hi")
        assert await client.recv() == "hi"
        assert not it.functions.of_type("CONNECT")


@pytest.mark.parametrize(("status", "accepted"), [(200, True), (403, False)])
async def test_a_mock_accepts_or_refuses_without_a_function(status, accepted):
    api = api_with(mock_route("$connect", f'{{"statusCode":{status}}}', ""), route("$default"))
    async with running(api) as it:
        if accepted:
            async with connect(it.url):
                pass
        else:
            assert (await refusal(it.url)).status_code == status
        assert not it.functions.of_type("CONNECT")


async def test_only_the_subprotocol_of_the_answers_headers_reaches_the_client():
    chooses = answer(statusCode=200, headers={"sec-websocket-protocol": "chat.v2", "Set-Cookie": "a=b"})
    async with (
        running(functions=Functions(connect=chooses)) as it,
        connect(it.url, subprotocols=["chat.v1", "chat.v2"]) as client,
    ):
        assert client.subprotocol == "chat.v2"
        assert "Set-Cookie" not in client.response.headers


async def test_the_gateway_never_chooses_a_subprotocol_itself():
    async with running() as it, connect(it.url, subprotocols=["chat.v1"]) as client:
        assert client.subprotocol is None


async def test_a_header_of_the_answer_cant_break_out_of_its_line():
    splits = answer(statusCode=200, headers={"Sec-WebSocket-Protocol": "a\r\nSet-Cookie: b=c"})
    async with running(functions=Functions(connect=splits)) as it, connect(it.url) as client:
        assert "Set-Cookie" not in client.response.headers


async def test_compression_is_negotiated_when_the_client_offers_it():
    async with running() as it:
        async with connect(it.url) as client:
            assert "permessage-deflate" in client.response.headers["Sec-WebSocket-Extensions"]
            await client.send("hi" * 1_000)
            assert await client.recv() == "hi" * 1_000
        async with connect(it.url, compression=None) as client:
            assert "Sec-WebSocket-Extensions" not in client.response.headers


async def test_the_event_has_what_the_client_sent():
    async with running() as it:
        async with connect(
            f"{it.url}?channel=general",
            additional_headers={"X-Custom": "1", "Cookie": "a=b"},
            origin="http://127.0.0.1",
            user_agent_header="Browser/1",
        ):
            pass
        (event,) = it.functions.of_type("CONNECT")

    assert event["queryStringParameters"] == {"channel": "general"}
    assert event["headers"]["X-Custom"] == "1"
    assert event["headers"]["Cookie"] == "a=b"
    assert event["headers"]["Host"] == "api1.execute-api.eu-west-1.amazonaws.com"
    assert event["requestContext"]["identity"] == {"userAgent": "Browser/1", "sourceIp": "127.0.0.1"}
    assert not {"upgrade", "connection"} & {name.lower() for name in event["headers"]}


async def test_a_frame_sent_before_the_answer_is_handled_after_it():
    order = []

    async def slow(_):
        await asyncio.sleep(0.1)
        order.append("connected")
        return {"statusCode": 200}

    def message(event):
        order.append(event["body"])
        return {"statusCode": 200, "body": event["body"]}

    early = b"\x81\x82\0\0\0\0hi"
    async with running(functions=Functions(connect=slow, message=message)) as it:
        reader, writer = await asyncio.open_connection("127.0.0.1", it.port)
        writer.write(handshake() + early)
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        assert head.startswith(b"HTTP/1.1 101 ")
        assert await asyncio.wait_for(reader.readexactly(4), 5) == b"\x81\x02hi"
        writer.transport.abort()

    assert order == ["connected", "hi"]


async def test_a_post_from_inside_connect_is_gone():
    async def posts(event):
        path = it.connection(event["requestContext"]["connectionId"])
        return {"statusCode": it.manage("POST", path, b"x").status}

    functions = Functions(connect=posts)
    async with running(functions=functions) as it:
        assert (await refusal(it.url)).status_code == 410


async def test_who_leaves_during_connect_is_disconnected_after_it():
    connecting, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_):
        connecting.set()
        await go_on.wait()
        return {"statusCode": 200}

    async with running(functions=Functions(connect=slow)) as it:
        _, writer = await asyncio.open_connection("127.0.0.1", it.port)
        writer.write(handshake())
        await connecting.wait()
        writer.close()
        await writer.wait_closed()
        await asyncio.sleep(0.05)
        assert not it.functions.of_type("DISCONNECT")
        go_on.set()
        context = (await it.functions.disconnected())["requestContext"]
        assert not it.gateway.connections

    assert (context["disconnectStatusCode"], context["disconnectReason"]) == (-1, "")


async def test_who_leaves_during_a_connect_that_refuses_is_not_disconnected():
    connecting, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_):
        connecting.set()
        await go_on.wait()
        return {"statusCode": 403}

    async with running(functions=Functions(connect=slow)) as it:
        _, writer = await asyncio.open_connection("127.0.0.1", it.port)
        writer.write(handshake())
        await connecting.wait()
        writer.close()
        await writer.wait_closed()
        go_on.set()

    assert not it.functions.of_type("DISCONNECT")


@pytest.mark.parametrize(
    ("path", "status"),
    [("/ws", 101), ("/ws/", 101), ("/ws/x", 403), ("/ws//", 403), ("/", 403), ("/other", 403), ("/WS", 403)],
)
async def test_the_path_is_the_stage_exactly(path, status):
    async with running() as it:
        assert await status_of(it.port, handshake(path)) == status


@pytest.mark.parametrize(("length", "status"), [(4_096, 101), (4_097, 414)])
async def test_a_url_has_4096_characters_at_most(length, status):
    path = "/ws?q=" + "x" * (length - 6)
    async with running() as it:
        assert await status_of(it.port, handshake(path)) == status


async def test_a_stages_throttle_refuses_connections():
    async with (
        running(api_with(route("$default"), throttle=Throttle(rate=0.001, burst=2))) as it,
        connect(it.url),
        connect(it.url),
    ):
        assert (await refusal(it.url)).status_code == 429


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({b"Sec-WebSocket-Version: 13": b"Sec-WebSocket-Version: 8"}, 400),
        ({b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==": b"Sec-WebSocket-Key: short"}, 400),
        ({b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n": b""}, 400),
        ({b"GET ": b"POST "}, 405),
    ],
)
async def test_a_malformed_handshake_is_refused_before_any_function_runs(changes, status):
    request = handshake()
    for old, new in changes.items():
        request = request.replace(old, new)
    async with running() as it:
        assert await status_of(it.port, request) == status
        assert not it.functions.events


def handshake(path="/ws"):
    return (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    ).encode()
