"""What a distribution compresses on its way to the viewer."""

import gzip

import pytest

from local_aws.edge.compression import compressed
from local_aws.http import Request, Response

BODY = b"<p>hello</p>" * 200


def request(accept="gzip, deflate, br"):
    headers = [] if accept is None else [("Accept-Encoding", accept)]
    return Request("GET", "/", "/", "", headers, b"", "127.0.0.1")


def page(body=BODY, status=200, content_type="text/html; charset=utf-8", **headers):
    return Response(status, [("Content-Type", content_type), *headers.items()], body)


def named(response):
    return {name.lower(): value for name, value in response.headers}


@pytest.mark.parametrize("accept", ["gzip", "GZIP", "br, gzip;q=0.5", "deflate,gzip"])
def test_who_takes_gzip_gets_it(accept):
    response = compressed(request(accept), page(ETag='"abc"'))
    headers = named(response)

    assert gzip.decompress(response.body) == BODY
    assert (headers["content-encoding"], headers["vary"]) == ("gzip", "Accept-Encoding")
    assert headers["etag"] == 'W/"abc"'


@pytest.mark.parametrize("accept", [None, "", "br", "identity", "gzip;q=0", "gzip; q=0.0"])
def test_who_doesnt_gets_it_as_it_is(accept):
    response = page(ETag='"abc"')

    assert compressed(request(accept), response) is response


@pytest.mark.parametrize(
    "response",
    [
        page(b"x" * 999),
        page(content_type="image/png"),
        page(content_type=""),
        page(status=500),
        page(status=304),
        page(**{"Content-Encoding": "br"}),
    ],
    ids=["small", "picture", "no type", "error", "not modified", "compressed already"],
)
def test_what_isnt_worth_it_or_may_not_be_is_left_alone(response):
    assert compressed(request(), response) is response


def test_it_varies_by_what_it_varied_by_before_too():
    assert named(compressed(request(), page(Vary="Cookie")))["vary"] == "Cookie, Accept-Encoding"
    assert named(compressed(request(), page(Vary="accept-encoding")))["vary"] == "accept-encoding"
