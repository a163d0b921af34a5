"""System messages: one sentence for everyone, or for everyone in a room."""

from dataclasses import dataclass
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


def broadcast(message: str, room: str | None = None, level: Level = "info") -> Broadcast:
    """Send a system message to every connection, or to those in `room`.

    :raises Refusal: The message is empty, too long or not text, or there is no such room or level.
    :raises delivery.sqs.QueueError: The queue did not take it.
    """
    text = checked_text(message)
    if level not in get_args(Level):
        raise Refusal("invalid_request", f"level must be one of {', '.join(get_args(Level))}.", field="level")
    frame: dict[str, Any] = {
        "type": "system",
        "message": text,
        "level": level,
        "room": room,
        "created_at": timestamp(timezone.now()),
    }
    if room is None:
        connections = connections_everywhere()
    else:
        found = entrance(room)
        if found is None:
            raise Refusal("invalid_room", f"There is no room called {room!r}.")
        connections = connections_in(found)
    return Broadcast(room, len(connections), enqueue(frame, connections))
