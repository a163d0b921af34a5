"""What an event holds, in which order, and what it never holds."""

import json

from local_aws.gateway import events
from local_aws.gateway.events import ConnectionRecord

NOW = 1_764_064_800.123  # 25 November 2025, 10:00


def make_record(**changes: object) -> ConnectionRecord:
    fields: dict[str, object] = {
        "connection_id": "L0SM9cOFvHcCIhw=",
        "api_id": "api1",
        "stage": "ws",
        "domain_name": "api1.execute-api.eu-west-1.amazonaws.com",
        "connected_at": 1_764_064_800_000,
        "source_ip": "203.0.113.7",
        "user_agent": "Browser/1",
    }
    return ConnectionRecord(**(fields | changes))  # type: ignore[arg-type]


def make_connect_event(*, headers=(), query="", record=None):
    return events.connect_event(
        record or make_record(), headers=headers, query=query, request_id="L0SM9cOFvHcESHA=", now=NOW
    )


def make_message_event(*, body="hi", record=None):
    return events.message_event(
        record or make_record(),
        route_key="chat_message",
        body=body,
        message_id="L0SM9cOFvHcMSGA=",
        request_id="L0SM9cOFvHcESHA=",
        now=NOW,
    )


def make_disconnect_event(*, status_code=1005, reason="", record=None):
    return events.disconnect_event(
        record or make_record(),
        status_code=status_code,
        reason=reason,
        request_id="L0SM9cOFvHcESHA=",
        now=NOW,
    )


def test_connect_carries_the_fields_of_a_recorded_event_in_their_order():
    event = make_connect_event(query="channel=general")

    assert list(event) == [
        "headers",
        "multiValueHeaders",
        "queryStringParameters",
        "multiValueQueryStringParameters",
        "requestContext",
        "isBase64Encoded",
    ]
    assert list(event["requestContext"].items()) == [
        ("routeKey", "$connect"),
        ("eventType", "CONNECT"),
        ("extendedRequestId", "L0SM9cOFvHcESHA="),
        ("requestTime", "25/Nov/2025:10:00:00 +0000"),
        ("messageDirection", "IN"),
        ("stage", "ws"),
        ("connectedAt", 1_764_064_800_000),
        ("requestTimeEpoch", 1_764_064_800_123),
        ("identity", {"userAgent": "Browser/1", "sourceIp": "203.0.113.7"}),
        ("requestId", "L0SM9cOFvHcESHA="),
        ("domainName", "api1.execute-api.eu-west-1.amazonaws.com"),
        ("connectionId", "L0SM9cOFvHcCIhw="),
        ("apiId", "api1"),
    ]
    assert event["isBase64Encoded"] is False


def test_headers_keep_their_casing_and_are_sorted_without_regard_to_it():
    event = make_connect_event(
        headers=[("user-agent", "x"), ("Origin", "http://a"), ("Sec-WebSocket-Key", "k")]
    )

    assert [name for name in event["headers"] if not name.startswith("X-")] == [
        "Host",
        "Origin",
        "Sec-WebSocket-Key",
        "user-agent",
    ]
    assert list(event["headers"]) == sorted(event["headers"], key=str.lower)
    assert list(event["headers"]) == list(event["multiValueHeaders"])


def test_the_gateway_sets_its_own_headers_whatever_the_client_sends():
    event = make_connect_event(
        headers=[
            ("Host", "evil.example"),
            ("x-forwarded-for", "198.51.100.1"),
            ("X-Forwarded-Port", "1"),
            ("X-Forwarded-Proto", "ftp"),
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Content-Length", "0"),
            ("X-Real-Ip", "1.1.1.1"),
        ]
    )
    trace = event["headers"].pop("X-Amzn-Trace-Id")

    assert event["headers"] == {
        "Host": "api1.execute-api.eu-west-1.amazonaws.com",
        "X-Forwarded-For": "198.51.100.1, 203.0.113.7",
        "X-Forwarded-Port": "443",
        "X-Forwarded-Proto": "https",
    }
    assert trace.startswith("Root=1-")


def test_of_a_repeated_header_the_single_map_keeps_the_last():
    event = make_connect_event(headers=[("X-A", "1"), ("x-a", "2")])

    assert event["headers"]["X-A"] == "2"
    assert event["multiValueHeaders"]["X-A"] == ["1", "2"]


def test_query_parameters_are_decoded_and_the_single_map_keeps_the_last():
    event = make_connect_event(
        query="channel=gen%65ral&channel=b&q=a%2Bb+c&empty=&bare&bad=%zz&snow=%E2%98%83"
    )

    assert event["queryStringParameters"] == {
        "channel": "b",
        "q": "a+b c",
        "empty": "",
        "bare": "",
        "bad": "%zz",
        "snow": "☃",
    }
    assert event["multiValueQueryStringParameters"]["channel"] == ["general", "b"]


def test_without_a_query_there_are_no_query_keys_and_nowhere_a_null():
    event = make_connect_event(record=make_record(user_agent=None))

    assert "queryStringParameters" not in event
    assert "multiValueQueryStringParameters" not in event
    assert event["requestContext"]["identity"] == {"sourceIp": "203.0.113.7"}
    assert "body" not in event
    assert "null" not in json.dumps(event)


def test_a_message_has_a_body_and_an_id_but_no_headers():
    event = make_message_event(body="hi")

    assert list(event) == ["requestContext", "body", "isBase64Encoded"]
    assert list(event["requestContext"])[:3] == ["routeKey", "messageId", "eventType"]
    assert event["requestContext"]["eventType"] == "MESSAGE"
    assert event["body"] == "hi"


def test_an_empty_message_has_no_body_key():
    assert list(make_message_event(body="")) == ["requestContext", "isBase64Encoded"]


def test_disconnect_tells_code_and_reason_under_placeholder_headers():
    event = make_disconnect_event(status_code=1005, reason="Client-side close frame status not set")

    host = "api1.execute-api.eu-west-1.amazonaws.com"
    assert event["headers"] == {"Host": host, "x-api-key": "", "X-Forwarded-For": "", "x-restapi": ""}
    assert event["multiValueHeaders"]["Host"] == [host]
    context = event["requestContext"]
    assert (context["disconnectStatusCode"], context["disconnectReason"]) == (
        1005,
        "Client-side close frame status not set",
    )
    assert context["connectedAt"] == 1_764_064_800_000


def test_what_an_authorizer_said_is_on_every_event():
    record = make_record(authorizer={"principalId": "p", "n": "1"})

    for event in (
        make_connect_event(record=record),
        make_message_event(record=record),
        make_disconnect_event(record=record),
    ):
        assert event["requestContext"]["authorizer"] == {"principalId": "p", "n": "1"}
