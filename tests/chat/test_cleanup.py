"""Cleaning up: what has ended goes, what lives stays, and twice is as good as once."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import connection, connections, transaction
from django.test import override_settings
from django.utils import timezone
from django_aws_api_gateway_websockets.models import ConnectionRateLimit, WebSocketSession, WebSocketToken

from chat import cleanup
from chat.allowances import Allowance as Allowed
from chat.allowances import spend
from chat.cleanup import clean_up
from chat.connections import forget_gone, move_to_room
from chat.models import Allowance, AuditEntry, ConnectionLogin, Report, Restriction
from chat.wire import Refusal
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


def in_another_connection(work: Callable[[], Any]) -> Future[Any]:
    def run() -> Any:
        try:
            return work()
        finally:
            connections.close_all()

    pool = ThreadPoolExecutor(1)
    future = pool.submit(run)
    pool.shutdown(wait=False)
    return future


def until_it_waits_for_a_lock() -> None:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            # Within a transaction, the view would show the same again.
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone()[0]:
                return
        time.sleep(0.01)
    pytest.fail("nothing waits for a lock")


def test_an_allowance_that_is_spent_at_that_moment_is_kept() -> None:
    allowance = Allowed(2, 60, "Wait.")
    spend("message guest x", allowance)
    Allowance.objects.update(until=timezone.now() - timedelta(seconds=1))
    with transaction.atomic():
        spend("message guest x", allowance)
        cleaning = in_another_connection(clean_up)
        until_it_waits_for_a_lock()
    assert cleaning.result(10).allowances_removed == 0
    with pytest.raises(Refusal):
        spend("message guest x", allowance)


def test_an_allowance_that_goes_at_that_moment_begins_anew() -> None:
    allowance = Allowed(1, 60, "Wait.")
    spend("message guest x", allowance)
    later = timezone.now() + timedelta(minutes=2)
    with transaction.atomic():
        assert clean_up(later).allowances_removed == 1
        spending = in_another_connection(lambda: spend("message guest x", allowance))
        until_it_waits_for_a_lock()
    spending.result(10)
    with pytest.raises(Refusal):
        spend("message guest x", allowance)


def test_a_connection_that_acts_at_that_moment_is_not_waited_for(guest: Browser) -> None:
    acting = guest.connect()
    WebSocketSession.objects.update(created_on=timezone.now() - timedelta(hours=3))
    with transaction.atomic():
        session = WebSocketSession.objects.get(connection_id=acting.id)
        assert move_to_room(session, "support")
        assert in_another_connection(clean_up).result(10).connections_ended == 0
        assert in_another_connection(lambda: forget_gone([acting.id])).result(10) == 0
    assert acting.say("still here")["room"] == "support"
    assert clean_up().connections_ended == 1
    assert acting.say("no")["code"] == "session_ended"


def test_settled_cases_go_and_open_ones_stay(alice: User, bob: User) -> None:
    now = timezone.now()
    old = now - timedelta(days=100)
    for user, until, lifted in ((alice, old, None), (bob, None, old)):
        Restriction.objects.create(user=user, kind="mute", until=until, lifted_at=lifted, created_at=old)
    Restriction.objects.create(user=alice, kind="ban", created_at=old)
    Restriction.objects.create(user=bob, kind="ban", until=now - timedelta(days=1), created_at=old)
    Report.objects.create(room="general", sequence=1, reason="spam", created_at=old)
    Report.objects.create(room="general", sequence=2, reason="spam", created_at=old, resolved_at=old)
    Report.objects.create(room="general", sequence=3, reason="spam", created_at=old, resolved_at=now)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO chat_auditentry (action, actor_name, subject_name, room, reason, at) "
            "SELECT 'mute', 'mo', 'x', '', '', now() - make_interval(days => days) "
            "FROM unnest(ARRAY[10, 200, 400]) days"
        )
    cleaned = clean_up()
    assert (cleaned.restrictions_removed, cleaned.reports_removed, cleaned.audit_entries_removed) == (2, 1, 1)
    assert set(Restriction.objects.values_list("kind", flat=True)) == {"ban"}
    assert AuditEntry.objects.count() == 2
    assert set(asdict(clean_up()).values()) == {0}
    with override_settings(CHAT_AUDIT_DAYS=0):
        assert clean_up().audit_entries_removed == 1
    assert AuditEntry.objects.count() == 1, "30 days are kept whatever the setting"
