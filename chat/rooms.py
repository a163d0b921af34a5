"""Which rooms there are, and what somebody may do in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from django.contrib.auth.models import AnonymousUser, User
from django.db import connection
from django_aws_api_gateway_websockets.models import ChannelPermission

from chat.joined import Joined
from chat.models import ROOM_NAME, ROOM_NAME_LENGTH, Room
from chat.rights import COLUMN_COUNT, OPEN, RESTRICTED, Rights, rights_columns

ACCESS: Mapping[str, str] = {
    ChannelPermission.Access.ALLOW_ALL: "open",
    ChannelPermission.Access.PERMISSIONS: "members",
    ChannelPermission.Access.STAFF_ONLY: "staff",
    ChannelPermission.Access.SUPERUSER_ONLY: "staff",
}
# What an action looks at.
ROOM_FIELDS = {"name", "guests", "read_only", "archived_at", "slow_mode_seconds"}

_LOADED = Joined(("room", Room, {*ROOM_FIELDS, "title", "position", "last_sequence"}))
_ENTRANCES = f"""
    SELECT {rights_columns(moderates_if="true", announces_if="room.read_only")}, rule.access,
           {_LOADED.columns}
    FROM {Room._meta.db_table} room
    JOIN {ChannelPermission._meta.db_table} rule ON rule.channel_name = room.name
    LEFT JOIN {User._meta.db_table} person ON person.id = %(user)s::integer
    {RESTRICTED}
"""  # noqa: S608 (names of tables and columns, no input)
_ONE = f"{_ENTRANCES} WHERE room.name = %(room)s"
_ALL = f"{_ENTRANCES} ORDER BY room.position, room.name"


@dataclass(frozen=True, slots=True)
class Entrance:
    """A room, the access that the library's rule gives to it, and what somebody may do there."""

    room: Room
    access: str
    rights: Rights

    @property
    def restricted(self) -> bool:
        return self.access != OPEN

    @property
    def may_post(self) -> bool:
        """Whether somebody who is admitted may write, but for how fast."""
        if self.room.archived_at or self.rights.muted:
            return False
        return not self.room.read_only or self.rights.moderates or self.rights.announces


def is_room_name(name: object) -> TypeGuard[str]:
    """Whether a room could have this name."""
    return isinstance(name, str) and len(name) <= ROOM_NAME_LENGTH and ROOM_NAME.match(name) is not None


def echoed(name: object) -> str | None:
    """What a refusal repeats of something that is no name of a room, if it is short."""
    return name if isinstance(name, str) and len(name) <= ROOM_NAME_LENGTH else None


def entrance(name: object, user: User | AnonymousUser | None = None) -> Entrance | None:
    """The room called `name` and what `user` may do there, a guest if nobody is named.

    None where there is no such room, or nobody has said who may enter it. Whether `user` may is in its
    rights: the statement is the same for a room that is missing and one that is closed.
    """
    if not is_room_name(name):
        return None
    with connection.cursor() as cursor:
        cursor.execute(_ONE, {"user": user.pk if user else None, "room": name})
        row = cursor.fetchone()
    return _entrance(row) if row else None


def entrances_for(user: User | AnonymousUser) -> list[Entrance]:
    """The rooms that `user` may enter, in the order in which they are listed. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_ALL, {"user": user.pk})
        candidates = [_entrance(row) for row in cursor.fetchall()]
    return [candidate for candidate in candidates if candidate.rights.admitted]


def _entrance(row: Sequence[Any]) -> Entrance:
    (room,) = _LOADED.instances(row[COLUMN_COUNT + 1 :])
    return Entrance(room, row[COLUMN_COUNT], Rights.from_row(row[:COLUMN_COUNT]))
