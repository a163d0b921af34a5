"""Storing messages: each committed with the next number of its room, once for each `client_id`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AnonymousUser, User
from django.db import IntegrityError, connection
from django_aws_api_gateway_websockets.models import WebSocketSession

from chat.wire import GUEST_NAME, MessageFrame, timestamp

# The room's row lock orders the messages: the clock is read after it is held, so that time follows sequence.
# The library's count of requests rides along instead of being a commit of its own.
_STORE = """
    WITH numbered AS (
        UPDATE chat_room SET last_sequence = last_sequence + 1 WHERE name = %(room)s RETURNING last_sequence
    ), counted AS (
        UPDATE django_aws_api_gateway_websockets_websocketsession
        SET request_count = request_count + 1 WHERE id = %(connection)s
    )
    INSERT INTO chat_chatmessage (room, sequence, user_id, guest, username, message, client_id, created_at)
    SELECT %(room)s, last_sequence, %(user)s::integer, %(guest)s, %(username)s, %(message)s,
           %(client_id)s::uuid, clock_timestamp()
    FROM numbered
    RETURNING sequence, created_at
"""
_FIND = """
    SELECT sequence, created_at, message FROM chat_chatmessage
    WHERE room = %(room)s AND client_id = %(client_id)s AND {whose}
"""
_FIND_OF_PERSON = _FIND.format(whose="user_id = %(user)s")
_FIND_OF_GUEST = _FIND.format(whose="guest")


class AlreadyStored(Exception):
    """The room has a message with this `client_id` of the same person."""


class RoomGone(Exception):
    """The room was removed a moment ago."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A message before it has its number."""

    room: str
    user: User | AnonymousUser
    message: str
    client_id: UUID | None

    @property
    def username(self) -> str:
        return self.user.get_username() if self.user.is_authenticated else GUEST_NAME

    def _parameters(self) -> dict[str, Any]:
        return {
            "room": self.room,
            "user": self.user.pk,
            "guest": not self.user.is_authenticated,
            "username": self.username,
            "message": self.message,
            "client_id": self.client_id,
        }

    def store(self, session: WebSocketSession) -> "StoredMessage":
        """Commit the message with the next number of its room, in one statement.

        :raises AlreadyStored: The statement left nothing behind, and no hole in the numbers.
        :raises RoomGone: There is no such room any more.
        """
        with connection.cursor() as cursor:
            try:
                cursor.execute(_STORE, {**self._parameters(), "connection": session.pk})
            except IntegrityError as error:
                if _violated(error).startswith("chat_message_once"):
                    raise AlreadyStored from error
                raise
            row = cursor.fetchone()
        if row is None:
            raise RoomGone
        return StoredMessage(self, sequence=row[0], created_at=row[1], message=self.message)

    def find_stored(self) -> "StoredMessage | None":
        """The message that was stored under this `client_id` before, whatever its text."""
        with connection.cursor() as cursor:
            statement = _FIND_OF_PERSON if self.user.is_authenticated else _FIND_OF_GUEST
            cursor.execute(statement, self._parameters())
            row = cursor.fetchone()
        return StoredMessage(self, sequence=row[0], created_at=row[1], message=row[2]) if row else None


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message that is committed. `message` is its text as stored."""

    draft: Draft
    sequence: int
    created_at: datetime
    message: str

    def acknowledgement(self) -> dict[str, Any]:
        client_id = self.draft.client_id
        return {
            "ok": True,
            "type": "message_accepted",
            "room": self.draft.room,
            "client_id": str(client_id) if client_id else None,
            "sequence": self.sequence,
            "created_at": timestamp(self.created_at),
        }

    def push(self) -> dict[str, Any]:
        return {
            "type": "chat_message",
            "room": self.draft.room,
            **message_frame(
                {
                    "sequence": self.sequence,
                    "username": self.draft.username,
                    "guest": not self.draft.user.is_authenticated,
                    "message": self.message,
                    "client_id": self.draft.client_id,
                    "created_at": self.created_at,
                }
            ),
        }


def message_frame(values: Mapping[str, Any]) -> MessageFrame:
    """A message as history and pushes show it, from the values of its columns."""
    return {
        "sequence": values["sequence"],
        "username": values["username"],
        "guest": values["guest"],
        "message": values["message"],
        "client_id": str(values["client_id"]) if values["client_id"] else None,
        "created_at": timestamp(values["created_at"]),
    }


def _violated(error: IntegrityError) -> str:
    diagnosis = getattr(error.__cause__, "diag", None)
    return getattr(diagnosis, "constraint_name", None) or ""
