"""CORS of HTTP APIs: preflights, and what answers say to an origin."""

import pytest

from local_aws.edge.cors import preflight, with_cors
from local_aws.http import Request, Response
from local_aws.model import Cors

CORS = Cors(
    origins=("https://app.example", "http://*"),
    methods=("GET", "POST"),
    headers=("content-type",),
    exposed=("x-total",),
    credentials=True,
    max_age=300,
)


def request(method="OPTIONS", origin="https://app.example", asks="POST"):
    given = {"Origin": origin, "Access-Control-Request-Method": asks}
    headers = [(name, value) for name, value in given.items() if value is not None]
    return Request(method, "/x", "/x", "", headers, b"", "127.0.0.1")


def named(response):
    return {name.lower(): value for name, value in response.headers}


def test_a_preflight_is_told_what_is_allowed():
    answer = preflight(CORS, request())

    assert answer is not None
    assert answer.status == 204
    assert named(answer) == {
        "access-control-allow-origin": "https://app.example",
        "access-control-allow-methods": "GET,POST",
        "access-control-allow-headers": "content-type",
        "access-control-max-age": "300",
        "access-control-allow-credentials": "true",
    }


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://app.example", "https://app.example"),
        ("http://anything:3000", "http://anything:3000"),
        ("https://other.example", None),
        ("null", None),
    ],
)
def test_an_origin_is_allowed_by_its_name_or_its_scheme(origin, allowed):
    answer = preflight(CORS, request(origin=origin))

    assert answer is not None
    assert named(answer).get("access-control-allow-origin") == allowed


def test_any_origin_is_a_star():
    answer = preflight(Cors(origins=("*",)), request())

    assert answer is not None
    assert named(answer) == {"access-control-allow-origin": "*"}


@pytest.mark.parametrize("other", [request("GET"), request(asks=None), request(origin=None)])
def test_other_requests_are_no_preflights(other):
    assert preflight(CORS, other) is None


def test_answers_say_what_the_configuration_says_and_not_what_the_function_did():
    answer = Response(200, [("Access-Control-Allow-Origin", "*"), ("X-Total", "7")], b"x")

    assert named(with_cors(CORS, request("GET", asks=None), answer)) == {
        "x-total": "7",
        "access-control-allow-origin": "https://app.example",
        "access-control-expose-headers": "x-total",
        "access-control-allow-credentials": "true",
    }
    assert named(with_cors(CORS, request("GET", origin=None), answer)) == {"x-total": "7"}
