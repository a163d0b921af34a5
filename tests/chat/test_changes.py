"""Edits and deletions: events of the room's sequence, by those who may; the old text is nowhere any more."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.db import connections
from django.db.models import F
from django.test import override_settings
from pytest_django import DjangoAssertNumQueries

from chat.models import ChatMessage, MessageChange, Room
from chat.outbox import pass_on_overdue
from tests.chat.gateway import Browser, Connection, DeliveryQueue


@pytest.fixture
def hers(alice: User) -> Connection:
    return Browser.signed_in(alice).connect()


def edit(connection: Connection, target: int, text: str, **fields: Any) -> dict[str, Any]:
    return connection.send(
        "edit_message", **{"room": "general", "sequence": target, "message": text} | fields
    )


def delete(connection: Connection, target: int, **fields: Any) -> dict[str, Any]:
    return connection.send("delete_message", **{"room": "general", "sequence": target} | fields)


def age(**since: float) -> None:
    ChatMessage.objects.update(created_at=F("created_at") - timedelta(**since))


def test_an_edit_is_an_event_that_everybody_gets(
    hers: Connection, guest: Browser, queue: DeliveryQueue
) -> None:
    theirs = guest.connect()
    hers.say("helo")
    theirs.say("hi")
    queue.take()

    answer = edit(hers, 1, "hello", client_id="an-edit")

    assert answer == {
        "ok": True,
        "type": "change_accepted",
        "room": "general",
        "target": 1,
        "sequence": 3,
        "created_at": answer["created_at"],
        "client_id": "an-edit",
    }
    deliveries = queue.deliveries()
    assert [to for to, _ in deliveries] == [hers.id, theirs.id]
    pushed = deliveries[0][1]
    assert pushed == {
        "type": "message_edited",
        "room": "general",
        "sequence": 3,
        "target": 1,
        "username": "alice",
        "guest": False,
        "message": "hello",
        "created_at": answer["created_at"],
    }
    page = theirs.send("fetch_history")
    assert [event["sequence"] for event in page["messages"]] == [1, 2, 3]
    first, second, third = page["messages"]
    assert (first["message"], first["revision"], first["edited_at"]) == ("hello", 3, answer["created_at"])
    assert "revision" not in second
    assert {"room": "general", **third} == pushed
    assert theirs.send("fetch_history", after=2)["messages"] == [third]
    assert page["latest_sequence"] == 3


def test_a_deletion_leaves_no_text_anywhere(hers: Connection, guest: Browser, queue: DeliveryQueue) -> None:
    hers.say("my secret")
    edit(hers, 1, "my other secret")
    queue.take()

    answer = delete(hers, 1)

    assert (answer["ok"], answer["target"], answer["sequence"]) == (True, 1, 3)
    [(_, pushed)] = queue.deliveries()
    assert (pushed["type"], pushed["target"], pushed["message"]) == ("message_deleted", 1, "")
    assert (pushed["deleted"], pushed["by_moderator"]) == (True, False)
    page = guest.connect().send("fetch_history")
    assert "secret" not in json.dumps([page, pushed])
    assert [event["sequence"] for event in page["messages"]] == [1, 2, 3]
    assert [event["type"] for event in page["messages"]] == [
        "chat_message",
        "message_edited",
        "message_deleted",
    ]
    assert all(event["deleted"] for event in page["messages"])
    assert "secret" not in ChatMessage.objects.get().message


def test_an_earlier_edit_shows_the_text_as_it_is_now(hers: Connection) -> None:
    hers.say("first")
    edit(hers, 1, "second")
    edit(hers, 1, "third")
    assert [event["message"] for event in hers.send("fetch_history")["messages"]] == ["third"] * 3


def test_what_is_overdue_goes_out_as_it_is_now(hers: Connection, queue: DeliveryQueue) -> None:
    with (
        override_settings(CHAT_DELIVERY_QUEUE_URL="http://127.0.0.1:9/1/q"),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr("delivery.sqs._PAUSE_BEFORE_RETRY", 0)
        hers.say("my secret")
        assert delete(hers, 1)["code"] == "delivery_unavailable"
    assert pass_on_overdue(0) == 2
    frames = [frame for _, frame in queue.deliveries()]
    assert [(frame["sequence"], frame["message"]) for frame in frames] == [(1, ""), (2, "")]


def test_the_same_change_again_makes_no_second_event(hers: Connection, queue: DeliveryQueue) -> None:
    hers.say("helo")
    first = edit(hers, 1, "hello")
    assert edit(hers, 1, "hello") == first
    gone = delete(hers, 1)
    queue.take()
    assert delete(hers, 1) == gone
    assert queue.take() == []
    assert MessageChange.objects.count() == 2


def test_a_message_that_was_changed_is_still_recognised_when_it_is_sent_again(hers: Connection) -> None:
    client_id = str(uuid4())
    first = hers.say("hello", client_id=client_id)
    edit(hers, 1, "hello!")
    assert hers.say("hello", client_id=client_id) == first
    delete(hers, 1)
    assert hers.say("hello", client_id=client_id) == first
    assert ChatMessage.objects.count() == 1


def test_one_may_change_ones_own_messages_only(hers: Connection, bob: User, guest: Browser) -> None:
    hers.say("hers")
    theirs = guest.connect()
    theirs.say("theirs")
    for connection, sequence in (
        (Browser.signed_in(bob).connect(), 1),
        (theirs, 1),
        (theirs, 2),
        (hers, 2),
        (hers, 3),
        (hers, 2**63 - 1),
    ):
        for answer in (edit(connection, sequence, "mine"), delete(connection, sequence)):
            assert (answer["ok"], answer["code"]) == (False, "message_forbidden")
    assert {message.message for message in ChatMessage.objects.all()} == {"hers", "theirs"}
    assert Room.objects.get(name="general").last_sequence == 2


def test_one_may_change_them_for_a_while(hers: Connection) -> None:
    hers.say("hello")
    age(minutes=16)
    for answer in (edit(hers, 1, "bye"), delete(hers, 1)):
        assert (answer["code"], answer["limit"]) == ("too_late", 900)
    with override_settings(CHAT_CHANGE_SECONDS=1000):
        assert edit(hers, 1, "bye")["ok"]


def test_a_moderator_deletes_anyones_at_any_time_and_edits_nobodys(
    hers: Connection, bob: User, guest: Browser, queue: DeliveryQueue
) -> None:
    guest.connect().say("rude")
    hers.say("rude too")
    age(days=3)
    bob.user_permissions.add(Permission.objects.get(codename="delete_chatmessage"))
    moderator = Browser.signed_in(bob).connect()
    queue.take()

    assert edit(moderator, 1, "polite")["code"] == "message_forbidden"
    assert [delete(moderator, sequence)["sequence"] for sequence in (1, 2)] == [3, 4]

    assert {frame["by_moderator"] for _, frame in queue.deliveries()} == {True}
    assert {(change.changed_by, change.by_moderator) for change in MessageChange.objects.all()} == {
        (bob, True)
    }
    assert "rude" not in json.dumps(hers.send("fetch_history"))
    assert delete(hers, 2)["ok"], "whoever wrote it learns that it has been done"


def test_a_deleted_message_cannot_be_edited(hers: Connection) -> None:
    hers.say("hello")
    delete(hers, 1)
    assert edit(hers, 1, "again")["code"] == "message_forbidden"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"room": "support"}, "room"),
        ({"room": None}, "room"),
        ({"room": ["general"]}, "room"),
        ({"sequence": "1"}, "sequence"),
        ({"sequence": True}, "sequence"),
        ({"sequence": -1}, "sequence"),
    ],
)
def test_what_is_to_be_changed_must_be_named_rightly(
    hers: Connection, fields: dict[str, Any], field: str
) -> None:
    hers.say("hello")
    for answer in (edit(hers, 1, "bye", **fields), delete(hers, 1, **fields)):
        assert (answer["code"], answer["field"]) == ("invalid_request", field)
    assert hers.send("delete_message", room="general")["field"] == "sequence"


def test_a_new_text_is_checked_like_a_message(hers: Connection) -> None:
    hers.say("hello")
    assert edit(hers, 1, "  ")["code"] == "empty_message"
    assert edit(hers, 1, "x" * 4001)["code"] == "message_too_long"
    assert hers.send("edit_message", room="general", sequence=1)["code"] == "invalid_message"


def test_changes_have_a_limit_of_their_own(hers: Connection) -> None:
    hers.say("0")
    with override_settings(CHAT_LIMITS={**settings.CHAT_LIMITS, "change": (5, 10)}):
        for number in range(1, 6):
            assert edit(hers, 1, str(number))["ok"]
        refused = edit(hers, 1, "6")
        assert refused["code"] == "rate_limited"
        assert 9 < refused["retry_after"] <= 10
        assert delete(hers, 1)["code"] == "rate_limited"
    assert hers.say("more")["ok"]


def test_messages_and_changes_at_once_have_numbers_without_holes(hers: Connection, bob: User) -> None:
    his = Browser.signed_in(bob).connect()
    with override_settings(CHAT_SEND_LIMIT=1000):
        for number in range(4):
            (hers if number % 2 else his).say(str(number))

        def work(call: Any) -> dict[str, Any]:
            try:
                return dict(call())
            finally:
                connections.close_all()

        calls: list[Any] = []
        for number in range(10):
            calls.append(partial(hers.say, f"hers {number}"))
            calls.append(partial(his.say, f"his {number}"))
            calls.append(partial(edit, hers, 2, f"edit {number}"))
            calls.append(partial(edit, his, 1, f"edit {number}"))
        calls += [partial(delete, hers, 4), partial(delete, hers, 4), partial(delete, his, 3)]
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(work, calls))
        assert all(answer["ok"] for answer in answers)
        latest = Room.objects.get(name="general").last_sequence
        events = hers.send("fetch_history")["messages"]
    assert [event["sequence"] for event in events] == list(range(latest - len(events) + 1, latest + 1))
    assert len({answer["sequence"] for answer in answers}) == len(answers) - 1
    assert ChatMessage.objects.count() + MessageChange.objects.count() == latest
    times = [event["created_at"] for event in events]
    assert times == sorted(times)


def test_statements_do_not_grow(
    hers: Connection, guest: Browser, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    hers.say("hello")
    for count in (0, 20):
        for _ in range(count):
            guest.connect()
        # Connection; limit; begin, the message, the change, commit; recipients; outbox.
        with django_assert_num_queries(8):
            assert edit(hers, 1, f"hello {count}")["ok"]
