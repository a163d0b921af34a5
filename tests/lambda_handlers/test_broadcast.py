"""The broadcast function: counts for what it sent, a sentence for what it didn't."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import override_settings

from lambda_handlers import broadcast
from tests.chat.gateway import Browser, DeliveryQueue
from tests.lambda_handlers.events import Context


def invoke(event: Any) -> dict[str, Any]:
    return broadcast.handler(event, Context())


def test_everybody_gets_a_system_message(guest: Browser, queue: DeliveryQueue) -> None:
    connections = [guest.connect("general"), guest.connect("support")]
    assert invoke({"message": "Maintenance in 5 minutes."}) == {
        "ok": True,
        "room": None,
        "connections": 2,
        "shards": 1,
    }
    deliveries = dict(queue.deliveries())
    assert deliveries.keys() == {connection.id for connection in connections}
    frame = deliveries[connections[0].id]
    assert (frame["type"], frame["message"], frame["level"]) == (
        "system",
        "Maintenance in 5 minutes.",
        "info",
    )


def test_a_room_can_be_addressed_alone(guest: Browser, queue: DeliveryQueue) -> None:
    guest.connect("general")
    there = guest.connect("support")
    assert invoke({"message": "Hello", "room": "support", "level": "warning"})["connections"] == 1
    assert [(connection, frame["room"]) for connection, frame in queue.deliveries()] == [
        (there.id, "support")
    ]


def test_nobody_there_is_no_failure(queue: DeliveryQueue) -> None:
    answer = invoke({"message": "Hello", "room": None})
    assert answer == {"ok": True, "room": None, "connections": 0, "shards": 0}
    assert queue.take() == []


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (None, "invalid_request"),
        ([], "invalid_request"),
        ("hello", "invalid_request"),
        ({}, "invalid_request"),
        ({"message": "x", "rooms": "general"}, "invalid_request"),
        ({"message": "x", "level": "loud"}, "invalid_request"),
        ({"message": "x", "level": ["info"]}, "invalid_request"),
        ({"message": None}, "invalid_message"),
        ({"message": 5}, "invalid_message"),
        ({"message": "  "}, "empty_message"),
        ({"message": "x" * 4001}, "message_too_long"),
        ({"message": "x", "room": "nowhere"}, "invalid_room"),
        ({"message": "x", "room": 5}, "invalid_room"),
        ({"message": "x", "room": "a\0b"}, "invalid_room"),
        ({"message": "x", "room": "\ud800"}, "invalid_room"),
    ],
)
def test_what_cannot_be_sent_is_refused_with_a_reason(event: Any, code: str) -> None:
    answer = invoke(event)
    assert (answer["ok"], answer["code"]) == (False, code)
    assert answer["error"]


@override_settings(CHAT_DELIVERY_QUEUE_URL="http://127.0.0.1:9/1/parlor-deliveries")
def test_a_queue_that_cannot_be_reached_is_said_so(guest: Browser, caplog: pytest.LogCaptureFixture) -> None:
    guest.connect()
    answer = invoke({"message": "Hello"})
    assert (answer["ok"], answer["code"]) == (False, "delivery_unavailable")
    assert Context.aws_request_id in caplog.text
