"""What a distribution makes of an origin's errors, of missing objects, and of policies' headers."""

import gzip
from dataclasses import replace

import pytest

from local_aws.edge.behaviours import viewer_response
from local_aws.http import Response
from local_aws.model import Behaviour, ErrorPage, Origin
from tests.local_aws.edge.test_edge import assembly, distribution, http_api, running, websocket_api

BUCKET = Origin(kind="bucket", target="files")


def declared(folder, *, pages=(), listable=False, compress=False):
    front = distribution()
    behaviours = tuple(replace(behaviour, compress=compress) for behaviour in front.behaviours)
    front = replace(front, error_pages=dict(pages), behaviours=behaviours)
    whole = assembly(
        websocket_apis=(websocket_api(),), http_apis=(http_api(),), distribution=front, folder=folder
    )
    return replace(whole, buckets=tuple(replace(bucket, listable=listable) for bucket in whole.buckets))


@pytest.fixture
def site(tmp_path):
    (tmp_path / "index.html").write_text("<p>home" + " " * 2_000)
    (tmp_path / "sorry.html").write_text("<p>sorry")
    return tmp_path


@pytest.mark.parametrize(("listable", "status"), [(False, 403), (True, 404)])
async def test_a_missing_object_is_told_to_who_may_list_the_bucket(site, listable, status):
    async with running(declared(site, listable=listable)) as it:
        assert (await it.get("/nothing.js"))[0] == status


async def test_an_error_shows_the_page_with_the_status_that_it_has(site):
    pages = {403: ErrorPage(path="/index.html", status=200), 500: ErrorPage(path="/sorry.html", status=None)}
    async with running(declared(site, pages=pages.items())) as it:
        status, headers, body = await it.get("/rooms/general")
        assert (status, body.startswith(b"<p>home")) == (200, True)
        assert headers["content-type"] == ["text/html"]
        status, _, body = await it.get("/api/raises")
        assert (status, body) == (500, b"<p>sorry")
        assert (await it.get("/"))[0] == 200


async def test_an_error_without_a_page_or_whose_page_is_missing_stays(site):
    pages = {403: ErrorPage(path="/missing.html", status=200), 500: ErrorPage(path=None, status=None)}
    async with running(declared(site, pages=pages.items())) as it:
        assert (await it.get("/nothing"))[0] == 403
        status, _, body = await it.get("/api/raises")
        assert (status, body) == (500, b'{"message": "Internal Server Error"}')


@pytest.mark.parametrize("compress", [True, False])
async def test_a_behaviour_compresses_if_it_says_so(site, compress):
    async with running(declared(site, compress=compress)) as it:
        status, headers, body = await it.get("/", headers=[("Accept-Encoding", "gzip")])

    assert status == 200
    assert headers.get("content-encoding") == (["gzip"] if compress else None)
    assert (gzip.decompress(body) if compress else body).startswith(b"<p>home")


def test_a_policys_headers_replace_fill_in_and_take_away():
    behaviour = Behaviour(
        pattern="*",
        origin=BUCKET,
        response_headers={"X-Frame-Options": "DENY"},
        default_headers={"Referrer-Policy": "no-referrer", "Cache-Control": "no-store"},
        removed_headers=("Server", "x-powered-by"),
    )
    response = Response(
        200,
        [
            ("x-frame-options", "SAMEORIGIN"),
            ("cache-control", "max-age=1"),
            ("server", "S3"),
            ("X-Powered-By", "us"),
            ("Set-Cookie", "a=1"),
            ("Set-Cookie", "b=2"),
        ],
    )

    assert list(viewer_response(behaviour, response).headers) == [
        ("cache-control", "max-age=1"),
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=2"),
        ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "no-referrer"),
    ]
