"""What is stored reaches the queue, although the function that stored it died: the schedule sees to it."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection as database
from django.db import connections
from django.test import override_settings
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from chat import outbox
from chat.models import ChatMessage, Undelivered
from chat.outbox import pass_on_overdue
from tests.chat.gateway import Browser, Connection, DeliveryQueue

NOWHERE = "http://127.0.0.1:9/1/parlor-deliveries"


def say_and_die(connection: Connection, text: str, **fields: Any) -> None:
    """Send a message to a function that ends between the commit and the queue."""
    with override_settings(CHAT_DELIVERY_QUEUE_URL=NOWHERE), pytest.MonkeyPatch.context() as patch:
        patch.setattr("delivery.sqs._PAUSE_BEFORE_RETRY", 0)
        assert connection.say(text, **fields)["code"] == "delivery_unavailable"


def test_what_is_queued_leaves_nothing_behind(guest: Browser, queue: DeliveryQueue) -> None:
    guest.connect().say("hello")
    queue.take()
    assert not Undelivered.objects.exists()
    assert pass_on_overdue(0) == 0
    assert queue.take() == []


def test_what_was_left_behind_goes_to_those_who_are_there_now(guest: Browser, queue: DeliveryQueue) -> None:
    speaker, leaver, joiner = guest.connect(), guest.connect(), guest.connect("support")
    say_and_die(speaker, "hello")
    leaver.disconnect()
    joiner.send("change_channel", channel="general")

    assert pass_on_overdue(0) == 1

    deliveries = queue.deliveries()
    assert {to for to, _ in deliveries} == {speaker.id, joiner.id}
    [shown] = speaker.send("fetch_history")["messages"]
    assert deliveries[0][1] == {"room": "general", **shown}
    assert pass_on_overdue(0) == 0


def test_a_moment_is_given_to_whoever_is_still_at_it(guest: Browser, queue: DeliveryQueue) -> None:
    say_and_die(guest.connect(), "hello")
    assert pass_on_overdue() == 0
    assert Undelivered.objects.count() == 1


def test_what_the_queue_does_not_take_stays_for_the_next_time(
    guest: Browser, queue: DeliveryQueue, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("delivery.sqs._PAUSE_BEFORE_RETRY", 0)
    say_and_die(guest.connect(), "hello")
    with override_settings(CHAT_DELIVERY_QUEUE_URL=NOWHERE):
        assert pass_on_overdue(0) == 0
    assert "stays for the next time" in caplog.text
    assert pass_on_overdue(0) == 1
    assert len(queue.deliveries()) == 1


def test_the_same_message_again_queues_what_was_not_queued(guest: Browser, queue: DeliveryQueue) -> None:
    connection, client_id = guest.connect(), str(uuid4())
    say_and_die(connection, "hello", client_id=client_id)
    assert connection.say("hello", client_id=client_id)["sequence"] == 1
    assert [to for to, _ in queue.deliveries()] == [connection.id]
    assert connection.say("hello", client_id=client_id)["sequence"] == 1
    assert queue.deliveries() == [], "it has been queued, and repeating it costs the room nothing"
    assert not Undelivered.objects.exists()


def test_several_at_once_pass_each_event_on_once(guest: Browser, queue: DeliveryQueue) -> None:
    speaker = guest.connect()
    with override_settings(CHAT_SEND_LIMIT=1000):
        for number in range(10):
            say_and_die(speaker, str(number))
    Undelivered.objects.update(since=timezone.now() - timedelta(minutes=1))

    def work(_: int) -> int:
        try:
            return pass_on_overdue()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(work, range(4))) == 10
    assert sorted(frame["sequence"] for _, frame in queue.deliveries()) == list(range(1, 11))


def test_who_dies_with_what_was_claimed_is_followed_by_the_next(
    guest: Browser, queue: DeliveryQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(frame: Any, ids: Sequence[str]) -> None:
        raise Killed

    say_and_die(guest.connect(), "hello")
    with monkeypatch.context() as patch:
        patch.setattr(outbox, "enqueue", die)
        with pytest.raises(Killed):
            pass_on_overdue(0)
    assert pass_on_overdue(0) == 1
    assert len(queue.deliveries()) == 1


def test_what_is_gone_is_left_out(guest: Browser, queue: DeliveryQueue) -> None:
    say_and_die(guest.connect(), "hello")
    ChatMessage.objects.all().delete()
    assert pass_on_overdue(0) == 0
    assert not Undelivered.objects.exists()


def test_a_row_that_cannot_be_struck_off_does_not_fail_the_message(
    guest: Browser, queue: DeliveryQueue, caplog: pytest.LogCaptureFixture
) -> None:
    speaker = guest.connect()
    with database.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql "
            "AS $$ BEGIN RAISE EXCEPTION 'not now'; END $$"
        )
        cursor.execute(
            "CREATE TRIGGER kept BEFORE DELETE ON chat_undelivered FOR EACH ROW EXECUTE FUNCTION refuse()"
        )
    try:
        assert speaker.say("hello")["ok"]
    finally:
        with database.cursor() as cursor:
            cursor.execute("DROP FUNCTION refuse() CASCADE")
    assert "goes out twice" in caplog.text
    assert pass_on_overdue(0) == 1
    assert [frame["sequence"] for _, frame in queue.deliveries()] == [1, 1]


def test_statements_do_not_grow_with_what_was_left_behind(
    guest: Browser, queue: DeliveryQueue, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    speaker = guest.connect()
    for count in (1, 5):
        for number in range(count):
            say_and_die(speaker, str(number))
        # The claim; of one room the entrance, the recipients and the events; the outbox.
        with django_assert_num_queries(5):
            assert pass_on_overdue(0) == count
