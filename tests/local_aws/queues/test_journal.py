"""What a journal keeps over the end of its process, however that comes."""

import os
import time

import pytest

from local_aws.model import Queue
from local_aws.queues.journal import QueueJournal
from local_aws.queues.queue import Attribute, Message
from local_aws.queues.service import Queues

DEFINITION = Queue(name="q", arn="arn:q", url="http://q")


def kept(path):
    """What the next start finds."""
    return sorted(message.body for message in QueueJournal(path).restored.get("q", []))


async def test_what_was_acknowledged_and_not_deleted_is_there_after_a_kill(tmp_path):
    path = tmp_path / "journal"
    queue = Queues([DEFINITION], path).by_name["q"]
    for body in ("one", "two", "three"):
        queue.send(body, now=time.time())
    [first, _] = queue.receive(2, now=time.time())
    queue.delete([first.receipt])
    # Nothing is closed or flushed: as after SIGKILL.

    assert kept(path) == ["three", "two"]


async def test_a_message_comes_back_whole(tmp_path):
    path = tmp_path / "journal"
    attributes = {"kind": Attribute("String", "x"), "raw": Attribute("Binary", binary=b"\0\xff")}
    sent = (
        Queues([DEFINITION], path)
        .by_name["q"]
        .send("snow ☃ \U0001f600\nline", now=100.5, attributes=attributes, trace_header="Root=1")
    )

    [message] = QueueJournal(path).restored["q"]

    assert (message.id, message.body, message.sent) == (sent.id, "snow ☃ \U0001f600\nline", 100.5)
    assert (message.attributes, message.trace_header) == (attributes, "Root=1")


async def test_a_delay_goes_on_after_a_restart(tmp_path):
    path = tmp_path / "journal"
    now = time.time()
    Queues([DEFINITION], path).by_name["q"].send("later", now=now, delay=60)

    queue = Queues([DEFINITION], path).by_name["q"]

    assert queue.receive(1, now=now + 59) == []
    assert [message.body for message in queue.receive(1, now=now + 60)] == ["later"]


def test_half_a_line_of_a_killed_write_is_passed_over(tmp_path):
    path = tmp_path / "journal"
    journal = QueueJournal(path)
    journal.sent("q", [Message("1", "whole", 1.0)])
    with path.open("ab") as file:
        file.write(b'{"queue": "q", "id": "2", "bo')

    assert kept(path) == ["whole"]
    QueueJournal(path).sent("q", [Message("3", "after", 1.0)])
    assert kept(path) == ["after", "whole"]


def test_a_message_that_cant_be_written_isnt_acknowledged_and_isnt_there(tmp_path, monkeypatch):
    path = tmp_path / "journal"
    journal = QueueJournal(path)
    journal.sent("q", [Message("1", "before", 1.0)])
    write = os.write
    # The disk has room for ten more bytes.
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, bytes(data)[:10]))
    with pytest.raises(OSError, match="No space left on device"):
        journal.sent("q", [Message("2", "too much", 1.0)])
    monkeypatch.undo()
    journal.sent("q", [Message("3", "room again", 1.0)])

    assert kept(path) == ["before", "room again"]


def test_the_file_doesnt_grow_for_ever(tmp_path):
    path = tmp_path / "journal"
    journal = QueueJournal(path)
    for number in range(200):
        message = Message(str(number), "x" * 50_000, 1.0)
        journal.sent("q", [message])
        journal.deleted("q", [message])

    assert path.stat().st_size < 5_000_000


async def test_messages_of_a_queue_that_is_gone_are_counted_and_kept(tmp_path):
    path = tmp_path / "journal"
    Queues([DEFINITION], path).by_name["q"].send("orphan", now=time.time())

    assert Queues([], path).left_over == 1
    assert kept(path) == ["orphan"]
