"""A WebSocket API behind a distribution: its path, its headers, and what doesn't get through."""

import asyncio
import http.client
import json
from contextlib import asynccontextmanager, closing
from urllib.parse import quote, urlsplit

from websockets.asyncio.client import connect

from tests.conformance.behaviour import CLOUDFRONT, CONNECTIONS, INFERRED, RECORDED, behaviour
from tests.conformance.clients import ask, event_of, id_of
from tests.conformance.deployment import PATIENCE


@asynccontextmanager
async def through(deployment, query="", **options):
    """A client of the main API by the distribution."""
    url = f"{deployment.front}/{deployment.stage}" + (f"?{query}" if query else "")
    async with connect(url, open_timeout=PATIENCE, **options) as client:
        yield client


async def asked(deployment, method, path, body=b"", **headers):
    """The status of an ordinary request to the distribution."""
    url = urlsplit(deployment.front)

    def send():
        kind = http.client.HTTPSConnection if url.scheme == "wss" else http.client.HTTPConnection
        with closing(kind(url.netloc, timeout=PATIENCE)) as connection:
            connection.request(method, path, body, headers)
            return connection.getresponse().status

    return await asyncio.to_thread(send)


@behaviour("The path that the stage is named after leads to it, and the query goes along", CLOUDFRONT)
async def test_path(api):
    async with through(api.deployment, "a=1&probe=front") as client:
        assert await ask(client, do="status", status=200) == "status 200"

    event = (await api.seen(probe="front"))["event"]
    assert event["queryStringParameters"] == {"a": "1", "probe": "front"}


@behaviour("Host and domainName are the execute-api host, not the distribution's")
async def test_host(api):
    async with through(api.deployment) as client:
        connection_id = await id_of(client)
    event = (await api.seen(connection_id=connection_id))["event"]

    domain_name = event["requestContext"]["domainName"]
    assert domain_name.startswith(f"{api.deployment.apis['main']}.execute-api.")
    assert event["headers"]["Host"] == domain_name


@behaviour("The origin's custom header arrives, in place of what the viewer sent under its name", CLOUDFRONT)
async def test_custom_header(api):
    async with through(api.deployment, additional_headers={"X-Origin-Secret": "a guess"}) as client:
        connection_id = await id_of(client)
    event = (await api.seen(connection_id=connection_id))["event"]

    secrets = {
        name: values
        for name, values in event["multiValueHeaders"].items()
        if name.lower() == "x-origin-secret"
    }
    assert list(secrets.values()) == [["from the distribution"]]


@behaviour(
    "The viewer's address is the second from the right in X-Forwarded-For; further left is what it claims",
    INFERRED,
    confirmed=False,
)
async def test_viewer(api):
    async with through(api.deployment, additional_headers={"X-Forwarded-For": "203.0.113.7"}) as client:
        event = await event_of(client)
    connect_event = (await api.seen(connection_id=event["requestContext"]["connectionId"]))["event"]

    claimed, _viewer, edge = (part.strip() for part in connect_event["headers"]["X-Forwarded-For"].split(","))
    assert claimed == "203.0.113.7"
    assert edge == event["requestContext"]["identity"]["sourceIp"]


@behaviour("The viewer's cookies and Origin reach `$connect`", CLOUDFRONT)
async def test_viewer_headers(api):
    async with through(
        api.deployment, additional_headers={"Cookie": "a=b"}, origin="https://example.com"
    ) as client:
        connection_id = await id_of(client)
    headers = (await api.seen(connection_id=connection_id))["event"]["headers"]

    assert (headers["Cookie"], headers["Origin"]) == ("a=b", "https://example.com")


@behaviour("A pattern without a wildcard is the bare path alone: what is below goes elsewhere", CLOUDFRONT)
async def test_below_the_path(api):
    assert await asked(api.deployment, "GET", f"/{api.deployment.stage}") == 426
    assert await asked(api.deployment, "GET", "/elsewhere") in (403, 404, 426)


@behaviour("`@connections` isn't reached by the distribution: a signature for it doesn't hold", CONNECTIONS)
async def test_management(api):
    async with through(api.deployment) as client:
        connection_id = await id_of(client)
        path = f"/{api.deployment.stage}/@connections/{quote(connection_id, safe='')}"
        status = await asked(api.deployment, "POST", path, b"x")

        assert status == 403
        assert json.loads(await ask(client, "ping"))["type"] == "pong"


@behaviour("Each frame passes as it is, either way, and so do close codes", RECORDED)
async def test_frames(api):
    async with through(api.deployment) as client:
        text = "\u2603" * 5_000
        event = await event_of(client, json.dumps({"action": "event", "text": text}))
        assert json.loads(event["body"])["text"] == text
        connection_id = event["requestContext"]["connectionId"]
        await client.close(4001, "bye")

    context = (await api.disconnected(connection_id))["requestContext"]
    assert (context["disconnectStatusCode"], context["disconnectReason"]) == (4001, "bye")
