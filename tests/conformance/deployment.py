"""Where the suite's app runs: a local stack of its own, or the account that ENDPOINT names."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from websockets.sync.client import connect

from tests.stack.running import ROOT, free_ports

_APP = Path(__file__).parent / "app"
_SYNTHESISED = ROOT / ".cache" / "conformance"
# A function that starts cold on AWS takes some seconds.
PATIENCE = 15.0


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """The running app: addresses by an API's id, and the distribution's."""

    apis: dict[str, str]
    distribution: str
    region: str
    stage: str
    queue: str
    front: str
    base: Callable[[str], str]
    management: Callable[[str], str]
    is_local: bool
    services: str | None

    def url(self, api: str = "main", query: str = "", path: str | None = None) -> str:
        """A client's address; `path` in place of the stage's."""
        path = f"/{self.stage}" if path is None else path
        return self.base(self.apis[api]) + path + (f"?{query}" if query else "")

    def client(self, service: str, endpoint: str | None = None) -> Any:
        """A boto3 client, with anybody's credentials here and the environment's in an account."""
        anybody = {"aws_access_key_id": "test", "aws_secret_access_key": "test"} if self.is_local else {}
        return boto3.client(
            service,
            endpoint_url=endpoint or self.services,
            region_name=self.region,
            config=Config(retries={"max_attempts": 0}),
            **anybody,
        )

    def manager(self, api: str = "main", stage: str | None = None) -> Any:
        """A client of an API's `@connections`."""
        return self.client("apigatewaymanagementapi", self.management_url(api, stage))

    def management_url(self, api: str = "main", stage: str | None = None) -> str:
        return f"{self.management(self.apis[api])}/{stage or self.stage}"


def deployed(endpoint: str) -> Deployment:
    """The deployment of which the app's output `Endpoint` is given."""
    host = urlsplit(endpoint).hostname or ""
    suffix = host.partition(".")[2]
    described = _described(endpoint)
    return Deployment(
        **described,
        front=f"wss://{described['distribution']}",
        base=lambda api: f"wss://{api}.{suffix}",
        management=lambda api: f"https://{api}.{suffix}",
        is_local=False,
        services=None,
    )


@contextlib.contextmanager
def local(data_dir: Path, *options: str) -> Iterator[Deployment]:
    """The app's synthesised assembly, run by `python -m local_aws`."""
    port = free_ports()
    command = [sys.executable, "-m", "local_aws", "--assembly", str(_synthesised()), "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--data-dir", str(data_dir), *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        endpoint = _until_ready(process)
        yield Deployment(
            **_described(endpoint),
            front=f"ws://127.0.0.1:{port}",
            base=lambda api: f"ws://127.0.0.1:{port}/{api}",
            management=lambda api: f"http://127.0.0.1:{port + 1}/{api}",
            is_local=True,
            services=f"http://127.0.0.1:{port + 1}",
        )
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        finally:
            process.kill()
            assert process.stdout is not None
            process.stdout.close()


def _described(endpoint: str) -> dict[str, Any]:
    """What the app says of itself."""
    with connect(endpoint, open_timeout=PATIENCE) as client:
        client.send(json.dumps({"action": "ask", "do": "deployment"}))
        described: dict[str, Any] = json.loads(client.recv(timeout=PATIENCE))
    return described


def _until_ready(process: subprocess.Popen[str]) -> str:
    """The main API's address, once everything runs. What the stack goes on to say is read and kept."""
    assert process.stdout is not None
    endpoint, said = "", deque[str](maxlen=500)
    for line in process.stdout:
        said.append(line)
        if line.startswith("WebSocket API conformance-main: "):
            endpoint = line.partition(": ")[2].strip()
        if line.strip() == "Ready":
            threading.Thread(target=_read_on, args=(process.stdout, said), daemon=True).start()
            return endpoint
    raise AssertionError(f"the app doesn't run here:\n{''.join(said)}")


def _read_on(lines: Any, said: deque[str]) -> None:
    with contextlib.suppress(ValueError):  # closed at the end
        said.extend(lines)


def _synthesised() -> Path:
    """The app's assembly, made anew only when the app has changed."""
    digest = hashlib.sha256()
    for path in sorted(_APP.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(path.relative_to(_APP).as_posix().encode() + b"\0" + path.read_bytes())
    folder = _SYNTHESISED / digest.hexdigest()[:16]
    if not (folder / "manifest.json").exists():
        unfinished = folder.with_name(f"{folder.name}.{os.getpid()}")
        subprocess.run(
            [sys.executable, "app.py"],
            cwd=_APP,
            env={**os.environ, "CDK_OUTDIR": str(unfinished), "CDK_VALIDATION": "false"},
            check=True,
            capture_output=True,
        )
        try:
            unfinished.rename(folder)
        except OSError:  # another process was first
            shutil.rmtree(unfinished)
    return folder


class Observer:
    """What `$connect` and `$disconnect` have seen: their function tells it by a queue."""

    def __init__(self, deployment: Deployment) -> None:
        self._queue = deployment.queue
        self._client = deployment.client("sqs")
        self._seen: list[dict[str, Any]] = []
        self._news = threading.Condition()
        self._stopped = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def wait_for(self, fits: Callable[[dict[str, Any]], bool], within: float = PATIENCE) -> dict[str, Any]:
        """The first message that fits. Blocks until it has come."""
        deadline = time.monotonic() + within
        with self._news:
            while True:
                for message in self._seen:
                    if fits(message):
                        return message
                left = deadline - time.monotonic()
                assert left > 0, f"none of {len(self._seen)} messages fits"
                self._news.wait(left)

    def close(self) -> None:
        self._stopped = True
        self._thread.join(timeout=5)
        self._client.close()

    def _read(self) -> None:
        while not self._stopped:
            answer = self._client.receive_message(
                QueueUrl=self._queue, MaxNumberOfMessages=10, WaitTimeSeconds=1
            )
            for message in answer.get("Messages", ()):
                self._client.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
                with self._news:
                    self._seen.append(json.loads(message["Body"]))
                    self._news.notify_all()
