"""How much of each room somebody has not read yet, from positions that their client keeps."""

import re
from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.db import connection

from chat.rights import ADMITTED, RESTRICTED
from chat.rooms import is_room_name
from chat.wire import Refusal

MOST_ROOMS = 100
MOST_COUNTED = 99
# Behind a position far back may be thousands of one's own messages and none of others: the reading of them
# ends somewhere.
MOST_READ = 2000
_LARGEST = 2**63 - 1

# The newest of what is unread, by the index on room and sequence.
_UNREAD = f"""
    SELECT room.name, room.last_sequence, counted.unread, counted.mentions
    FROM unnest(%(rooms)s::text[], %(seen)s::bigint[]) AS asked (name, seen)
    JOIN chat_room room ON room.name = asked.name
    JOIN django_aws_api_gateway_websockets_channelpermission rule ON rule.channel_name = room.name
    LEFT JOIN auth_user person ON person.id = %(user)s::integer
    {RESTRICTED}
    CROSS JOIN LATERAL (
        SELECT count(*) AS unread,
               count(*) FILTER (WHERE others.message ~* %(mention)s) AS mentions
        FROM (
            SELECT message.message
            FROM chat_chatmessage message
            WHERE message.room = room.name
              AND message.sequence > greatest(asked.seen, room.last_sequence - {MOST_READ})
              AND message.deleted_at IS NULL
              AND (message.user_id IS NULL OR message.user_id IS DISTINCT FROM person.id)
            ORDER BY message.sequence DESC LIMIT %(most)s + 1
        ) others
    ) counted
    WHERE {ADMITTED}
"""  # noqa: S608 (constants, no input)

_IN_A_NAME = r"[[:alnum:]_@+\-"


def positions_of(frame: Mapping[str, Any]) -> dict[str, int]:
    """The rooms that a request asks about, with the position up to which each is read.

    :raises Refusal: `invalid_request`.
    """
    seen = frame.get("seen")
    if not isinstance(seen, dict) or len(seen) > MOST_ROOMS:
        raise Refusal("invalid_request", f"seen must be an object of up to {MOST_ROOMS} rooms.", field="seen")
    for room, position in seen.items():
        # A bool is an int to Python, and no number to anybody else.
        if not is_room_name(room) or type(position) is not int or not 0 <= position <= _LARGEST:
            raise Refusal(
                "invalid_request",
                "seen must be an object of rooms' names and whole numbers of 0 or more.",
                field="seen",
            )
    return dict(seen)


def unread_in(positions: Mapping[str, int], user: User | AnonymousUser) -> dict[str, dict[str, Any]]:
    """What is unread in those of the rooms that `user` may enter, by room. One statement.

    Counted are messages of others that were not deleted; edits and deletions count for nothing.
    """
    if not positions:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            _UNREAD,
            {
                "rooms": list(positions),
                "seen": list(positions.values()),
                "user": user.pk,
                "most": MOST_COUNTED,
                "mention": mention_pattern(user.get_username()) if user.is_authenticated else None,
            },
        )
        rows = cursor.fetchall()
    return {
        room: {
            "unread": min(unread, MOST_COUNTED),
            "mentions": min(mentions, MOST_COUNTED),
            "latest_sequence": latest,
            "capped": unread > MOST_COUNTED,
        }
        for room, latest, unread, mentions in rows
    }


def mention_pattern(username: str) -> str:
    """PostgreSQL's pattern of a text that calls somebody, as the client has it: `@ada`, but not `@adam`."""
    name = re.sub(r"([^\w])", r"\\\1", username)
    return f"(?<!{_IN_A_NAME}.])@{name}(?!{_IN_A_NAME}]|\\.{_IN_A_NAME}])"
