"""Asynchronous invocations (`InvocationType=Event`): acknowledged at once, tried again when they fail.

Retries and destinations: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

from local_aws.functions import FunctionNotFound, Invocation, Throttled
from local_aws.functions.service import Functions
from local_aws.queues.journal import QueueJournal
from local_aws.queues.queue import Attribute, Message

# Lambda waits a minute before the first new try of a failed event, and two before the second.
_RETRIES_AFTER = (60.0, 120.0)
_THROTTLE_PAUSE = 1.0
_LONGEST_THROTTLE_PAUSE = 300.0

# Sends a body with message attributes to an ARN. False where nothing of that name runs here.
Send = Callable[[str, str, dict[str, Attribute]], bool]


class EventInvocations:
    """Runs events whose senders don't wait, and tells their destinations what became of them.

    An event is written down before it is acknowledged: one that still runs when the stack stops or is killed
    runs again at the next start. `send` reaches queues and whatever else may be a destination.
    """

    def __init__(
        self,
        functions: Functions,
        journal: Path,
        send: Send,
        say: Callable[[str], None],
        *,
        retries_after: tuple[float, ...] = _RETRIES_AFTER,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._functions = functions
        self._journal = QueueJournal(journal)
        self._send = send
        self._say = say
        self._retries_after = retries_after
        self._sleep = sleep
        self._now = now
        self._running: set[asyncio.Task[None]] = set()

    @property
    def pending(self) -> int:
        """How many events run, or wait to."""
        return len(self._running)

    def resume(self) -> None:
        """Run what the journal has kept."""
        for function, events in self._journal.restored.items():
            for event in events:
                self._begin(function, event, "Event")
        self._journal.restored.clear()

    def invoke(
        self, function: str, payload: bytes, *, qualifier: str | None = None, trigger: str = "Event"
    ) -> str:
        """Have an event run, and return its request id. Raises OSError where it can't be written down."""
        attributes = {} if qualifier is None else {"qualifier": Attribute("String", qualifier)}
        event = Message(str(uuid.uuid4()), payload.decode(), self._now(), attributes)
        self._journal.sent(function, [event])
        self._begin(function, event, trigger)
        return event.id

    async def close(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        self._journal.close()

    def _begin(self, function: str, event: Message, trigger: str) -> None:
        task = asyncio.create_task(self._run(function, event, trigger))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _run(self, function: str, event: Message, trigger: str) -> None:
        try:
            await self._until_settled(function, event, trigger)
        except FunctionNotFound:
            self._say(f"An event for {function} is dropped: the stack has no such function.")
        self._journal.deleted(function, [event])

    async def _until_settled(self, function: str, event: Message, trigger: str) -> None:
        tries = 0
        while True:
            invocation = await self._unthrottled(function, event, trigger)
            tries += invocation is not None
            definition = self._functions.definition(function)
            if invocation is None:
                zero = definition.reserved_concurrency == 0
                condition = "ZeroReservedConcurrency" if zero else "EventAgeExceeded"
                break
            if invocation.error is None:
                condition = "Success"
                break
            if tries > min(definition.events.maximum_retries, len(self._retries_after)):
                condition = "RetriesExhausted"
                break
            pause = self._retries_after[tries - 1]
            if self._now() + pause - event.sent > definition.events.maximum_age:
                condition = "EventAgeExceeded"
                break
            await self._sleep(pause)
        self._settle(function, event, condition, tries, invocation)

    async def _unthrottled(self, function: str, event: Message, trigger: str) -> Invocation | None:
        """Invoke, trying again while the function is throttled. None once the event is too old for that."""
        pause = _THROTTLE_PAUSE
        qualifier = event.attributes.get("qualifier")
        while True:
            definition = self._functions.definition(function)
            if definition.reserved_concurrency == 0:
                return None
            if self._now() - event.sent > definition.events.maximum_age:
                return None
            try:
                return await self._functions.invoke(
                    function,
                    event.body.encode(),
                    request_id=event.id,
                    qualifier=None if qualifier is None else qualifier.string,
                    trigger=trigger,
                )
            except Throttled:
                await self._sleep(pause)
                pause = min(2 * pause, _LONGEST_THROTTLE_PAUSE)

    def _settle(
        self, function: str, event: Message, condition: str, tries: int, invocation: Invocation | None
    ) -> None:
        definition = self._functions.definition(function)
        succeeded = condition == "Success"
        target = definition.events.on_success if succeeded else definition.events.on_failure
        told = False
        if target is not None:
            record = json.dumps(_record(definition.arn, event, condition, tries, invocation))
            told = self._tell(function, target, record, {})
        if not succeeded and (queue := definition.events.dead_letters) is not None:
            told = self._tell(function, queue, event.body, _dead_letter_attributes(event, invocation)) or told
        if not succeeded and not told:
            self._say(f"An event for {function} is dropped ({condition}): request {event.id}.")

    def _tell(self, function: str, target: str, body: str, attributes: dict[str, Attribute]) -> bool:
        if ":lambda:" in target:
            name, _, qualifier = target.partition(":function:")[2].partition(":")
            if name not in self._functions:
                return False
            self.invoke(
                name, body.encode(), qualifier=qualifier or None, trigger=f"Destination of {function}"
            )
            return True
        try:
            return self._send(target, body, attributes)
        except OSError as error:
            self._say(f"The destination {target} of {function} can't be written: {error.strerror}.")
            return False


def _record(
    arn: str, event: Message, condition: str, tries: int, invocation: Invocation | None
) -> dict[str, object]:
    """What a destination gets."""
    qualifier = event.attributes.get("qualifier")
    version = "$LATEST" if qualifier is None else qualifier.string
    record: dict[str, object] = {
        "version": "1.0",
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "requestContext": {
            "requestId": event.id,
            "functionArn": f"{arn}:{version}",
            "condition": condition,
            "approximateInvokeCount": tries,
        },
        "requestPayload": _json(event.body.encode()),
    }
    if invocation is not None:
        response: dict[str, object] = {"statusCode": 200, "executedVersion": version}
        if invocation.error is not None:
            response["functionError"] = invocation.error
        record["responseContext"] = response
        record["responsePayload"] = _json(invocation.payload)
    return record


def _dead_letter_attributes(event: Message, invocation: Invocation | None) -> dict[str, Attribute]:
    message = "" if invocation is None else _error_message(invocation)
    return {
        "RequestID": Attribute("String", event.id),
        "ErrorCode": Attribute("Number", "200" if invocation is not None else "429"),
        "ErrorMessage": Attribute(
            "String", message.encode()[:1024].decode(errors="ignore") or "Rate Exceeded."
        ),
    }


def _error_message(invocation: Invocation) -> str:
    error = _json(invocation.payload)
    return str(error.get("errorMessage", "")) if isinstance(error, dict) else ""


def _json(payload: bytes) -> object:
    try:
        return json.loads(payload) if payload else None
    except ValueError:
        return payload.decode(errors="replace")
