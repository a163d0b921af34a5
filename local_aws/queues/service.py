"""The queues of an assembly on an event loop: waiting for messages, and the clock that makes them visible."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from local_aws.model import Queue
from local_aws.queues.fifo import FifoQueue
from local_aws.queues.journal import QueueJournal
from local_aws.queues.queue import Attribute, Message, StandardQueue


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """How many messages a queue has in which state. `oldest` is the age of its oldest one in seconds.

    `dead_letters` names the queue that its poison goes to.
    """

    name: str
    ready: int
    in_flight: int
    delayed: int
    oldest: float | None
    dead_letters: str | None


class Queues:
    """All queues by name and by ARN, with what the journal at `path` has kept of them.

    `left_over` tells how many messages belong to queues that the assembly no longer declares. They stay in
    the journal.
    """

    def __init__(self, definitions: Iterable[Queue], path: Path) -> None:
        self._journal = QueueJournal(path)
        self.by_name: dict[str, StandardQueue] = {}
        self._by_arn: dict[str, StandardQueue] = {}
        self._timers: dict[StandardQueue, asyncio.TimerHandle] = {}
        self._receivers: dict[StandardQueue, set[asyncio.Event]] = {}
        self._undeclared: dict[str, StandardQueue] = {}
        self.replace(definitions)
        self.left_over = sum(map(len, self._journal.restored.values()))

    def replace(self, definitions: Iterable[Queue]) -> None:
        """Have these queues from now on. A queue keeps its messages, also while it isn't declared."""
        known = self._undeclared | self.by_name
        self.by_name.clear()
        self._by_arn.clear()
        for definition in definitions:
            queue = known.pop(definition.name, None) or self._made(definition)
            queue.definition = definition
            self.by_name[definition.name] = self._by_arn[definition.arn] = queue
        self._undeclared = known

    def by_arn(self, arn: str) -> StandardQueue | None:
        return self._by_arn.get(arn)

    def send(
        self, arn: str, body: str, attributes: Mapping[str, Attribute], *, group: str | None = None
    ) -> bool:
        """Send to the queue of an ARN. False where there is none. Raises OSError as a queue does."""
        queue = self._by_arn.get(arn)
        if queue is None:
            return False
        queue.send(body, now=time.time(), attributes=attributes, group=group)
        self.watch(queue)
        return True

    async def receive(
        self,
        queue: StandardQueue,
        count: int,
        *,
        wait: float,
        visibility: int | None = None,
        most_bytes: float = math.inf,
    ) -> list[Message]:
        """Up to `count` messages; without any, wait up to `wait` seconds for the first."""
        deadline = time.monotonic() + wait
        while True:
            messages = queue.receive(count, now=time.time(), visibility=visibility, most_bytes=most_bytes)
            self.watch(queue)
            remaining = deadline - time.monotonic()
            if messages or remaining <= 0:
                return messages
            await self.ready(queue, remaining)

    async def ready(self, queue: StandardQueue, seconds: float | None = None) -> None:
        """Wait until a message may be there, at most `seconds`."""
        if queue.available:
            return
        self.watch(queue)
        event = asyncio.Event()
        waiting = self._receivers.setdefault(queue, set())
        waiting.add(event)
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            pass
        finally:
            waiting.discard(event)

    def status(self) -> tuple[QueueStatus, ...]:
        """What each queue holds."""
        now = time.time()
        return tuple(self._status(queue, now) for queue in self.by_name.values())

    def watch(self, queue: StandardQueue) -> None:
        """Have the queue looked at when its next message becomes visible. Needed after any change to it."""
        due = queue.next_due()
        timer = self._timers.get(queue)
        loop = asyncio.get_running_loop()
        if due is None:
            return
        when = loop.time() + max(0.0, due - time.time()) + 0.001
        if timer is not None:
            if timer.when() <= when:
                return
            timer.cancel()
        self._timers[queue] = loop.call_at(when, self._tick, queue)

    def close(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._journal.close()

    def _made(self, definition: Queue) -> StandardQueue:
        kind = FifoQueue if definition.fifo else StandardQueue
        queue = kind(definition, journal=self._journal, dead_letters=self._by_arn.get)
        queue.on_ready.append(partial(self._wake, queue))
        queue.restore(self._journal.restored.pop(definition.name, []), now=time.time())
        return queue

    def _status(self, queue: StandardQueue, now: float) -> QueueStatus:
        queue.tick(now)
        redrive = queue.definition.redrive
        target = None if redrive is None else self._by_arn.get(redrive.queue_arn)
        sent = min((message.sent for message in queue.messages()), default=None)
        return QueueStatus(
            queue.definition.name,
            queue.ready,
            queue.in_flight,
            queue.delayed,
            None if sent is None else now - sent,
            None if target is None else target.definition.name,
        )

    def _tick(self, queue: StandardQueue) -> None:
        self._timers.pop(queue, None)
        queue.tick(time.time())
        self.watch(queue)

    def _wake(self, queue: StandardQueue) -> None:
        for event in self._receivers.get(queue, ()):
            event.set()
