"""One execution environment: a process under awslambdaric, and the Runtime API that it alone talks to.

Protocol: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html. A port for each environment, since
awslambdaric's init error path takes no prefix, and so that the port tells who asks.
"""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from local_aws import processes
from local_aws.functions import Invocation
from local_aws.functions.output import Output
from local_aws.functions.platform_log import PlatformLog
from local_aws.http import Request, Response, Server, serve
from local_aws.logs import Logs
from local_aws.model import Function

MAX_RESPONSE_BYTES = 6_291_556
_API = "/2018-06-01/runtime/"
# AWS gives the initialisation 10 s. A laptop that starts several functions at once is slower than that.
_INIT_SECONDS = 60.0
_ACCEPTED = Response(202, [("Content-Type", "application/json")], b'{"status":"OK"}\n')
# The names that the service's messages have for signals.
_SIGNALS = {
    signal.SIGKILL: "killed",
    signal.SIGSEGV: "segmentation fault",
    signal.SIGABRT: "aborted",
    signal.SIGTERM: "terminated",
    signal.SIGBUS: "bus error",
    signal.SIGFPE: "floating point exception",
    signal.SIGILL: "illegal instruction",
}


@dataclass(slots=True, eq=False)
class Work:
    """An invocation on its way: waiting for an environment, or in one."""

    payload: bytes
    request_id: str
    answer: asyncio.Future[Invocation]
    client_context: str | None = None
    arrived: float = field(default_factory=time.monotonic)

    def finish(self, payload: bytes, error: str | None, log: bytes = b"") -> None:
        if not self.answer.done():
            self.answer.set_result(Invocation(payload, error, self.request_id, log))


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an environment never came up: `body` is what its init said itself, if it did."""

    error_type: str
    message: str
    body: bytes | None = None

    def payload(self, request_id: str) -> bytes:
        if self.body is not None:
            return self.body
        message = f"RequestId: {request_id} Error: {self.message}"
        return json.dumps({"errorType": self.error_type, "errorMessage": message}).encode()


class State(Enum):
    STARTING = auto()
    IDLE = auto()
    BUSY = auto()
    ENDED = auto()


class Environment:
    """Runs one event at a time.

    `on_idle` is called whenever it can take work, `on_end` once it can't any more: with the reason if it
    ended before it ever could.
    """

    def __init__(
        self,
        function: Function,
        variables: Mapping[str, str],
        logs: Logs,
        *,
        on_idle: Callable[[Environment], None],
        on_end: Callable[[Environment, Failure | None], None],
    ) -> None:
        self.function = function
        self.state = State.STARTING
        self.idle_since = 0.0
        self._variables = variables
        self._on_idle = on_idle
        self._on_end = on_end
        self._output = Output(function.name, logs)
        self._log = PlatformLog(function, self._output)
        self._server: Server | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._watch: asyncio.Task[None] | None = None
        self._poll: asyncio.Future[Response] | None = None
        self._work: Work | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._delivered = 0.0
        self._started = 0.0
        self._init_seconds: float | None = None
        self._failure: Failure | None = None

    async def start(self) -> None:
        """Start the process. Its first request for an event makes it idle."""
        loop = asyncio.get_running_loop()
        self._server = await serve(self._handle, host="127.0.0.1", port=0, max_body=4 * MAX_RESPONSE_BYTES)
        if self.state is State.ENDED:  # killed meanwhile
            self._server.close()
            return
        self._started = time.monotonic()
        self._child = processes.spawn(
            [sys.executable, "-m", "awslambdaric", self.function.handler],
            env={**self._variables, "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._server.port}"},
            cwd=self.function.code,
            output=self._output.open(),
            contain=True,
        )
        self._output.opened()
        self._timer = loop.call_later(max(_INIT_SECONDS, self.function.timeout_seconds), self._init_timed_out)
        self._watch = loop.create_task(self._until_ended(self._child))

    def deliver(self, work: Work) -> bool:
        """Hand over an event. False where the process has just gone away."""
        if self.state is not State.IDLE or self._poll is None or self._poll.done():
            return False
        self.state = State.BUSY
        self._work = work
        self._delivered = time.monotonic()
        self._log.start(work.request_id)
        timeout = self.function.timeout_seconds
        self._timer = asyncio.get_running_loop().call_later(timeout, self._timed_out)
        self._poll.set_result(self._event(work, time.time() + timeout))
        self._poll = None
        return True

    def kill(self) -> None:
        """End the process at once, with whatever it is doing."""
        if self._child is not None:
            processes.kill(self._child)
        elif self.state is not State.ENDED:
            self._end(None)

    async def closed(self) -> None:
        """Wait until the process has ended."""
        if self._watch is not None:
            await self._watch

    def _handle(self, request: Request) -> Response | Awaitable[Response]:
        path = request.path.removeprefix(_API)
        if path == "invocation/next":
            return self._next()
        if path == "init/error":
            self._failure = Failure("Runtime.Unknown", "", request.body)
            return _ACCEPTED
        kind, _, rest = path.partition("/")
        request_id, _, outcome = rest.partition("/")
        work = self._work
        if kind != "invocation" or outcome not in ("response", "error"):
            return _refusal(404, "InvalidResource", f"No such path: {request.path}")
        if work is None or request_id != work.request_id:
            return _refusal(400, "InvalidRequestID", "Invalid request ID")
        if outcome == "error":
            self._finish(work, request.body, "Unhandled", "error")
            return _ACCEPTED
        if len(request.body) > MAX_RESPONSE_BYTES:
            message = (
                f"Response payload size exceeded maximum allowed payload size ({MAX_RESPONSE_BYTES} bytes)."
            )
            error = {"errorType": "Function.ResponseSizeTooLarge", "errorMessage": message}
            self._finish(work, json.dumps(error).encode(), "Unhandled", "error")
            return _refusal(413, "RequestEntityTooLarge", message)
        self._finish(work, request.body, None, "success")
        return _ACCEPTED

    def _next(self) -> Awaitable[Response]:
        if self._init_seconds is None:
            self._init_seconds = time.monotonic() - self._started
            self._cancel_timer()
        poll = self._poll = asyncio.get_running_loop().create_future()
        self.state = State.IDLE
        self.idle_since = time.monotonic()
        self._on_idle(self)
        return poll

    def _event(self, work: Work, deadline: float) -> Response:
        trace = work.request_id.replace("-", "")
        headers = [
            ("Content-Type", "application/json"),
            ("Lambda-Runtime-Aws-Request-Id", work.request_id),
            ("Lambda-Runtime-Deadline-Ms", str(int(deadline * 1000))),
            ("Lambda-Runtime-Invoked-Function-Arn", self.function.arn),
            ("Lambda-Runtime-Trace-Id", f"Root=1-{trace[:8]}-{trace[8:]};Parent={trace[:16]};Sampled=0"),
        ]
        if work.client_context is not None:
            headers.append(("Lambda-Runtime-Client-Context", work.client_context))
        return Response(200, headers, work.payload)

    def _finish(self, work: Work, payload: bytes, error: str | None, status: str) -> None:
        self._cancel_timer()
        self._work = None
        self._output.drain()
        self._log.end(
            work.request_id, time.monotonic() - self._delivered, status, init_seconds=self._init_seconds or 0
        )
        self._init_seconds = 0
        work.finish(payload, error, self._output.tail())

    def _timed_out(self) -> None:
        work = self._work
        if work is None:
            return
        message = f"Task timed out after {self.function.timeout_seconds:.2f} seconds"
        self._output.drain()
        self._log.problem(work.request_id, message)
        failure = Failure("Sandbox.Timedout", message)
        self._finish(work, failure.payload(work.request_id), "Unhandled", "timeout")
        self.kill()

    def _init_timed_out(self) -> None:
        self._failure = Failure("Sandbox.Timedout", "Initialisation timed out")
        self.kill()

    async def _until_ended(self, child: subprocess.Popen[bytes]) -> None:
        status = await processes.ended(child)
        # What it answered just before may still be in its socket.
        for _ in range(3):
            await asyncio.sleep(0)
        failure = Failure("Runtime.ExitError", _exit_message(status))
        if (work := self._work) is not None:
            self._output.drain()
            self._log.problem(work.request_id, f"Error: {failure.message}", failure.error_type)
            self._finish(work, failure.payload(work.request_id), "Unhandled", "failure")
        self._end((self._failure or failure) if self._init_seconds is None else None)

    def _end(self, failure: Failure | None) -> None:
        self.state = State.ENDED
        self._cancel_timer()
        self._output.close()
        if self._poll is not None:
            self._poll.cancel()
            self._poll = None
        if self._server is not None:
            self._server.close()
        self._on_end(self, failure)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _exit_message(status: int) -> str:
    if status == 0:
        return "Runtime exited without providing a reason"
    if status > 0:
        return f"Runtime exited with error: exit status {status}"
    try:
        name = _SIGNALS.get(signal.Signals(-status)) or signal.strsignal(-status)
    except ValueError:
        name = None
    return f"Runtime exited with error: signal: {(name or str(-status)).lower()}"


def _refusal(status: int, error_type: str, message: str) -> Response:
    body = json.dumps({"errorType": error_type, "errorMessage": message}).encode()
    return Response(status, [("Content-Type", "application/json")], body)
