"""How many messages somebody may send: at most N in any W seconds, exact under concurrency."""

import math
from decimal import Decimal

from django.conf import settings
from django.db import connection

from chat.wire import Refusal

# One statement, and it waits for no lock but that of the sender's own row. The clock is read once, after the
# lock was taken: `free` and the list must not disagree.
_ADMIT = """
    INSERT INTO chat_sendallowance AS kept (sender, admitted_at, admitted, updated_at)
    VALUES (%(sender)s, ARRAY[clock_timestamp()], true, clock_timestamp())
    ON CONFLICT (sender) DO UPDATE SET (admitted_at, admitted, updated_at) = (
        SELECT
            CASE WHEN free THEN (kept.admitted_at || clock.now)[greatest(1, held - %(limit)s + 2):]
                 ELSE kept.admitted_at END,
            free,
            clock.now
        FROM (SELECT clock_timestamp() AS now, cardinality(kept.admitted_at) AS held) clock,
        LATERAL (
            SELECT held < %(limit)s
                OR kept.admitted_at[held - %(limit)s + 1] + make_interval(secs => %(window)s) <= clock.now
                AS free
        ) verdict
    )
    RETURNING admitted, extract(epoch FROM
        admitted_at[greatest(1, cardinality(admitted_at) - %(limit)s + 1)]
        + make_interval(secs => %(window)s) - updated_at)
"""


def spend_allowance(sender: str) -> None:
    """Count one message of `sender`.

    :raises Refusal: `rate_limited`, with the seconds after which the next one will be admitted.
    """
    limit, window = settings.CHAT_SEND_LIMIT, settings.CHAT_SEND_WINDOW_SECONDS
    with connection.cursor() as cursor:
        cursor.execute(_ADMIT, {"sender": sender, "limit": limit, "window": window})
        admitted, wait = cursor.fetchone()
    if not admitted:
        raise Refusal(
            "rate_limited",
            f"You can send {limit} messages in {window} seconds. Wait a moment and send it again.",
            retry_after=_tenths_up(wait),
        )


def return_allowance(sender: str) -> None:
    """Take back one count: the message turned out to be stored already."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE chat_sendallowance SET admitted_at = admitted_at[:cardinality(admitted_at) - 1]
            WHERE sender = %s
            """,
            [sender],
        )


def _tenths_up(seconds: Decimal) -> float:
    return max(math.ceil(seconds * 10), 1) / 10
