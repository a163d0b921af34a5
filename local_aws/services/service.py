"""The stack's side of moto: starts its process when it is needed, passes requests on, and hears from it."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from local_aws import bucket_files, processes
from local_aws.errors import StackError
from local_aws.http import Request, Response
from local_aws.logs import Logs
from local_aws.model import Assembly
from local_aws.services.forwarding import Forwarder, Unreachable

_CREDENTIAL = re.compile(r"Credential=[^/]+/\d{8}/[^/]+/(?P<service>[^/]+)/aws4_request")
# Anything else of moto's would answer to things that no template made.
SERVED = frozenset({"dynamodb", "s3", "secretsmanager", "sns", "ssm", "sts"})
_OF_OBJECT_REQUESTS = frozenset(
    {"if-match", "if-modified-since", "if-none-match", "if-unmodified-since", "range"}
)
_OF_OBJECTS = frozenset(
    {
        "accept-ranges",
        "cache-control",
        "content-disposition",
        "content-encoding",
        "content-language",
        "content-length",
        "content-range",
        "content-type",
        "etag",
        "last-modified",
    }
)
_LOG = "services"
_LINE_LIMIT = 16 * 1024 * 1024


class Services:
    """DynamoDB, S3, SNS, SSM and Secrets Manager, with what the assembly declares of them.

    Tables, topics and buckets that tell of their objects have the process started with the stack; other
    things only once somebody asks for them.
    """

    def __init__(self, assembly: Assembly, folder: Path, logs: Logs) -> None:
        self._assembly = assembly
        self._folder = folder
        self._logs = logs
        self._take: Callable[[Mapping[str, Any]], None] = lambda message: None
        self._child: subprocess.Popen[bytes] | None = None
        self._started: asyncio.Task[Forwarder] | None = None
        self._hearing: asyncio.Task[None] | None = None

    async def start(self, take: Callable[[Mapping[str, Any]], None]) -> None:
        """Start what is needed from the beginning. Raises `StackError` where that can't be made.

        `take` gets what leaves the services for functions and queues.
        """
        self._take = take
        if any(call.eager for call in self._assembly.aws_calls):
            await self._forwarder()

    async def forward(self, request: Request) -> Response:
        """Have a service answer a request, which has been authorized."""
        service = service_of(request)
        if service not in SERVED:
            return _refusal(request, service)
        try:
            forwarder = await self._forwarder()
            return await forwarder.forward(
                replace(request, headers=[*request.headers, ("X-Stack-Service", service)])
            )
        except (StackError, Unreachable) as error:
            return Response(
                503,
                [("Content-Type", "application/json"), ("x-amzn-ErrorType", "ServiceUnavailable")],
                json.dumps({"__type": "ServiceUnavailable", "message": str(error)}).encode(),
            )

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        """moto's process, the last one that was started."""
        return self._child

    async def replace(self, assembly: Assembly) -> None:
        """Have what another assembly declares: the process starts anew, with the data that it kept."""
        if _declared(assembly) == _declared(self._assembly):
            return
        self._assembly = assembly
        is_needed = self._child is not None
        await self.close()
        self._started = None
        if is_needed or any(call.eager for call in assembly.aws_calls):
            await self._forwarder()

    def stored_object(self, bucket: str, key: str, request: Request) -> Awaitable[Response] | None:
        """An object as a distribution gets it. None where nobody has put any into a bucket."""
        if self._started is None and not (self._folder / "objects.json").exists():
            return None
        kept = [(name, value) for name, value in request.headers if name.lower() in _OF_OBJECT_REQUESTS]
        target = f"/{quote(bucket)}/{quote(key)}"
        signature = "AWS4-HMAC-SHA256 Credential=distribution/20260101/us-east-1/s3/aws4_request"
        headers = [("Host", "127.0.0.1"), ("Authorization", signature), *kept]
        asked = Request(request.method, target, target, "", headers, b"", request.peer)
        return self._object(asked)

    async def _object(self, request: Request) -> Response:
        response = await self.forward(request)
        kept = [(name, value) for name, value in response.headers if name.lower() in _OF_OBJECTS]
        return Response(response.status, kept, response.body)

    async def close(self) -> None:
        """Stop the process: it writes down its data first."""
        if self._started is not None:
            self._started.cancel()
        if self._child is not None and self._child.poll() is None:
            self._child.terminate()
            try:
                await asyncio.wait_for(processes.ended(self._child), 3)
            except TimeoutError:
                processes.kill(self._child)
                await processes.ended(self._child)
        if self._hearing is not None:
            self._hearing.cancel()

    async def _forwarder(self) -> Forwarder:
        if self._started is None or (self._started.done() and self._failed(self._started)):
            self._started = asyncio.create_task(self._launch())
        return await asyncio.shield(self._started)

    @staticmethod
    def _failed(started: asyncio.Task[Forwarder]) -> bool:
        return started.cancelled() or started.exception() is not None

    async def _launch(self) -> Forwarder:
        if importlib.util.find_spec("moto") is None:
            raise StackError(
                "The template's DynamoDB, S3, SNS, SSM and Secrets Manager are answered by moto, which isn't "
                "installed: pip install 'moto[server]'."
            )
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        declared = self._folder / "declared.json"
        _write_private(declared, json.dumps(_declared(self._assembly)))
        reading, writing = os.pipe()
        ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        with (self._logs.folder / f"{_LOG}.log").open("ab") as log:
            self._child = processes.spawn(
                [
                    *(sys.executable, "-m", "local_aws.services.server"),
                    *(str(declared), str(self._folder), str(writing)),
                ],
                env=_environment(),
                output=log,
                pass_fds=(writing,),
            )
        os.close(writing)
        self._hearing = asyncio.create_task(self._hear(reading, ready, self._child))
        return Forwarder("127.0.0.1", await ready)

    async def _hear(self, reading: int, ready: asyncio.Future[int], child: subprocess.Popen[bytes]) -> None:
        """Take what the process tells, until it ends."""
        stream = asyncio.StreamReader(limit=_LINE_LIMIT)
        loop = asyncio.get_running_loop()
        with os.fdopen(reading, "rb") as pipe:
            transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stream), pipe)
            try:
                while line := await stream.readline():
                    self._hear_message(json.loads(line), ready)
            finally:
                transport.close()
        status = await processes.ended(child)
        if not ready.done():
            ready.set_exception(
                StackError(f"moto can't be started ({status}): {self._logs.path(_LOG)} says why.")
            )
        self._started = None

    def _hear_message(self, message: dict[str, Any], ready: asyncio.Future[int]) -> None:
        match message["kind"]:
            case "ready":
                ready.set_result(message["port"])
            case "failed":
                ready.set_exception(StackError(message["reason"]))
            case _:
                self._take(message)


