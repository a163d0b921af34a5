"""What the delivery function does with a batch of messages: post, report who is gone, keep what remains."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from delivery import run
from delivery.posting import Outcome, Poster
from delivery.shards import Shard, UnreadableShard, read_shard, write_shard
from delivery.sqs import QueueError

IDS_IN_A_MESSAGE = 100
SECONDS_TO_FINISH = 3.0
"""Kept back from the function's time, for the queues after the posts."""
DELAY_OF_WHAT_REMAINS = 2
SECONDS_BETWEEN_RECEIVES = (2, 10, 30, 60)
"""Until a message comes again that was received once, twice …; from then on the last of these."""
SECONDS_OF_POISON = 1
RECEIVES_OF_A_SLOW_READER = 4
"""A connection whose reader has not kept up for so long, 42 seconds at least, is closed."""
_SECONDS_TO_CLOSE = 1.0
_REMEMBERED = 1000

_logger = logging.getLogger(__name__)


class Queue(Protocol):
    """A queue, as delivery.sqs.QueueSender is."""

    def send(
        self, bodies: Sequence[str], *, delay_seconds: int = 0, deadline: float | None = None
    ) -> None: ...

    def hide(self, receipts: Sequence[tuple[str, int]], *, deadline: float | None = None) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Received:
    """A message of the deliveries queue, as SQS hands it out: for the `count`th time."""

    id: str
    body: str
    receipt: str
    count: int


@dataclass(frozen=True, slots=True)
class _Delivery:
    message: Received
    shard: Shard
    outcome: Outcome


