"""Faults on demand: pushes that come late, out of order, twice or never, and `$disconnect` that is lost.

AWS promises none of these away. What happens to the n-th push of the m-th connection follows from the seed
alone, so that a run can be repeated.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, fields
from typing import Self

from local_aws.gateway.connection import Connection, Gone, NotRead

# A push that waits for the next one to overtake it goes out alone after this.
_OVERTAKE_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """How often each fault happens, from 0 to 1; `delay_ms` is the longest delay."""

    delay_ms: float = 0.0
    reorder: float = 0.0
    duplicate: float = 0.0
    drop: float = 0.0
    lose_disconnect: float = 0.0
    seed: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `delay-ms=200,drop=0.01,seed=7`. Raises ValueError with a sentence.

        Without a seed one is made up.
        """
        known = {each.name.replace("_", "-"): each.name for each in fields(cls)}
        given: dict[str, float] = {}
        for part in filter(None, (part.strip() for part in text.split(","))):
            name, _, value = part.partition("=")
            if name not in known:
                raise ValueError(f"{name!r} is none of {', '.join(known)}")
            try:
                number = float(value)
            except ValueError:
                raise ValueError(f"{name} needs a number, not {value!r}") from None
            highest = {"seed": 2**53, "delay-ms": 60_000}.get(name, 1)
            if not 0 <= number <= highest or (name == "seed" and number != int(number)):
                raise ValueError(f"{name} must be from 0 to {highest}, not {value}")
            given[known[name]] = number
        seed = int(given.pop("seed", random.SystemRandom().randrange(1_000_000)))
        return cls(**given, seed=seed)

    def __str__(self) -> str:
        return ",".join(
            f"{each.name.replace('_', '-')}={getattr(self, each.name):g}" for each in fields(self)
        )


class Chaos:
    """Does `faults` to the pushes of connections."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._lines: dict[Connection, _Line] = {}
        self._connections = 0
        self._disconnects = random.Random(f"{faults.seed} disconnects")  # noqa: S311 - chance, no secret

    def opened(self, connection: Connection) -> None:
        """Number a connection: what happens to its pushes follows from that."""
        self._connections += 1
        chance = random.Random(f"{self._faults.seed} {self._connections}")  # noqa: S311
        self._lines[connection] = _Line(connection, self._faults, chance)

    def closed(self, connection: Connection) -> None:
        """Forget a connection."""
        self._lines.pop(connection, None)

    def push(self, connection: Connection, message: bytes) -> None:
        """Send a message, or do to it what its turn brings. Raises `Gone`, `NotRead` as sending does."""
        if connection.is_gone:
            raise Gone
        line = self._lines.get(connection)
        if line is None:
            connection.send(message)
        else:
            line.push(message)

    def loses_disconnect(self) -> bool:
        """Whether the next `$disconnect` never comes."""
        return self._disconnects.random() < self._faults.lose_disconnect


class _Line:
    """The pushes of one connection, in the order in which they will go out."""

    def __init__(self, connection: Connection, faults: Faults, chance: random.Random) -> None:
        self._send = connection.send
        self._faults = faults
        self._chance = chance
        self._free_at = 0.0
        self._overtaken: list[bytes] = []

    def push(self, message: bytes) -> None:
        # Each push draws the same number of chances, whatever becomes of it.
        late, overtaken, twice, lost = (self._chance.random() for _ in range(4))
        faults = self._faults
        if lost < faults.drop:
            return
        copies = [message] * (2 if twice < faults.duplicate else 1)
        loop = asyncio.get_running_loop()
        if overtaken < faults.reorder:
            self._overtaken += copies
            loop.call_later(_OVERTAKE_SECONDS, self._let_overtaken_go)
            return
        due = max(loop.time() + late * faults.delay_ms / 1000, self._free_at)
        self._free_at = due
        copies += self._overtaken
        self._overtaken = []
        if due <= loop.time():
            self._send_all(copies)
        else:
            loop.call_at(due, self._send_all, copies)

    def _let_overtaken_go(self) -> None:
        waiting, self._overtaken = self._overtaken, []
        self._send_all(waiting)

    def _send_all(self, messages: list[bytes]) -> None:
        for message in messages:
            try:
                self._send(message)
            except (Gone, NotRead):
                return
