"""What can be seen of functions while they run: their environments, and the invocations of the last while."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["success", "error", "timeout", "failure"]


@dataclass(frozen=True, slots=True)
class InvocationRecord:
    """An invocation that has ended. `started` is seconds since the epoch, times are seconds.

    `status` is "error" for an exception or a failed initialisation, "failure" for a process that ended
    meanwhile. `log` is the end of what was written.
    """

    id: str
    function: str
    trigger: str
    started: float
    duration: float
    status: Outcome
    log: bytes

    @property
    def log_lines(self) -> tuple[str, ...]:
        return tuple(self.log.decode(errors="replace").splitlines())


@dataclass(frozen=True, slots=True)
class EnvironmentStatus:
    """A process: `state` is "starting", "idle", "busy" or "ending", `seconds` how long it has been so.

    `request_id` and `trigger` are of the invocation that it is busy with.
    """

    pid: int | None
    state: str
    seconds: float
    request_id: str | None = None
    trigger: str | None = None


@dataclass(frozen=True, slots=True)
class FunctionStatus:
    """A function, its environments, and the invocations that wait for one.

    `last_error` is the last invocation that failed, however long ago.
    """

    name: str
    handler: str
    environments: tuple[EnvironmentStatus, ...]
    waiting: int
    invocations: int
    errors: int
    reserved_concurrency: int | None
    last_error: InvocationRecord | None
