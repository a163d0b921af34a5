"""A FIFO queue: the order of each group, what is taken once, and what comes back."""

from collections.abc import Callable
from typing import Any

import pytest

from local_aws.model import Queue, Redrive
from local_aws.queues.fifo import FifoQueue
from local_aws.queues.journal import QueueJournal
from local_aws.queues.queue import Message, StandardQueue

NOW = 1_000_000.0


class Nowhere:
    def sent(self, queue: str, messages: list[Message]) -> None: ...

    def deleted(self, queue: str, messages: list[Message]) -> None: ...


@pytest.fixture
def make() -> Callable[..., FifoQueue]:
    def made(name: str = "q.fifo", journal: Any = None, dead: StandardQueue | None = None, **options: Any):
        options = {"visibility_timeout": 30, "deduplicates_content": True} | options
        definition = Queue(name=name, arn=f"arn:{name}", url=name, fifo=True, **options)
        return FifoQueue(definition, journal=journal or Nowhere(), dead_letters=lambda arn: dead)

    return made


def send(queue: FifoQueue, *messages: str, now: float = NOW) -> list[Message]:
    """Sends `group:body` messages."""
    return [queue.send(text, now=now, group=text.partition(":")[0]) for text in messages]


def bodies(messages: list[Message]) -> list[str]:
    return [message.body for message in messages]


def test_a_group_is_received_in_order_and_only_together(make):
    queue = make()
    send(queue, "a:1", "a:2", "b:1", "a:3")

    first = queue.receive(2, now=NOW)
    second = queue.receive(10, now=NOW)

    assert (bodies(first), bodies(second)) == (["a:1", "a:2"], ["b:1"])
    assert queue.receive(10, now=NOW) == []
    assert not queue.available
    assert queue.ready == 1


def test_the_next_of_a_group_comes_once_all_before_it_are_deleted(make):
    queue = make()
    woken: list[bool] = []
    send(queue, "a:1", "a:2", "a:3")
    one, two = queue.receive(2, now=NOW)
    queue.on_ready.append(lambda: woken.append(True))

    queue.delete([one.receipt or ""])
    assert (queue.available, woken) == (False, [])
    queue.delete([two.receipt or ""])

    assert woken
    assert bodies(queue.receive(10, now=NOW)) == ["a:3"]


def test_what_wasnt_deleted_in_time_comes_back_before_those_behind_it(make):
    queue = make()
    send(queue, "a:1", "a:2", "a:3")
    one, _ = queue.receive(2, now=NOW)
    queue.delete([one.receipt or ""])

    assert bodies(queue.receive(10, now=NOW + 31)) == ["a:2", "a:3"]


def test_batches_that_were_given_back_keep_their_order(make):
    queue = make()
    send(queue, "a:1", "a:2", "b:1")

    queue.give_back(queue.receive(3, now=NOW))

    assert sorted(bodies(queue.receive(10, now=NOW)), key=lambda body: body[0]) == ["a:1", "a:2", "b:1"]


def test_the_same_content_is_taken_once_within_five_minutes(make):
    queue = make()

    first, again = send(queue, "a:1", "a:1")
    [later] = send(queue, "a:1", now=NOW + 301)

    assert first.id == again.id != later.id
    assert first.sequence == again.sequence
    assert (later.sequence or 0) > (first.sequence or 0)
    assert queue.ready == 2


def test_a_message_that_was_deleted_is_still_known_for_five_minutes(make):
    queue = make()
    send(queue, "a:1")
    [message] = queue.receive(1, now=NOW)
    queue.delete([message.receipt or ""])

    send(queue, "a:1", now=NOW + 299)

    assert queue.ready == 0


def test_an_id_counts_more_than_the_content(make):
    queue = make()
    for deduplication_id in ("x", "y"):
        queue.send("same", now=NOW, group="a", deduplication_id=deduplication_id)

    assert queue.ready == 2


@pytest.mark.parametrize(("within_groups", "taken"), [(False, 1), (True, 2)])
def test_the_scope_of_an_id_is_the_queue_or_the_group(make, within_groups, taken):
    queue = make(deduplicates_in_groups=within_groups)
    for group in ("a", "b"):
        queue.send("same", now=NOW, group=group, deduplication_id="x")

    assert queue.ready == taken


def test_the_same_message_twice_in_one_batch_is_taken_once(make):
    queue = make()
    batch = [queue.message("same", now=NOW, group="a") for _ in range(2)]

    accepted = queue.add(batch, now=NOW)

    assert [message.id for message in accepted] == [batch[0].id] * 2
    assert queue.ready == 1


def test_poison_goes_to_the_dead_letter_queue_and_frees_its_group(make):
    dead = make("dead.fifo")
    queue = make(dead=dead, visibility_timeout=1, redrive=Redrive(queue_arn="arn:dead", max_receives=1))
    send(queue, "a:1", "a:2")
    queue.receive(1, now=NOW)

    assert bodies(queue.receive(1, now=NOW + 2)) == ["a:2"]
    [buried] = dead.receive(10, now=NOW + 2)
    assert (buried.body, buried.group) == ("a:1", "a")


def test_order_and_sequence_survive_a_restart(make, tmp_path):
    journal = QueueJournal(tmp_path / "journal")
    queue = make(journal=journal)
    sent = send(queue, "a:1", "a:2")
    journal.close()

    again = QueueJournal(tmp_path / "journal")
    restored = make(journal=again)
    restored.restore(again.restored["q.fifo"], now=NOW)
    [third] = send(restored, "a:3")
    [repeated] = send(restored, "a:2")

    assert repeated.id == sent[1].id
    assert (third.sequence or 0) > (sent[1].sequence or 0)
    assert bodies(restored.receive(10, now=NOW)) == ["a:1", "a:2", "a:3"]
    again.close()
