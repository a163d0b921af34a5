"""Invoking functions: what the gateway, the edge, the queues and the AWS endpoint know of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol


class FunctionNotFound(Exception):
    """The assembly has no such function, version or alias."""


class Throttled(Exception):
    """The function's reserved concurrency is in use (Lambda's TooManyRequestsException)."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """What an invocation came to.

    `error` is Lambda's X-Amz-Function-Error: None, or "Unhandled" for an exception, a crash or a timeout, of
    which `payload` then tells. `log` holds the end of what the function wrote meanwhile.
    """

    payload: bytes
    error: str | None
    request_id: str
    log: bytes = b""


TakenBy = Callable[[Invocation | BaseException], None]
"""Is called with what an invocation came to, or with why there was none."""


class Invoker(Protocol):
    """Runs functions by name."""

    async def invoke(self, function: str, payload: bytes, *, request_id: str | None = None) -> Invocation:
        """Invoke and wait for the answer. Raises `FunctionNotFound`, `Throttled`."""
        ...

    def start(self, function: str, payload: bytes, taken_by: TakenBy) -> None:
        """Invoke without waiting: `taken_by` is called with what `invoke` returns or raises, maybe at once.

        Who can do it without a task saves two turns of the loop.
        """
        task = asyncio.ensure_future(self.invoke(function, payload))
        _running.add(task)
        task.add_done_callback(partial(_hand_over, taken_by))


_running: set[asyncio.Future[Invocation]] = set()


def _hand_over(taken_by: TakenBy, task: asyncio.Future[Invocation]) -> None:
    _running.discard(task)
    if not task.cancelled():
        taken_by(task.exception() or task.result())
