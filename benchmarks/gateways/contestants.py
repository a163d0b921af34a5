"""Starts each gateway with the same Python function behind `$connect`, `$disconnect` and `$default`."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.environment import NODE_MODULES, PYTHON, npm_package
from tests.local_aws.assembly_files import function, websocket_api, write_assembly
from tests.stack.running import free_ports

HANDLER = Path(__file__).parent / "handler"
_START_SECONDS = 60


@dataclass(frozen=True)
class Credentials:
    """What posts are signed with."""

    access_key: str = "test"
    secret: str = "test"
    token: str | None = None


class Contestant(ABC):
    """A gateway in a folder of its own. `url` is where clients connect once it is started."""

    name: str
    url: str

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_ports()
        self.lines: list[str] = []
        self._process: subprocess.Popen[str] | None = None

    @abstractmethod
    def start(self) -> None:
        """Start it, and wait until it takes connections."""

    @abstractmethod
    def post_url(self, connection_id: str) -> str:
        """Where to post for a connection; the id is encoded already."""

    @classmethod
    @abstractmethod
    def version(cls) -> str:
        """What is measured."""

    def credentials(self) -> Credentials:
        return Credentials()

    def names_call_under_way(self, line: str) -> bool:
        """Whether a line that is printed at the stop tells of the function that is at work."""
        return "echo" in line

    def processes(self) -> list[psutil.Process]:
        assert self._process is not None
        root = psutil.Process(self._process.pid)
        return [root, *root.children(recursive=True)]

    def memory(self) -> int:
        """Bytes of all its processes, shared pages counted once."""
        total = 0
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                total += process.memory_full_info().pss
        return total

    def terminate(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)

    def ended(self, within: float) -> bool:
        """Whether its own process ends in so many seconds."""
        assert self._process is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(within)
        return self._process.poll() is not None

    def clean_up(self) -> None:
        """Leave nothing running."""
        if self._process is None:
            return
        remaining: list[psutil.Process] = []
        with contextlib.suppress(psutil.Error):
            remaining = self.processes()
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        for process in remaining:
            with contextlib.suppress(psutil.Error):
                process.kill()
        self._process.wait(10)

    def _launch(
        self, command: Sequence[str | Path], ready: str, environment: Mapping[str, str] | None = None
    ) -> None:
        self._process = subprocess.Popen(
            list(map(str, command)),
            cwd=self.folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        threading.Thread(target=self._read, args=(self._process,), daemon=True).start()
        deadline = time.monotonic() + _START_SECONDS
        while not any(ready in line for line in self.lines):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} didn't start:\n{''.join(self.lines[-20:])}")
            time.sleep(0.005)

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                self.lines.append(line)


class LocalAws(Contestant):
    """This project's."""

    name = "local_aws"

    def start(self) -> None:
        role = {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Action": "sts:AssumeRole",
                            "Principal": {"Service": "lambda.amazonaws.com"},
                        }
                    ],
                },
                "Policies": [
                    {
                        "PolicyName": "posts",
                        "PolicyDocument": {
                            "Version": "2012-10-17",
                            "Statement": [
                                {
                                    "Effect": "Allow",
                                    "Action": "execute-api:ManageConnections",
                                    "Resource": "arn:aws:execute-api:*:*:*/prod/POST/@connections/*",
                                }
                            ],
                        },
                    }
                ],
            },
        }
        echo = function(
            FunctionName="echo",
            Code={"S3Key": "code.zip"},
            Handler="app.handler",
            Timeout=60,
            Role={"Fn::GetAtt": ["Role", "Arn"]},
        )
        routes = websocket_api("Echo", ["$connect", "$disconnect", "$default"])
        resources = {"Role": role, "Echo": echo, **routes}
        assembly = write_assembly(
            self.folder / "cdk.out", {"stack": {"Resources": resources}}, {"code.zip": (str(HANDLER), "zip")}
        )
        self._launch(
            [
                *(sys.executable, "-m", "local_aws", "--assembly", assembly),
                *("--port", str(self.port), "--data-dir", self.folder / "data"),
            ],
            "Ready",
            {"PYTHONPATH": str(Path(__file__).parents[2])},
        )
        self.url = f"ws://127.0.0.1:{self.port}/prod"

    def post_url(self, connection_id: str) -> str:
        return f"http://127.0.0.1:{self.port + 1}/prod/@connections/{connection_id}"

    def names_call_under_way(self, line: str) -> bool:
        """The `$disconnect` of each socket is told of too, with the function's name in each line."""
        return line.startswith("echo | ") and "Interrupted after" in line

    def credentials(self) -> Credentials:
        """The function's own: each post is checked against its role."""
        running = json.loads((self.folder / "data" / "stack.json").read_text())
        variables = running["environments"]["echo"]
        return Credentials(
            variables["AWS_ACCESS_KEY_ID"],
            variables["AWS_SECRET_ACCESS_KEY"],
            variables.get("AWS_SESSION_TOKEN"),
        )

    @classmethod
    def version(cls) -> str:
        return "this checkout"


