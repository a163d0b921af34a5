"""An SQS queue in memory, without I/O: time comes in, messages go out."""

from __future__ import annotations

import hashlib
import heapq
import math
import secrets
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from local_aws.model import Queue


@dataclass(frozen=True, slots=True)
class Attribute:
    """A message attribute: `string` or `binary`, by its data type."""

    data_type: str
    string: str | None = None
    binary: bytes | None = None


@dataclass(slots=True, eq=False)
class Message:
    """A message from its sending to its deletion. Times are seconds since the epoch.

    Group, deduplication id and sequence number are those of FIFO queues.
    """

    id: str
    body: str
    sent: float
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    trace_header: str | None = None
    group: str | None = None
    deduplication_id: str | None = None
    sequence: int | None = None
    visible_from: float = 0.0
    received: int = 0
    first_received: float | None = None
    receipt: str | None = None
    in_flight: bool = False
    gone: bool = False

    @property
    def size(self) -> int:
        """In bytes, as limits count it."""
        return len(self.body.encode()) + sum(
            len(name.encode())
            + len(value.data_type.encode())
            + len(value.binary if value.binary is not None else (value.string or "").encode())
            for name, value in self.attributes.items()
        )

    def md5(self) -> str:
        return hashlib.md5(self.body.encode(), usedforsecurity=False).hexdigest()


class Journal(Protocol):
    """Where a queue writes down what it must not lose."""

    def sent(self, queue: str, messages: list[Message]) -> None: ...

    def deleted(self, queue: str, messages: list[Message]) -> None: ...


class ReceiptInvalid(Exception):
    """No such receipt handle was ever given out, or its message is gone."""


class NotInFlight(Exception):
    """The message isn't in flight, so that its visibility can't be changed."""


