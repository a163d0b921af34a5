"""The events of an HTTP API and what answers to them mean; which route takes a request."""

import base64
import json

import pytest

from local_aws.edge.http_api_events import Call, event_v1, event_v2, response
from local_aws.edge.http_api_routes import Routes
from local_aws.gateway.answers import MalformedAnswer
from local_aws.http import Request
from local_aws.model import HttpRoute

HOST = "api1.execute-api.eu-west-1.amazonaws.com"


def make_call(*, stage="$default", route_key="$default", path_parameters=None):
    return Call(
        account="123456789012",
        api_id="api1",
        domain_name=HOST,
        stage=stage,
        route_key=route_key,
        path_parameters=path_parameters or {},
        request_id="JKJaXmPLvHcESHA=",
        now=1_764_064_800.123,
    )


def make_request(*headers, method="GET", target="/", body=b""):
    path, _, query = target.partition("?")
    return Request(method, target, path, query, list(headers), body, "203.0.113.7")


def test_an_event_has_the_fields_of_payload_format_2():
    event = event_v2(make_call(), make_request(("User-Agent", "Browser/1"), target="/admin/?q=a%2Bb"))
    trace = event["headers"].pop("x-amzn-trace-id")

    assert event == {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/admin/",
        "rawQueryString": "q=a%2Bb",
        "headers": {
            "content-length": "0",
            "host": HOST,
            "user-agent": "Browser/1",
            "x-forwarded-for": "203.0.113.7",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
        },
        "queryStringParameters": {"q": "a+b"},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api1",
            "domainName": HOST,
            "domainPrefix": "api1",
            "http": {
                "method": "GET",
                "path": "/admin",
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.7",
                "userAgent": "Browser/1",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "$default",
            "stage": "$default",
            "time": "25/Nov/2025:10:00:00 +0000",
            "timeEpoch": 1_764_064_800_123,
        },
        "isBase64Encoded": False,
    }
    assert trace.startswith("Root=1-")


@pytest.mark.parametrize(
    ("target", "raw", "http_path"),
    [("/", "/", "/"), ("/a/", "/a/", "/a"), ("/a", "/a", "/a"), ("/a%2Fb/%zz", "/a%2Fb/%zz", "/a%2Fb/%zz")],
)
def test_the_raw_path_is_exact_and_the_other_one_lacks_the_slash_at_the_end(target, raw, http_path):
    event = event_v2(make_call(), make_request(target=target))

    assert (event["rawPath"], event["requestContext"]["http"]["path"]) == (raw, http_path)


def test_a_named_stage_is_part_of_the_path():
    assert event_v2(make_call(stage="prod"), make_request(target="/a"))["rawPath"] == "/prod/a"


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        ("q=a+b", {"q": "a b"}),
        ("q=100%25", {"q": "100%"}),
        ("q=%E2%98%83", {"q": "☃"}),
        ("x=1&x=2", {"x": "1,2"}),
        ("x=", {"x": ""}),
        ("x", {"x": ""}),
        ("q=%zz", {"q": "%zz"}),
        ("q=%ff", {"q": "\ufffd"}),
    ],
)
def test_query_parameters_are_decoded_beside_the_raw_ones(query, parameters):
    event = event_v2(make_call(), make_request(target=f"/?{query}"))

    assert event["rawQueryString"] == query
    assert event["queryStringParameters"] == parameters


def test_cookies_are_a_list_of_their_own():
    event = event_v2(make_call(), make_request(("Cookie", "a=1; b=2"), ("cookie", "c=3")))

    assert event["cookies"] == ["a=1", "b=2", "c=3"]
    assert "cookie" not in event["headers"]


def test_repeated_headers_are_joined_and_the_apis_own_replaced():
    event = event_v2(
        make_call(),
        make_request(
            ("X-A", "1"),
            ("x-a", "2"),
            ("Host", "evil"),
            ("X-Forwarded-For", "1.1.1.1"),
            ("X-Forwarded-Proto", "http"),
        ),
    )

    assert event["headers"]["x-a"] == "1,2"
    assert event["headers"]["host"] == HOST
    assert event["headers"]["x-forwarded-for"] == "1.1.1.1, 203.0.113.7"
    assert event["headers"]["x-forwarded-proto"] == "https"