_SERVERLESS = """\
service: bench
frameworkVersion: "*"
provider:
  name: aws
  runtime: python3.11
  region: us-east-1
  websocketsApiRouteSelectionExpression: $request.body.action
plugins: [serverless-offline]
custom:
  serverless-offline: {{host: 127.0.0.1, httpPort: {http}, websocketPort: {websocket}, lambdaPort: {lambda_}}}
functions:
  echo:
    handler: app.handler
    timeout: 60
    events:
      - websocket: {{route: $connect}}
      - websocket: {{route: $disconnect}}
      - websocket: {{route: $default, routeResponseSelectionExpression: $default}}
"""


class ServerlessOffline(Contestant):
    """The serverless framework's plugin, run by its fork `osls`, which asks for no account."""

    name = "serverless-offline"

    def start(self) -> None:
        modules = self.folder / "node_modules"
        # It gives the path of its Python script to a shell as it is.
        if re.fullmatch(r"[\w./+-]+", str(NODE_MODULES), re.ASCII):
            modules.symlink_to(NODE_MODULES)
        else:
            shutil.copytree(NODE_MODULES, modules, symlinks=True)
        (self.folder / "package.json").write_text('{"name": "bench", "version": "1.0.0"}')
        (self.folder / "app.py").write_bytes((HANDLER / "app.py").read_bytes())
        (self.folder / "serverless.yml").write_text(
            _SERVERLESS.format(http=free_ports(), websocket=self.port, lambda_=free_ports())
        )
        self._launch(
            ["node", modules / "serverless" / "bin" / "serverless.js", "offline", "start"],
            "[http for websocket] listening",
            {"SLS_NOTIFICATIONS_MODE": "off", "SLS_TELEMETRY_DISABLED": "1"},
        )
        self.url = f"ws://127.0.0.1:{self.port}"

    def post_url(self, connection_id: str) -> str:
        return f"http://127.0.0.1:{self.port}/@connections/{connection_id}"

    @classmethod
    def version(cls) -> str:
        found = [
            json.loads((npm_package(name) / "package.json").read_text())
            for name in ("serverless-offline", "serverless")
        ]
        return f"{found[0]['version']} on {found[1]['name']} {found[1]['version']}"


class Ministack(Contestant):
    """A whole emulator of AWS in one Python process."""

    name = "ministack"

    def start(self) -> None:
        self._launch(
            [PYTHON, "-m", "ministack"],
            "Ready",
            {
                "GATEWAY_PORT": str(self.port),
                "BIND_HOST": "127.0.0.1",
                "SERVICES": "lambda,apigateway,iam,sts",
                "LOG_LEVEL": "INFO",
                "TMPDIR": str(self.folder),
            },
        )
        self._until_open()
        self._api = self._deploy()
        self.url = f"ws://127.0.0.1:{self.port}/_aws/execute-api/{self._api}/prod"

    def post_url(self, connection_id: str) -> str:
        return f"http://127.0.0.1:{self.port}/_aws/execute-api/{self._api}/prod/@connections/{connection_id}"

    @classmethod
    def version(cls) -> str:
        code = "from importlib.metadata import version; print(version('ministack'))"
        return subprocess.run([PYTHON, "-c", code], capture_output=True, text=True, check=True).stdout.strip()

    def _until_open(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def _deploy(self) -> str:
        import boto3

        session = boto3.Session("test", "test", region_name="us-east-1")
        endpoint = f"http://127.0.0.1:{self.port}"
        lambda_ = session.client("lambda", endpoint_url=endpoint)
        gateway = session.client("apigatewayv2", endpoint_url=endpoint)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.write(HANDLER / "app.py", "app.py")
        arn = lambda_.create_function(
            FunctionName="echo",
            Runtime="python3.11",
            Handler="app.handler",
            Role="arn:aws:iam::000000000000:role/echo",
            Code={"ZipFile": packed.getvalue()},
            Timeout=60,
        )["FunctionArn"]
        api = gateway.create_api(
            Name="bench", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action"
        )["ApiId"]
        integration = gateway.create_integration(
            ApiId=api,
            IntegrationType="AWS_PROXY",
            IntegrationUri=f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations",
        )["IntegrationId"]
        for route in ("$connect", "$disconnect", "$default"):
            gateway.create_route(ApiId=api, RouteKey=route, Target=f"integrations/{integration}")
        gateway.create_stage(ApiId=api, StageName="prod", AutoDeploy=True)
        return str(api)


CONTESTANTS: tuple[type[Contestant], ...] = (LocalAws, ServerlessOffline, Ministack)
