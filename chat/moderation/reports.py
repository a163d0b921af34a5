"""Reports: anybody in a room tells the moderators of a message, once; they say what became of it."""

from django.contrib.auth.models import AnonymousUser, User
from django.db import connection, transaction
from django.utils import timezone

from chat.models import Report
from chat.moderation import audit
from chat.wire import Refusal

_REPORT = """
    WITH message AS (
        SELECT sequence FROM chat_chatmessage WHERE room = %(room)s AND sequence = %(sequence)s
    ), reported AS (
        INSERT INTO chat_report
            (room, sequence, reporter_id, guest, reason, note, created_at, resolution)
        SELECT %(room)s, sequence, %(user)s::integer, %(guest)s, %(reason)s, %(note)s, now(), ''
        FROM message
        ON CONFLICT DO NOTHING
    )
    SELECT EXISTS (SELECT FROM message)
"""


def report(
    user: User | AnonymousUser, room: str, sequence: int, reason: Report.Reason, note: str = ""
) -> None:
    """Note that `user` complains of a message. Of one person, the first word stands. One statement.

    :raises Refusal: `message_forbidden`: there is no such message.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _REPORT,
            {
                "room": room,
                "sequence": sequence,
                "user": user.pk,
                "guest": not user.is_authenticated,
                "reason": reason.value,
                "note": note,
            },
        )
        if not cursor.fetchone()[0]:
            raise Refusal("message_forbidden", "There is no such message.")


def resolve(actor: User, identity: int, resolution: Report.Resolution) -> None:
    """Say what became of a report. The first word stands, and every one goes into the audit log.

    Whether `actor` may is for the caller to ask: see `restrictions.may_moderate`.
    """
    with transaction.atomic():
        found = Report.objects.select_for_update().get(pk=identity)
        if found.resolved_at:
            return
        found.resolved_at, found.resolved_by, found.resolution = timezone.now(), actor, resolution
        found.save(update_fields=["resolved_at", "resolved_by", "resolution"])
        audit.record(
            audit.RESOLVE_REPORT,
            actor=actor,
            room=found.room,
            sequence=found.sequence,
            reason=resolution.value,
        )
