"""Pages of a room's history that fit into one frame."""

from typing import Any

from django.db import connection

from chat.messages import message_frame
from chat.wire import MessageFrame, encode

# A frame of API Gateway holds 128 KB; what is left is for the page's other fields.
_PAGE_BYTES = 131_072 - 2_048
# More than a message without its text takes, the longest username included.
_FRAME_BYTES = 1_200

_COLUMNS = ("sequence", "username", "guest", "message", "client_id", "created_at")
# The room's last number and the messages in one statement, so that they agree.
_PAGE = """
    SELECT room.last_sequence, page.*
    FROM chat_room room
    LEFT JOIN LATERAL (
        SELECT {columns} FROM chat_chatmessage
        WHERE room = room.name AND {condition}
        ORDER BY sequence {order}
        LIMIT %(rows)s
    ) page ON true
    WHERE room.name = %(room)s
    ORDER BY page.sequence {order}
"""
_OLDER = _PAGE.format(columns=", ".join(_COLUMNS), condition="sequence < %(position)s", order="DESC")
_NEWER = _PAGE.format(columns=", ".join(_COLUMNS), condition="sequence > %(position)s", order="ASC")
_AFTER_EVERYTHING = 2**63 - 1


def history_page(
    room: str, *, before: int | None = None, after: int | None = None, limit: int
) -> dict[str, Any]:
    """Up to `limit` messages, oldest first: those after a position, those before one, or the latest.

    `has_more` says whether there are further ones in the direction that was asked for. A page has fewer
    than `limit` where their texts would not fit into a frame.
    """
    forward = after is not None
    position = after if after is not None else before if before is not None else _AFTER_EVERYTHING
    with connection.cursor() as cursor:
        cursor.execute(_NEWER if forward else _OLDER, {"room": room, "position": position, "rows": limit + 1})
        rows = cursor.fetchall()
    latest = rows[0][0] if rows else 0
    found = [message_frame(dict(zip(_COLUMNS, row[1:], strict=True))) for row in rows if row[1] is not None]
    messages = _that_fit(found[:limit])
    has_more = len(messages) < len(found)
    return {
        "type": "history",
        "room": room,
        "messages": messages if forward else messages[::-1],
        "has_more": has_more,
        "latest_sequence": latest,
    }


def _that_fit(messages: list[MessageFrame]) -> list[MessageFrame]:
    # Most pages are far from the limit: JSON in UTF-8 takes at most 6 bytes a character.
    if sum(6 * len(message["message"]) + _FRAME_BYTES for message in messages) <= _PAGE_BYTES:
        return messages
    size = 0
    for count, message in enumerate(messages):
        size += len(encode({**message}).encode()) + 1
        if size > _PAGE_BYTES:
            return messages[:count]
    return messages
