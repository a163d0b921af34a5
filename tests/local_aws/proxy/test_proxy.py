"""The proxy as clients use it: those that honour HTTPS_PROXY arrive, and nothing leaves the machine."""

import asyncio
import base64
import hashlib
import json
import os
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import pytest

from local_aws.http import Request, Response
from local_aws.model import Assembly, Function, Network, WebSocketApi
from local_aws.proxy import Authority, Destinations, Proxy

_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
API = "abcdefghij.execute-api.us-east-1.amazonaws.com"


def function(name: str, network: Network | None = None) -> Function:
    return Function(name=name, arn=f"arn:{name}", handler="x.y", code=Path(), environment={}, network=network)


ASSEMBLY = Assembly(
    region="us-east-1",
    account="123456789012",
    functions={
        "open": function("open"),
        "isolated": function("isolated", Network(internet=False, endpoints=frozenset({"sqs"}))),
    },
    websocket_apis=(WebSocketApi(id="abcdefghij", name="a", stage="prod", routes={}),),
)


@dataclass
class Stand:
    """A proxy whose stack answers with what it was asked."""

    proxy: Proxy
    port: int
    said: list[str]

    async def run(self, source: str, caller: str = "open") -> str:
        """What a program prints that has the variables of a function."""
        environment = {"PATH": os.environ["PATH"], **self.proxy.variables(self.port, caller)}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", source),
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        return output.decode()

    async def speak(self, data: bytes) -> bytes:
        """What comes back to bytes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(data)
        answer = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        await writer.wait_closed()
        return answer


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    said: list[str] = []

    def handler(request: Request) -> Response:
        asked = {"host": request.header("Host"), "path": request.path, "body": request.body.decode()}
        return Response(200, [("Content-Type", "application/json")], json.dumps(asked).encode())

    def upgrade(request: Request, transport: asyncio.Transport, rest: bytes) -> None:
        accept = base64.b64encode(
            hashlib.sha1((request.header("Sec-WebSocket-Key") + _GUID).encode()).digest()
        )
        lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
        head = "\r\n".join([*lines, f"Sec-WebSocket-Accept: {accept.decode()}"])
        transport.write(head.encode() + b"\r\n\r\n" + b"\x81\x02hi")

    proxy = Proxy(Authority(tmp_path / "authority"), Destinations(ASSEMBLY), handler, upgrade, said.append)
    port = await proxy.start("127.0.0.1")
    yield Stand(proxy, port, said)
    await proxy.close()


CLIENTS = {
    "boto3": f"""
import boto3
client = boto3.client("apigatewaymanagementapi", endpoint_url="https://{API}/prod", region_name="us-east-1",
    aws_access_key_id="x", aws_secret_access_key="y")
client.meta.events.register("after-call", lambda http_response, **_: print(http_response.text))
client.post_to_connection(ConnectionId="abc=", Data=b"hello")
""",
    "requests": f"""
import requests
print(requests.post("https://{API}/prod/@connections/abc=", data=b"hello").text)
""",
    "urllib": f"""
import urllib.request
print(urllib.request.urlopen("https://{API}/prod/@connections/abc=", b"hello").read().decode())
""",
    "urllib3, told so": f"""
import os, urllib3
url = urllib3.util.parse_url(os.environ["HTTPS_PROXY"])
http = urllib3.ProxyManager(url._replace(auth=None).url,
    proxy_headers=urllib3.make_headers(proxy_basic_auth=url.auth))
