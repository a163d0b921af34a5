"""The port that people open, over real sockets: a distribution, and APIs without one."""

import asyncio
import json
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from local_aws.edge import Edge
from local_aws.functions import FunctionNotFound, Invocation, Invoker, Throttled
from local_aws.gateway import Gateway, Integrations
from local_aws.http import Response, serve
from local_aws.model import (
    Assembly,
    Behaviour,
    Bucket,
    BucketFiles,
    Distribution,
    HttpApi,
    HttpRoute,
    LambdaIntegration,
    Origin,
    WebSocketApi,
    WebSocketRoute,
)

ALL_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"})


class Functions(Invoker):
    """`show` answers with its event, `socket` with the message; the others do what their name says."""

    def __init__(self):
        self.events = []
        self.slow_finished = asyncio.Event()

    async def invoke(self, function, payload, *, request_id=None):
        event = json.loads(payload)
        self.events.append(event)
        match function:
            case "raises":
                return Invocation(b'{"errorMessage":"a secret"}', "Unhandled", "r")
            case "throttled":
                raise Throttled
            case "missing":
                raise FunctionNotFound(function)
            case "slow":
                await asyncio.sleep(0.3)
                self.slow_finished.set()
            case "malformed":
                return Invocation(b'{"statusCode":"x"}', None, "r")
        if function == "show":
            return Invocation(json.dumps(event).encode(), None, "r")
        return Invocation(
            json.dumps({"statusCode": 200, "body": event.get("body", "ok")}).encode(), None, "r"
        )


def websocket_api(api_id="sockets", stage="ws"):
    keys = ("$connect", "$disconnect", "$default")
    return WebSocketApi(
        id=api_id,
        name=api_id,
        stage=stage,
        routes={
            key: WebSocketRoute(
                key=key, integration=LambdaIntegration(function="socket"), answers=key == "$default"
            )
            for key in keys
        },
    )


def http_api(api_id="site", stage="$default", timeout_ms=30_000):
    names = ("raises", "throttled", "missing", "slow", "malformed")
    routes = [HttpRoute(key="$default", function="show")]
    routes += [HttpRoute(key=f"ANY /api/{name}", function=name, timeout_ms=timeout_ms) for name in names]
    return HttpApi(id=api_id, name=api_id, stage=stage, routes=tuple(routes))


def assembly(*, websocket_apis=(), http_apis=(), distribution=None, folder=Path()):
    return Assembly(
        region="eu-west-1",
        account="123456789012",
        functions={},
        websocket_apis=websocket_apis,
        http_apis=http_apis,
        buckets=(Bucket(name="files", arn="arn:aws:s3:::files", files=(BucketFiles(folder=folder),)),),
        distributions=(distribution,) if distribution else (),
    )


def distribution():
    secret = {"X-Gateway-Secret": "s3cret"}
    return Distribution(
        id="D",
        domain_name="127.0.0.1",
        default_root_object="index.html",
        behaviours=(
            Behaviour(pattern="/ws", origin=Origin(kind="api", target="sockets", custom_headers=secret)),
            Behaviour(
                pattern="/api/*",
                origin=Origin(kind="api", target="site", custom_headers=secret),
                allowed_methods=ALL_METHODS,
                response_headers={"X-Frame-Options": "DENY"},
            ),
            Behaviour(pattern="/host", origin=Origin(kind="api", target="site"), forwards_host=True),
            Behaviour(
                pattern="*",
                origin=Origin(kind="bucket", target="files"),
                response_headers={"Content-Security-Policy": "default-src 'self'"},
            ),
        ),
    )


