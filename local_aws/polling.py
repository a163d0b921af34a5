"""What invokes functions without being asked: event source mappings on queues, and schedules on the clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

from local_aws.functions.background import EventInvocations
from local_aws.functions.service import MOST_ENVIRONMENTS, Functions
from local_aws.model import EventSource, Schedule
from local_aws.queues.event_source import EventSourcePoller
from local_aws.queues.service import Queues
from local_aws.schedules import Clock

Declared = TypeVar("Declared")


class Polling:
    """Runs a poller for each mapping and a clock for each schedule, until `close`.

    `permitted` tells whether a schedule may invoke its function, and says it where it may not.
    """

    def __init__(
        self,
        queues: Queues,
        functions: Functions,
        events: EventInvocations,
        *,
        region: str,
        account: str,
        permitted: Callable[[Schedule], bool] = lambda schedule: True,
    ) -> None:
        self._queues = queues
        self._functions = functions
        self._events = events
        self._region = region
        self._account = account
        self._permitted = permitted
        self._pollers: list[EventSourcePoller] = []
        self._polls: list[tuple[EventSource, asyncio.Task[None]]] = []
        self._clocks: list[tuple[Schedule, asyncio.Task[None]]] = []

    def run(self, sources: Iterable[EventSource], schedules: Iterable[Schedule]) -> None:
        """Run these from now on. Those that run already go on as they are, others end."""
        self._polls = _reconciled(self._polls, sources, self._poll)
        self._clocks = _reconciled(self._clocks, schedules, self._tick)

    async def drain(self, within: float) -> None:
        """Let what is queued be worked on, for so many seconds at most. What is left stays queued."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline and not all(poller.idle() for poller in self._pollers):  # noqa: ASYNC110
            await asyncio.sleep(0.02)

    async def close(self) -> None:
        """End it all. What is being worked on is given up, and comes back at the next start."""
        tasks = [task for _, task in (*self._polls, *self._clocks)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for poller in self._pollers:
            poller.cancel_batches()

    def stop_clocks(self) -> None:
        """Invoke nothing more by schedule."""
        for _, clock in self._clocks:
            clock.cancel()

    def _poll(self, source: EventSource) -> asyncio.Task[None] | None:
        queue = self._queues.by_arn(source.queue_arn)
        if queue is None:
            return None
        poller = EventSourcePoller(
            source,
            queue,
            self._queues,
            self._functions.triggered_by(f"SQS {queue.definition.name}"),
            region=self._region,
            account=self._account,
            most_at_once=MOST_ENVIRONMENTS,
        )
        self._pollers.append(poller)
        return asyncio.create_task(poller.run())

    def _tick(self, schedule: Schedule) -> asyncio.Task[None]:
        clock = Clock([schedule], self._deliver, region=self._region, account=self._account)
        return asyncio.create_task(clock.run())

    def _deliver(self, schedule: Schedule, event: bytes) -> None:
        try:
            if schedule.queue_arn is not None:
                self._queues.send(schedule.queue_arn, event.decode(), {}, group=schedule.message_group)
            elif schedule.function is not None and self._permitted(schedule):
                self._events.invoke(schedule.function, event, trigger=f"Schedule {schedule.name}")
        except OSError:  # a full disk, where nothing is promised: the clock goes on
            pass


def _reconciled(
    running: Iterable[tuple[Declared, asyncio.Task[None]]],
    wanted: Iterable[Declared],
    start: Callable[[Declared], asyncio.Task[None] | None],
) -> list[tuple[Declared, asyncio.Task[None]]]:
    """Cancel what is no longer wanted, start what doesn't run yet."""
    left = list(running)
    result = []
    for item in wanted:
        at = next((index for index, (other, _) in enumerate(left) if other == item), None)
        task = start(item) if at is None else left.pop(at)[1]
        if task is not None:
            result.append((item, task))
    for _, task in left:
        task.cancel()
    return result
