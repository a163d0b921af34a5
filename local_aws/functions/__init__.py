"""Invoking functions: what the gateway, the edge, the queues and the AWS endpoint know of them."""

from __future__ import annotations

from dataclasses import dataclass
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


class Invoker(Protocol):
    """Runs functions by name."""

    async def invoke(self, function: str, payload: bytes, *, request_id: str | None = None) -> Invocation:
        """Invoke and wait for the answer. Raises `FunctionNotFound`, `Throttled`."""
        ...