class Running:
    def __init__(self, port, functions, gateway):
        self.port = port
        self.functions = functions
        self.gateway = gateway

    async def get(self, path, *, method="GET", host=None, headers=(), body=b""):
        """Status, headers by lower-case name (repeated ones as a list), and body."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        lines = [
            f"{method} {path} HTTP/1.1",
            f"Host: {host or f'127.0.0.1:{self.port}'}",
            "Connection: close",
        ]
        lines += [f"{name}: {value}" for name, value in headers]
        lines += [f"Content-Length: {len(body)}"] if body else []
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        head, _, content = (await asyncio.wait_for(reader.read(), 5)).partition(b"\r\n\r\n")
        writer.close()
        first, *rest = head.decode().split("\r\n")
        found = {}
        for line in rest:
            name, _, value = line.partition(": ")
            found.setdefault(name.lower(), []).append(value)
        return int(first.split()[1]), found, content


@asynccontextmanager
async def running(declared, **options):
    functions = Functions()
    integrations = Integrations(invoker=functions, region=declared.region)
    gateway = Gateway(declared.websocket_apis, integrations, account=declared.account)
    edge = None

    # The edge has to know its port, which is known only once it listens.
    server = await serve(
        lambda request: edge.handle(request),
        host="127.0.0.1",
        port=0,
        upgrade=lambda *handshake: edge.upgrade(*handshake),
    )
    edge = Edge(declared, gateway, integrations, port=server.port, **options)
    try:
        yield Running(server.port, functions, gateway)
    finally:
        await gateway.close_all(within=1)
        server.close()
        await server.wait_closed(0.2)


@pytest.fixture
async def site(tmp_path):
    (tmp_path / "index.html").write_text("<p>home")
    declared = assembly(
        websocket_apis=(websocket_api(),),
        http_apis=(http_api(timeout_ms=100),),
        distribution=distribution(),
        folder=tmp_path,
    )
    async with running(declared) as it:
        yield it


async def test_the_root_is_the_buckets_page_with_the_policys_headers(site):
    status, headers, body = await site.get("/")

    assert (status, body) == (200, b"<p>home")
    assert headers["content-security-policy"] == ["default-src 'self'"]
    assert headers["content-type"] == ["text/html"]
    assert headers["date"]


async def test_what_no_deployment_brought_is_looked_for_among_stored_objects(tmp_path):
    (tmp_path / "index.html").write_text("<p>home")
    asked = []

    async def stored(bucket, key, request):
        asked.append((bucket, key))
        if key != "up/a b.png":
            return Response(404)
        return Response(200, [("Content-Type", "image/png")], b"png")

    declared = assembly(distribution=distribution(), folder=tmp_path)
    async with running(declared, stored=stored) as site:
        assert (await site.get("/"))[2] == b"<p>home"
        status, headers, body = await site.get("/up/a%20b.png")
        missing, _, _ = await site.get("/up/none.png")

    assert (status, headers["content-type"], body) == (200, ["image/png"], b"png")
    assert missing == 403
    assert [key for _, key in asked] == ["up/a b.png", "up/none.png"]


async def test_head_and_304(site):
    status, headers, body = await site.get("/", method="HEAD")
    assert (status, headers["content-length"], body) == (200, ["7"], b"")

    status, _, body = await site.get("/", headers=[("If-None-Match", headers["etag"][0])])
    assert (status, body) == (304, b"")


async def test_an_api_behind_the_distribution_gets_what_the_edge_makes_of_a_request(site):
    status, headers, body = await site.get(
        "/api/session/?a=b",
        headers=[("X-Gateway-Secret", "guess"), ("X-Forwarded-For", "9.9.9.9"), ("Cookie", "a=1; b=2")],
    )
    event = json.loads(body)

    assert status == 200
    assert headers["x-frame-options"] == ["DENY"]
    assert event["rawPath"] == "/api/session/"
    assert event["headers"]["x-gateway-secret"] == "s3cret"
    assert event["headers"]["host"] == "site.execute-api.eu-west-1.amazonaws.com"
    # What the viewer claims, the viewer, the edge.
    assert event["headers"]["x-forwarded-for"] == "9.9.9.9, 127.0.0.1, 127.0.0.1"
    assert event["cookies"] == ["a=1", "b=2"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_methods_reach_the_function_where_the_behaviour_allows_them(site, method):
    status, _, body = await site.get("/api/x", method=method, body=b"hi")

    assert (status, json.loads(body)["requestContext"]["http"]["method"]) == (200, method)


@pytest.mark.parametrize(("path", "method"), [("/", "POST"), ("/api/x", "TRACE"), ("/", "DELETE")])
async def test_other_methods_are_refused_by_the_distribution(site, path, method):
    assert (await site.get(path, method=method))[0] == 403
    assert not site.functions.events


@pytest.mark.parametrize(
    ("name", "status", "message"),
    [
        ("raises", 500, "Internal Server Error"),
        ("malformed", 500, "Internal Server Error"),
        ("missing", 500, "Internal Server Error"),
        ("throttled", 503, "Service Unavailable"),
        ("slow", 503, "Service Unavailable"),
    ],
)
async def test_what_goes_wrong_in_a_function_has_the_services_answer(site, name, status, message):
    answer = await site.get(f"/api/{name}")

    assert (answer[0], json.loads(answer[2])) == (status, {"message": message})


async def test_a_function_goes_on_when_its_viewer_has_left(site):
    _, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(b"GET /api/slow HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    while not site.functions.events:  # noqa: ASYNC110 - it has begun
        await asyncio.sleep(0.01)
    writer.transport.abort()

    assert await asyncio.wait_for(site.functions.slow_finished.wait(), 5)


async def test_an_api_refuses_a_forwarded_host_as_on_aws(site):
    status, _, body = await site.get("/host")

    assert (status, body) == (403, b'{"message":"Forbidden"}')


async def test_a_websocket_behind_the_distribution(site):
    async with connect(
        f"ws://127.0.0.1:{site.port}/ws?channel=general",
        additional_headers={"X-Gateway-Secret": "guess", "X-Forwarded-For": "9.9.9.9"},
    ) as client:
        await client.send("hi")
        assert await client.recv() == "hi"
    event = site.functions.events[0]

    assert event["headers"]["X-Gateway-Secret"] == "s3cret"
    assert event["headers"]["X-Forwarded-For"] == "9.9.9.9, 127.0.0.1, 127.0.0.1"
    assert event["headers"]["Host"] == "sockets.execute-api.eu-west-1.amazonaws.com"
    assert event["queryStringParameters"] == {"channel": "general"}


@pytest.mark.parametrize("path", ["/", "/ws/more", "/api/x"])
async def test_a_websocket_where_there_is_no_websocket_api(site, path):
    with pytest.raises(InvalidStatus):
        async with connect(f"ws://127.0.0.1:{site.port}{path}"):
            pass


async def test_a_plain_request_to_the_websocket_wants_an_upgrade(site):
    status, headers, _ = await site.get("/ws")

    assert (status, headers["upgrade"]) == (426, ["websocket"])


async def test_localhost_is_sent_to_the_one_name(site):
    status, headers, _ = await site.get("/accounts/login/?next=/", host=f"localhost:{site.port}")
    assert (status, headers["location"]) == (302, [f"http://127.0.0.1:{site.port}/accounts/login/?next=/"])

    assert (await site.get("/api/x", method="POST", host="localhost"))[0] == 307


async def test_a_websocket_at_localhost_works(site):
    async with connect(f"ws://localhost:{site.port}/ws") as client:
        await client.send("hi")
        assert await client.recv() == "hi"


@pytest.mark.parametrize("host", ["evil.example", "[::1]", "[::1]:8000", "127.0.0.1.evil.example"])
async def test_a_foreign_name_is_refused(site, host):
    status, _, body = await site.get("/", host=host)

    assert status == 403
    assert f"http://127.0.0.1:{site.port}/".encode() in body


async def test_the_other_loopback_address_is_refused_at_once(site):
    # Refused, or no such address on this machine; never left waiting, which would be a TimeoutError.
    with pytest.raises(OSError, match=r"[Cc]onnect|assign") as refused:
        await asyncio.wait_for(asyncio.open_connection("::1", site.port), 2)
    assert not isinstance(refused.value, TimeoutError)


async def test_a_viewers_address_has_8192_characters_at_most(site):
    assert (await site.get("/" + "x" * 8_192))[0] == 414


@pytest.mark.parametrize("way", ["host", "id"])
async def test_an_api_is_reached_directly_without_the_edges_headers(site, way):
    host = "site.execute-api.eu-west-1.amazonaws.com" if way == "host" else None
    _, headers, body = await site.get("/api/x" if way == "host" else "/site/api/x", host=host)
    event = json.loads(body)

    assert "x-gateway-secret" not in event["headers"]
    assert event["rawPath"] == "/api/x"
    assert event["headers"]["x-forwarded-for"] == "127.0.0.1"
    assert "x-frame-options" not in headers


async def test_connections_are_managed_at_the_apis_host_and_never_behind_the_distribution(site):
    async with connect(f"ws://127.0.0.1:{site.port}/ws") as client:
        path = f"/ws/@connections/{next(iter(site.gateway.connections))}"
        direct = await site.get(
            path, method="POST", host="sockets.execute-api.eu-west-1.amazonaws.com", body=b"hi"
        )
        assert (direct[0], await client.recv()) == (200, "hi")
        assert (await site.get(path, method="GET"))[0] == 403


async def test_without_a_distribution_stages_are_at_the_root():
    async with running(assembly(websocket_apis=(websocket_api(stage="prod"),))) as it:
        for path in ("/prod", "/sockets/prod"):
            async with connect(f"ws://localhost:{it.port}{path}") as client:
                await client.send("hi")
                assert await client.recv() == "hi"
                management = f"{path}/@connections/{next(iter(it.gateway.connections))}"
                assert (await it.get(management))[0] == 200
        assert (await it.get("/prod"))[0] == 426
        assert (await it.get("/prod/more"))[0] == 426
        for path in ("/", "/other", "/prod/more"):
            with pytest.raises(InvalidStatus) as refused:
                async with connect(f"ws://127.0.0.1:{it.port}{path}"):
                    pass
            assert refused.value.response.status_code == 403


async def test_several_apis_are_told_apart_by_their_id():
    declared = assembly(
        websocket_apis=(websocket_api("one"), websocket_api("two")),
        http_apis=(http_api("site"), http_api("staged", stage="v1")),
    )
    async with running(declared) as it:
        for api_id in ("one", "two"):
            async with connect(f"ws://127.0.0.1:{it.port}/{api_id}/ws"):
                pass
            assert it.functions.events[-1]["requestContext"]["apiId"] == api_id
        assert json.loads((await it.get("/site/a"))[2])["rawPath"] == "/a"
        assert json.loads((await it.get("/staged/v1/a"))[2])["rawPath"] == "/v1/a"
        assert (await it.get("/staged/v2/a"))[0] == 404
        with pytest.raises(InvalidStatus):
            async with connect(f"ws://127.0.0.1:{it.port}/ws"):
                pass
