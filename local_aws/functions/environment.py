"""One execution environment: a process under awslambdaric, and the Runtime API that it alone talks to.

Protocol: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html. A port for each environment, since
awslambdaric's init error path takes no prefix, and so that the port tells who asks.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

from local_aws import processes
from local_aws.functions.command import DEBUGGED_SECONDS, runtime_command
from local_aws.functions.failures import Failure, exit_message
from local_aws.functions.memory import PeakMemory
from local_aws.functions.output import Output
from local_aws.functions.platform_log import PlatformLog
from local_aws.functions.status import EnvironmentStatus, Outcome
from local_aws.functions.work import Work
from local_aws.http import Later, Request, Response, Server, serve
from local_aws.logs import Logs
from local_aws.model import Function

MAX_RESPONSE_BYTES = 6_291_556
# What is over the limit is read all the same: it is to be refused by its name.
_MOST_READ_BYTES = 64 * MAX_RESPONSE_BYTES
_API = "/2018-06-01/runtime/"
# The connection waits for as long as an invocation takes.
_IDLE_SECONDS = 2 * DEBUGGED_SECONDS
# AWS gives the initialisation 10 s. A laptop that starts several functions at once is slower than that.
_INIT_SECONDS = 60.0
_ACCEPTED = Response(202, [("Content-Type", "application/json")], b'{"status":"OK"}\n')


class State(Enum):
    STARTING = "starting"
    IDLE = "idle"
    BUSY = "busy"
    ENDING = "ending"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Whom an environment tells.

    `on_idle` whenever it can take work; `on_done` after each invocation, with how it went; `on_end` once the
    process is gone, with the reason if it ended by itself before it ever could take work.
    """

    on_idle: Callable[[Environment], None]
    on_done: Callable[[Work, float, Outcome, bytes], None]
    on_end: Callable[[Environment, Failure | None], None]


