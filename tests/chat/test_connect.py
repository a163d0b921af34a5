"""`$connect`: who is let in, and with which status others are turned away."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import connections
from django.test import override_settings
from django.utils import timezone
from django_aws_api_gateway_websockets.models import ConnectionRateLimit, WebSocketSession, WebSocketToken

from tests.chat.gateway import Browser, gateway_headers, new_connection_id


def test_a_guest_comes_in_without_a_token(guest: Browser) -> None:
    assert guest.try_connect("general").status_code == 200
    session = WebSocketSession.objects.get()
    assert (session.user, session.channel_name, session.connected) == (None, "general", True)


def test_a_person_comes_in_with_a_token_once(alice: User) -> None:
    browser = Browser.signed_in(alice)
    token = browser.ws_token()
    assert browser.try_connect(token=token).status_code == 200
    assert browser.try_connect(token=token).status_code == 401
    assert WebSocketSession.objects.get().user == alice


@pytest.mark.parametrize("token", [None, "", "x", "0" * 64, "0" * 63 + "\0", "\ud800", "0" * 65])
def test_a_signed_in_browser_without_a_valid_token_is_unauthorised(alice: User, token: str | None) -> None:
    if token == "\ud800":
        token = "%ED%A0%80"
    assert Browser.signed_in(alice).try_connect(token=token).status_code == 401


def test_a_token_is_bound_to_its_login(alice: User, bob: User) -> None:
    token = Browser.signed_in(alice).ws_token()
    for other in (Browser.signed_in(alice), Browser.signed_in(bob), Browser()):
        assert other.try_connect(token=token).status_code == 401


def test_a_token_is_useless_after_logout_and_after_a_minute(alice: User) -> None:
    browser = Browser.signed_in(alice)
    token = browser.ws_token()
    cookie = browser.client.cookies["sessionid"].value
    browser.client.post("/accounts/logout/")
    browser.client.cookies["sessionid"] = cookie
    assert browser.try_connect(token=token).status_code == 401

    browser = Browser.signed_in(alice)
    token = browser.ws_token()
    WebSocketToken.objects.update(created_at=timezone.now() - timedelta(seconds=61))
    assert browser.try_connect(token=token).status_code == 401


def test_of_20_that_race_with_one_token_one_comes_in(alice: User) -> None:
    browser = Browser.signed_in(alice)
    token = browser.ws_token()

    def attempt(_: int) -> int:
        try:
            return browser.try_connect(token=token).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(20) as pool:
        statuses = sorted(pool.map(attempt, range(20)))
    assert statuses == [200] + [401] * 19
    assert WebSocketSession.objects.count() == 1


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "",
        "null",
        "http://evil.example",
        "http://127.0.0.1",
        "https://127.0.0.1:8000",
        "http://127.0.0.1:8001",
        "http://127.0.0.1:8000.evil.example",
        "http://evil.127.0.0.1:8000",
        "http://127.0.0.1:8000@evil.example",
        "http://127.0.0.1:8000/",
    ],
)
def test_a_foreign_or_missing_origin_is_forbidden(guest: Browser, alice: User, origin: str | None) -> None:
    assert guest.try_connect(origin=origin).status_code == 403
    browser = Browser.signed_in(alice)
    token = browser.ws_token()
    assert browser.try_connect(origin=origin, token=token).status_code == 403
    assert browser.try_connect(token=token).status_code == 200, "the token was not spent"


@pytest.mark.parametrize(
    "query",
    [
        "",
        "channel",
        "channel=",
        "channel=a%20b",
        "channel=general%0A",
        "channel=%00",
        "channel=..%2Fetc",
        "channel=g%C3%A9n",
        "channel=%ff",
        "channel=" + "a" * 101,
        "channel=general&channel=",
        "Channel=general",
    ],
)
def test_a_malformed_room_is_a_bad_request(guest: Browser, query: str) -> None:
    assert guest.try_connect(query=query).status_code == 400


@pytest.mark.parametrize("channel", ["nowhere", "staff", "General", "a" * 100])
def test_an_unknown_or_restricted_room_is_forbidden(guest: Browser, alice: User, channel: str) -> None:
    assert guest.try_connect(channel).status_code == 403
    browser = Browser.signed_in(alice)
    assert browser.try_connect(channel, token=browser.ws_token()).status_code == 403


def test_the_staff_room_lets_the_staff_in(carol: User) -> None:
    browser = Browser.signed_in(carol)
    assert browser.try_connect("staff", token=browser.ws_token()).status_code == 200


def test_the_escape_of_a_letter_is_the_letter(guest: Browser) -> None:
    assert guest.try_connect(query="channel=gen%65ral").status_code == 200
    assert WebSocketSession.objects.get().channel_name == "general"


@override_settings(CHAT_CONNECTS_PER_PERSON=3)
def test_a_person_has_so_many_attempts_a_minute_wherever_they_are(alice: User, guest: Browser) -> None:
    def attempt(number: int) -> int:
        browser = Browser.signed_in(alice)
        return browser.try_connect(token=browser.ws_token(), address=f"203.0.113.{number}").status_code

    assert [attempt(number) for number in range(5)] == [200, 200, 200, 429, 429]
    assert guest.try_connect(address="203.0.113.0").status_code == 200
    ConnectionRateLimit.objects.update(attempt_time=timezone.now() - timedelta(seconds=61))
    assert attempt(1) == 200


@override_settings(CHAT_CONNECTS_PER_ADDRESS=3)
def test_an_address_has_so_many_attempts_a_minute_whoever_is_there(alice: User) -> None:
    statuses = [Browser().try_connect(address="203.0.113.1").status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    assert Browser().try_connect(address="203.0.113.2").status_code == 200
    browser = Browser.signed_in(alice)
    token = browser.ws_token()
    assert browser.try_connect(token=token, address="203.0.113.1").status_code == 429
    assert browser.try_connect(token=token).status_code == 200, "the token was not spent"


@override_settings(CHAT_CONNECTS_PER_ADDRESS=10)
def test_of_40_attempts_at_once_10_are_let_in() -> None:
    def attempt(_: int) -> int:
        try:
            return Browser().try_connect().status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(20) as pool:
        statuses = sorted(pool.map(attempt, range(40)))
    assert statuses == [200] * 10 + [429] * 30


def test_attempts_that_failed_count_and_say_so(guest: Browser) -> None:
    guest.try_connect("nowhere")
    guest.try_connect()
    assert sorted(ConnectionRateLimit.objects.values_list("successful", flat=True)) == [False, True]


def test_a_request_without_the_gateways_secret_is_forbidden(guest: Browser) -> None:
    headers = gateway_headers(new_connection_id()) | {
        "X-Ws-Gateway-Secret": "another",
        "Origin": "http://127.0.0.1:8000",
    }
    assert guest.client.post("/ws/connect?channel=general", headers=headers).status_code == 403


def test_a_request_of_another_api_is_refused(guest: Browser) -> None:
    headers = gateway_headers(new_connection_id()) | {
        "X-Amzn-Apigateway-Api-Id": "another",
        "Origin": "http://127.0.0.1:8000",
    }
    assert guest.client.post("/ws/connect?channel=general", headers=headers).status_code == 400
    assert not WebSocketSession.objects.exists()


def test_a_disconnect_ends_the_connection_and_may_come_twice(guest: Browser) -> None:
    connection = guest.connect()
    assert connection.disconnect().status_code == 200
    assert connection.disconnect().status_code == 200
    assert connection.say("hi")["code"] == "session_ended"


def test_a_login_that_expires_meanwhile_is_a_guest(alice: User) -> None:
    browser = Browser.signed_in(alice)
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert browser.try_connect().status_code == 200
    assert WebSocketSession.objects.get().user is None
