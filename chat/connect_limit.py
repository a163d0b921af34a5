"""How often somebody may try to connect: so many times a minute, by person and by address."""

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.db import connection, transaction

WINDOW_SECONDS = 60
_LOCKS = 0x70617231  # our space among the advisory locks of the database

_ADMIT = """
    INSERT INTO django_aws_api_gateway_websockets_connectionratelimit
        (ip_address, user_id, attempt_time, successful)
    SELECT %(address)s::inet, %(user)s::integer, clock_timestamp(), false
    WHERE (
        SELECT count(*) FROM (
            SELECT FROM django_aws_api_gateway_websockets_connectionratelimit
            WHERE ip_address = %(address)s::inet
              AND attempt_time > clock_timestamp() - make_interval(secs => %(window)s)
            LIMIT %(per_address)s
        ) recent
    ) < %(per_address)s
    AND (
        SELECT count(*) FROM (
            SELECT FROM django_aws_api_gateway_websockets_connectionratelimit
            WHERE user_id = %(user)s::integer
              AND attempt_time > clock_timestamp() - make_interval(secs => %(window)s)
            LIMIT %(per_person)s
        ) recent
    ) < %(per_person)s
    RETURNING id
"""


def admit_attempt(address: str, user: User | AnonymousUser) -> int | None:
    """Record an attempt to connect and return its id, or None where there were too many.

    Refused attempts don't count, so that whoever waits gets in.
    """
    person = user.pk if user.is_authenticated else None
    # Everybody takes the address's lock first, so that no two can wait for each other. The count is a
    # statement after the locks: it sees what those before it have recorded.
    keys = [f"address {address}"] + ([f"person {person}"] if person else [])
    with transaction.atomic(), connection.cursor() as cursor:
        for key in keys:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_LOCKS, key])
        cursor.execute(
            _ADMIT,
            {
                "address": address,
                "user": person,
                "window": WINDOW_SECONDS,
                "per_address": settings.CHAT_CONNECTS_PER_ADDRESS,
                "per_person": settings.CHAT_CONNECTS_PER_PERSON,
            },
        )
        row = cursor.fetchone()
    return row[0] if row else None