print(http.request("POST", "https://{API}/prod/@connections/abc=", body=b"hello").data.decode())
""",
}


@pytest.mark.parametrize("client", CLIENTS)
async def test_a_post_arrives_by_its_hosts_name(stand, client):
    output = await stand.run(CLIENTS[client])

    asked = json.loads(output.splitlines()[-1])
    assert (asked["host"], asked["body"]) == (API, "hello")
    assert unquote(asked["path"]) == "/prod/@connections/abc="
    assert stand.said == []


async def test_services_have_their_names_too(stand):
    urls = [
        "https://sqs.us-east-1.amazonaws.com/",
        "https://files.s3.amazonaws.com/",
        "https://dynamodb.us-east-1.api.aws/",
    ]
    source = f"import urllib.request\nfor url in {urls}: print(urllib.request.urlopen(url).read().decode())"

    output = await stand.run(source)

    assert [f"https://{json.loads(line)['host']}/" for line in output.splitlines()] == urls


async def test_a_socket_can_be_opened_by_the_apis_name(stand):
    source = (
        f"from websockets.sync.client import connect; print(connect('wss://{API}/prod', legacy=True).recv())"
    )

    assert (await stand.run(source)).splitlines()[-1] == "hi"


REFUSED = {
    "https://example.com/": "example.com, which would have left this machine",
    "http://example.com:8080/": "example.com:8080, which would have left this machine",
    "https://sqs.eu-west-1.amazonaws.com/": "another region",
    "https://zzzzzzzzzz.execute-api.us-east-1.amazonaws.com/": "no API of this stack",
    "https://amazonaws.com.example.com/": "would have left this machine",
}


@pytest.mark.parametrize("url", REFUSED)
async def test_what_would_leave_the_machine_is_refused_and_named(stand, url):
    output = await stand.run(f"import urllib.request; urllib.request.urlopen('{url}')", "isolated")

    assert "403" in output
    [line] = stand.said
    assert line.startswith("isolated called ")
    assert REFUSED[url] in line
    assert line.endswith("On AWS the call would hang: the function's subnets have no way to the internet.")


async def test_the_client_is_told_why(stand):
    output = await stand.run("import requests; requests.get('https://example.com')")

    assert "open called example.com, which would have left this machine" in output


async def test_a_call_that_a_vpc_has_no_way_for_is_said_once(stand):
    source = "import urllib.request\nfor _ in '12': urllib.request.urlopen('https://{}').read()"

    await stand.run(source.format("sqs.us-east-1.amazonaws.com/"), "isolated")
    assert stand.said == []
    await stand.run(source.format(f"{API}/prod"), "isolated")

    [line] = stand.said
    assert line.startswith("isolated called execute-api. On AWS the call would hang")


async def test_a_client_that_does_not_trust_the_authority_is_said(stand):
    source = "import urllib.request, ssl; urllib.request.urlopen('https://sqs.us-east-1.amazonaws.com/')"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", source),
        env={"HTTPS_PROXY": stand.proxy.variables(stand.port, "open")["HTTPS_PROXY"]},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    output, _ = await process.communicate()

    assert b"CERTIFICATE_VERIFY_FAILED" in output
    assert "TLS handshake" in stand.said[0]


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"CONNECT example.com HTTP/1.1\r\n\r\n", b"400"),
        (b"CONNECT sqs.us-east-1.amazonaws.com:22 HTTP/1.1\r\n\r\n", b"403"),
        (
            b"GET http://sqs.us-east-1.amazonaws.com/x HTTP/1.1\r\nHost: sqs.us-east-1.amazonaws.com\r\n"
            b"Connection: close\r\n\r\n",
            b"200",
        ),
        (b"GET /no-proxy-request HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", b"403"),
        (b"x" * 40_000, b"431"),
        (b"nonsense\r\n\r\n", b"400"),
    ],
)
async def test_whatever_is_said_to_it_has_an_answer(stand, data, status):
    assert (await stand.speak(data)).split(b" ")[1] == status


async def test_tunnels_end_with_the_proxy(stand):
    reader, writer = await asyncio.open_connection("127.0.0.1", stand.port)
    writer.write(f"CONNECT {API}:443 HTTP/1.1\r\n\r\n".encode())
    assert b"200" in await reader.readuntil(b"\r\n\r\n")

    await stand.proxy.close()

    assert await asyncio.wait_for(reader.read(), 2) == b""
    writer.close()


def test_the_authority_is_made_once_and_only_its_owner_reads_the_key(tmp_path):
    first = Authority(tmp_path).certificate.read_bytes()

    assert Authority(tmp_path).certificate.read_bytes() == first
    assert stat.S_IMODE((tmp_path / "authority.key").stat().st_mode) == 0o600


def test_the_authority_vouches_for_nobody_but_aws(tmp_path):
    from cryptography import x509

    authority = x509.load_pem_x509_certificate(Authority(tmp_path).certificate.read_bytes())
    constraints = authority.extensions.get_extension_for_class(x509.NameConstraints)

    assert constraints.critical
    permitted = constraints.value.permitted_subtrees or []
    assert [name.value for name in permitted] == ["amazonaws.com", "api.aws"]
