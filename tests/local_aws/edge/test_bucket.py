"""A bucket's objects as CloudFront gets them."""

import os

import pytest

from local_aws.edge.bucket import BucketOrigin
from local_aws.http import Request
from local_aws.model import Bucket, BucketFiles


@pytest.fixture
def site(tmp_path):
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<p>home")
    (folder / "assets" / "app.js").write_text("js")
    (folder / "sp ace.txt").write_text("space")
    (folder / "☃.txt").write_text("snow")
    (folder / "noending").write_text("?")
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "out.txt").symlink_to(tmp_path / "secret.txt")
    return folder


def get(files, path, *, method="GET", headers=(), root="index.html"):
    bucket = Bucket(name="b", arn="arn:aws:s3:::b", files=files if isinstance(files, tuple) else (files,))
    request = Request(method, path, path.partition("?")[0], "", list(headers), b"", "127.0.0.1")
    return BucketOrigin(bucket).answer(request, root)


def header(response, name):
    return dict(response.headers).get(name)


@pytest.mark.parametrize(
    ("path", "content", "content_type"),
    [
        ("/", b"<p>home", "text/html"),
        ("/index.html", b"<p>home", "text/html"),
        ("/assets/app.js", b"js", "text/javascript"),
        ("/sp%20ace.txt", b"space", "text/plain"),
        ("/%E2%98%83.txt", b"snow", "text/plain"),
        ("/noending", b"?", "binary/octet-stream"),
    ],
)
def test_objects_come_with_their_type(site, path, content, content_type):
    response = get(BucketFiles(folder=site), path)

    assert (response.status, response.body) == (200, content)
    assert header(response, "Content-Type") == content_type
    assert header(response, "ETag").strip('"').isalnum()
    assert header(response, "Last-Modified").endswith(" GMT")


@pytest.mark.parametrize(
    "path",
    [
        "/missing",
        "/assets",
        "/assets/",
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/assets/../../secret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "/..%5csecret.txt",
        "//index.html",
        "/./index.html",
        "/index.html/",
        "/index.html%00",
        "/out.txt",
        "/" + "x" * 5_000,
        "/%ff",
    ],
)
def test_what_isnt_there_may_not_be_read(site, path):
    response = get(BucketFiles(folder=site), path)

    assert response.status == 403
    assert b"<Code>AccessDenied</Code>" in response.body
    assert header(response, "Content-Type") == "application/xml"


def test_without_a_root_object_the_root_is_no_object(site):
    assert get(BucketFiles(folder=site), "/", root="").status == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_only_reading_is_allowed(site, method):
    assert get(BucketFiles(folder=site), "/index.html", method=method).status == 405


def test_what_hasnt_changed_isnt_sent_again(site):
    first = get(BucketFiles(folder=site), "/")
    etag, modified = header(first, "ETag"), header(first, "Last-Modified")

    for name, value in (
        ("If-None-Match", etag),
        ("If-None-Match", f'"x", W/{etag}'),
        ("if-none-match", "*"),
        ("If-Modified-Since", modified),
    ):
        again = get(BucketFiles(folder=site), "/", headers=[(name, value)])
        assert (again.status, again.body, header(again, "ETag")) == (304, b"", etag)
    for name, value in (("If-None-Match", '"x"'), ("If-Modified-Since", "nonsense")):
        assert get(BucketFiles(folder=site), "/", headers=[(name, value)]).status == 200


def test_a_new_build_shows_at_once(site):
    before = get(BucketFiles(folder=site), "/")
    (site / "index.html").write_text("<p>new")
    os.utime(site / "index.html", (0, 0))
    after = get(BucketFiles(folder=site), "/")

    assert after.body == b"<p>new"
    assert header(after, "ETag") != header(before, "ETag")


def test_deployments_have_prefixes_and_the_later_one_wins(site, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "index.html").write_text("<p>other")
    files = (
        BucketFiles(folder=site, cache_control="no-cache"),
        BucketFiles(folder=other, prefix="static/", cache_control="max-age=9"),
        BucketFiles(folder=other),
    )

    assert get(files, "/").body == b"<p>other"
    assert header(get(files, "/assets/app.js"), "Cache-Control") == "no-cache"
    assert header(get(files, "/static/index.html"), "Cache-Control") == "max-age=9"
    assert get(files, "/static/assets/app.js").status == 403
    assert get(files, "/staticindex.html").status == 403


def test_files_are_excluded_and_included_by_pattern(site):
    files = BucketFiles(folder=site, exclude=("*",), include=("assets/*",))

    assert get(files, "/assets/app.js").status == 200
    assert get(files, "/index.html").status == 403
