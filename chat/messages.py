"""Storing messages: each committed with the next number of its room, once for each `client_id`."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AnonymousUser, User
from django.db import IntegrityError, connection
from django_aws_api_gateway_websockets.models import WebSocketSession

from chat.events import COLUMNS, MESSAGE, MESSAGES, event_frame
from chat.wire import GUEST_NAME, EventFrame

# The room's row lock orders the events: the clock is read after it is held, so that time follows sequence.
# The library's count of requests and the outbox ride along instead of being commits of their own.
_STORE = """
    WITH numbered AS (
        UPDATE chat_room SET last_sequence = last_sequence + 1
        WHERE name = %(room)s AND archived_at IS NULL
        RETURNING last_sequence
    ), counted AS (
        UPDATE django_aws_api_gateway_websockets_websocketsession
        SET request_count = request_count + 1 WHERE id = %(connection)s
    ), stored AS (
        INSERT INTO chat_chatmessage
            (room, sequence, user_id, guest, username, message, client_id, created_at)
        SELECT %(room)s, last_sequence, %(user)s::integer, %(guest)s, %(username)s, %(message)s,
               %(client_id)s::uuid, clock_timestamp()
        FROM numbered
        RETURNING sequence, created_at
    )
    INSERT INTO chat_undelivered (room, sequence, since) SELECT %(room)s, sequence, created_at FROM stored
    RETURNING sequence, since
"""
_FIND = f"""
    SELECT EXISTS (
        SELECT FROM chat_undelivered waiting
        WHERE waiting.room = %(room)s AND waiting.sequence = found.sequence
    ), {", ".join(f"found.{name}" for name in COLUMNS)}
    FROM (
        {MESSAGES} WHERE message.room = %(room)s AND message.client_id = %(client_id)s AND {{whose}}
    ) found
"""  # noqa: S608 (names of columns, no input)
_FIND_OF_PERSON = _FIND.format(whose="message.user_id = %(user)s")
_FIND_OF_GUEST = _FIND.format(whose="message.guest")


class AlreadyStored(Exception):
    """The room has a message with this `client_id` of the same person."""


class RoomGone(Exception):
    """The room was removed or archived a moment ago."""


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message that is committed, as it is now. `queued` says whether its delivery is known to be queued."""

    room: str
    frame: EventFrame
    queued: bool

    def was(self, text: str) -> bool:
        """Whether the message may have said this at first. If it was changed since, nobody knows any more."""
        return "revision" in self.frame or self.frame["message"] == text

    def acknowledgement(self) -> dict[str, Any]:
        return {
            "ok": True,
            "type": "message_accepted",
            "room": self.room,
            "client_id": self.frame["client_id"],
            "sequence": self.frame["sequence"],
            "created_at": self.frame["created_at"],
        }


@dataclass(frozen=True, slots=True)
class Draft:
    """A message before it has its number."""

    room: str
    user: User | AnonymousUser
    message: str
    client_id: UUID | None

    def _parameters(self) -> dict[str, Any]:
        is_guest = not self.user.is_authenticated
        return {
            "room": self.room,
            "user": self.user.pk,
            "guest": is_guest,
            "username": GUEST_NAME if is_guest else self.user.get_username(),
            "message": self.message,
            "client_id": self.client_id,
        }

    def store(self, session: WebSocketSession) -> StoredMessage:
        """Commit the message with the next number of its room, in one statement.

        :raises AlreadyStored: The statement left nothing behind, and no hole in the numbers.
        :raises RoomGone: There is no such room any more, or it has been archived.
        """
        values = self._parameters()
        with connection.cursor() as cursor:
            try:
                cursor.execute(_STORE, {**values, "connection": session.pk})
            except IntegrityError as error:
                if _violated(error).startswith("chat_message_once"):
                    raise AlreadyStored from error
                raise
            row = cursor.fetchone()
        if row is None:
            raise RoomGone
        sequence, created_at = row
        new = dict.fromkeys(COLUMNS) | {"type": MESSAGE, "sequence": sequence, "created_at": created_at}
        return StoredMessage(self.room, event_frame(new | values), queued=False)

    def find_stored(self) -> StoredMessage | None:
        """The message that was stored under this `client_id` before, whatever its text."""
        with connection.cursor() as cursor:
            statement = _FIND_OF_PERSON if self.user.is_authenticated else _FIND_OF_GUEST
            cursor.execute(statement, self._parameters())
            row = cursor.fetchone()
        if row is None:
            return None
        waiting, *values = row
        frame = event_frame(dict(zip(COLUMNS, values, strict=True)))
        return StoredMessage(self.room, frame, queued=not waiting)


def _violated(error: IntegrityError) -> str:
    diagnosis = getattr(error.__cause__, "diag", None)
    return getattr(diagnosis, "constraint_name", None) or ""
