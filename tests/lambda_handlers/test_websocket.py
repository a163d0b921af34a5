"""WebSocket events: each reaches the view with everything in its right place, and only a frame comes back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django_aws_api_gateway_websockets.models import ConnectionRateLimit, WebSocketSession

from chat.models import ChatMessage, Room
from lambda_handlers import websocket
from tests.lambda_handlers.events import (
    SECRET,
    VIEWER_IP,
    Context,
    connect_event,
    disconnect_event,
    message_event,
)


def handle(event: dict[str, Any]) -> dict[str, Any]:
    return websocket.handler(event, Context())


def frame(response: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(response["body"])
    return answer


def test_a_connection_lives_from_connect_over_messages_to_disconnect() -> None:
    assert handle(connect_event(connection_id="AAAAAAAAAAAAAAA="))["statusCode"] == 200

    accepted = frame(
        handle(
            message_event(
                '{"action":"chat_message","message":"hi \\u2603"}', connection_id="AAAAAAAAAAAAAAA="
            )
        )
    )
    assert (accepted["type"], accepted["sequence"]) == ("message_accepted", 1)
    assert ChatMessage.objects.get().message == "hi ☃"

    assert handle(disconnect_event(connection_id="AAAAAAAAAAAAAAA="))["statusCode"] == 200
    assert not WebSocketSession.objects.get().connected


def test_a_connection_is_counted_for_the_viewer_and_not_for_the_edge() -> None:
    handle(connect_event(headers={"X-Forwarded-For": f"6.6.6.6, {VIEWER_IP}, 130.176.1.1"}))
    assert ConnectionRateLimit.objects.get().ip_address == VIEWER_IP


@pytest.mark.parametrize("secret", [None, "", SECRET[:-1], f"{SECRET}x"])
def test_a_handshake_that_did_not_come_through_the_distribution_is_refused(secret: str | None) -> None:
    assert handle(connect_event(secret=secret))["statusCode"] == 403
    assert not WebSocketSession.objects.exists()


@pytest.mark.parametrize(
    "headers",
    [
        {"X_Ws_Gateway_Secret": SECRET},
        {"x_ws-gateway_secret": SECRET},
    ],
)
def test_no_other_spelling_of_a_header_passes_for_the_secret(headers: dict[str, str]) -> None:
    assert handle(connect_event(secret=None, headers=headers))["statusCode"] == 403


def test_what_a_client_sends_under_the_names_of_trusted_headers_is_ignored() -> None:
    spoofed = {
        "Connectionid": "BBBBBBBBBBBBBBB=",
        "connectionId": "BBBBBBBBBBBBBBB=",
        "X-Amzn-Apigateway-Api-Id": "another",
        "X-Real-Ip": "6.6.6.6",
        "Content-Length": "99999",
        "Content-Type": "multipart/form-data; boundary=x",
        "X_Forwarded_For": "6.6.6.6",
    }
    assert handle(connect_event(connection_id="AAAAAAAAAAAAAAA=", headers=spoofed))["statusCode"] == 200
    assert WebSocketSession.objects.get().connection_id == "AAAAAAAAAAAAAAA="


@pytest.mark.parametrize(
    "headers",
    [
        {"Cookie": "sessionid=☃; a=b"},
        {"Cookie": "sessionid=" + "é" * 40},
        {"User-Agent": "\ud800"},
        {"X-Odd": ""},
    ],
)
def test_odd_headers_break_nothing(headers: dict[str, str]) -> None:
    assert handle(connect_event(headers=headers))["statusCode"] == 200


def test_of_a_repeated_channel_the_last_one_counts() -> None:
    assert handle(connect_event(query={"channel": ["general", "support"]}))["statusCode"] == 200
    assert WebSocketSession.objects.get().channel_name == "support"


@pytest.mark.parametrize("query", [{}, {"channel": [""]}, {"channel": ["\ud800"]}, {"channel": ["a\0b"]}])
def test_no_room_or_a_malformed_one_is_a_bad_request(query: dict[str, list[str]]) -> None:
    assert handle(connect_event(query=query))["statusCode"] == 400


@pytest.mark.parametrize("body", [None, "", "\ud800", '{"action":"chat_message","message":"\ud800'])
def test_a_frame_that_is_nothing_gets_a_refusal(body: str | None) -> None:
    handle(connect_event())
    assert frame(handle(message_event(body)))["code"] == "unknown_action"


def test_a_message_of_an_unknown_connection_gets_a_refusal() -> None:
    response = handle(message_event('{"action":"fetch_history"}', connection_id="CCCCCCCCCCCCCCC="))
    assert frame(response)["code"] == "session_ended"


def test_an_action_named_like_an_event_of_the_gateway_runs_neither() -> None:
    handle(connect_event())
    for action in ("$connect", "$disconnect", "$default", "connect", "disconnect", "dispatch", "__init__"):
        assert frame(handle(message_event(json.dumps({"action": action}))))["code"] == "unknown_action"
    assert WebSocketSession.objects.get().connected


def test_an_exception_is_logged_with_the_request_and_never_shown(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    handle(connect_event())
    # A fault below everything: the room's table says no.
    Room.objects.filter(name="general").update(last_sequence=2**63 - 1)

    response = handle(message_event('{"action":"chat_message","message":"hi","client_id":"x"}'))
    assert frame(response)["code"] == "invalid_request"
    response = handle(message_event('{"action":"chat_message","message":"hi"}'))

    assert response["statusCode"] == 500
    assert frame(response)["code"] == "internal_error"
    assert "out of range" not in response["body"]
    assert "Traceback" not in response["body"]
    assert "out of range" in caplog.text


def test_an_event_that_is_none_is_answered_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    response = handle({"requestContext": {"eventType": "ODD"}})
    assert response["statusCode"] == 500
    assert frame(response)["code"] == "internal_error"
    assert Context.aws_request_id in caplog.text
