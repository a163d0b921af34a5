"""Plain HTTP through the edge: pages, forms, cookies, methods, spellings of paths and queries."""

from __future__ import annotations

import re
import uuid
from html.parser import HTMLParser
from urllib.parse import urljoin

import pytest
import requests

from tests.stack.person import Person
from tests.stack.running import Stack

pytestmark = pytest.mark.stack


class Links(HTMLParser):
    """The style sheets, scripts and images that a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag in ("script", "img"):
            self.urls.append(values.get("src") or "")
        if tag == "link":
            self.urls.append(values.get("href") or "")


def loads(page: requests.Response) -> list[str]:
    links = Links()
    links.feed(page.text)
    return [urljoin(page.url, url) for url in links.urls if url]


@pytest.fixture(scope="module")
def root(stack: Stack) -> Person:
    name = f"root-{uuid.uuid4().hex[:8]}"
    assert stack.make("admin", f"USERNAME={name}", "PASSWORD=a long one 7").returncode == 0
    return Person(stack).log_in(name, "a long one 7")


@pytest.mark.parametrize("path", ["/", "/accounts/login/", "/accounts/signup/", "/admin/login/"])
def test_pages_are_there_with_all_that_they_load(guest: Person, path: str) -> None:
    page = guest.get(path)
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    urls = loads(page)
    assert urls
    for url in urls:
        assert url.startswith(guest.stack.url), url
        loaded = guest.http.get(url, timeout=10)
        assert loaded.status_code == 200, url
        expected = {"css": "text/css", "js": "javascript", "svg": "image/svg"}.get(url.rsplit(".", 1)[-1], "")
        assert expected in loaded.headers["content-type"], url


def test_no_page_carries_inline_script_or_style(guest: Person) -> None:
    for path in ("/", "/accounts/login/", "/accounts/signup/"):
        text = guest.get(path).text
        assert re.findall(r"<script(?![^>]*\bsrc=)", text) == []
        assert re.findall(r"<style|\sstyle=|\son[a-z]+=", text) == []


def test_every_page_forbids_foreign_content(guest: Person) -> None:
    for path in ("/", "/accounts/login/", "/admin/login/"):
        policy = guest.get(path).headers["content-security-policy"]
        assert "unsafe-inline" not in policy
        assert "default-src 'self'" in policy or "default-src 'none'" in policy


@pytest.mark.parametrize("path", ["/admin/", "/admin", "/accounts/login", "/accounts/login/"])
def test_a_slash_more_or_less_costs_one_redirect_at_most(guest: Person, path: str) -> None:
    page = guest.get(path)
    slashes = [
        step
        for step in page.history
        if step.headers["location"].split("?")[0].rstrip("/") == path.rstrip("/")
    ]
    assert page.status_code == 200
    assert len(slashes) <= 1


@pytest.mark.parametrize(
    ("query", "meant"),
    [("a%2Bb", "a+b"), ("a+b", "a b"), ("100%25", "100%"), ("%E2%98%83", "☃"), ("a%26b%3Dc", "a&amp;b=c")],
)
def test_a_search_in_the_admin_is_what_was_meant(root: Person, query: str, meant: str) -> None:
    page = root.get(f"/admin/auth/user/?q={query}")
    assert page.status_code == 200
    assert f'name="q" value="{meant}"' in page.text


@pytest.mark.parametrize("query", ["x=1&x=2", "x=", "x", "q=%zz", "q=%ff", "%", "=", "&&"])
def test_odd_queries_never_fail_the_server(root: Person, query: str) -> None:
    assert root.get(f"/admin/auth/user/?{query}").status_code < 500


def test_the_way_back_after_login_keeps_its_encoding(root: Person) -> None:
    name = f"root-{uuid.uuid4().hex[:8]}"
    root.stack.make("admin", f"USERNAME={name}", "PASSWORD=a long one 7")
    answer = Person(root.stack).submit(
        "/accounts/login/?next=/admin/%3Fq%3Da%252Bb", username=name, password="a long one 7",
        next="/admin/?q=a%2Bb",
    )  # fmt: skip
    assert answer.headers["location"] == "/admin/?q=a%2Bb"


def test_nobody_is_sent_elsewhere_after_login(stack: Stack) -> None:
    name = f"eve-{uuid.uuid4().hex[:8]}"
    Person(stack).sign_up(name)
    for elsewhere in ("https://elsewhere.example/", "//elsewhere.example", "javascript:alert(1)"):
        answer = Person(stack).submit(
            f"/accounts/login/?next={elsewhere}", username=name, password="correct horse 42", next=elsewhere
        )
        assert answer.headers["location"] == "/"


def test_login_sets_both_cookies_and_logout_deletes_the_session(stack: Stack) -> None:
    name = f"ada-{uuid.uuid4().hex[:8]}"
    Person(stack).sign_up(name)
    person = Person(stack)
    answer = person.submit("/accounts/login/", username=name, password="correct horse 42")
    cookies = answer.raw.headers.getlist("set-cookie")
    assert {cookie.split("=")[0] for cookie in cookies} == {"sessionid", "csrftoken"}
    assert person.session()["user"]["username"] == name
    session_cookie = next(cookie for cookie in cookies if cookie.startswith("sessionid"))
    assert "HttpOnly" in session_cookie
    assert "SameSite=Lax" in session_cookie
    left = person.post("/accounts/logout/", allow_redirects=False)
    assert left.status_code == 302
    assert person.session()["user"] is None


@pytest.mark.parametrize("path", ["/accounts/login/", "/api/session", "/api/ws-token", "/admin/"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_every_method_gets_an_answer_of_the_application(guest: Person, path: str, method: str) -> None:
    answer = guest.http.request(method, guest.stack.url + path, timeout=10, allow_redirects=False)
    assert answer.status_code in (200, 302, 401, 403, 405), answer.text
    assert "access-control-allow-origin" not in answer.headers
    if method == "HEAD":
        assert answer.content == b""


def test_a_change_without_the_csrf_token_is_refused(stack: Stack) -> None:
    person = Person(stack).sign_up(f"ada-{uuid.uuid4().hex[:8]}")
    assert person.http.post(stack.url + "/api/ws-token", timeout=10).status_code == 403
    assert person.http.post(stack.url + "/accounts/logout/", timeout=10).status_code == 403


def test_the_session_lists_the_rooms_that_are_open(guest: Person) -> None:
    session = guest.session()
    assert session["user"] is None
    assert [room["name"] for room in session["rooms"]] == ["general", "support", "random"]
    assert all(room["can_post"] is True and room["title"] for room in session["rooms"])
    assert "csrftoken" in guest.http.cookies


def test_localhost_leads_to_the_printed_address(stack: Stack) -> None:
    answer = requests.get(f"http://localhost:{stack.port}/?x=1", timeout=10, allow_redirects=False)
    assert answer.status_code in (302, 307, 308)
    assert answer.headers["location"] == f"{stack.url}/?x=1"


def test_the_api_host_itself_refuses_what_did_not_come_through_the_edge(stack: Stack) -> None:
    listing = (stack.data_dir / "stack.json").read_text()
    hosts = set(re.findall(r"[a-z0-9]+\.execute-api\.[a-z0-9-]+\.amazonaws\.com", listing))
    for host in hosts:
        answer = requests.get(f"{stack.url}/api/session", headers={"Host": host}, timeout=10)
        assert answer.status_code in (403, 404), host
