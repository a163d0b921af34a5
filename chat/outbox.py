"""The outbox: an event that is stored reaches the queue, whatever becomes of the function that stored it.

The event's row in `chat_undelivered` comes in the event's own commit and goes when the queue has the event. A
function that dies in between leaves the row behind, and the schedule passes the event on: some may get it
twice, which they see by its number, and nobody misses it.
"""

import logging
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from django.db import DatabaseError, connection

from chat.events import events_of, push
from chat.rooms import Entrance, entrance
from chat.sending import connections_in, enqueue
from chat.wire import EventFrame
from delivery.sqs import QueueError

logger = logging.getLogger(__name__)

# From the commit to the queue it takes milliseconds. What is passed on twice does no harm.
OVERDUE_SECONDS = 1.0
BATCH = 500
MOST_BATCHES = 20

# Nobody waits for this commit to reach the disk: lost, it costs a delivery that is made twice.
_STRIKE = """
    WITH lazily AS (SELECT set_config('synchronous_commit', 'off', true))
    DELETE FROM chat_undelivered USING lazily WHERE room = %s AND sequence = ANY(%s)
"""
# Claimed by a new time, so that two at once don't take the same. What was claimed in vain is overdue again.
_CLAIM = """
    UPDATE chat_undelivered SET since = clock_timestamp()
    WHERE (room, sequence) IN (
        SELECT room, sequence FROM chat_undelivered
        WHERE since < clock_timestamp() - make_interval(secs => %s)
        ORDER BY since LIMIT %s FOR UPDATE SKIP LOCKED
    )
    RETURNING room, sequence
"""


def pass_on(frame: EventFrame, to: Entrance, *, first: str | None = None) -> None:
    """Queue an event, which is committed, for everyone who is in its room now.

    :raises delivery.sqs.QueueError: The queue did not take it. The schedule will try again.
    """
    room = to.room.name
    enqueue(push(room, frame), connections_in(to), first=first)
    try:
        _strike(room, [frame["sequence"]])
    except DatabaseError:
        logger.warning("Event %s of room %s goes out twice", frame["sequence"], room, exc_info=True)


def pass_on_overdue(overdue_seconds: float = OVERDUE_SECONDS) -> int:
    """Pass on what was left behind, in bounded batches. Returns how many events that were."""
    passed_on = 0
    for _ in range(MOST_BATCHES):
        claimed = _claim(overdue_seconds)
        try:
            for room, numbers in groupby(claimed, key=lambda each: each[0]):
                passed_on += _pass_on_all(room, [sequence for _, sequence in numbers])
        except QueueError:
            logger.exception("The queue takes nothing: what is overdue stays for the next time")
            break
        if len(claimed) < BATCH:
            break
    return passed_on


def _pass_on_all(room: str, sequences: Sequence[int]) -> int:
    found = entrance(room)
    # Read after the claim, as after a commit: see `connections_in`.
    recipients = connections_in(found) if found else []
    frames = events_of(room, sequences)
    for frame in frames:
        enqueue(push(room, frame), recipients)
    _strike(room, sequences)
    return len(frames)


def _claim(overdue_seconds: float) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [overdue_seconds, BATCH])
        return sorted(cursor.fetchall())


def _strike(room: str, sequences: Sequence[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_STRIKE, [room, list(sequences)])
