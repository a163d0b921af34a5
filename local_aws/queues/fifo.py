"""A FIFO queue: the order of each message group is kept, and a message is taken once within five minutes.

Reference: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from local_aws.model import Queue
from local_aws.queues.queue import Journal, Message, StandardQueue

_DEDUPLICATION_SECONDS = 300.0


@dataclass(slots=True)
class _Group:
    """Messages in order. While some are in flight, none of the others is handed out."""

    waiting: list[tuple[int, Message]] = field(default_factory=list)
    in_flight: int = 0


class FifoQueue(StandardQueue):
    """Like a standard queue but for the order, and for what is taken twice."""

    def __init__(
        self, definition: Queue, *, journal: Journal, dead_letters: Callable[[str], StandardQueue | None]
    ) -> None:
        super().__init__(definition, journal=journal, dead_letters=dead_letters)
        self._groups: dict[str, _Group] = {}
        # What was taken in the last minutes, the earliest first.
        self._recent: dict[tuple[str, str], Message] = {}
        self._last_sequence = 0

    @property
    def available(self) -> bool:
        return self._next_ready([]) is not None

    def add(self, messages: list[Message], *, now: float) -> list[Message]:
        """Put in what wasn't taken lately. For what was, the earlier message is returned."""
        self._forget_recent(now)
        accepted: list[Message] = []
        new: dict[tuple[str, str], Message] = {}
        for message in messages:
            if message.deduplication_id is None:
                message.deduplication_id = hashlib.sha256(message.body.encode()).hexdigest()
            key = self._key(message)
            known = self._recent.get(key) or new.get(key)
            if known is None:
                self._last_sequence = max(self._last_sequence + 1, int(now * 1e9))
                message.sequence = self._last_sequence
                known = new[key] = message
            accepted.append(known)
        if new:
            super().add(list(new.values()), now=now)
        return accepted

    def restore(self, messages: list[Message], *, now: float) -> None:
        for message in messages:
            self._last_sequence = max(self._last_sequence, message.sequence or 0)
            self._recent[self._key(message)] = message
        super().restore(messages, now=now)

    def delete(self, receipts: list[str]) -> None:
        super().delete(receipts)
        self._wake()  # what waited in the groups

    def _key(self, message: Message) -> tuple[str, str]:
        scope = message.group if self.definition.deduplicates_in_groups else None
        return scope or "", message.deduplication_id or ""

    def _forget_recent(self, now: float) -> None:
        while self._recent:
            key, earliest = next(iter(self._recent.items()))
            if now - earliest.sent < _DEDUPLICATION_SECONDS:
                return
            del self._recent[key]

    def _put_ready(self, message: Message) -> None:
        group = self._groups.setdefault(message.group or "", _Group())
        heapq.heappush(group.waiting, (message.sequence or 0, message))

    def _next_ready(self, taken: list[Message]) -> Message | None:
        for name, group in self._groups.items():
            while group.waiting and group.waiting[0][1].gone:
                heapq.heappop(group.waiting)
            # Those that are received together may be of one group.
            ours = sum((message.group or "") == name for message in taken)
            if group.waiting and group.in_flight == ours:
                return group.waiting[0][1]
        return None

    def _take_ready(self, message: Message) -> None:
        heapq.heappop(self._groups[message.group or ""].waiting)
        self._drop_empty(message)

    def _all_ready(self) -> Iterable[Message]:
        return [message for group in self._groups.values() for _, message in group.waiting]

    def _enter_flight(self, message: Message) -> None:
        super()._enter_flight(message)
        self._groups.setdefault(message.group or "", _Group()).in_flight += 1

    def _leave_flight(self, message: Message) -> None:
        super()._leave_flight(message)
        self._groups[message.group or ""].in_flight -= 1
        self._drop_empty(message)

    def _drop_empty(self, message: Message) -> None:
        name = message.group or ""
        group = self._groups[name]
        if not group.waiting and not group.in_flight:
            del self._groups[name]
