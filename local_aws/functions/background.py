"""Asynchronous invocations (`InvocationType=Event`): acknowledged at once, tried again when they fail.

Retries: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

from __future__ import annotations

import asyncio
import uuid

from local_aws.functions import Invoker, Throttled

# Lambda waits a minute before the first new try of a failed event, and two before the second.
_RETRIES_AFTER = (60.0, 120.0)
_THROTTLE_PAUSE = 1.0
_LONGEST_THROTTLE_PAUSE = 300.0


class EventInvocations:
    """Runs events whose senders don't wait. What still runs when the stack stops is lost."""

    def __init__(self, invoker: Invoker, *, retries_after: tuple[float, ...] = _RETRIES_AFTER) -> None:
        self._invoker = invoker
        self._retries_after = retries_after
        self._running: set[asyncio.Task[None]] = set()

    def invoke(self, function: str, payload: bytes) -> str:
        """Have an event run, and return its request id."""
        request_id = str(uuid.uuid4())
        task = asyncio.create_task(self._run(function, payload, request_id))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return request_id

    async def close(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _run(self, function: str, payload: bytes, request_id: str) -> None:
        for retry_after in (*self._retries_after, None):
            failed = await self._unthrottled(function, payload, request_id)
            if not failed or retry_after is None:
                return
            await asyncio.sleep(retry_after)

    async def _unthrottled(self, function: str, payload: bytes, request_id: str) -> bool:
        pause = _THROTTLE_PAUSE
        while True:
            try:
                invocation = await self._invoker.invoke(function, payload, request_id=request_id)
            except Throttled:
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_THROTTLE_PAUSE)
            else:
                return invocation.error is not None
