"""What the delivery function does with a batch of messages: post, report who is gone, keep what remains."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Sequence
from typing import Protocol

from delivery.posting import Outcome, Poster, Shard
from delivery.shards import UnreadableShard, read_shard, write_shard
from delivery.sqs import QueueError

IDS_IN_A_MESSAGE = 100
SECONDS_TO_FINISH = 3.0
"""Kept back from the function's time, for the queues after the posts."""
DELAY_OF_WHAT_REMAINS = 5

_logger = logging.getLogger(__name__)


class Queue(Protocol):
    """A queue to send to, as delivery.sqs.QueueSender is."""

    def send(self, bodies: Sequence[str], *, delay_seconds: int = 0) -> None: ...

    def close(self) -> None: ...


class Deliveries:
    """Delivers batches, one after another. Connections and keys are kept from one to the next.

    SQS hands a message back as a whole or not at all. So that nobody gets a frame twice because it failed for
    somebody else, what remains of a message that was delivered in part goes back to the queue as a message of
    its own, and what will never be delivered goes to the dead letters. Each such message is smaller than the
    one before: it ends.
    """

    def __init__(self, poster: Poster, *, deliveries: Queue, dead_letters: Queue, gone: Queue) -> None:
        self._loop = asyncio.new_event_loop()
        self._poster = poster
        self._deliveries = deliveries
        self._dead_letters = dead_letters
        self._gone = gone

    def deliver(self, messages: Sequence[str], *, seconds: float) -> list[int]:
        """Deliver what the messages ask for. Returns the positions of those that SQS must hand out again."""
        failed: list[int] = []
        readable: list[tuple[int, Shard, Outcome]] = []
        for position, message in enumerate(messages):
            try:
                shard, impossible = read_shard(message)
            except UnreadableShard as error:
                _logger.error("A message can't be delivered: %s It begins with %.80r.", error, message)
                failed.append(position)
            else:
                refused = dict.fromkeys(impossible, "no connection has such an id")
                readable.append((position, shard, Outcome(refused=refused)))
        self._loop.run_until_complete(
            self._poster.post(
                [(shard, outcome) for _, shard, outcome in readable],
                seconds=max(0.0, seconds - SECONDS_TO_FINISH),
            )
        )
        self._report_gone([outcome for _, _, outcome in readable])
        failed += [position for position, shard, outcome in readable if not self._finish(shard, outcome)]
        return sorted(failed)

    def close(self) -> None:
        """Close the kept connections and the loop."""
        for queue in (self._deliveries, self._dead_letters, self._gone):
            queue.close()
        self._loop.run_until_complete(self._poster.close())
        self._loop.close()

    def _report_gone(self, outcomes: Sequence[Outcome]) -> None:
        ids = list(dict.fromkeys(each for outcome in outcomes for each in outcome.gone))
        messages = [
            json.dumps({"connections": ids[start : start + IDS_IN_A_MESSAGE]})
            for start in range(0, len(ids), IDS_IN_A_MESSAGE)
        ]
        try:
            self._gone.send(messages)
        except QueueError as error:
            # Nothing is lost: the next post to them says so again.
            _logger.warning("%d connections are gone and stay listed for now: %s", len(ids), error)

    def _finish(self, shard: Shard, outcome: Outcome) -> bool:
        """Put away what was not delivered. False if the whole message must come again."""
        if outcome.refused and not self._set_aside(shard, outcome):
            return False
        if not outcome.remaining:
            return True
        why = next(iter(outcome.remaining.values()))
        _logger.warning("%d connections didn't get a frame yet: %s", len(outcome.remaining), why)
        if not (outcome.delivered or outcome.gone or outcome.refused):
            return False  # nobody got it: SQS itself counts how often, and when it is enough
        return _sent(
            self._deliveries,
            write_shard(list(outcome.remaining), shard.data),
            delay_seconds=DELAY_OF_WHAT_REMAINS,
        )

    def _set_aside(self, shard: Shard, outcome: Outcome) -> bool:
        connection_id, why = next(iter(outcome.refused.items()))
        _logger.error(
            "%d connections will never get a frame, %.40s for one: %s",
            len(outcome.refused),
            connection_id,
            why,
        )
        return _sent(self._dead_letters, write_shard(list(outcome.refused), shard.data))


def _sent(queue: Queue, message: str, *, delay_seconds: int = 0) -> bool:
    try:
        queue.send([message], delay_seconds=delay_seconds)
    except QueueError as error:
        _logger.error("A message comes again as a whole, and some get it twice: %s", error)
        return False
    return True
