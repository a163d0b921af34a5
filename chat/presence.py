"""Who is in a room at this moment: people once each, however many connections they have."""

from dataclasses import dataclass

from django.db import connection

from chat.rooms import Entrance
from chat.sending import present_in

MOST_NAMED = 100

_WHO = """
    WITH here AS (SELECT DISTINCT session.user_id, person.username{present} AND session.user_id IS NOT NULL)
    SELECT (SELECT count(*) FROM here),
           (SELECT count(*){present} AND session.user_id IS NULL),
           ARRAY(SELECT username FROM here ORDER BY lower(username), username LIMIT %(most)s)
"""


@dataclass(frozen=True, slots=True)
class Presence:
    """The names of those who are in a room, up to `MOST_NAMED`, and how many there are.

    Of guests nothing tells two connections of one from two guests.
    """

    people: list[str]
    signed_in: int
    guests: int

    @property
    def total(self) -> int:
        return self.signed_in + self.guests


def who_is_in(entrance: Entrance) -> Presence:
    """Who gets the messages of a room now: by the same condition, and in one statement."""
    present, parameters = present_in(entrance)
    with connection.cursor() as cursor:
        cursor.execute(_WHO.format(present=present), {**parameters, "most": MOST_NAMED})
        signed_in, guests, people = cursor.fetchone()
    return Presence(people, signed_in, guests)
