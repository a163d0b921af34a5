"""The standard queue: every message is in exactly one place, and none is lost or handed out twice at once."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from local_aws.model import Queue, Redrive
from local_aws.queues.queue import Message, NotInFlight, ReceiptInvalid, StandardQueue


class Forgetful:
    """A journal for queues whose end nobody survives."""

    def sent(self, queue: str, messages: list[Message]) -> None: ...

    def deleted(self, queue: str, messages: list[Message]) -> None: ...


def queue(dead: StandardQueue | None = None, **options: object) -> StandardQueue:
    definition = Queue(name="q", arn="arn:q", url="http://q", **options)
    return StandardQueue(definition, journal=Forgetful(), dead_letters={"arn:dead": dead}.get)


def bodies(messages: list[Message]) -> list[str]:
    return [message.body for message in messages]


def test_a_message_is_invisible_while_it_is_in_flight_and_comes_back():
    q = queue(visibility_timeout=30)
    q.send("a", now=0)

    assert bodies(q.receive(10, now=0)) == ["a"]
    assert q.receive(10, now=29.9) == []
    [again] = q.receive(10, now=30)
    assert (again.body, again.received) == ("a", 2)


def test_a_deleted_message_never_comes_back():
    q = queue()
    q.send("a", now=0)
    [message] = q.receive(1, now=0)

    q.delete([message.receipt])

    assert q.receive(1, now=1_000) == []
    assert (q.ready, q.in_flight, q.delayed) == (0, 0, 0)


def test_an_old_receipt_doesnt_delete_what_was_received_again():
    q = queue(visibility_timeout=1)
    q.send("a", now=0)
    [old] = [message.receipt for message in q.receive(1, now=0)]
    q.receive(1, now=2)

    q.delete([old])

    assert bodies(q.receive(1, now=4)) == ["a"]


def test_a_receipt_works_after_the_visibility_timeout_as_long_as_nobody_received_it_again():
    q = queue(visibility_timeout=1)
    q.send("a", now=0)
    [message] = q.receive(1, now=0)
    q.tick(5)

    q.delete([message.receipt])

    assert q.receive(1, now=6) == []


def test_a_delay_holds_a_message_back():
    q = queue(delay=5)
    q.send("later", now=0)
    q.send("now", now=0, delay=0)

    assert bodies(q.receive(10, now=4.9)) == ["now"]
    assert q.next_due() == 5
    assert bodies(q.receive(10, now=5)) == ["later"]


def test_changing_the_visibility_moves_the_return():
    q = queue(visibility_timeout=30)
    q.send("a", now=0)
    [message] = q.receive(1, now=0)

    q.change_visibility(message.receipt, 100, now=1)
    assert q.receive(1, now=100) == []
    q.change_visibility(message.receipt, 0, now=100)
    assert bodies(q.receive(1, now=100)) == ["a"]


def test_the_visibility_of_what_isnt_in_flight_cant_be_changed():
    q = queue(visibility_timeout=1)
    q.send("a", now=0)
    [message] = q.receive(1, now=0)

    with pytest.raises(NotInFlight):
        q.change_visibility(message.receipt, 5, now=2)
    with pytest.raises(ReceiptInvalid):
        q.change_visibility("made up", 5, now=2)


def test_a_message_received_too_often_goes_to_the_dead_letter_queue_with_its_id():
    dead = queue()
    q = queue(dead, visibility_timeout=1, redrive=Redrive(queue_arn="arn:dead", max_receives=2))
    sent = q.send("poison", now=0)

    for now in (0, 2):
        assert bodies(q.receive(1, now=now)) == ["poison"]
    assert q.receive(1, now=4) == []

    [buried] = dead.receive(1, now=4)
    assert (buried.id, buried.body, buried.received) == (sent.id, "poison", 1)


def test_a_backlog_of_one_message_group_doesnt_hold_up_the_others():
    q = queue()
    for number in range(100):
        q.send(f"large {number}", now=0, group="large")
    q.send("small", now=0, group="small")
    q.send("of no group", now=0)

    assert bodies(q.receive(4, now=0)) == ["large 0", "small", "of no group", "large 1"]
    assert bodies(q.receive(2, now=0)) == ["large 2", "large 3"]


def test_what_is_given_back_counts_as_not_received():
    q = queue(redrive=Redrive(queue_arn="arn:dead", max_receives=1))
    q.send("a", now=0)
    for _ in range(5):
        messages = q.receive(1, now=0)
        assert messages[0].received == 1
        q.give_back(messages)


def test_a_message_expires_with_its_retention():
    q = queue(retention=60)
    q.send("old", now=0)

    assert q.receive(1, now=60) == []
    assert q.ready == 0


def test_who_waits_is_woken_by_a_send_and_by_a_return():
    q = queue(visibility_timeout=5)
    woken: list[float] = []
    q.on_ready.append(lambda: woken.append(1))

    q.send("a", now=0)
    q.receive(1, now=0)
    q.tick(5)

    assert len(woken) == 2


class EveryMessageIsSomewhere(RuleBasedStateMachine):
    """Against a plain account of what was sent and deleted."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.dead = queue(retention=10**9)
        self.queue = queue(
            self.dead,
            visibility_timeout=10,
            retention=10**9,
            redrive=Redrive(queue_arn="arn:dead", max_receives=3),
        )
        self.sent = 0
        self.deleted: set[str] = set()
        self.held: dict[str, tuple[str, float]] = {}

    @rule(delay=st.integers(0, 20))
    def send(self, delay: int) -> None:
        self.sent += 1
        self.queue.send(str(self.sent), now=self.now, delay=delay)

    @rule(count=st.integers(1, 10), visibility=st.integers(0, 30))
    def receive(self, count: int, visibility: int) -> None:
        for message in self.queue.receive(count, now=self.now, visibility=visibility):
            assert message.body not in self.deleted
            held = self.held.get(message.body)
            assert held is None or held[1] <= self.now, "handed out while it is in flight"
            assert message.receipt is not None
            self.held[message.body] = (message.receipt, self.now + visibility)

    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        if self.held:
            body = data.draw(st.sampled_from(sorted(self.held)))
            receipt, _ = self.held.pop(body)
            if body in bodies(list(self.queue.messages())):
                self.queue.delete([receipt])
                self.deleted.add(body)

    @rule(data=st.data(), seconds=st.integers(0, 30))
    def change_visibility(self, data: st.DataObject, seconds: int) -> None:
        if self.held:
            body = data.draw(st.sampled_from(sorted(self.held)))
            receipt, _ = self.held[body]
            try:
                self.queue.change_visibility(receipt, seconds, now=self.now)
            except (NotInFlight, ReceiptInvalid):
                return
            self.held[body] = (receipt, self.now + seconds)

    @rule(seconds=st.integers(1, 15))
    def wait(self, seconds: int) -> None:
        self.now += seconds
        self.queue.tick(self.now)

    @invariant()
    def nothing_is_lost_or_doubled(self) -> None:
        here, dead = bodies(list(self.queue.messages())), bodies(list(self.dead.messages()))
        assert sorted([*here, *dead, *self.deleted]) == sorted(str(n + 1) for n in range(self.sent))

    @invariant()
    def the_counts_are_those_of_the_messages(self) -> None:
        messages = list(self.queue.messages())
        assert self.queue.in_flight == sum(message.in_flight for message in messages)
        assert self.queue.ready + self.queue.in_flight + self.queue.delayed == len(messages)


TestEveryMessageIsSomewhere = EveryMessageIsSomewhere.TestCase
TestEveryMessageIsSomewhere.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
