"""The live connections: whose they are, which room they are in, and how they end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone
from django_aws_api_gateway_websockets.models import ChannelPermission, WebSocketSession

from chat.joined import Joined
from chat.models import ConnectionLogin, Room
from chat.rights import COLUMN_COUNT, RESTRICTED, Rights, rights_columns
from chat.rooms import ROOM_FIELDS, Entrance

# API Gateway answers a post to a connection that is still connecting as it does one that has gone.
SETTLING_SECONDS = 10


@dataclass(frozen=True, slots=True)
class LiveConnection:
    """A connection as its next action finds it. `entrance` is None if its room has gone."""

    session: WebSocketSession
    login_lasts: bool
    rights: Rights
    entrance: Entrance | None

    @property
    def user(self) -> User | AnonymousUser:
        return self.session.user or AnonymousUser()

    @property
    def sender(self) -> str:
        """By what the connection's messages are counted: a person has one limit over all connections."""
        return (
            f"user {self.session.user_id}" if self.session.user_id else f"guest {self.session.connection_id}"
        )


# What an action looks at.
_LOADED = Joined(
    ("session", WebSocketSession, {"connection_id", "channel_name", "user_id", "connected", "auth_hash"}),
    ("person", User, {"username", "password", "is_active", "is_staff", "is_superuser"}),
    ("room", Room, ROOM_FIELDS),
)
_RIGHTS = rights_columns(
    # Everywhere else both make no difference to what an action may do.
    moderates_if="room.read_only OR room.slow_mode_seconds > 0",
    announces_if="room.read_only",
)
# psycopg reads a statement for its parameters each time anew if it is longer than 4,096 characters.
_LOAD = " ".join(
    f"""
    SELECT {_RIGHTS}, rule.access, session.user_id IS NULL OR login.session_key IS NOT NULL,
           {_LOADED.columns}
    FROM {WebSocketSession._meta.db_table} session
    LEFT JOIN {User._meta.db_table} person ON person.id = session.user_id
    LEFT JOIN {Room._meta.db_table} room ON room.name = session.channel_name
    LEFT JOIN {ChannelPermission._meta.db_table} rule ON rule.channel_name = session.channel_name
    LEFT JOIN {ConnectionLogin._meta.db_table} opened_under ON opened_under.connection_id = session.id
    LEFT JOIN {Session._meta.db_table} login
        ON login.session_key = opened_under.login_id AND login.expire_date > now()
    {RESTRICTED}
    WHERE session.connection_id = %s AND session.api_gateway_id = %s AND session.connected
    """.split()  # noqa: S608 (names of tables and columns, no input)
)


def live_connection(connection_id: str, *, api_gateway_id: int) -> LiveConnection | None:
    """Read a connection in one statement, never from a cache: what ended it must show at once."""
    with connection.cursor() as cursor:
        cursor.execute(_LOAD, [connection_id, api_gateway_id])
        row = cursor.fetchone()
    if row is None:
        return None
    rights = Rights.from_row(row[:COLUMN_COUNT])
    access, login_lasts, *values = row[COLUMN_COUNT:]
    session, person, room = _LOADED.instances(values)
    session.user = person
    return LiveConnection(session, login_lasts, rights, Entrance(room, access, rights) if room else None)


def remember_login(connection_id: str, session_key: str) -> None:
    """Note which login a new connection was opened under, so that it ends with it."""
    session = WebSocketSession.objects.only("pk").get(connection_id=connection_id)
    ConnectionLogin.objects.create(connection=session, login_id=session_key)


def end(session: WebSocketSession) -> None:
    """Take a connection off the live ones: it gets nothing more and can do nothing more."""
    WebSocketSession.objects.filter(pk=session.pk).update(connected=False, updated_on=timezone.now())


def move_to_room(session: WebSocketSession, room: str) -> int | None:
    """Put a connection into `room`.

    Returns the number of the change: of two changes that race, the connection is where the one with
    the higher number says. None if the connection has ended meanwhile.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE django_aws_api_gateway_websockets_websocketsession
            SET channel_name = %s, request_count = request_count + 1, updated_on = now()
            WHERE id = %s AND connected
            RETURNING request_count
            """,
            [room, session.pk],
        )
        row = cursor.fetchone()
    return row[0] if row else None


def forget_gone(connection_ids: Sequence[str]) -> int:
    """End connections that `@connections` no longer knows. Returns how many were live.

    What opened a moment ago stays: it may only have been connecting.
    """
    return _end_those(
        "connection_id = ANY(%s) AND created_on < now() - make_interval(secs => %s)",
        [list(connection_ids), SETTLING_SECONDS],
        most=len(connection_ids),
    )


def end_stale(opened_before: datetime, *, most: int) -> int:
    """End up to `most` connections that must have ended without a word. Returns how many these were."""
    return _end_those("created_on < %s", [opened_before], most=most)


def _end_those(condition: str, parameters: Sequence[Any], *, most: int) -> int:
    """End live connections. Rows that are being changed are skipped.

    Two of these at once must not wait for each other, and whatever has ended will be found again.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE {WebSocketSession._meta.db_table} SET connected = false, updated_on = now()
            WHERE id IN (
                SELECT id FROM {WebSocketSession._meta.db_table}
                WHERE connected AND {condition}
                LIMIT %s FOR UPDATE SKIP LOCKED
            )
            """,  # noqa: S608 (a condition of ours, no input)
            [*parameters, most],
        )
        return int(cursor.rowcount)
