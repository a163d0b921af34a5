"""The management API: sending, describing, closing, and every refusal."""

import asyncio
import json
import socket

import boto3
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedOK

from local_aws.gateway import Gateway, Integrations
from local_aws.http import Request
from local_aws.model import WebSocketApi
from tests.local_aws.gateway.running import ACCOUNT, Clock, Functions, api_with, route, running

NOBODY = "L0SM9cOFvHcCIhw="


def header(response, name):
    return dict(response.headers).get(name)


async def test_a_post_reaches_the_client_as_it_is():
    async with running() as it, connect(it.url) as client:
        response = it.manage("POST", it.connection(), '{"snow":"☃"}'.encode())

        assert (response.status, response.body) == (200, b"")
        assert await client.recv() == '{"snow":"☃"}'


@pytest.mark.parametrize(
    "spelling", ["{}", "/api1{}", "{}/"], ids=["stage", "API and stage", "slash at the end"]
)
@pytest.mark.parametrize(("at", "equals"), [("@", "="), ("%40", "%3D"), ("@", "%3d")])
async def test_every_spelling_of_a_path_is_understood(spelling, at, equals):
    async with running() as it, connect(it.url) as client:
        path = spelling.format(it.connection()).replace("@", at).replace("=", equals)

        assert it.manage("POST", path, b"x").status == 200
        assert await client.recv() == "x"


@pytest.mark.parametrize(("size", "status"), [(131_072, 200), (131_073, 413)])
async def test_a_post_has_128_kb_at_most(size, status):
    async with running() as it, connect(it.url, max_size=None) as client:
        response = it.manage("POST", it.connection(), b"x" * size)

        assert response.status == status
        if status == 200:
            parts = [part async for part in client.recv_streaming()]
            assert [len(part) for part in parts] == [32_768] * 4
        else:
            assert header(response, "x-amzn-ErrorType") == "PayloadTooLargeException"
            assert json.loads(response.body)["message"]


async def test_a_get_describes_the_connection():
    clock = Clock()
    async with running(clock=clock) as it, connect(it.url, user_agent_header="Browser/1") as client:
        clock.now += 1.25
        await client.send("x")
        await client.recv()
        response = it.manage("GET", it.connection())

    assert response.status == 200
    assert header(response, "Content-Type") == "application/json"
    assert json.loads(response.body) == {
        "connectedAt": "2025-11-25T10:00:00.000Z",
        "identity": {"sourceIp": "127.0.0.1", "userAgent": "Browser/1"},
        "lastActiveAt": "2025-11-25T10:00:01.250Z",
    }


async def test_a_user_agent_that_wasnt_sent_is_absent():
    async with running() as it, connect(it.url, user_agent_header=None):
        assert json.loads(it.manage("GET", it.connection()).body)["identity"] == {"sourceIp": "127.0.0.1"}


async def test_a_delete_closes_and_disconnect_runs():
    async with running() as it, connect(it.url) as client:
        path = it.connection()

        assert (it.manage("DELETE", path).status, it.manage("DELETE", path).status) == (204, 410)
        with pytest.raises(ConnectionClosedOK) as closed:
            await client.recv()
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1000, "Connection Closed Normally")
        context = (await it.functions.disconnected())["requestContext"]
        assert (context["disconnectStatusCode"], context["disconnectReason"]) == (
            1000,
            "Connection Closed Normally",
        )


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
async def test_who_is_closed_or_unknown_is_gone_without_a_body(method):
    async with running() as it:
        async with connect(it.url):
            path = it.connection()
        await it.functions.disconnected()

        for gone in (path, it.connection(NOBODY)):
            response = it.manage(method, gone, b"x")
            assert (response.status, response.body) == (410, b"")
            assert header(response, "x-amzn-ErrorType") == "GoneException"


@pytest.mark.parametrize("connection_id", ["nonsense", "%3D", "L0SM9cOFvHcCIhw", "..", "☃".encode().hex()])
async def test_a_malformed_id_is_a_bad_request(connection_id):
    async with running() as it:
        response = it.manage("POST", it.connection(connection_id), b"x")

    assert response.status == 400
    assert header(response, "x-amzn-ErrorType") == "BadRequestException"
    assert json.loads(response.body)["message"].startswith("Invalid connectionId: ")