class StandardQueue:
    """Messages ready, delayed and in flight.

    `on_ready` is called when a message can be received, `dead_letters` finds the queue of one that was
    received too often. A message is written to the journal before `send` returns: what was acknowledged
    survives.
    """

    def __init__(
        self, definition: Queue, *, journal: Journal, dead_letters: Callable[[str], StandardQueue | None]
    ) -> None:
        self.definition = definition
        self.on_ready: list[Callable[[], None]] = []
        self._journal = journal
        self._dead_letters = dead_letters
        # By message group, of which each has its turn, as in SQS's fair queues: what waits of one doesn't
        # delay the others. Messages without a group are one.
        self._ready: dict[str | None, deque[Message]] = {}
        self._turns: deque[str | None] = deque()
        # Messages that become ready later, by that time: delayed ones and those in flight. An entry that the
        # message has outlived (deleted, or its visibility changed) is passed over.
        self._later: list[tuple[float, int, Message]] = []
        self._order = 0
        self._by_receipt: dict[str, Message] = {}
        self.in_flight = 0
        self.delayed = 0
        self.ready = 0

    def send(
        self,
        body: str,
        *,
        now: float,
        delay: int | None = None,
        attributes: Mapping[str, Attribute] | None = None,
        trace_header: str | None = None,
        group: str | None = None,
        deduplication_id: str | None = None,
    ) -> Message:
        """Queue a message. Raises OSError where the journal can't be written: then it isn't queued."""
        message = self.message(
            body,
            now=now,
            delay=delay,
            attributes=attributes,
            trace_header=trace_header,
            group=group,
            deduplication_id=deduplication_id,
        )
        [accepted] = self.add([message], now=now)
        return accepted

    def message(
        self,
        body: str,
        *,
        now: float,
        delay: int | None = None,
        attributes: Mapping[str, Attribute] | None = None,
        trace_header: str | None = None,
        group: str | None = None,
        deduplication_id: str | None = None,
    ) -> Message:
        """A message for this queue, not yet in it."""
        seconds = self.definition.delay if delay is None else delay
        return Message(
            str(uuid.uuid4()),
            body,
            now,
            attributes or {},
            trace_header,
            group,
            deduplication_id,
            visible_from=now + seconds if seconds else 0,
        )

    def add(self, messages: list[Message], *, now: float) -> list[Message]:
        """Put messages in, all or (with an OSError) none. Returns what they are known as from now on."""
        self._journal.sent(self.definition.name, messages)
        self.restore(messages, now=now)
        return messages

    def restore(self, messages: list[Message], *, now: float) -> None:
        """Put messages in that the journal already has."""
        for message in messages:
            if message.visible_from > now:
                self.delayed += 1
                self._push_later(message)
            else:
                self._make_ready(message)
        self._wake()

    @property
    def available(self) -> bool:
        """Whether a message could be received."""
        return self.ready > 0

    def receive(
        self, count: int, *, now: float, visibility: int | None = None, most_bytes: float = math.inf
    ) -> list[Message]:
        """Up to `count` messages, in flight for `visibility` seconds (the queue's own without it).

        Together they have at most `most_bytes`, unless the first one alone has more.
        """
        self.tick(now)
        seconds = self.definition.visibility_timeout if visibility is None else visibility
        taken: list[Message] = []
        while len(taken) < count and (message := self._next_ready(taken)) is not None:
            if taken and sum(other.size for other in taken) + message.size > most_bytes:
                break
            self._take_ready(message)
            self.ready -= 1
            if self._expired(message, now) or self._redriven(message, now):
                continue
            if message.receipt is not None:
                del self._by_receipt[message.receipt]
            message.received += 1
            message.first_received = message.first_received or now
            message.receipt = secrets.token_urlsafe(48)
            self._by_receipt[message.receipt] = message
            message.visible_from = now + seconds
            self._enter_flight(message)
            self._push_later(message)
            taken.append(message)
        return taken

    def delete(self, receipts: list[str]) -> None:
        """Delete by receipt handles. One whose message is gone, or was received again since, does nothing.

        As on SQS a handle works after its visibility timeout too, as long as nobody received the message
        again.
        """
        found = [
            message for receipt in receipts if (message := self._by_receipt.pop(receipt, None)) is not None
        ]
        self._forget(found)

    def change_visibility(self, receipt: str, seconds: int, *, now: float) -> None:
        """Have a message in flight reappear in `seconds`. Raises `ReceiptInvalid`, `NotInFlight`."""
        self.tick(now)
        message = self._by_receipt.get(receipt)
        if message is None:
            raise ReceiptInvalid(receipt)
        if not message.in_flight:
            raise NotInFlight(receipt)
        message.visible_from = now + seconds
        if seconds:
            self._push_later(message)
        else:
            self._return(message)
            self._wake()

    def give_back(self, messages: list[Message]) -> None:
        """Make messages ready again as if they had not been received: nobody looked at them."""
        for message in messages:
            if message.in_flight and not message.gone:
                message.received -= 1
                self._return(message)
        self._wake()

    def purge(self) -> None:
        """Delete all messages."""
        everything = [*self._all_ready(), *(message for _, _, message in self._later)]
        self._by_receipt.clear()
        self._forget([message for message in dict.fromkeys(everything) if not message.gone])

    def tick(self, now: float) -> None:
        """Make ready what is due: delays that are over, visibility that ran out."""
        woken = False
        while self._later and self._later[0][0] <= now:
            due, _, message = heapq.heappop(self._later)
            if self._outlived(due, message):
                continue
            if message.in_flight:
                self._return(message)
            else:
                self.delayed -= 1
                self._make_ready(message)
            woken = True
        if woken:
            self._wake()

    def next_due(self) -> float | None:
        """When `tick` next has something to do."""
        while self._later and self._outlived(self._later[0][0], self._later[0][2]):
            heapq.heappop(self._later)
        return self._later[0][0] if self._later else None

    def messages(self) -> Iterator[Message]:
        """All messages that aren't deleted, in no particular order."""
        for message in dict.fromkeys([*self._all_ready(), *(message for _, _, message in self._later)]):
            if not message.gone:
                yield message

    def _push_later(self, message: Message) -> None:
        self._order += 1
        heapq.heappush(self._later, (message.visible_from, self._order, message))

    @staticmethod
    def _outlived(due: float, message: Message) -> bool:
        return message.gone or message.visible_from != due

    def _make_ready(self, message: Message) -> None:
        message.visible_from = 0
        self.ready += 1
        self._put_ready(message)

    def _return(self, message: Message) -> None:
        self._leave_flight(message)
        self._make_ready(message)

    def _wake(self) -> None:
        if self.available:
            for callback in self.on_ready:
                callback()

    def _forget(self, messages: list[Message]) -> None:
        for message in messages:
            if message.in_flight:
                self._leave_flight(message)
            elif message.visible_from:
                self.delayed -= 1
            else:
                self.ready -= 1
            message.gone = True
        self._journal.deleted(self.definition.name, messages)

    # In which order messages are received. A FIFO queue has another one.

    def _put_ready(self, message: Message) -> None:
        if message.group not in self._ready:
            self._ready[message.group] = deque()
            self._turns.append(message.group)
        self._ready[message.group].append(message)

    def _next_ready(self, taken: list[Message]) -> Message | None:
        """The message that is received next, after those that were already `taken` together with it."""
        while self._turns:
            waiting = self._ready[self._turns[0]]
            while waiting and waiting[0].gone:
                waiting.popleft()
            if waiting:
                return waiting[0]
            del self._ready[self._turns.popleft()]
        return None

    def _take_ready(self, message: Message) -> None:
        """Take out what `_next_ready` has found."""
        self._ready[message.group].popleft()
        self._turns.rotate(-1)

    def _all_ready(self) -> Iterable[Message]:
        return [message for waiting in self._ready.values() for message in waiting]

    def _enter_flight(self, message: Message) -> None:
        message.in_flight = True
        self.in_flight += 1

    def _leave_flight(self, message: Message) -> None:
        message.in_flight = False
        self.in_flight -= 1

    def _expired(self, message: Message, now: float) -> bool:
        if now - message.sent < self.definition.retention:
            return False
        self._drop(message)
        return True

    def _redriven(self, message: Message, now: float) -> bool:
        """Move a message that was received often enough to the dead-letter queue."""
        redrive = self.definition.redrive
        if redrive is None or message.received < redrive.max_receives:
            return False
        target = self._dead_letters(redrive.queue_arn)
        if target is None:
            return False
        # It keeps its id and the time that it was sent at.
        buried = Message(
            message.id,
            message.body,
            message.sent,
            message.attributes,
            message.trace_header,
            message.group,
            message.deduplication_id,
        )
        try:
            target.add([buried], now=now)
        except OSError:  # it can't be written down there: better handed out once more than lost
            return False
        self._drop(message)
        return True

    def _drop(self, message: Message) -> None:
        if message.receipt is not None:
            self._by_receipt.pop(message.receipt, None)
        message.gone = True
        self._journal.deleted(self.definition.name, [message])
