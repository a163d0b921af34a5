"""Sending a message: stored once, numbered, queued for the room, acknowledged."""

from __future__ import annotations

from uuid import uuid4

from django.contrib.auth.models import User

from chat.models import ChatMessage
from tests.chat.gateway import Browser, DeliveryQueue


def test_a_message_is_stored_queued_for_the_room_and_acknowledged(
    alice: User, guest: Browser, queue: DeliveryQueue
) -> None:
    hers, theirs = Browser.signed_in(alice).connect(), guest.connect()
    elsewhere = guest.connect("support")

    answer = hers.say("hello", client_id=(client_id := str(uuid4())))

    assert answer | {"created_at": ""} == {
        "ok": True,
        "type": "message_accepted",
        "room": "general",
        "client_id": client_id,
        "sequence": 1,
        "created_at": "",
    }
    message = ChatMessage.objects.get()
    assert (
        message.room,
        message.sequence,
        message.user,
        message.username,
        message.message,
        message.guest,
    ) == (
        "general",
        1,
        alice,
        "alice",
        "hello",
        False,
    )
    deliveries = queue.deliveries()
    assert [connection for connection, _ in deliveries] == [hers.id, theirs.id]
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
