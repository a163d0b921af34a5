"""Muting and banning people, in a room or everywhere, for a while or until somebody lifts it."""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.db import connection, transaction
from django.utils import timezone

from chat.closing import end_connections_of
from chat.models import Restriction
from chat.moderation import audit
from chat.rights import HOLDS
from chat.sending import connections_of, enqueue
from chat.wire import Refusal, timestamp
from delivery.sqs import QueueError

logger = logging.getLogger(__name__)

PERMISSION = "chat.moderate"
LONGEST_SECONDS = 10 * 365 * 86_400

# One statement: of two moderators at once, the later one's word stands, and there is one restriction.
_RESTRICT = """
    INSERT INTO chat_restriction (user_id, kind, room, until, reason, created_by_id, created_at)
    VALUES (%(user)s, %(kind)s, %(room)s, now() + make_interval(secs => %(seconds)s), %(reason)s, %(by)s,
            now())
    ON CONFLICT (user_id, kind, room) WHERE lifted_at IS NULL DO UPDATE SET
        until = excluded.until, reason = excluded.reason,
        created_by_id = excluded.created_by_id, created_at = excluded.created_at
    RETURNING id, until
"""
_BANNED = f"""
    SELECT EXISTS (
        SELECT FROM chat_restriction held
        WHERE held.user_id = %s AND held.kind = 'ban' AND held.room IS NULL AND {HOLDS}
    )
"""  # noqa: S608 (constants, no input)


@dataclass(frozen=True, slots=True)
class Restricted:
    """A restriction as it was made."""

    id: int
    kind: str
    username: str
    room: str | None
    until: datetime | None


def may_moderate(user: User | AnonymousUser) -> bool:
    """Whether `user` may restrict people and handle reports. To be staff is not enough."""
    return user.is_authenticated and user.has_perm(PERMISSION)


def is_banned_everywhere(user: User) -> bool:
    """Whether a ban from the whole chat holds: who is banned may not sign in."""
    with connection.cursor() as cursor:
        cursor.execute(_BANNED, [user.pk])
        return bool(cursor.fetchone()[0])


def restrict(
    actor: User, kind: Restriction.Kind, subject: User, *, room: str | None, seconds: int | None, reason: str
) -> Restricted:
    """Mute or ban somebody from now on, for `seconds` or without end; in `room`, or everywhere.

    It holds with the commit: see `chat.rights`. Then the person is told, and a ban from everywhere closes
    their connections.

    :raises Refusal: `moderation_forbidden`: `actor` may not, or `subject` is not to be restricted.
    """
    if not may_moderate(actor):
        raise _forbidden("You may not moderate.")
    if subject == actor:
        raise _forbidden("You can't restrict yourself.")
    if subject.is_superuser or may_moderate(subject):
        raise _forbidden("Moderators can't be restricted.")
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                _RESTRICT,
                {
                    "user": subject.pk,
                    "kind": kind.value,
                    "room": room,
                    "seconds": seconds,
                    "reason": reason,
                    "by": actor.pk,
                },
            )
            identity, until = cursor.fetchone()
        audit.record(kind.value, actor=actor, subject=subject, room=room, until=until, reason=reason)
    tell(subject, _sentence(kind, room, until, reason), room=room, level="warning")
    if kind is Restriction.Kind.BAN and room is None:
        end_connections_of(subject.pk)
    return Restricted(identity, kind.value, subject.get_username(), room, until)


def lift(actor: User, identity: int) -> None:
    """End a restriction before its time. One that has been lifted already stays so.

    :raises Refusal: `moderation_forbidden`, or `invalid_request` where there is no such restriction.
    """
    if not may_moderate(actor):
        raise _forbidden("You may not moderate.")
    with transaction.atomic():
        held = Restriction.objects.select_for_update(of=["self"]).filter(pk=identity).first()
        if held is None:
            raise Refusal("invalid_request", "There is no such restriction.", field="id")
        if held.user_id == actor.pk and not actor.is_superuser:
            raise _forbidden("You can't lift what holds for yourself.")
        if held.lifted_at:
            return
        held.lifted_at = timezone.now()
        held.save(update_fields=["lifted_at"])
        audit.record(audit.LIFT, actor=actor, subject=held.user, room=held.room_id, reason=held.kind)
    what = "write" if held.kind == Restriction.Kind.MUTE else "enter"
    where = "here" if held.room_id else "everywhere"
    tell(held.user, f"You may {what} {where} again.", room=held.room_id, level="info")


def tell(user: User, sentence: str, *, room: str | None, level: str) -> None:
    """Show somebody a notice on all their connections. That it can't be queued changes nothing."""
    frame: dict[str, Any] = {
        "type": "system",
        "message": sentence,
        "level": level,
        "room": room,
        # Unlike a broadcast it changes what one may do: a client asks its session anew.
        "about": "you",
        "created_at": timestamp(timezone.now()),
    }
    try:
        enqueue(frame, connections_of(user))
    except QueueError:
        logger.exception("A notice to user %s could not be queued", user.pk)


def _sentence(kind: Restriction.Kind, room: str | None, until: datetime | None, reason: str) -> str:
    done = "muted" if kind is Restriction.Kind.MUTE else "banned"
    where = f"in {room}" if room else "everywhere"
    end = f" until {until:%Y-%m-%d %H:%M} UTC" if until else ""
    why = f" Reason: {reason}" if reason else ""
    return f"A moderator has {done} you {where}{end}.{why}"


def _forbidden(sentence: str) -> Refusal:
    return Refusal("moderation_forbidden", sentence)
