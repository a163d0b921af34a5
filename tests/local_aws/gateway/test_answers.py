"""Which answers of a function are proxy answers."""

import json

import pytest

from local_aws.gateway.answers import MalformedAnswer, gateway_frame, parse


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        ({"statusCode": 200}, 200, b""),
        ({"statusCode": "204", "body": None}, 204, b""),
        ({"statusCode": 200, "body": "hi", "headers": {"A": "b"}, "isBase64Encoded": False}, 200, b"hi"),
        ({"statusCode": 200, "body": "aGk=", "isBase64Encoded": True}, 200, b"hi"),
        ({"statusCode": 403, "multiValueHeaders": {"A": ["b", "c"]}, "body": "☃"}, 403, "☃".encode()),
    ],
)
def test_a_proxy_answer_is_understood(answer, status, body):
    parsed = parse(json.dumps(answer).encode())

    assert (parsed.status, parsed.body) == (status, body)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b'"text"',
        b"[]",
        b"{}",
        b"not json",
        b"[" * 100_000,
        b'{"statusCode": null}',
        b'{"statusCode": true}',
        b'{"statusCode": "ok"}',
        b'{"statusCode": 42}',
        b'{"statusCode": 200, "status": 200}',
        b'{"statusCode": 200, "body": {"a": 1}}',
        b'{"statusCode": 200, "body": "%", "isBase64Encoded": true}',
        b'{"statusCode": 200, "headers": [1]}',
        b'{"statusCode": 200, "headers": {"A": null}}',
        b'{"statusCode": 200, "multiValueHeaders": {"A": "b"}}',
    ],
)
def test_anything_else_is_malformed(payload):
    with pytest.raises(MalformedAnswer):
        parse(payload)


def test_headers_come_as_pairs_and_repeated_ones_win():
    parsed = parse(b'{"statusCode":200,"headers":{"a":"1","B":2},"multiValueHeaders":{"A":["x","y"]}}')

    assert parsed.headers == (("B", "2"), ("A", "x"), ("A", "y"))


def test_the_gateways_own_frame_is_spaced_as_on_aws():
    frame = gateway_frame("Forbidden", connection_id="c=", request_id="r=")

    assert frame == b'{"message": "Forbidden", "connectionId":"c=", "requestId":"r="}'
