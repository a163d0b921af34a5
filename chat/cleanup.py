"""Forgetting what has ended: stale connections, spent tokens, old attempts, expired logins.

Every step works in bounded batches and may be repeated or run twice at once.
"""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.sessions.models import Session
from django.db.models import QuerySet
from django.utils import timezone
from django_aws_api_gateway_websockets.conf import get_setting
from django_aws_api_gateway_websockets.models import ConnectionRateLimit, WebSocketSession, WebSocketToken

from chat.connect_limit import WINDOW_SECONDS
from chat.connections import end_stale
from chat.models import Allowance

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
    )


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
