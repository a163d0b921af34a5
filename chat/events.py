"""The events of a room as everybody is shown them: what was said and what was changed, in one sequence."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection

from chat.models import MessageChange
from chat.wire import EventFrame, timestamp

MESSAGE = "chat_message"

COLUMNS = (
    "type",
    "sequence",
    "target",
    "username",
    "guest",
    "message",
    "client_id",
    "created_at",
    "revision",
    "edited_at",
    "deleted",
    "by_moderator",
)
MESSAGES = f"""
    SELECT '{MESSAGE}' AS type, message.sequence, NULL::bigint AS target, message.username, message.guest,
           message.message, message.client_id, message.created_at, message.revision, message.edited_at,
           message.deleted_at IS NOT NULL AS deleted, false AS by_moderator
    FROM chat_chatmessage message
"""  # noqa: S608 (a constant, no input)
CHANGES = """
    SELECT change.kind, change.sequence, change.target, NULL, NULL::boolean,
           NULL, NULL::uuid, change.created_at, NULL::bigint, NULL::timestamptz,
           NULL::boolean, change.by_moderator
    FROM chat_messagechange change
"""
# What a change lacks is its message's. It shows the text as it is now: what it was in between is gone.
WITH_MESSAGES = """
    SELECT event.type, event.sequence, event.target,
           coalesce(event.username, changed.username, ''), coalesce(event.guest, changed.guest, false),
           coalesce(event.message, changed.message, ''), event.client_id, event.created_at, event.revision,
           event.edited_at, coalesce(event.deleted, changed.deleted_at IS NOT NULL OR changed.id IS NULL),
           event.by_moderator
    FROM ({events}) event
    LEFT JOIN chat_chatmessage changed ON changed.room = %(room)s AND changed.sequence = event.target
    ORDER BY event.sequence {order}
"""
_NAMED = WITH_MESSAGES.format(
    events=f"""
        {MESSAGES} WHERE message.room = %(room)s AND message.sequence = ANY(%(sequences)s)
        UNION ALL
        {CHANGES} WHERE change.room = %(room)s AND change.sequence = ANY(%(sequences)s)
    """,
    order="ASC",
)


def event_frame(values: Mapping[str, Any]) -> EventFrame:
    """An event as history shows it, from the values of `COLUMNS`. What nearly all events lack is left out."""
    frame: EventFrame = {
        "type": values["type"],
        "sequence": values["sequence"],
        "username": values["username"],
        "guest": values["guest"],
        "message": values["message"],
        "created_at": timestamp(values["created_at"]),
    }
    if values["type"] == MESSAGE:
        frame["client_id"] = str(values["client_id"]) if values["client_id"] else None
    else:
        frame["target"] = values["target"]
    if values["revision"]:
        frame["revision"] = values["revision"]
    if values["deleted"]:
        frame["deleted"] = True
    elif values["edited_at"]:
        frame["edited_at"] = timestamp(values["edited_at"])
    if values["type"] == MessageChange.Kind.DELETED:
        frame["by_moderator"] = values["by_moderator"]
    return frame


def event_frames(rows: Sequence[Sequence[Any]]) -> list[EventFrame]:
    """The events in rows of `COLUMNS`."""
    return [event_frame(dict(zip(COLUMNS, row, strict=True))) for row in rows]


def events_of(room: str, sequences: Sequence[int]) -> list[EventFrame]:
    """The events of these numbers that there still are, as they are now."""
    with connection.cursor() as cursor:
        cursor.execute(_NAMED, {"room": room, "sequences": list(sequences)})
        return event_frames(cursor.fetchall())


def push(room: str, frame: EventFrame) -> dict[str, Any]:
    """The frame that goes to everyone in the room: the event as history shows it, and the room's name."""
    return {"type": frame["type"], "room": room, **frame}
