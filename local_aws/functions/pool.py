"""The environments of one function: as many processes as its work asks for, up to a bound."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from local_aws.functions import Throttled
from local_aws.functions.environment import Environment, Listener
from local_aws.functions.failures import Failure
from local_aws.functions.status import FunctionStatus, InvocationRecord, Outcome
from local_aws.functions.work import Work
from local_aws.logs import Logs
from local_aws.model import Function

# Work that waits for a busy environment starts another one only after this: most is done sooner than that.
_GROWTH_SECONDS = 0.05
# So many events wait for each environment that is started at once.
_BURST = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How many environments there may be, how many idle ones stay for ever, and for how long the others."""

    most: int
    keep: int
    idle_seconds: float


class Pool:
    """Idle environments get work last in, first out, so that spare ones go idle and end.

    With a `debug_port` there is one environment, where a debugger can be attached.
    """

    def __init__(
        self,
        function: Function,
        variables: dict[str, str],
        logs: Logs,
        limits: Limits,
        record: Callable[[InvocationRecord], None],
        *,
        debug_port: int | None = None,
    ) -> None:
        self.function = function
        self.variables = variables
        self.limits = limits
        self._logs = logs
        self._record = record
        self._debug_port = debug_port
        bounds = (limits.most, function.reserved_concurrency, None if debug_port is None else 1)
        self._most = min(bound for bound in bounds if bound is not None)
        self._listener = Listener(on_idle=self._on_idle, on_done=self._on_done, on_end=self._on_end)
        # All that live, and of those the ones that may still be given work.
        self._all: set[Environment] = set()
        self._current: set[Environment] = set()
        self._starting: set[Environment] = set()
        self._idle: list[Environment] = []
        self._waiting: deque[Work] = deque()
        self._running = 0
        self._invocations = 0
        self._errors = 0
        self._last_error: InvocationRecord | None = None
        self._failed_to_start = False
        self._start_when_free = False
        self._came_up = asyncio.Event()
        self._growth: asyncio.TimerHandle | None = None
        self._reaper: asyncio.TimerHandle | None = None
        self._starts: set[asyncio.Task[None]] = set()
        self._closed = False

    def run(self, work: Work) -> None:
        """Give work to an environment, now or as soon as there is one. Refuses what is over the bound."""
        reserved = self.function.reserved_concurrency
        if self._closed or (reserved is not None and self._running + len(self._waiting) >= reserved):
            work.refuse(Throttled(self.function.name))
            return
        while self._idle:
            if self._idle.pop().deliver(work):
                self._running += 1
                return
        self._waiting.append(work)
        self._grow()

    async def warm(self) -> None:
        """Start an environment if there is none, and wait until it has come up (or failed to)."""
        if not self._current and not self._closed and self._room():
            self._came_up.clear()
            self._start()
            await self._came_up.wait()

    def retire(self) -> None:
        """End all environments: those that are busy once they are done."""
        leaving, self._current = self._current, set()
        self._starting.clear()
        self._idle.clear()
        for environment in leaving:
            if not environment.busy:
                environment.kill()
        self._grow()

    def refresh(self) -> None:
        """Have the next invocation find an environment that started after this call."""
        wanted = bool(self._current) or self.limits.keep > 0 or self._failed_to_start
        self.retire()
        if wanted and not self._current:
            self._start_when_free = not self._room()
            self._start()

    def status(self) -> FunctionStatus:
        return FunctionStatus(
            self.function.name,
            self.function.handler,
            tuple(environment.status() for environment in self._all),
            len(self._waiting),
            self._invocations,
            self._errors,
            self.function.reserved_concurrency,
            self._last_error,
        )

    def hand_over(self) -> list[Work]:
        """Take no more work. Returns what still waits; what environments are busy with they finish."""
        waiting = list(self._waiting)
        self._waiting.clear()
        self._closed = True
        self._cancel_timers()
        self.retire()
        return waiting

    @property
    def ended(self) -> bool:
        return self._closed and not self._all

    def take(self, work: Work) -> None:
        """Take over what waited for another pool."""
        self._waiting.append(work)
        self._grow()

    async def close(self) -> None:
        """End every environment at once."""
        self._closed = True
        self._cancel_timers()
        for work in self._waiting:
            work.refuse(Throttled(self.function.name))
        self._waiting.clear()
        for environment in list(self._all):
            environment.interrupt()
        await asyncio.gather(*self._starts, return_exceptions=True)
        await asyncio.gather(*(environment.closed() for environment in list(self._all)))

    def _cancel_timers(self) -> None:
        for timer in (self._growth, self._reaper):
            if timer is not None:
                timer.cancel()

    def _room(self) -> bool:
        # The port that a debugger attaches to is free only once the last process has ended.
        taken = self._current if self._debug_port is None else self._all
        return len(taken) < self._most

    def _grow(self) -> None:
        """Start an environment if work waits that none of those starting will take."""
        if self._closed or len(self._starting) >= len(self._waiting) or not self._room():
            return
        waited = time.monotonic() - self._waiting[0].arrived
        if not self._current or waited >= _GROWTH_SECONDS:
            self._start()
        # A burst on a cold function: the others come up together with the first one.
        while (
            len(self._waiting) > _BURST * len(self._starting)
            and len(self._starting) == len(self._current)
            and self._room()
        ):
            self._start()
        if self._growth is None and self._room():
            self._growth = asyncio.get_running_loop().call_later(_GROWTH_SECONDS, self._grow_later)

    def _grow_later(self) -> None:
        self._growth = None
        self._grow()

    def _start(self) -> None:
        if self._closed or not self._room():
            return
        environment = Environment(
            self.function, self.variables, self._logs, self._listener, debug_port=self._debug_port
        )
        for group in (self._all, self._current, self._starting):
            group.add(environment)
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
        if environment not in self._current:  # retired meanwhile
            environment.kill()
            return
        self._starting.discard(environment)
        self._failed_to_start = False
        self._came_up.set()
        if self._waiting:
            self._running += 1
            environment.deliver(self._waiting.popleft())
            return
        if environment not in self._idle:
            self._idle.append(environment)
        if len(self._idle) > self.limits.keep and self._reaper is None and not self._closed:
            self._reaper = asyncio.get_running_loop().call_later(self.limits.idle_seconds, self._reap)

    def _on_done(self, work: Work, seconds: float, status: Outcome, log: bytes) -> None:
        self._running -= 1
        self._invocations += 1
        record = InvocationRecord(
            work.request_id, self.function.name, work.trigger, time.time() - seconds, seconds, status, log
        )
        self._record(record)
        if status != "success":
            self._errors += 1
            self._last_error = record

    def _on_end(self, environment: Environment, failure: Failure | None) -> None:
        if environment not in self._all:
            return
        for group in (self._all, self._current, self._starting):
            group.discard(environment)
        self._came_up.set()
        if environment in self._idle:
            self._idle.remove(environment)
        if failure is not None:
            self._failed_to_start = True
            # On AWS each of those that wait has an environment of its own, which fails in the same way.
            others_work = bool(self._current - self._starting)
            for _ in range(1 if others_work else len(self._waiting)):
                if self._waiting:
                    self._running += 1
                    environment.answer_failed_start(self._waiting.popleft(), failure)
        if self._start_when_free and self._room():
            self._start_when_free = False
            self._start()
        self._grow()

    def _reap(self) -> None:
        self._reaper = None
        now = time.monotonic()
        keep, idle_seconds = self.limits.keep, self.limits.idle_seconds
        # The first of the stack has been idle for the longest time.
        while len(self._idle) > keep and now - self._idle[0].since >= idle_seconds:
            environment = self._idle.pop(0)
            self._current.discard(environment)
            environment.kill()
        if len(self._idle) > keep:
            wait = idle_seconds - (now - self._idle[0].since)
            self._reaper = asyncio.get_running_loop().call_later(wait + 0.01, self._reap)
