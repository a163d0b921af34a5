"""Which rooms there are, and whom they let in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeGuard

from django.contrib.auth.models import AnonymousUser, User
from django.db import connection
from django_aws_api_gateway_websockets.models import ChannelPermission

from chat.joined import Joined
from chat.models import ROOM_NAME, ROOM_NAME_LENGTH, Room

_LOADED = Joined(("room", Room, {"name", "guests"}), ("rule", ChannelPermission, {"channel_name", "access"}))
_ENTRANCE = f"""
    SELECT {_LOADED.columns}
    FROM {Room._meta.db_table} room
    JOIN {ChannelPermission._meta.db_table} rule ON rule.channel_name = room.name
    WHERE room.name = %s
"""  # noqa: S608 (names of tables and columns, no input)


@dataclass(frozen=True, slots=True)
class Entrance:
    """A room together with the library's rule that says who may enter it."""

    room: Room
    permission: ChannelPermission

    @property
    def restricted(self) -> bool:
        return bool(self.permission.access != ChannelPermission.Access.ALLOW_ALL)

    def admits(self, user: User | AnonymousUser) -> bool:
        """Whether `user` may be in the room: read it and write in it."""
        if not user.is_authenticated and not self.room.guests:
            return False
        return bool(self.permission.allows(user))


def is_room_name(name: object) -> TypeGuard[str]:
    """Whether a room could have this name."""
    return isinstance(name, str) and len(name) <= ROOM_NAME_LENGTH and ROOM_NAME.match(name) is not None


def entrance(name: object) -> Entrance | None:
    """The room called `name`, or None where there is none or nobody has said who may enter."""
    if not is_room_name(name):
        return None
    with connection.cursor() as cursor:
        cursor.execute(_ENTRANCE, [name])
        row = cursor.fetchone()
    return Entrance(*_LOADED.instances(row)) if row else None


def entrances_for(user: User | AnonymousUser) -> list[Entrance]:
    """The rooms that `user` may enter, in the order in which they are listed. Two statements."""
    permissions: Mapping[str, ChannelPermission] = {
        permission.channel_name: permission for permission in ChannelPermission.objects.all()
    }
    entrances = (
        Entrance(room, permissions[room.name]) for room in Room.objects.all() if room.name in permissions
    )
    return [candidate for candidate in entrances if candidate.admits(user)]
