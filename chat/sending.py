"""What goes out: who is to get a frame, and its way to the queue in shards."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection

from chat.rooms import Entrance
from chat.wire import encode
from delivery.shards import write_shards
from delivery.sqs import QueueSender

_EVERYONE_GROUP = "@everyone"

_LIVE = """
    FROM django_aws_api_gateway_websockets_websocketsession session
    LEFT JOIN auth_user person ON person.id = session.user_id
    WHERE session.connected AND (session.user_id IS NULL OR person.is_active)
"""
_IN_ROOM = f"{_LIVE} AND session.channel_name = %(room)s AND (session.user_id IS NOT NULL OR %(guests)s)"
_EVERYONE = f"SELECT session.connection_id {_LIVE}"
_OPEN_ROOM = f"SELECT session.connection_id {_IN_ROOM}"
_RESTRICTED_ROOM = f"""
    SELECT session.connection_id, person.id, person.is_active, person.is_staff, person.is_superuser {_IN_ROOM}
"""


def connections_in(entrance: Entrance) -> list[str]:
    """The connections that are in a room and may be: one statement, of its own.

    After a commit it must be a statement that begins then: one that waited for a lock still sees who was
    there before it waited, and would miss whoever joined meanwhile.
    """
    parameters: dict[str, Any] = {"room": entrance.room.name, "guests": entrance.room.guests}
    with connection.cursor() as cursor:
        if not entrance.restricted:
            cursor.execute(_OPEN_ROOM, parameters)
            return [row[0] for row in cursor.fetchall()]
        cursor.execute(_RESTRICTED_ROOM, parameters)
        rows = cursor.fetchall()
    # Those who have lost the right since they came stay connected, and get nothing.
    admitted: dict[int | None, bool] = {}
    for _, user_id, is_active, is_staff, is_superuser in rows:
        if user_id is not None and user_id not in admitted:
            user = User(id=user_id, is_active=is_active, is_staff=is_staff, is_superuser=is_superuser)
            admitted[user_id] = entrance.admits(user)
    return [row[0] for row in rows if admitted.get(row[1], False)]


def connections_everywhere() -> list[str]:
    """Every live connection, whatever room it is in."""
    with connection.cursor() as cursor:
        cursor.execute(_EVERYONE)
        return [row[0] for row in cursor.fetchall()]


def enqueue(frame: Mapping[str, Any], connection_ids: Sequence[str], *, first: str | None = None) -> int:
    """Queue a frame for delivery to connections, `first` before all others. Returns the number of shards.

    :raises delivery.sqs.QueueError: The queue did not take it, or not all of it.
    """
    shards = write_shards(connection_ids, encode(frame), first=first)
    if shards:
        # A room with a backlog then doesn't delay the others: SQS is fair among groups.
        group = str(frame.get("room") or _EVERYONE_GROUP)
        _queue(settings.CHAT_DELIVERY_QUEUE_URL).send(shards, group=group)
    return len(shards)


@cache
def _queue(url: str) -> QueueSender:
    return QueueSender(url)