class Environment:
    """Runs one event at a time. With a `debug_port` debuggers attach to it there, and it never times out."""

    def __init__(
        self,
        function: Function,
        variables: Mapping[str, str],
        logs: Logs,
        listener: Listener,
        *,
        debug_port: int | None = None,
    ) -> None:
        self.function = function
        self.state = State.STARTING
        self.since = time.monotonic()
        self._variables = variables
        self._listener = listener
        self._debug_port = debug_port
        self._timeout = float(function.timeout_seconds) if debug_port is None else DEBUGGED_SECONDS
        self._output = Output(function.name, logs)
        self._log = PlatformLog(function, self._output)
        self._server: Server | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._memory: PeakMemory | None = None
        self._watch: asyncio.Task[None] | None = None
        self._poll: Later | None = None
        self._work: Work | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._delivered = 0.0
        self._started = 0.0
        self._init_seconds: float | None = None
        self._failure: Failure | None = None

    async def start(self) -> None:
        """Start the process. Its first request for an event makes it idle."""
        loop = asyncio.get_running_loop()
        self._server = await serve(
            self._handle, host="127.0.0.1", port=0, max_body=_MOST_READ_BYTES, idle_timeout=_IDLE_SECONDS
        )
        if self.state is State.ENDED:  # killed meanwhile
            self._server.close()
            return
        self._started = time.monotonic()
        own = {
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._server.port}",
            "AWS_LAMBDA_LOG_STREAM_NAME": _log_stream(),
        }
        self._child = processes.spawn(
            runtime_command(self.function.handler, self._debug_port),
            env={**self._variables, **own},
            cwd=self.function.code,
            output=self._output.open(),
            contain=True,
        )
        self._memory = PeakMemory(self._child.pid)
        self._output.opened()
        self._timer = loop.call_later(max(_INIT_SECONDS, self._timeout), self._init_timed_out)
        self._watch = loop.create_task(self._until_ended(self._child))

    def deliver(self, work: Work) -> bool:
        """Hand over an event. False where the process has just gone away."""
        if self.state is not State.IDLE or self._poll is None or self._poll.done:
            return False
        self._enter(State.BUSY)
        self._work = work
        self._delivered = self.since
        self._log.start(work.request_id, work.version)
        self._timer = asyncio.get_running_loop().call_later(self._timeout, self._timed_out)
        poll, self._poll = self._poll, None
        poll.give(_event(work, time.time() + self._timeout))
        return True

    def kill(self) -> None:
        """End the process at once, with whatever it is doing."""
        if self._child is not None and self.state is not State.ENDED:
            self._enter(State.ENDING)
            processes.kill(self._child)
        elif self._child is None and self.state is not State.ENDED:
            self._end(None)

    def interrupt(self) -> None:
        """End the process because the stack stops. An invocation under way is said to be."""
        if (work := self._work) is not None:
            seconds = time.monotonic() - self._delivered
            failure = Failure(
                "Runtime.ExitError", f"Interrupted after {seconds:.2f} seconds: the stack was stopped"
            )
            self._give_up(work, failure, "failure")
        self.kill()

    async def closed(self) -> None:
        """Wait until the process has ended."""
        if self._watch is not None:
            await self._watch

    @property
    def busy(self) -> bool:
        return self.state is State.BUSY

    def status(self) -> EnvironmentStatus:
        work = self._work
        return EnvironmentStatus(
            None if self._child is None else self._child.pid,
            self.state.value,
            time.monotonic() - self.since,
            None if work is None else work.request_id,
            None if work is None else work.trigger,
        )

    def answer_failed_start(self, work: Work, failure: Failure) -> None:
        """Have the initialisation's failure be what an invocation comes to."""
        self._log.start(work.request_id, work.version)
        self._log.end(work.request_id, 0.0, "error", init_seconds=0, error_type=failure.error_type)
        self._listener.on_done(work, 0.0, "error", self._output.tail())
        work.finish(failure.payload(work.request_id), "Unhandled")

    def _enter(self, state: State) -> None:
        self.state = state
        self.since = time.monotonic()

    def _handle(self, request: Request) -> Response | Later:
        path = request.path.removeprefix(_API)
        if path == "invocation/next":
            return self._next()
        answer = self._take(path, request)
        # Our own client asks for the next event along with what the last one came to.
        return self._next() if answer is _ACCEPTED and request.query == "next" else answer

    def _take(self, path: str, request: Request) -> Response:
        if path == "init/error":
            self._failure = Failure.of_initialisation(request.body)
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

    def _next(self) -> Response | Later:
        if self._work is not None:  # it would lose the event that it has
            return _refusal(403, "InvalidStateTransition", "The last event has no response yet")
        poll = self._poll = Later()
        if self.state is State.ENDING:
            return poll
        if self._init_seconds is None:
            self._init_seconds = time.monotonic() - self._started
            self._cancel_timer()
        self._enter(State.IDLE)
        self._listener.on_idle(self)
        return poll

    def _finish(
        self, work: Work, payload: bytes, error: str | None, status: Outcome, error_type: str | None = None
    ) -> None:
        self._cancel_timer()
        self._work = None
        seconds = time.monotonic() - self._delivered
        self._output.drain()
        self._log.end(
            work.request_id,
            seconds,
            status,
            init_seconds=self._init_seconds or 0,
            memory=self._memory,
            error_type=error_type,
        )
        self._init_seconds = 0
        log = self._output.tail()
        self._listener.on_done(work, seconds, status, log)
        work.finish(payload, error, log)

    def _give_up(self, work: Work, failure: Failure, status: Outcome) -> None:
        """Answer for a process that can't any more."""
        self._output.drain()
        self._log.problem(work.request_id, failure)
        payload = failure.payload(work.request_id)
        self._finish(work, payload, "Unhandled", status, failure.error_type)

    def _timed_out(self) -> None:
        if (work := self._work) is not None:
            failure = Failure("Sandbox.Timedout", f"Task timed out after {self._timeout:.2f} seconds")
            self._give_up(work, failure, "timeout")
            self.kill()

    def _init_timed_out(self) -> None:
        seconds = time.monotonic() - self._started
        self._failure = Failure("Sandbox.Timedout", f"Task timed out after {seconds:.2f} seconds")
        self._output.drain()
        self._log.failed_start(seconds, self._failure, "timeout")
        self.kill()

    async def _until_ended(self, child: subprocess.Popen[bytes]) -> None:
        status = await processes.ended(child)
        # What it answered just before may still be in its socket.
        for _ in range(3):
            await asyncio.sleep(0)
        ended_by_us = self.state is State.ENDING
        failure = Failure("Runtime.ExitError", exit_message(status))
        if (work := self._work) is not None:
            self._give_up(work, failure, "failure")
        if self._init_seconds is not None or (ended_by_us and self._failure is None):
            self._end(None)
            return
        if not ended_by_us:
            self._output.drain()
            self._log.failed_start(time.monotonic() - self._started, self._failure or failure, "error")
        self._end(self._failure or failure)

    def _end(self, failure: Failure | None) -> None:
        self._enter(State.ENDED)
        self._cancel_timer()
        self._output.close()
        if self._poll is not None:
            self._poll.cancel()
            self._poll = None
        if self._server is not None:
            self._server.close()
        self._listener.on_end(self, failure)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _log_stream() -> str:
    return f"{datetime.now(UTC):%Y/%m/%d}/[$LATEST]{secrets.token_hex(16)}"


def _event(work: Work, deadline: float) -> Response:
    trace = work.request_id.replace("-", "")
    headers = [
        ("Content-Type", "application/json"),
        ("Lambda-Runtime-Aws-Request-Id", work.request_id),
        ("Lambda-Runtime-Deadline-Ms", str(int(deadline * 1000))),
        ("Lambda-Runtime-Invoked-Function-Arn", work.invoked_arn),
        ("Lambda-Runtime-Trace-Id", f"Root=1-{trace[:8]}-{trace[8:]};Parent={trace[:16]};Sampled=0"),
    ]
    if work.client_context is not None:
        headers.append(("Lambda-Runtime-Client-Context", work.client_context))
    return Response(200, headers, work.payload)


def _refusal(status: int, error_type: str, message: str) -> Response:
    body = json.dumps({"errorType": error_type, "errorMessage": message}).encode()
    return Response(status, [("Content-Type", "application/json")], body)
