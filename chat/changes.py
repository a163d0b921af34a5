"""Edits and deletions: each is an event of the room's sequence, and the text that was is gone."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.db import connection, transaction
from django.utils import timezone

from chat.events import event_frame
from chat.messages import RoomGone
from chat.models import ChatMessage, MessageChange
from chat.moderation import audit
from chat.wire import EventFrame, Refusal, timestamp

MODERATE = "chat.delete_chatmessage"

# As for a message: the room's row lock orders the events, and the clock is read after it is held.
_RECORD = """
    WITH numbered AS (
        UPDATE chat_room SET last_sequence = last_sequence + 1
        WHERE name = %(room)s AND (archived_at IS NULL OR %(deletes)s)
        RETURNING last_sequence AS sequence, clock_timestamp() AS now
    ), changed AS (
        UPDATE chat_chatmessage SET
            message = %(text)s,
            revision = numbered.sequence,
            edited_at = CASE WHEN %(deletes)s THEN edited_at ELSE numbered.now END,
            deleted_at = CASE WHEN %(deletes)s THEN numbered.now END
        FROM numbered WHERE room = %(room)s AND chat_chatmessage.sequence = %(target)s
    ), recorded AS (
        INSERT INTO chat_messagechange
            (room, sequence, target, kind, changed_by_id, by_moderator, created_at)
        SELECT %(room)s, sequence, %(target)s, %(kind)s, %(user)s::integer, %(by_moderator)s, now
        FROM numbered
    )
    INSERT INTO chat_undelivered (room, sequence, since) SELECT %(room)s, sequence, now FROM numbered
    RETURNING sequence, since
"""


@dataclass(frozen=True, slots=True)
class Change:
    """A change that is committed. `frame` is what everybody hears of it: None if it had been made before."""

    room: str
    target: int
    sequence: int
    created_at: datetime
    frame: EventFrame | None

    def acknowledgement(self) -> dict[str, Any]:
        return {
            "ok": True,
            "type": "change_accepted",
            "room": self.room,
            "target": self.target,
            "sequence": self.sequence,
            "created_at": timestamp(self.created_at),
        }


def edit_message(room: str, target: int, text: str, user: User | AnonymousUser) -> Change:
    """Give a message another text. Only who wrote it may, and for a while.

    :raises Refusal: `message_forbidden` or `too_late`.
    :raises RoomGone: The room has been archived.
    """
    with transaction.atomic():
        message = _own(_lock(room, target), user)
        if message.message == text:
            return _unchanged(message)
        return _record(message, MessageChange.Kind.EDITED, text, user, by_moderator=False)


def delete_message(room: str, target: int, user: User | AnonymousUser) -> Change:
    """Take a message's text away. Who wrote it may for a while, a moderator always.

    :raises Refusal: `message_forbidden` or `too_late`.
    """
    with transaction.atomic():
        message = _lock(room, target)
        by_moderator = message is not None and not _wrote(user, message) and user.has_perm(MODERATE)
        if message is None or not by_moderator:
            message = _own(message, user, deletes=True)
        if message.deleted_at:
            return _unchanged(message)
        if by_moderator:
            audit.record(
                audit.DELETE_MESSAGE,
                actor=user,
                subject=message.user,
                subject_name=message.username,
                room=room,
                sequence=target,
            )
        return _record(message, MessageChange.Kind.DELETED, "", user, by_moderator=by_moderator)


def _lock(room: str, target: int) -> ChatMessage | None:
    return ChatMessage.objects.select_for_update().filter(room=room, sequence=target).first()


def _wrote(user: User | AnonymousUser, message: ChatMessage) -> bool:
    # A guest is whoever says so: nobody can show that they are the one who wrote it.
    return user.is_authenticated and message.user_id == user.pk


def _own(message: ChatMessage | None, user: User | AnonymousUser, *, deletes: bool = False) -> ChatMessage:
    # Missing, somebody else's and deleted look alike.
    if message is None or not _wrote(user, message) or (message.deleted_at and not deletes):
        raise Refusal("message_forbidden", "There is no such message, or you may not change it.")
    limit: int = settings.CHAT_CHANGE_SECONDS
    if not message.deleted_at and (timezone.now() - message.created_at).total_seconds() > limit:
        raise Refusal("too_late", "This message is too old to be changed.", limit=limit)
    return message


def _unchanged(message: ChatMessage) -> Change:
    """What a request that came again is answered: the change that it asks for has been made."""
    return Change(
        message.room,
        message.sequence,
        sequence=message.revision or message.sequence,
        created_at=message.deleted_at or message.edited_at or message.created_at,
        frame=None,
    )


def _record(
    message: ChatMessage,
    kind: MessageChange.Kind,
    text: str,
    user: User | AnonymousUser,
    *,
    by_moderator: bool,
) -> Change:
    deletes = kind is MessageChange.Kind.DELETED
    with connection.cursor() as cursor:
        cursor.execute(
            _RECORD,
            {
                "room": message.room,
                "target": message.sequence,
                "kind": kind.value,
                "text": text,
                "deletes": deletes,
                "user": user.pk,
                "by_moderator": by_moderator,
            },
        )
        row = cursor.fetchone()
    if row is None:
        raise RoomGone
    sequence, created_at = row
    frame = event_frame(
        {
            "type": kind.value,
            "sequence": sequence,
            "target": message.sequence,
            "username": message.username,
            "guest": message.guest,
            "message": text,
            "created_at": created_at,
            "revision": None,
            "edited_at": None,
            "deleted": deletes,
            "by_moderator": by_moderator,
        }
    )
    return Change(message.room, message.sequence, sequence, created_at, frame)
