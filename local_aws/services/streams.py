"""A DynamoDB stream's event source mapping: hands batches of changes to a function, in their order.

What happens on failures: https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from local_aws.event_patterns import matches
from local_aws.functions import Invoker, Throttled
from local_aws.model import StreamSource

Record = Mapping[str, Any]

_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 60.0
_THROTTLE_PAUSE = 0.2


@dataclass(slots=True)
class _Batch:
    records: list[Record]
    tries: int = 0
    first_tried: float = field(default_factory=time.monotonic)


class StreamPoller:
    """One mapping. The stream has a single shard here, so one batch is on its way at a time.

    `give_up` gets the records that were tried too often, or for too long, and the function's last answer.
    """

    def __init__(
        self,
        source: StreamSource,
        invoker: Invoker,
        *,
        give_up: Callable[[StreamSource, Sequence[Record], int], None],
    ) -> None:
        self.source = source
        self._invoker = invoker
        self._give_up = give_up
        self._waiting: deque[Record] = deque()
        self._arrived = asyncio.Event()
        self._busy = False

    def add(self, record: Record) -> None:
        """Take a change of the table, unless the mapping's filters leave it out."""
        if self.source.patterns and not any(matches(pattern, record) for pattern in self.source.patterns):
            return
        self._waiting.append(record)
        self._arrived.set()

    def idle(self) -> bool:
        return not self._busy and not self._waiting

    async def run(self) -> None:
        """Hand over batches until cancelled."""
        while True:
            batch = await self._next_batch()
            self._busy = True
            await self._process(batch)
            self._busy = False

    async def _next_batch(self) -> _Batch:
        while not self._waiting:
            self._arrived.clear()
            await self._arrived.wait()
        if self.source.window_seconds:
            deadline = time.monotonic() + self.source.window_seconds
            while len(self._waiting) < self.source.batch_size and (left := deadline - time.monotonic()) > 0:
                self._arrived.clear()
                try:
                    await asyncio.wait_for(self._arrived.wait(), left)
                except TimeoutError:
                    break
        count = min(self.source.batch_size, len(self._waiting))
        return _Batch([self._waiting.popleft() for _ in range(count)])

    async def _process(self, batch: _Batch) -> None:
        """Work through a batch; what fails is tried again before anything that comes later."""
        pending = deque([batch])
        pause = _FIRST_PAUSE
        while pending:
            current = pending[0]
            left = await self._invoke(current)
            if not left:
                pending.popleft()
                pause = _FIRST_PAUSE
                continue
            made_progress = len(left) < len(current.records)
            current.records = left
            current.tries = 1 if made_progress else current.tries + 1
            if self.source.bisects and len(left) > 1 and not made_progress:
                pending.popleft()
                middle = len(left) // 2
                # Halving doesn't count as a retry.
                halves = (left[:middle], left[middle:])
                pending.extendleft(
                    _Batch(half, current.tries - 1, current.first_tried) for half in reversed(halves)
                )
            elif self._exhausted(current):
                pending.popleft()
                self._give_up(self.source, left, current.tries)
                continue
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _exhausted(self, batch: _Batch) -> bool:
        retries, age = self.source.maximum_retries, self.source.maximum_age
        too_often = retries is not None and batch.tries > retries
        too_old = age is not None and time.monotonic() - batch.first_tried > age
        return too_often or too_old

    async def _invoke(self, batch: _Batch) -> list[Record]:
        """Invoke the function. Returns the records that must come again, those after a failed one too."""
        event = json.dumps({"Records": batch.records}).encode()
        while True:
            try:
                invocation = await self._invoker.invoke(self.source.function, event)
                break
            except Throttled:
                await asyncio.sleep(_THROTTLE_PAUSE)
        if invocation.error is not None:
            return batch.records
        if not self.source.reports_batch_item_failures:
            return []
        return from_first_failure(invocation.payload, batch.records)


def from_first_failure(answer: bytes, records: list[Record]) -> list[Record]:
    """The records from the first that a partial batch response names on; all where it isn't understood."""
    try:
        response = json.loads(answer) if answer else None
        failures = (response or {}).get("batchItemFailures") or []
        failed = {failure["itemIdentifier"] for failure in failures}
    except (ValueError, TypeError, KeyError, AttributeError):
        return records
    numbers = [str(record["dynamodb"]["SequenceNumber"]) for record in records]
    if not failed <= set(numbers):
        return records
    return records[min(map(numbers.index, failed)) :] if failed else []
