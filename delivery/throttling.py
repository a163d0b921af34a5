"""Whom a 429 means: the account, whose posts all come too fast, or one reader who doesn't keep up.

API Gateway says the same for both (LimitExceededException), so the answers to the other posts must tell. Many
connections refused that were fine a moment ago: the account. One among many that are served: its reader.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

_WINDOW = 0.5
"""Answers are counted for so many seconds, and remembered for as long again."""
_REFUSED_AT_LEAST = 8
_REFUSED_PART = 0.1
_ACCOUNT_SECONDS = 1.0
_CHANCE = 4
"""So often in a row the account's limit may hit one connection. What is oftener is its reader."""
_REMEMBERED = 10_000
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 30.0


@dataclass(slots=True)
class _Suspect:
    """A connection whose last answers were 429: how many, and until when it is left alone."""

    refusals: int = 0
    pauses: int = 0
    until: float = float("-inf")


class Throttling:
    """Reads the answers to posts. Times are seconds of one steady clock."""

    def __init__(self) -> None:
        self._suspects: OrderedDict[str, _Suspect] = OrderedDict()
        self._answers = self._answers_before = 0
        self._refused = self._refused_before = 0
        self._counted_until = float("-inf")
        self._account_until = float("-inf")

    def accepted(self, connection_id: str, now: float) -> None:
        """A post was taken."""
        if self._suspects:
            self._suspects.pop(connection_id, None)
        if now >= self._counted_until:
            self._count_anew(now)
        self._answers += 1

    def refused(self, connection_id: str, now: float) -> bool:
        """A post got a 429. True if the account is meant, False if that connection's reader is."""
        suspect = self._suspects.setdefault(connection_id, _Suspect())
        if len(self._suspects) > _REMEMBERED:
            self._suspects.popitem(last=False)
        suspect.refusals += 1
        if suspect.refusals > _CHANCE:
            return False
        if now >= self._counted_until:
            self._count_anew(now)
        self._answers += 1
        self._refused += 1
        refused, answers = self._refused + self._refused_before, self._answers + self._answers_before
        if refused >= max(_REFUSED_AT_LEAST, answers * _REFUSED_PART):
            self._account_until = now + _ACCOUNT_SECONDS
        return now < self._account_until

    def give_up(self, connection_id: str, now: float) -> None:
        """The reader was tried often enough: leave the connection alone for a while, longer each time."""
        if suspect := self._suspects.get(connection_id):
            suspect.until = now + min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0**suspect.pauses)
            suspect.pauses = min(10, suspect.pauses + 1)

    def leaves_alone(self, connection_id: str, now: float) -> bool:
        """The connection's reader didn't keep up just now: a post would be in vain."""
        suspect = self._suspects.get(connection_id) if self._suspects else None
        return suspect is not None and now < suspect.until

    def _count_anew(self, now: float) -> None:
        recent = now < self._counted_until + _WINDOW
        self._answers_before, self._refused_before = (self._answers, self._refused) if recent else (0, 0)
        self._answers = self._refused = 0
        self._counted_until = now + _WINDOW
