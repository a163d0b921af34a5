"""Hands invocations to environments: as many processes of a function as its work asks for, up to a bound."""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from collections import deque
from collections.abc import Collection, Mapping

from local_aws.functions import FunctionNotFound, Invocation, Throttled
from local_aws.functions.configuration import function_environment
from local_aws.functions.environment import Environment, Failure, Work
from local_aws.logs import Logs
from local_aws.model import Function

# More processes than this for one function gain nothing on the same cores.
MOST_ENVIRONMENTS = 2 * (os.cpu_count() or 1)
_IDLE_SECONDS = 60.0
# Work that waits for a busy environment starts another one only after this: most is done sooner than that.
_GROWTH_SECONDS = 0.05


class Functions:
    """The functions of an assembly, by name. An `Invoker`.

    Those in `kept_warm` keep one idle environment for ever, the others none.
    """

    def __init__(
        self,
        functions: Mapping[str, Function],
        *,
        region: str,
        endpoint_url: str,
        logs: Logs,
        kept_warm: Collection[str] = (),
        most_environments: int = MOST_ENVIRONMENTS,
        idle_seconds: float = _IDLE_SECONDS,
    ) -> None:
        self._pools = {
            name: _Pool(
                function,
                function_environment(function, region=region, endpoint_url=endpoint_url),
                logs,
                most=most_environments,
                keep=int(name in kept_warm),
                idle_seconds=idle_seconds,
            )
            for name, function in functions.items()
        }

    async def invoke(
        self,
        function: str,
        payload: bytes,
        *,
        request_id: str | None = None,
        client_context: str | None = None,
    ) -> Invocation:
        """Invoke and wait for the answer. Raises `FunctionNotFound`, `Throttled`."""
        work = Work(
            payload,
            request_id or str(uuid.uuid4()),
            asyncio.get_running_loop().create_future(),
            client_context,
        )
        return await self._pool(function).run(work)

    def __contains__(self, function: str) -> bool:
        return function in self._pools

    async def warm(self, function: str) -> None:
        """Start an environment if there is none, and wait until it has come up (or failed to)."""
        await self._pool(function).warm()

    def retire(self, function: str) -> None:
        """End the environments of a function that isn't expected to run again soon, once they are idle."""
        self._pool(function).retire()

    def variables(self) -> dict[str, dict[str, str]]:
        """The environment variables of each function's processes."""
        return {name: pool.variables for name, pool in self._pools.items()}

    async def close(self) -> None:
        """End every environment at once."""
        await asyncio.gather(*(pool.close() for pool in self._pools.values()))

    def _pool(self, function: str) -> _Pool:
        try:
            return self._pools[function]
        except KeyError:
            raise FunctionNotFound(function) from None


class _Pool:
    """The environments of one function. Idle ones get work last in, first out, so that spare ones go idle."""

    def __init__(
        self,
        function: Function,
        variables: dict[str, str],
        logs: Logs,
        *,
        most: int,
        keep: int,
        idle_seconds: float,
    ) -> None:
        self.variables = variables
        self._function = function
        self._logs = logs
        self._most = (
            most if function.reserved_concurrency is None else min(most, function.reserved_concurrency)
        )
        self._keep = keep
        self._idle_seconds = idle_seconds
        self._idle: list[Environment] = []
        self._all: set[Environment] = set()
        self._waiting: deque[Work] = deque()
        self._in_flight = 0
        self._starting: set[Environment] = set()
        self._retiring: set[Environment] = set()
        self._came_up = asyncio.Event()
        self._growth: asyncio.TimerHandle | None = None
        self._reaper: asyncio.TimerHandle | None = None
        self._starts: set[asyncio.Task[None]] = set()
        self._closed = False

    async def run(self, work: Work) -> Invocation:
        reserved = self._function.reserved_concurrency
        if self._closed or (reserved is not None and self._in_flight >= reserved):
            raise Throttled(self._function.name)
        self._in_flight += 1
        try:
            while self._idle:
                if self._idle.pop().deliver(work):
                    break
            else:
                self._waiting.append(work)
                self._grow()
            return await work.answer
        finally:
            self._in_flight -= 1

    async def warm(self) -> None:
        if not self._all and not self._closed:
            self._came_up.clear()
            self._start()
            await self._came_up.wait()

    def retire(self) -> None:
        self._retiring |= self._all
        while self._idle:
            self._idle.pop().kill()

    async def close(self) -> None:
        self._closed = True
        for timer in (self._growth, self._reaper):
            if timer is not None:
                timer.cancel()
        for work in self._waiting:
            if not work.answer.done():
                work.answer.set_exception(Throttled(self._function.name))
        self._waiting.clear()
        for environment in list(self._all):
            environment.kill()
        await asyncio.gather(*self._starts, return_exceptions=True)
        await asyncio.gather(*(environment.closed() for environment in list(self._all)))

    def _grow(self) -> None:
        """Start an environment if work waits that none of those starting will take."""
        if self._closed or len(self._starting) >= len(self._waiting) or len(self._all) >= self._most:
            return
        waited = time.monotonic() - self._waiting[0].arrived
        if not self._all or waited >= _GROWTH_SECONDS:
            self._start()
        if self._growth is None and len(self._all) < self._most:
            self._growth = asyncio.get_running_loop().call_later(_GROWTH_SECONDS, self._grow_later)

    def _grow_later(self) -> None:
        self._growth = None
        self._grow()

    def _start(self) -> None:
        environment = Environment(
            self._function, self.variables, self._logs, on_idle=self._on_idle, on_end=self._on_end
        )
        self._all.add(environment)
        self._starting.add(environment)
        start = asyncio.get_running_loop().create_task(self._start_environment(environment))
        self._starts.add(start)
        start.add_done_callback(self._starts.discard)

    async def _start_environment(self, environment: Environment) -> None:
        try:
            await environment.start()
        except OSError as error:  # no process or port to be had
            environment.kill()
            self._on_end(environment, Failure("Runtime.ExitError", f"Could not start the process: {error}"))

    def _on_idle(self, environment: Environment) -> None:
        self._starting.discard(environment)
        self._came_up.set()
        while self._waiting:
            work = self._waiting.popleft()
            if not work.answer.done():
                environment.deliver(work)
                return
        if environment in self._retiring:
            environment.kill()
            return
        self._idle.append(environment)
        if len(self._idle) > self._keep and self._reaper is None and not self._closed:
            self._reaper = asyncio.get_running_loop().call_later(self._idle_seconds, self._reap)

    def _on_end(self, environment: Environment, failure: Failure | None) -> None:
        if environment not in self._all:
            return
        self._all.discard(environment)
        self._retiring.discard(environment)
        self._came_up.set()
        self._starting.discard(environment)
        if environment in self._idle:
            self._idle.remove(environment)
        if failure is not None:
            # As on AWS the failed initialisation is the answer of one invocation; the next tries again.
            while self._waiting:
                work = self._waiting.popleft()
                if not work.answer.done():
                    work.finish(failure.payload(work.request_id), "Unhandled")
                    break
        if self._waiting:
            self._grow()

    def _reap(self) -> None:
        self._reaper = None
        now = time.monotonic()
        # The first of the stack has been idle for the longest time.
        while len(self._idle) > self._keep and now - self._idle[0].idle_since >= self._idle_seconds:
            self._idle.pop(0).kill()
        if len(self._idle) > self._keep:
            wait = self._idle_seconds - (now - self._idle[0].idle_since)
            self._reaper = asyncio.get_running_loop().call_later(wait + 0.01, self._reap)
