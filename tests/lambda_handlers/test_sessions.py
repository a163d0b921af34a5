"""The sessions function: forgets who has gone, cleans up on schedule, sets aside what it can't read."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone
from django_aws_api_gateway_websockets.models import WebSocketSession

from lambda_handlers import sessions
from tests.chat.gateway import Browser
from tests.lambda_handlers.events import Context, schedule_event, sqs_event


def gone(*ids: str) -> str:
    return json.dumps({"connections": list(ids)})


def connected(connection_id: str) -> bool:
    return WebSocketSession.objects.get(connection_id=connection_id).connected


def age(connection_id: str, **since: float) -> None:
    WebSocketSession.objects.filter(connection_id=connection_id).update(
        created_on=timezone.now() - timedelta(**since)
    )


def test_connections_that_are_gone_are_forgotten_and_no_others(guest: Browser) -> None:
    first, second, third = guest.connect(), guest.connect(), guest.connect()
    for connection in (first, second, third):
        age(connection.id, minutes=1)

    answer = sessions.handler(sqs_event(gone(first.id, "unknown="), gone(second.id)), Context())

    assert answer == {"batchItemFailures": []}
    assert (connected(first.id), connected(second.id), connected(third.id)) == (False, False, True)


def test_a_connection_of_a_moment_ago_is_not_forgotten(guest: Browser) -> None:
    """A post during `$connect` gets the same answer as one to a connection that has gone."""
    connection = guest.connect()
    sessions.handler(sqs_event(gone(connection.id)), Context())
    assert connected(connection.id)


@pytest.mark.parametrize(
    "poison",
    [
        "not json",
        "{}",
        "[]",
        "null",
        '{"connections": "abc"}',
        '{"connections": [1]}',
        '{"connections": ["a\\u0000"]}',
    ],
)
def test_a_message_that_cannot_be_read_fails_alone(
    guest: Browser, poison: str, caplog: pytest.LogCaptureFixture
) -> None:
    connection = guest.connect()
    age(connection.id, minutes=1)
    event = sqs_event(poison, gone(connection.id))

    answer = sessions.handler(event, Context())

    assert answer == {"batchItemFailures": [{"itemIdentifier": event["Records"][0]["messageId"]}]}
    assert not connected(connection.id)
    assert event["Records"][0]["messageId"] in caplog.text


def test_the_schedule_ends_connections_whose_disconnect_never_came(guest: Browser) -> None:
    old, young = guest.connect(), guest.connect()
    age(old.id, hours=3)

    answer = sessions.handler(schedule_event(), Context())

    assert answer["connections_ended"] == 1
    assert (connected(old.id), connected(young.id)) == (False, True)
    assert sessions.handler(schedule_event(), Context())["connections_ended"] == 0
