"""A small stack that is not the chat, run as people run it: a WebSocket API, a queue with its worker."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from websockets.asyncio.client import connect

from tests.local_aws.assembly_files import function, websocket_api, write_assembly
from tests.local_aws.signed_requests import signed_request

ECHO = """
import json, os, urllib.request
def handler(event, context):
    note = os.environ["NOTES"]
    kind = event["requestContext"]["eventType"]
    with open(note, "a") as notes: notes.write(kind + chr(10))
    if kind == "MESSAGE": return {"statusCode": 200, "body": event["body"]}
    return {"statusCode": 200}
"""
WORKER = """
import os, time
def handler(event, context):
    for record in event.get("Records", ()):
        time.sleep(0.2)
        with open(os.environ["NOTES"], "a") as notes: notes.write(record["body"] + chr(10))
    while event.get("spin"): pass
"""
TRIGGER = (
    "import os\ndef handler(event, context):\n open(os.environ['NOTES'], 'a').write('TRIGGERED' + chr(10))"
)


def free_ports() -> int:
    """A port whose next one is free too."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            try:
                second.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port


class Stack:
    def __init__(self, folder: Path, **resources: object) -> None:
        self.folder = folder
        self.data = folder / "data é"
        self.notes = folder / "notes"
        self.port = free_ports()
        variables = {"Environment": {"Variables": {"NOTES": str(self.notes)}}}
        self.resources = {
            "Echo": function(ECHO, FunctionName="echo", **variables),
            "Worker": function(WORKER, FunctionName="worker", Timeout=60, **variables),
            "Queue": {
                "Type": "AWS::SQS::Queue",
                "Properties": {"QueueName": "jobs", "VisibilityTimeout": 60},
            },
            "Mapping": {
                "Type": "AWS::Lambda::EventSourceMapping",
                "Properties": {
                    "EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]},
                    "FunctionName": {"Ref": "Worker"},
                    "BatchSize": 1,
                },
            },
            "Migrate": function(TRIGGER, FunctionName="migrate", **variables),
            "Trigger": {
                "Type": "Custom::Trigger",
                "Properties": {"HandlerArn": {"Fn::GetAtt": ["Migrate", "Arn"]}, "ServiceToken": "arn:x"},
            },
            **websocket_api("Echo", ["$connect", "$disconnect", "$default"]),
            **resources,
        }
        self.process: subprocess.Popen[str] | None = None

    def run(self, *options: str) -> None:
        write_assembly(self.folder / "cdk.out", {"stack": {"Resources": self.resources}})
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "local_aws", "--assembly", str(self.folder / "cdk.out")),
                *("--port", str(self.port), "--data-dir", str(self.data), *options),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=dict(os.environ, MARK=str(self.folder)),
        )

    def start(self) -> list[str]:
        """Run until it is ready; returns what it said."""
        self.run("--on-ready", "It is at {url}")
        said = []
        assert self.process is not None
        assert self.process.stdout is not None
        for line in self.process.stdout:
            said.append(line.rstrip("\n"))
            if line.startswith("It is at"):
                return said
        raise AssertionError("\n".join(said))

    def stop(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> int:
        assert self.process is not None
        assert self.process.stdout is not None
        self.said_last = self.process.stdout.read()
        self.process.stdout.close()
        return self.process.wait(15)

    def send(self, *bodies: str) -> None:
        for body in bodies:
            self.call("AmazonSQS.SendMessage", {"QueueUrl": "http://x/1/jobs", "MessageBody": body})

    def call(self, target: str, parameters: object) -> object:
        request = signed_request(
            f"http://127.0.0.1:{self.port + 1}/",
            json.dumps(parameters).encode(),
            "sqs",
            {"X-Amz-Target": target},
        )
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read())

    def noted(self) -> list[str]:
        return self.notes.read_text().splitlines() if self.notes.exists() else []

    def processes(self) -> list[int]:
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if (
                    entry.name.isdigit()
                    and f"MARK={self.folder}\0".encode() in (entry / "environ").read_bytes()
                ):
                    found.append(int(entry.name))
            except OSError:
                continue
        # Functions don't inherit the mark, but they work in the stack's folder.
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and (entry / "cwd").readlink().is_relative_to(self.folder):
                    found.append(int(entry.name))
            except OSError:
                continue
        return found

    def invoke_in_background(self, name: str, event: str) -> None:
        url = f"http://127.0.0.1:{self.port + 1}/2015-03-31/functions/{name}/invocations"
        request = signed_request(url, event.encode(), "lambda", {"X-Amz-Invocation-Type": "Event"})
        urllib.request.urlopen(request).close()


def until(condition: Callable[[], bool], seconds: float = 8) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


async def said_back(stack: Stack, text: str) -> str:
    async with connect(f"ws://127.0.0.1:{stack.port}/prod") as socket:
        await socket.send(text)
        return str(await asyncio.wait_for(socket.recv(), 10))