@pytest.mark.parametrize(
    "path",
    [
        f"/other/@connections/{NOBODY}",
        f"/api2/ws/@connections/{NOBODY}",
        f"/ws/@connections/{NOBODY}/more",
        "/ws/@connections",
        "/ws/@connections/",
        "/@connections/x",
        "/",
    ],
)
async def test_a_wrong_stage_or_path_is_forbidden(path):
    async with running() as it:
        response = it.manage("POST", path, b"x")

    assert (response.status, response.body) == (403, b'{"message":"Forbidden"}')
    assert header(response, "x-amzn-ErrorType") == "ForbiddenException"


async def test_other_methods_are_forbidden():
    async with running() as it, connect(it.url):
        assert it.manage("PUT", it.connection(), b"x").status == 403


async def test_a_connection_belongs_to_its_stage():
    apis = [WebSocketApi(id="api1", name="a", stage=stage, routes={}) for stage in ("blue", "green")]
    gateway = Gateway(apis, Integrations(invoker=Functions(), region="eu-west-1"), account=ACCOUNT)
    async with running() as it, connect(it.url):
        connection_id = next(iter(it.gateway.connections))
        gateway.connections.update(it.gateway.connections)  # type: ignore[attr-defined]
        path = f"/green/@connections/{connection_id}"
        assert gateway.management(Request("GET", path, path, "", [], b"", "")).status == 410


async def test_a_client_that_doesnt_read_is_told_of_and_nothing_piles_up():
    async with running(api_with(route("$default"))) as it, connect(it.url, compression=None) as other:
        known = set(it.gateway.connections)
        sock = socket.create_connection(("127.0.0.1", it.port))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        sock.sendall(
            b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        assert (await asyncio.to_thread(sock.recv, 1_000)).startswith(b"HTTP/1.1 101 ")
        path = it.connection((set(it.gateway.connections) - known).pop())

        statuses = []
        for _ in range(500):
            statuses.append(it.manage("POST", path, b"x" * 100_000).status)
            await asyncio.sleep(0)
        refused = it.manage("POST", path, b"x")

        assert set(statuses) == {200, 429}
        assert statuses.count(200) < 150
        assert (refused.status, header(refused, "x-amzn-ErrorType")) == (429, "LimitExceededException")
        assert it.manage("POST", it.connection(next(iter(known))), b"hi").status == 200
        assert await other.recv() == "hi"
        sock.close()


@pytest.mark.parametrize("base", ["ws", "api1/ws"])
async def test_botos_client_understands_every_answer(base):
    async with running() as it, connect(it.url, max_size=None) as client:
        manager = boto3.client(
            "apigatewaymanagementapi",
            endpoint_url=f"http://127.0.0.1:{it.port}/{base}",
            region_name="eu-west-1",
            aws_access_key_id="key",
            aws_secret_access_key="secret",
        )
        connection_id = next(iter(it.gateway.connections))

        async def ask(operation, connection_id=connection_id, **arguments):
            """The status, or the class of the refusal."""
            try:
                answer = await asyncio.to_thread(
                    getattr(manager, operation), ConnectionId=connection_id, **arguments
                )
            except manager.exceptions.ClientError as error:
                return error.response["Error"]["Code"]
            return answer["ResponseMetadata"]["HTTPStatusCode"]

        assert await ask("post_to_connection", Data=b"hi") == 200
        assert await client.recv() == "hi"
        assert await ask("get_connection") == 200
        assert await ask("post_to_connection", Data=b"x" * 131_073) == "PayloadTooLargeException"
        assert await ask("post_to_connection", "nonsense", Data=b"x") == "BadRequestException"
        assert await ask("post_to_connection", NOBODY, Data=b"x") == "GoneException"
        assert await ask("delete_connection") == 204
        assert await ask("get_connection") == "GoneException"
        manager.close()
