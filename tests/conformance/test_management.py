"""The management API: what a post, a question and a deletion are answered."""

import asyncio
import contextlib
import http.client
import json
import os
import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.session import get_session

from tests.conformance.behaviour import (
    CONNECTIONS,
    INFERRED,
    OWN_BUFFERS,
    QUOTAS,
    REPORTED,
    behaviour,
)
from tests.conformance.clients import ask, id_of, receive

FRAME = 32 * 1024
MESSAGE = 128 * 1024
# Of the right form, and nobody's.
NOBODY = "AAAAAAAAAAAAAAA="


class Manager:
    """boto3's client, asked from a test's loop: the answer, or the refusal's status, class and message."""

    def __init__(self, client):
        self._client = client

    async def __call__(self, operation, connection_id, **arguments):
        try:
            return await asyncio.to_thread(
                getattr(self._client, operation), ConnectionId=connection_id, **arguments
            )
        except self._client.exceptions.ClientError as error:
            return (
                error.response["ResponseMetadata"]["HTTPStatusCode"],
                error.response["Error"]["Code"],
                error.response["Error"].get("Message", ""),
            )

    async def post(self, connection_id, data=b"x"):
        return await self("post_to_connection", connection_id, Data=data)


@pytest.fixture
def manager(deployment):
    client = deployment.manager()
    yield Manager(client)
    client.close()


def status(answer):
    return answer["ResponseMetadata"]["HTTPStatusCode"]


async def raw(deployment, method, path, body=b"", *, sign=True):
    """A signed request with its path as it is given: status, headers, body."""
    url = urlsplit(deployment.management_url())
    credentials = get_session().get_credentials()
    if deployment.is_local or credentials is None:
        credentials = Credentials("test", "test")
    prefix = url.path.removesuffix(f"/{deployment.stage}")
    request = AWSRequest(method, f"{url.scheme}://{url.netloc}{prefix}{path}", data=body)
    if sign:
        SigV4Auth(credentials, "execute-api", deployment.region).add_auth(request)

    def send():
        kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        with contextlib.closing(kind(url.netloc, timeout=15)) as connection:
            connection.request(method, prefix + path, body, dict(request.headers.items()))
            response = connection.getresponse()
            return response.status, response.headers, response.read()

    return await asyncio.to_thread(send)


@behaviour("POST sends: 200 with an empty body", CONNECTIONS)
async def test_post(api, manager):
    async with api.client() as client:
        path = f"/{api.deployment.stage}/@connections/{quote(await id_of(client), safe='')}"
        code, _, body = await raw(api.deployment, "POST", path, "hi \u2603".encode())

        assert (code, body) == (200, b"")
        assert await receive(client) == "hi \u2603"


