"""Pages of a room's history that fit into one frame."""

from typing import Any

from django.db import connection

from chat.events import CHANGES, COLUMNS, MESSAGES, WITH_MESSAGES, event_frames
from chat.wire import EventFrame, encode

# A frame of API Gateway holds 128 KB; what is left is for the page's other fields.
_PAGE_BYTES = 131_072 - 2_048
# More than an event without its text takes, the longest username included.
_FRAME_BYTES = 1_400

# The room's last number and the events in one statement, so that they agree. Each kind is read by its index,
# no further than the page may reach: without its own limit, PostgreSQL reads and sorts all the rest.
_PAGE = """
    SELECT room.last_sequence, page.*
    FROM chat_room room
    LEFT JOIN LATERAL ({events}) page ON true
    WHERE room.name = %(room)s
"""
_EVENTS = """
    ({messages} WHERE message.room = %(room)s AND message.sequence {reach}
     ORDER BY message.sequence {order} LIMIT %(rows)s)
    UNION ALL
    ({changes} WHERE change.room = %(room)s AND change.sequence {reach}
     ORDER BY change.sequence {order} LIMIT %(rows)s)
    ORDER BY sequence {order}
    LIMIT %(rows)s
"""


def _page(reach: str, order: str) -> str:
    events = _EVENTS.format(messages=MESSAGES, changes=CHANGES, reach=reach, order=order)
    return _PAGE.format(events=WITH_MESSAGES.format(events=events, order=order))


_OLDER = _page("< %(position)s", "DESC")
_NEWER = _page("> %(position)s", "ASC")
_AFTER_EVERYTHING = 2**63 - 1
_SEQUENCE = 1 + COLUMNS.index("sequence")


def history_page(
    room: str, *, before: int | None = None, after: int | None = None, limit: int
) -> dict[str, Any]:
    """Up to `limit` events, oldest first: those after a position, those before one, or the latest.

    `has_more` says whether there are further ones in the direction that was asked for. A page has fewer than
    `limit` where their texts would not fit into a frame. `restart` says that the events which followed the
    position are no longer kept, or that the position was never reached: whoever has it must start again.
    """
    forward = after is not None
    position = after if after is not None else before if before is not None else _AFTER_EVERYTHING
    with connection.cursor() as cursor:
        cursor.execute(_NEWER if forward else _OLDER, {"room": room, "position": position, "rows": limit + 1})
        rows = cursor.fetchall()
    latest = rows[0][0] if rows else 0
    found = event_frames([row[1:] for row in rows if row[_SEQUENCE] is not None])
    events = _that_fit(found[:limit])
    page = {
        "type": "history",
        "room": room,
        "messages": events if forward else events[::-1],
        "has_more": len(events) < len(found),
        "latest_sequence": latest,
    }
    if after is not None and not _follows(after, events, latest):
        page["restart"] = True
    return page


def _follows(position: int, events: list[EventFrame], latest: int) -> bool:
    """Whether events, or their absence, continue a position without a gap: numbers have no holes."""
    return events[0]["sequence"] == position + 1 if events else position == latest


def _that_fit(events: list[EventFrame]) -> list[EventFrame]:
    # Most pages are far from the limit: JSON in UTF-8 takes at most 6 bytes a character.
    if sum(6 * len(event["message"]) + _FRAME_BYTES for event in events) <= _PAGE_BYTES:
        return events
    size = 0
    for count, event in enumerate(events):
        size += len(encode({**event}).encode()) + 1
        if size > _PAGE_BYTES:
            return events[:count]
    return events
