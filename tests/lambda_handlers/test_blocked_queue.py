"""The queue's port is blocked, as by a security group: people still get a sentence, within seconds."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from chat.models import ChatMessage, Undelivered
from lambda_handlers import websocket
from tests.lambda_handlers.events import Context, connect_event, message_event

CLIENT_ID = "0b2f2a4e-6c1d-4f7e-9a53-1f0d7c6a1b11"
SECONDS = 8
"""Two attempts of two seconds to connect, and a slow machine. API Gateway gives up after 29."""


@pytest.fixture
def blocked(settings: Settings) -> Iterator[None]:
    """A port whose packets get no answer: the kernel drops handshakes where a backlog is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = []
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
            waiting.append(one)
        settings.CHAT_DELIVERY_QUEUE_URL = f"http://127.0.0.1:{listener.getsockname()[1]}/1/deliveries"
        yield
        for one in waiting:
            one.close()


def test_a_message_is_stored_and_refused_in_a_sentence_within_seconds(blocked: None) -> None:
    assert websocket.handler(connect_event(connection_id="AAAAAAAAAAAAAAA="), Context())["statusCode"] == 200
    body = json.dumps({"action": "chat_message", "message": "hi", "client_id": CLIENT_ID})

    started = time.monotonic()
    response = websocket.handler(message_event(body, connection_id="AAAAAAAAAAAAAAA="), Context())

    assert time.monotonic() - started < SECONDS
    frame = json.loads(response["body"])
    assert (frame["ok"], frame["code"], frame["client_id"]) == (False, "delivery_unavailable", CLIENT_ID)
    assert frame["error"] == "Your message could not be passed on yet. Send it again."
    # The schedule passes it on, and so does the same client_id sent again.
    assert ChatMessage.objects.get().message == "hi"
    assert Undelivered.objects.count() == 1


def test_what_is_not_kept_is_let_go_without_an_error(blocked: None) -> None:
    for number in ("A", "B"):
        websocket.handler(connect_event(connection_id=f"{number}AAAAAAAAAAAAAA="), Context())

    started = time.monotonic()
    response = websocket.handler(
        message_event('{"action":"typing"}', connection_id="AAAAAAAAAAAAAAA="), Context()
    )

    assert time.monotonic() - started < SECONDS
    assert json.loads(response["body"])["type"] == "typing_accepted"