class Deliveries:
    """Delivers batches, one after another. Connections and keys are kept from one to the next.

    SQS hands a message out again as a whole or not at all. So that nobody gets a frame twice because it
    failed for somebody else, what remains of a message that was delivered in part goes back to the queue
    as a message of its own, and what will never be delivered goes to the dead letters. Each such message
    is smaller than the one before: it ends. Where the queue can't be reached the whole message comes
    again; if it comes to this environment, which remembers who has the frame, only what remains is posted.
    A message of which nothing was delivered is left to SQS, which counts how often, and when it is enough.
    """

    def __init__(self, poster: Poster, *, deliveries: Queue, dead_letters: Queue, gone: Queue) -> None:
        self._loop = asyncio.new_event_loop()
        self._poster = poster
        self._deliveries = deliveries
        self._dead_letters = dead_letters
        self._gone = gone
        self._left: dict[str, frozenset[str]] = {}
        """Of messages that come again as a whole though some have the frame: who hasn't, by message id."""

    def deliver(self, messages: Sequence[Received], *, seconds: float) -> list[str]:
        """Deliver what the messages ask for. Returns the ids of those that SQS must hand out again."""
        ends = time.monotonic() + seconds
        again: dict[str, tuple[str, int]] = {}
        readable: list[_Delivery] = []
        for message in messages:
            try:
                shard, impossible = read_shard(message.body)
            except UnreadableShard as error:
                _logger.error(
                    "Message %s can't be delivered: %s It begins with %.80r.", message.id, error, message.body
                )
                again[message.id] = (message.receipt, SECONDS_OF_POISON)
            else:
                refused = dict.fromkeys(impossible, "no connection has such an id")
                shard = self._without_served(message, shard)
                readable.append(_Delivery(message, shard, Outcome(refused=refused)))
        frames = [(each.shard, each.outcome) for each in readable if each.shard.data or not each.shard.closes]
        self._post(frames, seconds - SECONDS_TO_FINISH)
        readable = self._close_ended(readable, ends - SECONDS_TO_FINISH)
        self._close_slow(readable)
        deadline = max(ends - 0.5, time.monotonic() + 0.5)
        for each in readable:
            if not self._finish(each, deadline):
                again[each.message.id] = (each.message.receipt, _seconds_until_next(each.message))
        self._hide(list(again.values()), deadline)
        self._report_gone([each.outcome for each in readable], deadline)
        return list(again)

    def close(self) -> None:
        """Close the kept connections and the loop."""
        for queue in (self._deliveries, self._dead_letters, self._gone):
            queue.close()
        self._loop.run_until_complete(self._poster.close())
        self._loop.close()

    def _post(self, work: Sequence[tuple[Shard, Outcome]], seconds: float, method: str = "POST") -> None:
        posted = run.post(self._poster, work, seconds=max(0.0, seconds), method=method)
        self._loop.run_until_complete(posted)

    def _without_served(self, message: Received, shard: Shard) -> Shard:
        left = self._left.pop(message.id, None)
        if left is None:
            return shard
        return replace(shard, connections=[each for each in shard.connections if each in left])

    def _close_ended(self, readable: Sequence[_Delivery], deadline: float) -> list[_Delivery]:
        """Close those that are to be, whatever became of their last frame: they won't get it again."""
        ended = [each for each in readable if each.shard.closes]
        if not ended:
            return list(readable)
        closed = {each.message.id: _closing(each) for each in ended}
        work = [(each.shard, each.outcome) for each in closed.values()]
        self._post(work, max(_SECONDS_TO_CLOSE, deadline - time.monotonic()), "DELETE")
        return [closed.get(each.message.id, each) for each in readable]

    def _close_slow(self, readable: Sequence[_Delivery]) -> None:
        """Close connections whose readers have not kept up for long: theirs come back and catch up.

        A client that reconnects asks for what it has missed; one that is left open never learns that it did.
        """
        late = [each.outcome for each in readable if each.message.count >= RECEIVES_OF_A_SLOW_READER]
        slow = set().union(*(outcome.slow for outcome in late))
        if not slow:
            return
        closing = Outcome()
        self._post([(Shard(sorted(slow), b""), closing)], _SECONDS_TO_CLOSE, "DELETE")
        closed = slow - closing.remaining.keys() - closing.refused.keys()
        _logger.warning("%d connections are closed: their readers don't keep up.", len(closed))
        for outcome in late:
            for connection_id in closed & outcome.slow:
                del outcome.remaining[connection_id]
                outcome.gone.append(connection_id)

    def _report_gone(self, outcomes: Sequence[Outcome], deadline: float) -> None:
        ids = list(dict.fromkeys(each for outcome in outcomes for each in outcome.gone))
        messages = [
            json.dumps({"connections": ids[start : start + IDS_IN_A_MESSAGE]})
            for start in range(0, len(ids), IDS_IN_A_MESSAGE)
        ]
        try:
            self._gone.send(messages, deadline=deadline)
        except QueueError as error:
            # Nothing is lost: the next post to them says so again.
            _logger.warning("%d connections are gone and stay listed for now: %s", len(ids), error)

    def _finish(self, delivery: _Delivery, deadline: float) -> bool:
        """Put away what was not delivered. False if the whole message must come again."""
        shard, outcome = delivery.shard, delivery.outcome
        served = bool(outcome.delivered or outcome.gone)
        if outcome.refused and not self._set_aside(shard, outcome, deadline):
            self._remember(delivery, {**outcome.remaining, **outcome.refused})
            return False
        if not outcome.remaining:
            return True
        why = next(iter(outcome.remaining.values()))
        _logger.warning("%d connections didn't get a frame yet: %s", len(outcome.remaining), why)
        if not (served or outcome.refused):
            return False
        remaining = replace(shard, connections=list(outcome.remaining))
        if _sent(self._deliveries, remaining, deadline, delay_seconds=DELAY_OF_WHAT_REMAINS):
            return True
        self._remember(delivery, outcome.remaining)
        return False

    def _remember(self, delivery: _Delivery, left: Mapping[str, str]) -> None:
        self._left[delivery.message.id] = frozenset(left)
        if len(self._left) > _REMEMBERED:
            del self._left[next(iter(self._left))]

    def _set_aside(self, shard: Shard, outcome: Outcome, deadline: float) -> bool:
        connection_id, why = next(iter(outcome.refused.items()))
        _logger.error(
            "%d connections will never get a frame, %.40s for one: %s",
            len(outcome.refused),
            connection_id,
            why,
        )
        return _sent(self._dead_letters, replace(shard, connections=list(outcome.refused)), deadline)

    def _hide(self, receipts: Sequence[tuple[str, int]], deadline: float) -> None:
        try:
            self._deliveries.hide(receipts, deadline=deadline)
        except QueueError as error:
            _logger.warning("%d messages come again later than they could: %s", len(receipts), error)


def _closing(delivery: _Delivery) -> _Delivery:
    """What is left to do of a message that closes its connections, after the frame."""
    connections = delivery.shard.connections
    impossible = {who: why for who, why in delivery.outcome.refused.items() if who not in connections}
    return _Delivery(delivery.message, Shard(connections, b"", closes=True), Outcome(refused=impossible))


def _seconds_until_next(message: Received) -> int:
    return SECONDS_BETWEEN_RECEIVES[min(message.count, len(SECONDS_BETWEEN_RECEIVES)) - 1]


def _sent(queue: Queue, shard: Shard, deadline: float, *, delay_seconds: int = 0) -> bool:
    try:
        queue.send([write_shard(shard)], delay_seconds=delay_seconds, deadline=deadline)
    except QueueError as error:
        _logger.error("A message comes again as a whole, and some may get it twice: %s", error)
        return False
    return True
