"""What goes out: who is to get a frame, and its way to the queue in shards."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection

from chat.rights import ADMITTED, HOLDS, RESTRICTED
from chat.rooms import Entrance
from chat.wire import encode
from delivery.shards import write_shards
from delivery.sqs import QueueSender

_EVERYONE_GROUP = "@everyone"
_CLOSING_GROUP = "@closing"

# Whoever is banned stays connected for a moment, and gets nothing. Those that are banned are looked up once.
_LIVE = f"""
    FROM django_aws_api_gateway_websockets_websocketsession session
    LEFT JOIN auth_user person ON person.id = session.user_id
    WHERE session.connected AND (session.user_id IS NULL OR (
        person.is_active AND session.user_id NOT IN (
            SELECT held.user_id FROM chat_restriction held
            WHERE held.kind = 'ban' AND {{where}} AND {HOLDS}
        )
    ))
"""  # noqa: S608 (constants, no input)
_EVERYONE = "SELECT session.connection_id" + _LIVE.format(where="held.room IS NULL")
_OPEN_ROOM = f"""
    {_LIVE.format(where="(held.room IS NULL OR held.room = %(room)s)")}
    AND session.channel_name = %(room)s AND (session.user_id IS NOT NULL OR %(guests)s)
"""
# Those who have lost the right since they came stay connected, and get nothing.
_RESTRICTED_ROOM = f"""
    FROM django_aws_api_gateway_websockets_websocketsession session
    JOIN chat_room room ON room.name = session.channel_name
    JOIN django_aws_api_gateway_websockets_channelpermission rule ON rule.channel_name = room.name
    LEFT JOIN auth_user person ON person.id = session.user_id
    {RESTRICTED}
    WHERE session.connected AND session.channel_name = %(room)s AND {ADMITTED}
"""
_OF_PERSON = """
    SELECT connection_id FROM django_aws_api_gateway_websockets_websocketsession
    WHERE connected AND user_id = %s
"""


def connections_in(entrance: Entrance) -> list[str]:
    """The connections that are in a room and may be: one statement, of its own.

    After a commit it must be a statement that begins then: one that waited for a lock still sees who was
    there before it waited, and would miss whoever joined meanwhile.
    """
    here, parameters = present_in(entrance)
    with connection.cursor() as cursor:
        cursor.execute("SELECT session.connection_id" + here, parameters)
        return [row[0] for row in cursor.fetchall()]


def present_in(entrance: Entrance) -> tuple[str, dict[str, Any]]:
    """Who is in a room and may be: the end of a statement from its FROM on, and its parameters.

    It names the connection `session`, and `person` whose it is.
    """
    room = entrance.room
    if entrance.restricted:
        return _RESTRICTED_ROOM, {"room": room.name}
    return _OPEN_ROOM, {"room": room.name, "guests": room.guests}


def connections_everywhere() -> list[str]:
    """Every live connection, whatever room it is in."""
    with connection.cursor() as cursor:
        cursor.execute(_EVERYONE)
        return [row[0] for row in cursor.fetchall()]


def connections_of(user: User) -> list[str]:
    """The live connections of one person, in whatever room."""
    with connection.cursor() as cursor:
        cursor.execute(_OF_PERSON, [user.pk])
        return [row[0] for row in cursor.fetchall()]


def enqueue_closing(
    frame: Mapping[str, Any], connection_ids: Sequence[str], *, delay_seconds: int = 0
) -> None:
    """Queue a last frame for connections, after which they are closed; both `delay_seconds` from now.

    :raises delivery.sqs.QueueError: The queue did not take it, or not all of it.
    """
    shards = write_shards(connection_ids, encode(frame), closes=True)
    if shards:
        _queue(settings.CHAT_DELIVERY_QUEUE_URL).send(
            shards, group=_CLOSING_GROUP, delay_seconds=delay_seconds
        )


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
