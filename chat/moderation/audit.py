"""The audit log: who did what in office, to whom, where and why. It is only ever added to."""

from datetime import datetime

from django.contrib.auth.models import AnonymousUser, User
from django.db import connection

DELETE_MESSAGE = "delete_message"
MUTE = "mute"
BAN = "ban"
LIFT = "lift"
RESOLVE_REPORT = "resolve_report"

# Not by the ORM: it reads back what it has stored, which who may only add can't.
_RECORD = """
    INSERT INTO chat_auditentry
        (action, actor_id, actor_name, subject_id, subject_name, room, sequence, until, reason)
    VALUES (%(action)s, %(actor)s, %(actor_name)s, %(subject)s, %(subject_name)s, %(room)s, %(sequence)s,
            %(until)s, %(reason)s)
"""


def record(
    action: str,
    *,
    actor: User | AnonymousUser | None,
    subject: User | None = None,
    subject_name: str = "",
    room: str | None = None,
    sequence: int | None = None,
    until: datetime | None = None,
    reason: str = "",
) -> None:
    """Add an entry, in the transaction of what it tells of: neither is there without the other."""
    with connection.cursor() as cursor:
        cursor.execute(
            _RECORD,
            {
                "action": action,
                "actor": actor.pk if actor else None,
                "actor_name": actor.get_username() if actor else "",
                "subject": subject.pk if subject else None,
                "subject_name": subject_name or (subject.get_username() if subject else ""),
                "room": room or "",
                "sequence": sequence,
                "until": until,
                "reason": reason,
            },
        )