@behaviour(
    "GET describes: connectedAt, lastActiveAt, identity, in camelCase, times like `2026-11-25T10:00:00.000Z`",
    CONNECTIONS,
)
async def test_get(api):
    async with api.client(user_agent_header="Browser/1") as client:
        path = f"/{api.deployment.stage}/@connections/{quote(await id_of(client), safe='')}"
        code, _, body = await raw(api.deployment, "GET", path)
    described = json.loads(body)

    assert code == 200
    assert set(described) == {"connectedAt", "lastActiveAt", "identity"}
    assert set(described["identity"]) == {"sourceIp", "userAgent"}
    assert described["identity"]["userAgent"] == "Browser/1"
    for name in ("connectedAt", "lastActiveAt"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", described[name])


@behaviour("GET has no userAgent where the client sent none", CONNECTIONS)
async def test_get_without_user_agent(api, manager):
    async with api.client(user_agent_header=None) as client:
        described = await manager("get_connection", await id_of(client))

    assert set(described["Identity"]) == {"SourceIp"}


@behaviour("lastActiveAt moves with messages either way", CONNECTIONS, confirmed=False)
async def test_last_active(api, manager):
    async with api.client() as client:
        connection_id = await id_of(client)
        first = await manager("get_connection", connection_id)
        await asyncio.sleep(0.05)
        await manager.post(connection_id)
        second = await manager("get_connection", connection_id)

    assert isinstance(first["LastActiveAt"], datetime)
    assert first["ConnectedAt"] == second["ConnectedAt"] <= first["LastActiveAt"] < second["LastActiveAt"]


@behaviour("DELETE closes: 204", CONNECTIONS)
async def test_delete(api, manager):
    async with api.client() as client:
        assert status(await manager("delete_connection", await id_of(client))) == 204
        await asyncio.wait_for(client.wait_closed(), 15)


@behaviour("A closed or unknown connection gives 410 GoneException", CONNECTIONS)
@pytest.mark.parametrize("operation", ["post_to_connection", "get_connection", "delete_connection"])
async def test_gone(api, manager, operation):
    async with api.client() as client:
        closed = await id_of(client)
    await api.disconnected(closed)
    arguments = {"Data": b"x"} if operation == "post_to_connection" else {}

    for connection_id in (closed, NOBODY):
        code, kind, _ = await manager(operation, connection_id, **arguments)
        assert (code, kind) == (410, "GoneException")


@behaviour("The 410 has an empty body: its class is in x-amzn-ErrorType", REPORTED)
async def test_gone_body(api):
    path = f"/{api.deployment.stage}/@connections/{quote(NOBODY, safe='')}"
    code, headers, body = await raw(api.deployment, "POST", path, b"x")

    assert (code, headers["x-amzn-ErrorType"], body) == (410, "GoneException", b"")


@behaviour("A post from inside `$connect` gives 410: the connection isn't there yet", REPORTED)
async def test_still_connecting(api):
    async with api.client(query="post=1&probe=early"):
        told = await api.seen(probe="early")

    assert told["post"] == 410


@behaviour("A malformed id gives 400 BadRequestException, `Invalid connectionId: …`", CONNECTIONS)
@pytest.mark.parametrize("connection_id", ["nonsense", "L0SM9cOFvHcCIhw", "L0SM9cOFvHcCIhw=="])
async def test_malformed_id(api, manager, connection_id):
    code, kind, message = await manager.post(connection_id)

    assert (code, kind) == (400, "BadRequestException")
    assert message == f"Invalid connectionId: {connection_id}"


@behaviour('A wrong stage or path gives 403 ForbiddenException, `{"message":"Forbidden"}`')
@pytest.mark.parametrize("path", ["/other/@connections/{id}", "/{stage}/@connections"])
async def test_wrong_path(api, path):
    async with api.client() as client:
        wrong = path.format(stage=api.deployment.stage, id=quote(await id_of(client), safe=""))
        code, headers, body = await raw(api.deployment, "POST", wrong, b"x")

    assert (code, body) == (403, b'{"message":"Forbidden"}')
    assert headers["x-amzn-ErrorType"] == "ForbiddenException"


@behaviour(
    "Without execute-api:ManageConnections: 403 AccessDeniedException that names role, action and resource",
    CONNECTIONS,
)
async def test_access_denied(api):
    async with api.client() as client:
        told = json.loads(await ask(client, do="post"))

    assert (told["status"], told["Code"]) == (403, "AccessDeniedException")
    assert "execute-api:ManageConnections" in told["Message"]
    assert f"{api.deployment.apis['main']}/{api.deployment.stage}/POST/@connections/" in told["Message"]


@behaviour("A signature that is wrong gives 403 InvalidSignatureException")
async def test_bad_signature(api):
    async with api.client() as client:
        told = json.loads(await ask(client, do="post", secret="not the secret"))

    assert (told["status"], told["Code"]) == (403, "InvalidSignatureException")


@behaviour("A post may have 131,072 bytes: one more gives 413 PayloadTooLargeException", QUOTAS)
async def test_payload_size(api, manager):
    async with api.client() as client:
        connection_id = await id_of(client)
        assert status(await manager.post(connection_id, b"x" * MESSAGE)) == 200
        assert await receive(client) == "x" * MESSAGE
        code, kind, _ = await manager.post(connection_id, b"x" * (MESSAGE + 1))

    assert (code, kind) == (413, "PayloadTooLargeException")


@behaviour("A post over 32 KB goes out as one message of several frames", QUOTAS)
async def test_post_in_frames(api, manager):
    async with api.client() as client:
        await manager.post(await id_of(client), b"x" * (2 * FRAME + 10))
        frames = [len(frame) async for frame in client.recv_streaming()]

    assert frames == [FRAME, FRAME, 10]


@behaviour(
    "A client that doesn't read: the poster gets 429 LimitExceededException, and nothing piles up",
    INFERRED,
    confirmed=False,
    local=OWN_BUFFERS,
)
async def test_not_read(api, manager):
    async with api.client(compression=None, close_timeout=0.1) as client:
        connection_id = await id_of(client)
        client.transport.pause_reading()
        for _ in range(100):
            answer = await manager.post(connection_id, b"x" * MESSAGE)
            if isinstance(answer, tuple):
                break
        client.transport.resume_reading()

    assert isinstance(answer, tuple)
    assert answer[:2] == (429, "LimitExceededException")


@behaviour("The id is understood with `=` and with `%3D`, `@connections` with `@` and with `%40`", REPORTED)
@pytest.mark.parametrize("at", ["@", "%40"])
@pytest.mark.parametrize("equals", ["=", "%3D"])
async def test_spellings(api, at, equals):
    async with api.client() as client:
        spelled = (await id_of(client)).replace("=", equals)
        code, _, _ = await raw(
            api.deployment, "POST", f"/{api.deployment.stage}/{at}connections/{spelled}", b"x"
        )

        assert code == 200
        assert await receive(client) == "x"


@behaviour("A post of an empty body sends an empty message", INFERRED, confirmed=False)
async def test_empty_post(api, manager):
    async with api.client() as client:
        assert status(await manager.post(await id_of(client), b"")) == 200
        assert await receive(client) == ""


@behaviour("A connection of one API is gone to the others")
async def test_other_api(api):
    async with api.client() as client:
        connection_id = await id_of(client)
        other = api.deployment.manager("bare")
        answer = await Manager(other).post(connection_id)
        other.close()

    assert answer[:2] == (410, "GoneException")


def cli(deployment, *arguments):
    """The AWS CLI on the deployment's `@connections`."""
    environment = dict(os.environ)
    if deployment.is_local:
        environment |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    return subprocess.run(
        [
            str(Path(sys.executable).with_name("aws")),
            "apigatewaymanagementapi",
            *arguments,
            *("--endpoint-url", deployment.management_url(), "--region", deployment.region),
        ],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@behaviour("The AWS CLI posts, describes and deletes", CONNECTIONS)
async def test_aws_cli(api):
    async with api.client() as client:
        identified = ("--connection-id", await id_of(client))
        posted, described = await asyncio.gather(
            asyncio.to_thread(cli, api.deployment, "post-to-connection", *identified, "--data", "by hand"),
            asyncio.to_thread(cli, api.deployment, "get-connection", *identified),
        )

        assert (posted.returncode, posted.stderr) == (0, "")
        assert await receive(client) == "by hand"
        assert set(json.loads(described.stdout)) == {"ConnectedAt", "Identity", "LastActiveAt"}
