"""How often somebody may do something: at most N times in any W seconds, exact under concurrency."""

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection

from chat.wire import Refusal

# One statement, and it waits for no lock but that of the key's own row. The clock is read once, after the
# lock was taken: `free` and the list must not disagree.
_SPEND = """
    INSERT INTO chat_allowance AS kept (key, spent_at, admitted, until)
    SELECT %(key)s, ARRAY[now], true, now + make_interval(secs => %(seconds)s)
    FROM (SELECT clock_timestamp() AS now) clock
    ON CONFLICT (key) DO UPDATE SET (spent_at, admitted, until) = (
        SELECT
            CASE WHEN free THEN (kept.spent_at || clock.now)[greatest(1, held - %(count)s + 2):]
                 ELSE kept.spent_at END,
            free,
            greatest(kept.until, clock.now + make_interval(secs => %(seconds)s))
        FROM (SELECT clock_timestamp() AS now, cardinality(kept.spent_at) AS held) clock,
        LATERAL (
            SELECT held < %(count)s
                OR kept.spent_at[held - %(count)s + 1] + make_interval(secs => %(seconds)s) <= clock.now
                AS free
        ) verdict
    )
    RETURNING admitted, extract(epoch FROM
        spent_at[greatest(1, cardinality(spent_at) - %(count)s + 1)]
        + make_interval(secs => %(seconds)s) - clock_timestamp())
"""


@dataclass(frozen=True, slots=True)
class Allowance:
    """At most `count` in any `seconds`. `sentence` tells a person so, and what to do."""

    count: int
    seconds: int
    sentence: str


def spend(key: str, allowance: Allowance, **details: Any) -> None:
    """Count one more under `key`, such as "message user 5". Refused attempts don't count.

    :raises Refusal: `rate_limited`, with `retry_after`, the seconds after which the next one will be
        admitted, and with `details`.
    """
    with connection.cursor() as cursor:
        cursor.execute(_SPEND, {"key": key, "count": allowance.count, "seconds": allowance.seconds})
        admitted, wait = cursor.fetchone()
    if not admitted:
        raise Refusal("rate_limited", allowance.sentence, retry_after=_tenths_up(wait), **details)


def give_back(key: str) -> None:
    """Take back the latest count under `key`: what it was spent for turned out not to be needed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE chat_allowance SET spent_at = spent_at[:cardinality(spent_at) - 1] WHERE key = %s", [key]
        )


def _tenths_up(seconds: Decimal) -> float:
    return max(math.ceil(seconds * 10), 1) / 10
