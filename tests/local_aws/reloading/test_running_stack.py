"""A stack that follows what is saved while somebody is connected."""

import asyncio
import json
import shlex
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.local_aws.assembly_files import function, websocket_api, write_assembly
from tests.local_aws.running_stack import free_ports
from tests.local_aws.signed_requests import signed_request

# Stands for a synthesis: definition.json becomes properties of the function.
SYNTHESIS = """
import json, pathlib, sys
folder = pathlib.Path(__file__).parent
definition = json.loads((folder / "infra" / "definition.json").read_text())
path = folder / "cdk.out" / "stack.template.json"
template = json.loads(path.read_text())
template["Resources"]["Echo"]["Properties"] |= definition["Echo"]
template["Resources"] |= definition["more"]
path.write_text(json.dumps(template))
manifest = folder / "cdk.out" / "manifest.json"
manifest.write_text(manifest.read_text())
"""
CODE = """
import os
def handler(event, context): return {"statusCode": 200, "body": %r + os.environ.get("TAIL", "")}
"""


class Stack:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_ports()
        (folder / "code").mkdir(parents=True)
        (folder / "infra").mkdir()
        (folder / "synthesis.py").write_text(SYNTHESIS)
        self.save("code/app.py", CODE % "one")
        self.define()
        echo = function(FunctionName="echo", Handler="app.handler", Code={"S3Key": "code.zip"})
        resources = {"Echo": echo, **websocket_api("Echo", ["$connect", "$default"])}
        write_assembly(
            folder / "cdk.out", {"stack": {"Resources": resources}}, {"code.zip": ("../code", "zip")}
        )
        synthesis = shlex.join([sys.executable, str(folder / "synthesis.py")])
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "local_aws", "--assembly", str(folder / "cdk.out")),
                *("--port", str(self.port), "--data-dir", str(folder / "data")),
                *("--rebuild", f"{folder / 'infra'}={synthesis}"),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said: list[str] = []
        threading.Thread(target=self._listen, daemon=True).start()
        self.until_said("Ready")

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout:
            for line in self.process.stdout:
                self.said.append(line.rstrip("\n"))

    def save(self, name: str, content: str) -> None:
        (self.folder / name).write_text(content)

    def define(self, more: object = None, **echo: object) -> None:
        self.save("infra/definition.json", json.dumps({"Echo": echo, "more": more or {}}))

    def status(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port + 1}/_status/data.json") as response:
            found: dict[str, Any] = json.load(response)
            return found

    def until_said(self, start: str) -> str:
        deadline = time.monotonic() + 20
        while True:
            for index, line in enumerate(self.said):
                if line.startswith(start):
                    del self.said[: index + 1]
                    return line
            assert time.monotonic() < deadline, "\n".join(self.said)
            time.sleep(0.01)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("stack") / "of ours ä")
    yield stack
    stack.process.terminate()
    assert stack.process.wait(10) == 0


async def answer(socket: ClientConnection) -> str:
    await socket.send("{}")
    return str(await asyncio.wait_for(socket.recv(), 10))


async def test_what_is_saved_takes_effect_while_a_socket_stays_open(stack: Stack) -> None:
    async with connect(f"ws://127.0.0.1:{stack.port}/prod") as socket:
        assert await answer(socket) == "one"

        # Code: the very next event.
        stack.save("code/app.py", CODE % "two")
        assert await answer(socket) == "two"
        assert "echo runs it" in await asyncio.to_thread(stack.until_said, "Saved ")

        # The definition: synthesised, and applied as far as it can be.
        stack.define(
            Environment={"Variables": {"TAIL": "!"}},
            Timeout=9,
            more={"Jobs": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "jobs"}}},
        )
        said = await asyncio.to_thread(stack.until_said, "The assembly has changed.")
        assert said.endswith("Applied: function echo (environment, timeout seconds); queue jobs (added).")
        assert await answer(socket) == "two!"

        # A definition that is none, and an assembly that is none: all goes on.
        stack.save("infra/definition.json", "{")
        assert "JSONDecodeError" in await asyncio.to_thread(stack.until_said, "rebuild | json")
        assert "All goes on as it is" in await asyncio.to_thread(
            stack.until_said, f"{shlex.quote(sys.executable)} "
        )
        manifest = stack.folder / "cdk.out" / "manifest.json"
        whole = manifest.read_text()
        manifest.write_text("{")
        await asyncio.to_thread(stack.until_said, "The changed assembly isn't applied")
        manifest.write_text(whole)
        assert await answer(socket) == "two!"


def test_an_added_queue_with_its_mapping_and_an_added_route_work(stack: Stack) -> None:
    mapping = {"EventSourceArn": {"Fn::GetAtt": ["Jobs", "Arn"]}, "FunctionName": {"Ref": "Echo"}}
    target = {"Fn::Join": ["/", ["integrations", {"Ref": "Integration"}]]}
    stack.define(
        more={
            "Jobs": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "jobs"}},
            "Mapping": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": mapping},
            "Silent": {
                "Type": "AWS::ApiGatewayV2::Route",
                "Properties": {"ApiId": {"Ref": "Api"}, "RouteKey": "hush", "Target": target},
            },
        }
    )
    said = stack.until_said("The assembly has changed.")
    assert "mapping jobs to echo (added)" in said
    assert "WebSocket API sockets prod (routes)" in said

    body = json.dumps({"QueueUrl": "http://x/1/jobs", "MessageBody": "x"}).encode()
    headers = {"X-Amz-Target": "AmazonSQS.SendMessage"}
    url = f"http://127.0.0.1:{stack.port + 1}/"
    with urllib.request.urlopen(signed_request(url, body, "sqs", headers)) as response:
        assert "MessageId" in json.load(response)
    deadline = time.monotonic() + 10
    while not [record for record in stack.status()["invocations"] if record["trigger"] == "SQS jobs"]:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_needs_a_restart_is_said(stack: Stack) -> None:
    database = {
        "Engine": "postgres",
        "DBName": "kept",
        "MasterUsername": "m",
        "ManageMasterUserPassword": True,
    }

    stack.define(more={"Db": {"Type": "AWS::RDS::DBInstance", "Properties": database}})

    assert "database" in stack.until_said("This takes a restart to have effect: ")
    assert stack.status()["functions"][0]["name"] == "echo"
