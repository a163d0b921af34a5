"""An SQS event source mapping: takes batches out of a queue, invokes the function, deletes what it handled.

What happens on failures: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Sequence
from typing import Any

from local_aws.functions import FunctionNotFound, Invocation, Invoker, Throttled
from local_aws.model import EventSource
from local_aws.queues.filters import passes
from local_aws.queues.protocol import attributes_md5, system_attributes
from local_aws.queues.queue import Message, StandardQueue
from local_aws.queues.service import Queues

_THROTTLE_PAUSE = 0.2
_LONGEST_THROTTLE_PAUSE = 10.0
# An event has at most 6 MB; what JSON and attributes add to the bodies must fit in too.
_MOST_BATCH_BYTES = 5_000_000


class EventSourcePoller:
    """Keeps a function busy with the messages of its queue, up to `most_at_once` batches at a time."""

    def __init__(
        self,
        source: EventSource,
        queue: StandardQueue,
        queues: Queues,
        invoker: Invoker,
        *,
        region: str,
        account: str,
        most_at_once: int,
    ) -> None:
        self._source = source
        self._queue = queue
        self._queues = queues
        self._invoker = invoker
        self._region = region
        self._account = account
        self._slots = asyncio.Semaphore(source.max_concurrency or most_at_once)
        self._batches: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Poll until cancelled."""
        while True:
            await self._slots.acquire()
            try:
                messages = await self._next_batch()
            except BaseException:
                self._slots.release()
                raise
            batch = asyncio.create_task(self._process(messages))
            self._batches.add(batch)
            batch.add_done_callback(self._batches.discard)

    def idle(self) -> bool:
        """Whether nothing is being worked on, and nothing waits to be."""
        return not self._batches and not self._queue.ready

    def cancel_batches(self) -> None:
        """Give up what is being worked on. Its messages aren't deleted."""
        for batch in self._batches:
            batch.cancel()

    async def _next_batch(self) -> list[Message]:
        size, window = self._source.batch_size, self._source.window_seconds
        messages: list[Message] = []
        while not messages:
            await self._queues.ready(self._queue)
            received = await self._queues.receive(self._queue, size, wait=0, most_bytes=_MOST_BATCH_BYTES)
            messages = self._for_function(received)
            await asyncio.sleep(0)  # a filter may leave nothing of a long queue
        deadline = time.monotonic() + window
        try:
            while len(messages) < size and (remaining := deadline - time.monotonic()) > 0:
                room = _MOST_BATCH_BYTES - sum(message.size for message in messages)
                if room < self._queue.definition.max_message_bytes:
                    break
                more = await self._queues.receive(
                    self._queue, size - len(messages), wait=remaining, most_bytes=room
                )
                messages += self._for_function(more)
        except asyncio.CancelledError:
            self._queue.give_back(messages)
            raise
        return messages

    def _for_function(self, messages: list[Message]) -> list[Message]:
        """Those that pass the filter. Lambda deletes the others."""
        patterns = self._source.patterns
        unwanted = [message for message in messages if not passes(patterns, message.body)]
        if unwanted:
            self._queue.delete([message.receipt or "" for message in unwanted])
        return [message for message in messages if not message.gone]

    async def _process(self, messages: list[Message]) -> None:
        try:
            receipts = {message.id: message.receipt or "" for message in messages}
            invocation = await self._invoke(messages)
            if invocation is None:
                self._queue.give_back(messages)
                return
            failed = self._failed(invocation, set(receipts))
            # As they were when they were handed over: one that took too long may have been received again.
            self._queue.delete(
                [receipt for message_id, receipt in receipts.items() if message_id not in failed]
            )
        finally:
            self._slots.release()

    async def _invoke(self, messages: list[Message]) -> Invocation | None:
        """Invoke, waiting while the function is throttled: that must not count as a failed receive.

        None if that lasts until the messages are about to become visible again.
        """
        event = json.dumps({"Records": [self._record(message) for message in messages]}).encode()
        give_up = time.monotonic() + max(1.0, self._queue.definition.visibility_timeout / 2)
        pause = _THROTTLE_PAUSE
        while True:
            try:
                return await self._invoker.invoke(self._source.function, event)
            except (Throttled, FunctionNotFound):  # the latter until a changed template has taken effect
                if time.monotonic() + pause > give_up:
                    return None
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_THROTTLE_PAUSE)

    def _failed(self, invocation: Invocation, sent: set[str]) -> set[str]:
        """The ids of the messages that must come back."""
        if invocation.error is not None:
            return sent
        if not self._source.reports_batch_item_failures:
            return set()
        return batch_item_failures(invocation.payload, sent)

    def _record(self, message: Message) -> dict[str, Any]:
        record: dict[str, Any] = {
            "messageId": message.id,
            "receiptHandle": message.receipt,
            "body": message.body,
            "attributes": system_attributes(message, self._account),
            "messageAttributes": {
                name: {
                    **({"stringValue": value.string} if value.string is not None else {}),
                    **(
                        {"binaryValue": base64.b64encode(value.binary).decode()}
                        if value.binary is not None
                        else {}
                    ),
                    "stringListValues": [],
                    "binaryListValues": [],
                    "dataType": value.data_type,
                }
                for name, value in message.attributes.items()
            },
            "md5OfBody": message.md5(),
            "eventSource": "aws:sqs",
            "eventSourceARN": self._source.queue_arn,
            "awsRegion": self._region,
        }
        if message.attributes:
            record["md5OfMessageAttributes"] = attributes_md5(message.attributes)
        return record


def batch_item_failures(answer: bytes, sent: set[str]) -> set[str]:
    """Which of the messages `sent` a function's partial batch response leaves in the queue.

    As Lambda reads it: nothing, null or an empty list is a success of all; an answer that can't be
    understood, or that names a message which wasn't sent, is a failure of all.
    """
    try:
        response = json.loads(answer) if answer else None
    except ValueError:
        return sent
    if not response:
        return set()
    if not isinstance(response, dict):
        return sent
    failures: Sequence[object] | None = response.get("batchItemFailures")
    if not failures:
        return set() if failures is None or failures == [] else sent
    if not isinstance(failures, list):
        return sent
    identifiers = {item.get("itemIdentifier") if isinstance(item, dict) else None for item in failures}
    if not all(isinstance(identifier, str) for identifier in identifiers) or not identifiers <= sent:
        return sent
    return {str(identifier) for identifier in identifiers}
