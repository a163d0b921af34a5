"""Which behaviour takes a request, and what its origin then sees."""

import pytest

from local_aws.edge.behaviours import behaviour_for, origin_request, viewer_response
from local_aws.http import Request, Response
from local_aws.model import Behaviour, Distribution, Origin

ORIGIN_HOST = "api1.execute-api.eu-west-1.amazonaws.com"


def make_behaviour(pattern="*", *, path="", custom_headers=None, **fields):
    origin = Origin(kind="api", target="api1", path=path, custom_headers=custom_headers or {})
    return Behaviour(pattern=pattern, origin=origin, **fields)


def make_request(*headers, target="/api/x?a=b"):
    path, _, query = target.partition("?")
    return Request("GET", target, path, query, list(headers), b"", "203.0.113.7")


def sent(request, **fields):
    """What the origin gets, by lower-case name."""
    forwarded = origin_request(make_behaviour(**fields), request, origin_host=ORIGIN_HOST)
    return {name.lower(): value for name, value in forwarded.headers}


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        ("/ws", "/ws"),
        ("/ws/", "*"),
        ("/wsx", "*"),
        ("/api/session", "/api/*"),
        ("/api/", "/api/*"),
        ("/api", "*"),
        ("/API/session", "*"),
        ("/a1.css", "a?.css"),
        ("/a12.css", "*"),
        ("/x.y/z.png", "/x.y/*.png"),
        ("/xay/z.png", "*"),
        ("/", "*"),
    ],
)
def test_the_first_pattern_that_matches_wins(path, pattern):
    patterns = ("/ws", "/api/*", "a?.css", "/x.y/*.png", "*")
    distribution = Distribution(
        id="D", domain_name="d", behaviours=tuple(make_behaviour(each) for each in patterns)
    )

    assert behaviour_for(distribution, path).pattern == pattern


def test_custom_headers_replace_what_the_viewer_sent():
    headers = sent(make_request(("x-gateway-secret", "guess")), custom_headers={"X-Gateway-Secret": "s3cret"})

    assert headers["x-gateway-secret"] == "s3cret"


def test_the_host_is_the_origins():
    assert sent(make_request(("Host", "127.0.0.1:8000")))["host"] == ORIGIN_HOST


def test_the_viewers_address_follows_what_it_claims():
    assert sent(make_request())["x-forwarded-for"] == "203.0.113.7"
    assert (
        sent(make_request(("X-Forwarded-For", "1.1.1.1"), ("x-forwarded-for", "2.2.2.2")))["x-forwarded-for"]
        == "1.1.1.1, 2.2.2.2, 203.0.113.7"
    )


def test_connection_headers_stay_behind_except_for_an_upgrade():
    plain = sent(make_request(("Connection", "keep-alive"), ("Keep-Alive", "5"), ("TE", "trailers")))
    assert not {"connection", "keep-alive", "te"} & plain.keys()

    upgrade = sent(make_request(("Connection", "Upgrade"), ("Upgrade", "websocket")))
    assert (upgrade["connection"], upgrade["upgrade"]) == ("Upgrade", "websocket")


def test_the_origins_path_goes_before_the_requests():
    forwarded = origin_request(make_behaviour(path="/prod"), make_request(), origin_host=ORIGIN_HOST)

    assert (forwarded.target, forwarded.path, forwarded.query) == ("/prod/api/x?a=b", "/prod/api/x", "a=b")


def test_the_policys_response_headers_win():
    behaviour = make_behaviour(response_headers={"X-Frame-Options": "DENY"})

    response = viewer_response(
        behaviour, Response(200, [("x-frame-options", "SAMEORIGIN"), ("A", "b")], b"x")
    )

    assert response.headers == [("A", "b"), ("X-Frame-Options", "DENY")]
