"""Connections whose login has ended: they get nothing more at once, hear why, and are closed."""

import logging
import math
from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_out
from django.db import connection, transaction
from django.db.models.signals import post_save, pre_delete
from django.dispatch import receiver
from django.http import HttpRequest
from django_aws_api_gateway_websockets.models import close_sessions_on_logout

from chat.sending import enqueue_closing
from chat.wire import Refusal
from delivery.sqs import QueueError

logger = logging.getLogger(__name__)

# A little more than the schedule's interval, so that no login runs out between two looks.
LOOK_AHEAD_SECONDS = 75
_MOST_AT_ONCE = 10_000
# Who acts at that very moment gets an answer to it before the socket closes.
GRACE_SECONDS = 2

_END = """
    UPDATE django_aws_api_gateway_websockets_websocketsession session
    SET connected = false, updated_on = now()
    WHERE connected AND user_id = %(user)s AND (
        %(login)s::text IS NULL OR EXISTS (
            SELECT FROM chat_connectionlogin opened_under
            WHERE opened_under.connection_id = session.id AND opened_under.login_id = %(login)s
        )
    )
    RETURNING connection_id
"""
_RUNNING_OUT = """
    SELECT session.connection_id, extract(epoch FROM login.expire_date - now())
    FROM chat_connectionlogin opened_under
    JOIN django_aws_api_gateway_websockets_websocketsession session
        ON session.id = opened_under.connection_id AND session.connected
    LEFT JOIN django_session login ON login.session_key = opened_under.login_id
    WHERE login.session_key IS NULL OR login.expire_date < now() + make_interval(secs => %s)
    LIMIT %s
"""


def session_ended() -> Refusal:
    return Refusal("session_ended", "Your session has ended. Connect again, and sign in if you had.")


def end_connections_of(user_id: int, *, login: str | None = None) -> int:
    """End a person's connections, or those that were opened under one login. Returns how many these were.

    From the commit on they get nothing more and can do nothing more. Then they are closed.
    """
    with connection.cursor() as cursor:
        cursor.execute(_END, {"user": user_id, "login": login})
        ended = [connection_id for (connection_id,) in cursor.fetchall()]
    if ended:
        transaction.on_commit(lambda: _close(ended, delay_seconds=GRACE_SECONDS))
    return len(ended)


def close_when_logins_end() -> int:
    """Have connections closed to the second at which their logins run out. Returns how many these are.

    Called every minute. Nothing depends on it: an action after that is refused anyway.
    """
    with connection.cursor() as cursor:
        cursor.execute(_RUNNING_OUT, [LOOK_AHEAD_SECONDS, _MOST_AT_ONCE])
        rows = cursor.fetchall()
    at: dict[int, list[str]] = {}
    for connection_id, seconds in rows:
        at.setdefault(max(0, math.ceil(seconds or 0)), []).append(connection_id)
    for delay, connection_ids in at.items():
        _close(connection_ids, delay_seconds=delay)
    return len(rows)


def _close(connection_ids: Sequence[str], *, delay_seconds: int) -> None:
    try:
        enqueue_closing(session_ended().frame(), connection_ids, delay_seconds=delay_seconds)
    except QueueError:
        # They stay open, get nothing and can do nothing, for two hours at most.
        logger.exception("%d connections could not be closed", len(connection_ids))


# The library's own ends these connections too, and doesn't say which they were.
user_logged_out.disconnect(close_sessions_on_logout)


@receiver(user_logged_out)
def _logged_out(request: HttpRequest, user: User | None, **kwargs: Any) -> None:
    if user is not None and request.session.session_key:
        end_connections_of(user.pk, login=request.session.session_key)


@receiver(post_save, sender=User)
def _changed(instance: User, created: bool, raw: bool, update_fields: Any, **kwargs: Any) -> None:
    if raw or created or (update_fields is not None and not {"password", "is_active"} & {*update_fields}):
        return
    # Django notes here that the password is another one, and not merely hashed anew at a login.
    if instance._password is not None or not instance.is_active:  # type: ignore[attr-defined]
        end_connections_of(instance.pk)


@receiver(pre_delete, sender=User)
def _deleted(instance: User, **kwargs: Any) -> None:
    end_connections_of(instance.pk)
