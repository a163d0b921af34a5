"""Signing up, in and out; who one is; and tokens."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.http import HttpResponse
from django.test import Client, override_settings

from tests.chat.gateway import Browser

PASSWORD = "a good long one 7"


def sign_up(client: Client, username: str, **fields: str) -> HttpResponse:
    form = {"username": username, "password1": PASSWORD, "password2": PASSWORD, **fields}
    return client.post("/accounts/signup/", form)


def test_who_signs_up_is_signed_in(guest: Browser) -> None:
    response = sign_up(guest.client, "dora")
    assert (response.status_code, response["Location"]) == (302, "/")
    assert guest.client.get("/api/session").json()["user"]["username"] == "dora"
    assert guest.connect().say("hi")["ok"]


@pytest.mark.parametrize(
    ("next_page", "location"),
    [
        ("/admin/", "/admin/"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("javascript:alert(1)", "/"),
    ],
)
def test_afterwards_one_stays_with_us(guest: Browser, alice: User, next_page: str, location: str) -> None:
    assert sign_up(guest.client, "dora", next=next_page)["Location"] == location
    form = {"username": "alice", "password": "of wonderland", "next": next_page}
    assert Client(headers={"Host": "127.0.0.1:8000"}).post("/accounts/login/", form)["Location"] == location


@pytest.mark.parametrize(
    "username", ["", "alice", "Alice", "Anonymous", "anonymous", "a b", "a\0b", "x" * 151, "\ufeff", "<b>"]
)
def test_a_name_that_is_none_or_taken_is_refused(guest: Browser, alice: User, username: str) -> None:
    response = sign_up(guest.client, username)
    assert response.status_code == 200
    assert response.context["form"].errors["username"]
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    "fields", [{"password2": "another"}, {"password1": "short", "password2": "short"}, {"password1": ""}]
)
def test_a_password_that_is_weak_or_differs_is_refused(guest: Browser, fields: dict[str, str]) -> None:
    assert sign_up(guest.client, "dora", **fields).status_code == 200
    assert not User.objects.exists()


def test_of_many_who_take_a_name_at_once_one_gets_it() -> None:
    def attempt(_: int) -> int:
        try:
            return sign_up(Browser().client, "dora").status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(attempt, range(8)))
    assert statuses == [200] * 7 + [302]


def test_a_letter_beyond_the_basic_plane_is_kept_whole(guest: Browser) -> None:
    sign_up(guest.client, "\U00010400nna")
    assert guest.connect().say("\U0001f1eb\U0001f1f7")["ok"]
    [shown] = guest.connect().send("fetch_history")["messages"]
    assert (shown["username"], shown["message"]) == ("\U00010400nna", "\U0001f1eb\U0001f1f7")


def test_signing_out_needs_a_form(guest: Browser, alice: User) -> None:
    browser = Browser.signed_in(alice)
    assert browser.client.get("/accounts/logout/").status_code == 405
    assert browser.client.post("/accounts/logout/")["Location"] == "/"
    assert browser.client.get("/api/session").json()["user"] is None


@pytest.mark.parametrize(
    "path", ["/accounts/login/", "/accounts/signup/", "/accounts/logout/", "/api/ws-token"]
)
def test_a_change_without_the_csrf_token_is_forbidden(alice: User, path: str) -> None:
    client = Client(enforce_csrf_checks=True, headers={"Host": "127.0.0.1:8000"})
    client.force_login(alice)
    assert client.post(path, {"username": "alice", "password": "of wonderland"}).status_code == 403


def test_a_banned_person_is_nobody(alice: User) -> None:
    browser = Browser.signed_in(alice)
    User.objects.update(is_active=False)
    assert browser.client.get("/api/session").json()["user"] is None
    assert browser.client.post("/api/ws-token").status_code == 403


@override_settings(PUBLIC_ORIGIN="https://chat.example.com")
def test_the_session_is_never_cached(guest: Browser) -> None:
    response = guest.client.get("/api/session")
    assert "no-store" in response["Cache-Control"]
    assert "csrftoken" in response.cookies
