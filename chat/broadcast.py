"""System messages: one sentence for everyone, or for everyone in a room."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from django.utils import timezone

from chat.rooms import entrance
from chat.sending import connections_everywhere, connections_in, enqueue
from chat.text import checked_text
from chat.wire import Refusal, timestamp

Level = Literal["info", "warning", "critical"]


@dataclass(frozen=True, slots=True)
class Broadcast:
    """What became of a system message: to how many connections it goes, in how many shards."""

    room: str | None
    connections: int
    shards: int


def broadcast(
    message: str, room: str | None = None, level: Level = "info", until: datetime | str | None = None
) -> Broadcast:
    """Send a system message to every connection, or to those in `room`.

    From `until` on clients no longer show it: a moment with its time zone, which may be written as ISO 8601.

    :raises Refusal: The message is empty, too long or not text, or there is no such room, level or moment.
    :raises delivery.sqs.QueueError: The queue did not take it.
    """
    text = checked_text(message)
    if level not in get_args(Level):
        raise Refusal("invalid_request", f"level must be one of {', '.join(get_args(Level))}.", field="level")
    end = _moment(until)
    frame: dict[str, Any] = {
        "type": "system",
        "message": text,
        "level": level,
        "room": room,
        "created_at": timestamp(timezone.now()),
    }
    if end:
        frame["until"] = timestamp(end)
    if room is None:
        connections = connections_everywhere()
    else:
        found = entrance(room)
        if found is None:
            raise Refusal("invalid_room", f"There is no room called {room!r}.")
        connections = connections_in(found)
    return Broadcast(room, len(connections), enqueue(frame, connections))


def _moment(until: object) -> datetime | None:
    if until is None:
        return None
    try:
        moment = datetime.fromisoformat(until) if isinstance(until, str) else until
        if isinstance(moment, datetime) and moment.tzinfo is not None and moment > timezone.now():
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise Refusal(
        "invalid_request",
        "until must be a moment to come, with its time zone, such as 2026-12-24T18:00:00+01:00.",
        field="until",
    )
