"""Forgetting what has ended: stale connections, spent tokens, old attempts, expired logins, settled cases.

Every step works in bounded batches and may be repeated or run twice at once.
"""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone
from django_aws_api_gateway_websockets.conf import get_setting
from django_aws_api_gateway_websockets.models import ConnectionRateLimit, WebSocketSession, WebSocketToken

from chat.connect_limit import WINDOW_SECONDS
from chat.connections import end_stale
from chat.models import Allowance, Report, Restriction

BATCH = 1000
MOST_BATCHES = 20
# API Gateway closes every connection after two hours; its `$disconnect` may never come.
LONGEST_CONNECTION = timedelta(hours=2, minutes=5)
KEEP_ENDED_CONNECTIONS = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Cleaned:
    """How many of each were cleaned up."""

    connections_ended: int
    connections_removed: int
    tokens_removed: int
    attempts_removed: int
    allowances_removed: int
    logins_removed: int
    restrictions_removed: int
    reports_removed: int
    audit_entries_removed: int

    def __str__(self) -> str:
        return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in asdict(self).items())


def clean_up(now: datetime | None = None) -> Cleaned:
    now = now or timezone.now()
    token_life = timedelta(seconds=max(300, get_setting("token_expiry_seconds")))
    return Cleaned(
        connections_ended=_end_stale_connections(now - LONGEST_CONNECTION),
        connections_removed=_remove(
            WebSocketSession.objects.filter(connected=False, updated_on__lt=now - KEEP_ENDED_CONNECTIONS)
        ),
        tokens_removed=_remove(WebSocketToken.objects.filter(created_at__lt=now - token_life)),
        attempts_removed=_remove(
            ConnectionRateLimit.objects.filter(attempt_time__lt=now - timedelta(seconds=2 * WINDOW_SECONDS))
        ),
        allowances_removed=_remove(Allowance.objects.filter(until__lt=now)),
        logins_removed=_remove(Session.objects.filter(expire_date__lt=now)),
        restrictions_removed=_remove(_ended_restrictions(now - _days(settings.CHAT_RESTRICTION_DAYS))),
        reports_removed=_remove(
            Report.objects.filter(resolved_at__lt=now - _days(settings.CHAT_REPORT_DAYS))
        ),
        audit_entries_removed=_forget_audit(now - _days(settings.CHAT_AUDIT_DAYS)),
    )


def _days(count: int) -> timedelta:
    return timedelta(days=count)


def _ended_restrictions(before: datetime) -> QuerySet[Restriction]:
    return Restriction.objects.filter(Q(until__lt=before) | Q(lifted_at__lt=before))


def _forget_audit(before: datetime) -> int:
    """By the database's own function: nobody else can take anything from the audit log."""
    forgotten = 0
    for _ in range(MOST_BATCHES):
        with connection.cursor() as cursor:
            cursor.execute("SELECT chat_forget_audit(%s, %s)", [before, BATCH])
            batch = int(cursor.fetchone()[0])
        forgotten += batch
        if batch < BATCH:
            break
    return forgotten


def _end_stale_connections(opened_before: datetime) -> int:
    ended = 0
    for _ in range(MOST_BATCHES):
        batch = end_stale(opened_before, most=BATCH)
        ended += batch
        if batch < BATCH:
            break
    return ended


def _remove(rows: QuerySet[Any]) -> int:
    removed = 0
    for _ in range(MOST_BATCHES):
        batch = list(rows.order_by().values_list("pk", flat=True)[:BATCH])
        # The condition again: a row may have come back to life since it was read.
        removed += rows.filter(pk__in=batch).delete()[1].get(rows.model._meta.label, 0)
        if len(batch) < BATCH:
            break
    return removed
