"""HTTP events: exact paths and queries, the public host, whole cookies, and no way round the distribution."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.db import connection
from pytest_django import Settings

from lambda_handlers import http
from tests.lambda_handlers.events import SECRET, Context, http_event


def get(path: str, **event: Any) -> dict[str, Any]:
    return http.handler(http_event(path, **event), Context())


class Visitor:
    """Keeps cookies between requests, as a browser does."""

    def __init__(self) -> None:
        self.cookies: dict[str, str] = {}

    def request(self, path: str, **event: Any) -> dict[str, Any]:
        cookies = [f"{name}={value}" for name, value in self.cookies.items()]
        response = get(path, cookies=cookies, **event)
        for cookie in response.get("cookies", []):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return response

    def post(self, path: str, form: dict[str, str], **event: Any) -> dict[str, Any]:
        self.request("/api/session")
        body = urlencode({"csrfmiddlewaretoken": self.cookies["csrftoken"], **form})
        headers = {"content-type": "application/x-www-form-urlencoded", "origin": "http://127.0.0.1:8000"}
        return self.request(path, method="POST", headers=headers, body=body, **event)


@pytest.fixture
def carol_admin() -> User:
    return User.objects.create_superuser("carol", password="of the staff")


@pytest.mark.parametrize("secret", [None, "", f"{SECRET}x"])
def test_a_request_that_did_not_come_through_the_distribution_is_refused(secret: str | None) -> None:
    response = get("/api/session", secret=secret)
    assert response["statusCode"] == 403
    assert "Traceback" not in response["body"]


def test_another_spelling_of_the_secret_header_is_refused() -> None:
    assert get("/api/session", secret=None, headers={"x_ws_gateway_secret": SECRET})["statusCode"] == 403


def test_the_session_names_guest_and_rooms_and_sets_the_csrf_cookie() -> None:
    response = get("/api/session")
    assert response["statusCode"] == 200
    session = json.loads(response["body"])
    assert session["user"] is None
    assert [room["name"] for room in session["rooms"]] == ["general", "support", "random"]
    assert session["limits"] == {"message_length": 4000, "change_seconds": 900}
    assert any(cookie.startswith("csrftoken=") for cookie in response["cookies"])
    assert "no-store" in response["headers"]["cache-control"]


def test_both_cookies_of_a_sign_up_arrive() -> None:
    visitor = Visitor()
    response = visitor.post(
        "/accounts/signup/",
        {"username": "dora", "password1": "the explorer 1", "password2": "the explorer 1"},
    )
    assert response["statusCode"] == 302
    names = sorted(cookie.partition("=")[0] for cookie in response["cookies"])
    assert names == ["csrftoken", "sessionid"]
    assert all("expires=" in cookie and ", " in cookie for cookie in response["cookies"])
    assert json.loads(visitor.request("/api/session")["body"])["user"]["username"] == "dora"


def test_a_slash_at_the_end_is_seen_although_aws_drops_it() -> None:
    assert get("/accounts/login/")["statusCode"] == 200
    redirect = get("/accounts/login", query="next=/a%20b")
    assert redirect["statusCode"] == 301
    assert redirect["headers"]["location"] == "/accounts/login/?next=/a%20b"
    assert get("/admin")["headers"]["location"] == "/admin/"
    assert get("/admin/")["headers"]["location"] == "/admin/login/?next=/admin/"


@pytest.mark.parametrize(
    ("query", "shown"),
    [("q=a%2Bb", "a+b"), ("q=a+b", "a b"), ("q=100%25", "100%"), ("q=%E2%98%83", "☃"), ("q=x&q=y", "y")],
)
def test_the_admin_search_box_shows_what_was_meant(carol_admin: User, query: str, shown: str) -> None:
    visitor = Visitor()
    visitor.post("/accounts/login/", {"username": "carol", "password": "of the staff"})
    response = visitor.request("/admin/auth/user/", query=query)
    assert response["statusCode"] == 200
    assert f'name="q" value="{shown}"' in response["body"]


@pytest.mark.parametrize("query", ["q=%zz", "q=%ff", "x=", "x", "&&&", "=", "q=%00", "q=" + "a" * 5000])
@pytest.mark.parametrize("path", ["/api/session", "/accounts/login/", "/admin/login/"])
def test_a_malformed_query_is_no_error_of_ours(path: str, query: str) -> None:
    assert get(path, query=query)["statusCode"] < 500


@pytest.mark.parametrize(
    "path", ["/%ff", "/%00", "//evil.example/", "/a%2525", "/accounts/%2e%2e/admin", "/"]
)
def test_a_path_that_is_nothing_is_not_found(path: str) -> None:
    assert get(path)["statusCode"] in (301, 404)
    assert not get(path).get("headers", {}).get("location", "").startswith("//")


@pytest.mark.parametrize(
    "path",
    [
        "/accounts/",
        "/accounts/login/",
        "/accounts/signup/",
        "/accounts/password/",
        "/accounts/reset/",
        "/accounts/reset/new/",
        "/accounts/data/",
        "/accounts/delete/",
        "/api/session",
        "/api/ws-token",
        "/admin/",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_every_method_gets_an_answer_of_django(path: str, method: str) -> None:
    response = get(path, method=method)
    assert response["statusCode"] in (200, 302, 403, 405), response
    assert "access-control-allow-origin" not in response["headers"]
    if method == "HEAD":
        assert response["body"] == ""


def test_the_websocket_view_cannot_be_reached_as_a_page() -> None:
    headers = {
        "connectionid": "AAAAAAAAAAAAAAA=",
        "x-amzn-apigateway-api-id": "api4567890",
        "x-real-ip": "1.1.1.1",
    }
    for route in ("connect", "message", "disconnect"):
        assert get(f"/ws/{route}", method="POST", headers=headers)["statusCode"] == 404


def test_pages_carry_their_security_headers() -> None:
    for path in ("/accounts/login/", "/admin/login/", "/api/session", "/nowhere"):
        headers = get(path)["headers"]
        policy = headers["content-security-policy"]
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert headers["x-frame-options"] == "DENY"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert "camera=()" in headers["permissions-policy"]
        assert "access-control-allow-origin" not in headers


def test_refusals_are_pages_of_ours_with_the_same_headers(carol_admin: User, settings: Settings) -> None:
    settings.CHAT_LOGINS_PER_ACCOUNT = 1
    visitor, wrong = Visitor(), {"username": "carol", "password": "wrong"}
    visitor.post("/accounts/login/", wrong)
    form = {"content-type": "application/x-www-form-urlencoded"}
    pages = {
        400: visitor.post("/accounts/login/", {f"field-{number}": "x" for number in range(1_001)}),
        403: get("/accounts/login/", method="POST", headers=form, body="a=1"),
        404: get("/accounts/nowhere/"),
        429: visitor.post("/accounts/login/", wrong),
    }
    for status, page in pages.items():
        assert page["statusCode"] == status
        assert page["headers"]["content-type"].startswith("text/html")
        assert 'href="/account.css"' in page["body"]
        assert "default-src 'none'" in page["headers"]["content-security-policy"]
    assert 0 < int(pages[429]["headers"]["retry-after"]) <= 300


def test_an_error_of_ours_is_a_page_without_its_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: object, request: object) -> None:
        raise RuntimeError("the cause")

    monkeypatch.setattr("chat.session_api.SessionView.get", fail)
    page = get("/api/session")
    assert page["statusCode"] == 500
    assert "our fault" in page["body"]
    assert "the cause" not in page["body"]
    assert "content-security-policy" in page["headers"]


@pytest.mark.parametrize(
    ("event", "status", "says"),
    [
        ({"body": "a" * 1_000_001, "method": "POST"}, 413, "send less than 1,000,000 bytes"),
        ({"headers": {"x-long": "a" * 10_240}}, 431, "headers are too long"),
        ({"cookies": ["a=" + "b" * 10_240]}, 431, "cookies"),
    ],
)
def test_a_request_that_is_too_large_is_told_so(event: dict[str, Any], status: int, says: str) -> None:
    response = get("/accounts/login/", **event)
    assert response["statusCode"] == status
    assert says in response["body"]


def test_logging_out_deletes_the_cookie_that_the_login_set(carol_admin: User) -> None:
    visitor = Visitor()
    login = visitor.post("/accounts/login/", {"username": "carol", "password": "of the staff"})
    left = visitor.post("/accounts/logout/", {})
    [made] = [cookie for cookie in login["cookies"] if cookie.startswith("sessionid=")]
    [gone] = [cookie for cookie in left["cookies"] if cookie.startswith("sessionid=")]
    assert "Max-Age=0" in gone
    assert "01 Jan 1970" in gone

    def flags(cookie: str) -> set[str]:
        return {part for part in cookie.split("; ")[1:] if not part.startswith(("expires", "Max-Age"))}

    assert {"HttpOnly", "Path=/", "SameSite=Lax"} == flags(made)
    assert flags(gone) == {"Path=/", "SameSite=Lax"}, "Django deletes by name and path"


def test_the_host_is_ours_whatever_the_client_says(carol_admin: User) -> None:
    visitor = Visitor()
    response = visitor.post(
        "/accounts/login/",
        {"username": "carol", "password": "of the staff", "next": "https://evil.example/"},
    )
    assert response["headers"]["location"] == "/"
    response = get("/api/session", headers={"x-forwarded-host": "evil.example", "host": "evil.example:x"})
    assert response["statusCode"] == 200


def test_the_redirect_after_login_keeps_its_encoding(carol_admin: User) -> None:
    visitor = Visitor()
    query = "next=/admin/%3Fq%3Da%252Bb"
    page = visitor.request("/accounts/login/", query=query)
    assert 'value="/admin/?q=a%2Bb"' in page["body"]
    form = {"username": "carol", "password": "of the staff", "next": "/admin/?q=a%2Bb"}
    assert visitor.post("/accounts/login/", form)["headers"]["location"] == "/admin/?q=a%2Bb"


def test_a_body_may_come_in_base64(carol_admin: User) -> None:
    visitor = Visitor()
    visitor.request("/api/session")
    form = urlencode(
        {"csrfmiddlewaretoken": visitor.cookies["csrftoken"], "username": "carol", "password": "of the staff"}
    )
    response = visitor.request(
        "/accounts/login/",
        method="POST",
        headers={"content-type": "application/x-www-form-urlencoded"},
        body=base64.b64encode(form.encode()).decode(),
        is_base64=True,
    )
    assert response["statusCode"] == 302


def test_a_token_needs_login_and_csrf(carol_admin: User) -> None:
    visitor = Visitor()
    assert visitor.request("/api/ws-token", method="POST")["statusCode"] == 403
    visitor.post("/accounts/login/", {"username": "carol", "password": "of the staff"})
    assert visitor.request("/api/ws-token", method="POST")["statusCode"] == 403
    response = visitor.request(
        "/api/ws-token",
        method="POST",
        headers={"x-csrftoken": visitor.cookies["csrftoken"], "origin": "http://127.0.0.1:8000"},
    )
    assert sorted(json.loads(response["body"])) == ["expires_in", "token"]
    assert "no-store" in response["headers"]["cache-control"]


def test_the_database_connection_is_kept_from_request_to_request_and_renewed_when_it_was_cut() -> None:
    def backends() -> set[int]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pid FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            return {row[0] for row in cursor.fetchall()}

    get("/api/session")
    kept = backends()
    for _ in range(5):
        get("/api/session")
    assert backends() == kept
    with connection.cursor() as cursor:
        for pid in kept:
            cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
    assert get("/api/session")["statusCode"] == 200
    assert not backends() & kept


def test_an_exception_is_logged_with_the_request_and_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    event = http_event("/api/session")
    del event["requestContext"]["http"]["sourceIp"]
    response = http.handler(event, Context())
    assert response["statusCode"] == 500
    assert "sourceIp" not in response["body"]
    assert Context.aws_request_id in caplog.text