def service_of(request: Request) -> str:
    """The service that a request is signed for. Without a signature it is S3: a public object, a form."""
    match = _CREDENTIAL.search(request.header("Authorization") or "")
    if match is None and "X-Amz-Credential=" in request.query:
        return request.query.split("X-Amz-Credential=", 1)[1].split("&")[0].replace("%2F", "/").split("/")[3]
    return match["service"] if match else "s3"


def _declared(assembly: Assembly) -> dict[str, Any]:
    uploads = [
        {
            "bucket": bucket.name,
            "key": key,
            "path": str(path),
            "content_type": bucket_files.content_type(path),
            "cache_control": files.cache_control,
        }
        for bucket in assembly.buckets
        for files in bucket.files
        for key, path in bucket_files.objects(files)
    ]
    calls = [
        {
            "service": call.service,
            "operation": call.operation,
            "parameters": call.parameters,
            "resource": call.resource,
            "arn": call.arn,
        }
        for call in assembly.aws_calls
    ]
    return {
        "account": assembly.account,
        "region": assembly.region,
        "eager": sorted({call.service for call in assembly.aws_calls if call.eager}),
        "calls": calls,
        "uploads": uploads,
    }


def _write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read: there are secrets in it."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _environment() -> dict[str, str]:
    """The machine's environment without anything that would lead to somebody's account."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MOTO_"))}
    return kept | {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}


def _refusal(request: Request, service: str) -> Response:
    message = (
        f"{service} doesn't run on this machine. This endpoint serves Lambda's Invoke, SQS (JSON protocol), "
        f"API Gateway's @connections, and {', '.join(sorted(SERVED))}."
    )
    headers = [("Content-Type", "application/json"), ("x-amzn-ErrorType", "UnknownOperationException")]
    body = {"__type": "UnknownOperationException", "message": message, "Message": message}
    return Response(404, headers, json.dumps(body).encode())