@pytest.mark.parametrize(
    ("content_type", "body", "is_base64"),
    [
        ("application/json", '{"a":"☃"}'.encode(), False),
        ("text/plain; charset=utf-8", b"hi", False),
        (None, b"hi", False),
        ("application/x-www-form-urlencoded", b"a=b", True),
        ("image/png", b"\x89PNG", True),
        ("application/json", b"\xff", True),
    ],
)
def test_a_body_that_isnt_text_is_base64(content_type, body, is_base64):
    headers = [("Content-Type", content_type)] if content_type else []
    event = event_v2(make_call(), make_request(*headers, method="POST", body=body))

    assert event["isBase64Encoded"] is is_base64
    assert (base64.b64decode(event["body"]) if is_base64 else event["body"].encode()) == body


def test_an_event_of_payload_format_1_has_its_own_fields():
    event = event_v1(
        make_call(route_key="GET /a/{id}", path_parameters={"id": "7"}),
        make_request(("Cookie", "a=1"), target="/a/7/?x=1&x=2"),
    )

    assert event["version"] == "1.0"
    assert (event["resource"], event["path"], event["httpMethod"]) == ("/a/{id}", "/a/7/", "GET")
    assert event["headers"]["cookie"] == "a=1"
    assert event["queryStringParameters"] == {"x": "2"}
    assert event["multiValueQueryStringParameters"] == {"x": ["1", "2"]}
    assert event["pathParameters"] == {"id": "7"}


def test_two_cookies_are_two_header_lines():
    answer = {"statusCode": 302, "headers": {"location": "/"}, "cookies": ["a=1; Expires=Wed, 25 Nov", "b=2"]}

    assert response(json.dumps(answer).encode(), payload_format="2.0").headers == [
        ("location", "/"),
        ("set-cookie", "a=1; Expires=Wed, 25 Nov"),
        ("set-cookie", "b=2"),
    ]


def test_binary_answers_are_decoded():
    answer = {
        "statusCode": 200,
        "headers": {"content-type": "image/png"},
        "body": "iVBORw==",
        "isBase64Encoded": True,
    }

    assert response(json.dumps(answer).encode(), payload_format="2.0").body == b"\x89PNG"


@pytest.mark.parametrize(
    ("payload", "body"), [(b'{"a": 1}', b'{"a": 1}'), (b'"hi"', b"hi"), (b"[1]", b"[1]")]
)
def test_anything_without_a_status_is_a_200_in_json(payload, body):
    inferred = response(payload, payload_format="2.0")

    assert (inferred.status, inferred.headers, inferred.body) == (
        200,
        [("content-type", "application/json")],
        body,
    )


def test_an_answer_without_a_type_is_plain_text():
    assert response(b'{"statusCode":200,"body":"x"}', payload_format="2.0").headers == [
        ("content-type", "text/plain;charset=UTF-8")
    ]


@pytest.mark.parametrize(
    ("payload", "payload_format"),
    [
        (b"", "2.0"),
        (b"nonsense", "2.0"),
        (b'{"statusCode":"ok"}', "2.0"),
        (b'{"statusCode":99}', "2.0"),
        (b'{"statusCode":200,"body":1}', "2.0"),
        (b'{"statusCode":200,"headers":{"a":{}}}', "2.0"),
        (b'{"statusCode":200,"cookies":"a=b"}', "2.0"),
        (b'{"statusCode":200,"body":"%","isBase64Encoded":true}', "2.0"),
        (b'{"a":1}', "1.0"),
    ],
)
def test_anything_else_is_malformed(payload, payload_format):
    with pytest.raises(MalformedAnswer):
        response(payload, payload_format=payload_format)


@pytest.mark.parametrize(
    ("method", "path", "key", "parameters"),
    [
        ("GET", "/pets", "GET /pets", {}),
        ("POST", "/pets", "ANY /pets", {}),
        ("GET", "/pets/7", "GET /pets/{id}", {"id": "7"}),
        ("GET", "/pets/a%2Fb", "GET /pets/{id}", {"id": "a/b"}),
        ("GET", "/pets/7/toys", "ANY /pets/{rest+}", {"rest": "7/toys"}),
        ("DELETE", "/pets/7", "ANY /pets/{rest+}", {"rest": "7"}),
        ("GET", "/pets/", "$default", {}),
        ("GET", "/", "$default", {}),
        ("GET", "/petsx", "$default", {}),
    ],
)
def test_the_most_specific_route_takes_a_request(method, path, key, parameters):
    keys = ("$default", "ANY /pets/{rest+}", "GET /pets/{id}", "ANY /pets", "GET /pets")
    chosen = Routes(HttpRoute(key=each, function="f") for each in keys).choose(method, path)

    assert chosen is not None
    assert (chosen[0].key, chosen[1]) == (key, parameters)


def test_without_a_default_there_may_be_no_route():
    assert Routes([HttpRoute(key="GET /a", function="f")]).choose("POST", "/a") is None
