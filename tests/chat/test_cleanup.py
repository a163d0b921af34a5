"""Cleaning up: what has ended goes, what lives stays, and twice is as good as once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import connections
from django.utils import timezone
from django_aws_api_gateway_websockets.models import ConnectionRateLimit, WebSocketSession, WebSocketToken

from chat import cleanup
from chat.cleanup import clean_up
from chat.connections import forget_gone
from chat.models import Allowance, ConnectionLogin
from tests.chat.gateway import Browser


def test_nothing_that_lives_is_touched(alice: User) -> None:
    browser = Browser.signed_in(alice)
    connection = browser.connect()
    connection.say("hello")
    token = browser.ws_token()
    assert set(asdict(clean_up()).values()) == {0}
    assert connection.say("still here")["ok"]
    assert browser.try_connect(token=token).status_code == 200


def test_what_has_ended_goes_in_its_time(alice: User) -> None:
    browser = Browser.signed_in(alice)
    browser.connect().say("hello", client_id=(client_id := str(uuid4())))
    now = timezone.now()

    cleaned = clean_up(now + timedelta(minutes=10))
    assert (cleaned.tokens_removed, cleaned.attempts_removed) == (1, 1)
    assert (cleaned.connections_ended, cleaned.connections_removed) == (0, 0)

    assert clean_up(now + timedelta(hours=3)).connections_ended == 1
    assert not Allowance.objects.exists()
    assert clean_up(now + timedelta(days=2)).connections_removed == 1
    assert not ConnectionLogin.objects.exists()
    assert clean_up(now + timedelta(days=20)).logins_removed == 1
    assert set(asdict(clean_up(now + timedelta(days=30))).values()) == {0}

    again = Browser.signed_in(alice).connect().say("hello", client_id=client_id)
    assert again["sequence"] == 1, "a message is recognised as long as it exists"


def test_large_leftovers_go_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleanup, "BATCH", 10)
    monkeypatch.setattr(cleanup, "MOST_BATCHES", 3)
    ConnectionRateLimit.objects.bulk_create(ConnectionRateLimit(ip_address="1.1.1.1") for _ in range(35))
    WebSocketSession.objects.bulk_create(WebSocketSession(connection_id=f"c{n}") for n in range(35))
    later = timezone.now() + timedelta(hours=3)
    assert [clean_up(later).attempts_removed for _ in range(3)] == [30, 5, 0]
    assert not WebSocketSession.objects.filter(connected=True).exists()


def test_several_at_once_hinder_nobody(alice: User) -> None:
    WebSocketSession.objects.bulk_create(WebSocketSession(connection_id=f"c{n}") for n in range(500))
    WebSocketSession.objects.update(created_on=timezone.now() - timedelta(hours=3))
    WebSocketToken.objects.bulk_create(
        WebSocketToken(token=f"{n:064x}", user=alice, session_key="x") for n in range(500)
    )
    WebSocketToken.objects.update(created_at=timezone.now() - timedelta(hours=3))
    ids = [f"c{n}" for n in range(500)]

    def work(number: int) -> int:
        try:
            if number % 2:
                return forget_gone(ids if number % 4 == 1 else ids[::-1])
            return clean_up().connections_ended
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        ended = list(pool.map(work, range(8)))
    assert sum(ended) == 500
    assert not WebSocketSession.objects.filter(connected=True).exists()
    assert not WebSocketToken.objects.exists()


def test_sessions_of_people_who_are_signed_in_stay(alice: User) -> None:
    Browser.signed_in(alice)
    clean_up()
    assert Session.objects.count() == 1
