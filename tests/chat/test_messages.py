"""Sending a message: stored once, numbered, queued for the room, acknowledged."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.test import override_settings
from django.utils import timezone
from django_aws_api_gateway_websockets.models import WebSocketSession
from pytest_django import DjangoAssertNumQueries

from chat.models import ChatMessage, Room
from chat.names import DELETED_NAME
from tests.chat.gateway import Browser, DeliveryQueue


def test_a_message_is_stored_queued_for_the_room_and_acknowledged(
    alice: User, guest: Browser, queue: DeliveryQueue
) -> None:
    theirs, hers = guest.connect(), Browser.signed_in(alice).connect()
    elsewhere = guest.connect("support")
    client_id = str(uuid4())

    answer = hers.say("hello", client_id=client_id)

    assert answer == {
        "ok": True,
        "type": "message_accepted",
        "room": "general",
        "client_id": client_id,
        "sequence": 1,
        "created_at": answer["created_at"],
    }
    message = ChatMessage.objects.get()
    assert (message.room, message.sequence, message.user, message.guest) == ("general", 1, alice, False)
    assert (message.username, message.message, str(message.client_id)) == ("alice", "hello", client_id)
    assert message.created_at == datetime.fromisoformat(answer["created_at"])
    deliveries = queue.deliveries()
    assert [to for to, _ in deliveries] == [hers.id, theirs.id], "the sender's own connection comes first"
    assert elsewhere.id not in dict(deliveries)
    assert deliveries[0][1] == {
        "type": "chat_message",
        "room": "general",
        "sequence": 1,
        "username": "alice",
        "guest": False,
        "message": "hello",
        "client_id": client_id,
        "created_at": answer["created_at"],
    }


def test_a_guest_is_shown_as_one(guest: Browser, queue: DeliveryQueue) -> None:
    guest.connect().say("hi", username="alice", user_id=1, is_staff=True, channel="staff", room="staff")
    frame = queue.deliveries()[0][1]
    assert (frame["username"], frame["guest"], frame["room"]) == ("Anonymous", True, "general")


def test_each_room_counts_its_own_messages(guest: Browser) -> None:
    connection = guest.connect()
    assert [connection.say("a")["sequence"], connection.say("b")["sequence"]] == [1, 2]
    connection.send("change_channel", channel="support")
    assert connection.say("c")["sequence"] == 1


def test_the_same_message_again_gets_the_first_acknowledgement(alice: User, queue: DeliveryQueue) -> None:
    browser = Browser.signed_in(alice)
    client_id = str(uuid4())
    first = browser.connect().say("hello", client_id=client_id)
    browser.connect().say("in between")
    queue.take()

    again = browser.connect().say("hello", client_id=client_id.upper())

    assert again == first | {"client_id": client_id.upper()}
    assert ChatMessage.objects.filter(message="hello").count() == 1
    assert queue.deliveries() == [], "its delivery was queued before"
    assert Room.objects.get(name="general").last_sequence == 2, "no number is lost to a repetition"


def test_a_guest_is_recognised_over_a_new_connection(guest: Browser) -> None:
    client_id = str(uuid4())
    first = guest.connect().say("hello", client_id=client_id)
    assert Browser().connect().say("hello", client_id=client_id) == first


def test_the_same_id_with_another_text_is_refused(alice: User) -> None:
    connection = Browser.signed_in(alice).connect()
    client_id = str(uuid4())
    connection.say("hello", client_id=client_id)
    answer = connection.say("goodbye", client_id=client_id)
    assert (answer["code"], answer["field"], answer["client_id"]) == (
        "invalid_request",
        "client_id",
        client_id,
    )
    assert ChatMessage.objects.count() == 1


def test_ids_of_other_people_and_other_rooms_do_not_matter(alice: User, bob: User, guest: Browser) -> None:
    client_id = str(uuid4())
    for connection in (Browser.signed_in(alice).connect(), Browser.signed_in(bob).connect(), guest.connect()):
        assert connection.say("hello", client_id=client_id)["ok"]
        connection.send("change_channel", channel="random")
        assert connection.say("hello", client_id=client_id)["ok"]
    assert ChatMessage.objects.count() == 6


def test_a_message_outlives_its_account_and_names_nobody(alice: User) -> None:
    client_id = uuid4()
    Browser.signed_in(alice).connect().say("hello", client_id=str(client_id))
    Browser().connect().say("hello", client_id=str(client_id))
    alice.delete()
    message = ChatMessage.objects.get(guest=False)
    assert (message.user, message.username) == (None, DELETED_NAME)
    assert message.message == "hello"


@override_settings(CHAT_DELIVERY_QUEUE_URL="http://127.0.0.1:9/1/parlor-deliveries")
def test_what_is_stored_but_not_queued_is_to_be_sent_again(
    guest: Browser, queue: DeliveryQueue, caplog: pytest.LogCaptureFixture
) -> None:
    connection = guest.connect()
    client_id = str(uuid4())

    refused = connection.say("hello", client_id=client_id)

    assert (refused["ok"], refused["code"], refused["client_id"]) == (
        False,
        "delivery_unavailable",
        client_id,
    )
    assert refused["retry_after"] > 0
    assert "stored but not queued" in caplog.text
    with override_settings(CHAT_DELIVERY_QUEUE_URL=queue.url):
        assert connection.say("hello", client_id=client_id)["sequence"] == 1
    assert ChatMessage.objects.count() == 1
    assert [to for to, _ in queue.deliveries()] == [connection.id]


def test_a_room_of_many_is_sharded(guest: Browser, queue: DeliveryQueue) -> None:
    sender = guest.connect()
    gateway = WebSocketSession.objects.get().api_gateway
    WebSocketSession.objects.bulk_create(
        WebSocketSession(connection_id=f"c{number}", channel_name="general", api_gateway=gateway)
        for number in range(1000)
    )
    sender.say("\U0001f600" * 4000)

    shards = queue.take()
    assert [len(shard["connections"]) for shard in shards] == [100] * 10 + [1]
    assert shards[0]["connections"][0] == sender.id
    assert len({to for shard in shards for to in shard["connections"]}) == 1001
    assert len({shard["data"] for shard in shards}) == 1
    assert len(shards[0]["data"].encode()) < 17_000, "the frame holds UTF-8, not escapes"


def test_statements_do_not_grow_with_the_room(
    guest: Browser, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    connection = guest.connect()
    connection.say("so that the gateway is known")
    # The connection with all that is said about it; the limit; the message; the recipients; the outbox.
    with django_assert_num_queries(5):
        connection.say("hello", client_id=str(uuid4()))
    gateway = WebSocketSession.objects.get().api_gateway
    WebSocketSession.objects.bulk_create(
        WebSocketSession(connection_id=f"c{number}", channel_name="general", api_gateway=gateway)
        for number in range(300)
    )
    with django_assert_num_queries(5):
        connection.say("hello", client_id=str(uuid4()))


def test_pushes_stop_for_who_may_no_longer_be_there(carol: User, alice: User, queue: DeliveryQueue) -> None:
    alice.is_staff = True
    alice.save()
    hers = Browser.signed_in(alice).connect("staff")
    sender = Browser.signed_in(carol).connect("staff")
    sender.say("both")
    assert {to for to, _ in queue.deliveries()} == {hers.id, sender.id}
    User.objects.filter(pk=alice.pk).update(is_staff=False)
    sender.say("only one")
    assert {to for to, _ in queue.deliveries()} == {sender.id}


def test_pushes_stop_for_a_banned_person_in_an_open_room(
    alice: User, guest: Browser, queue: DeliveryQueue
) -> None:
    Browser.signed_in(alice).connect()
    sender = guest.connect()
    User.objects.filter(pk=alice.pk).update(is_active=False)
    sender.say("hello")
    assert {to for to, _ in queue.deliveries()} == {sender.id}


def _message(**values: Any) -> ChatMessage:
    defaults: dict[str, Any] = {"room": "general", "sequence": 1, "username": "alice", "message": "hi"}
    return ChatMessage(**defaults | values)


@pytest.mark.parametrize(
    "values",
    [
        {"sequence": 0},
        {"sequence": -1},
        {"message": ""},
        {"message": "x" * 4001},
        {"username": ""},
        {"room": "nowhere"},
        {"guest": True, "user_id": 1},
    ],
)
def test_the_database_refuses_what_must_not_be(alice: User, values: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        _message(**values).save()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {}),
        ({"user_id": 1}, {"user_id": 1, "sequence": 2}),
        ({"guest": True}, {"guest": True, "sequence": 2}),
    ],
)
def test_the_database_refuses_a_second_one(
    alice: User, first: dict[str, Any], second: dict[str, Any]
) -> None:
    client_id = uuid4() if second else None
    _message(client_id=client_id, **first).save()
    with pytest.raises(IntegrityError), transaction.atomic():
        _message(client_id=client_id, **second).save()


def test_messages_are_ordered_by_time(alice: User) -> None:
    now = timezone.now()
    for sequence in (1, 2, 3):
        _message(sequence=sequence).save()
    ChatMessage.objects.filter(sequence=2).update(created_at=now.replace(year=2020))
    assert [message.sequence for message in ChatMessage.objects.all()] == [2, 1, 3]
