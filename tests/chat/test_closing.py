"""When a login ends, its connections do: they get nothing more at once, and are closed."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.utils import timezone
from django_aws_api_gateway_websockets.models import WebSocketSession

from chat import closing
from chat.closing import close_when_logins_end, end_connections_of
from tests.chat.gateway import Browser, DeliveryQueue


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closing, "GRACE_SECONDS", 0)


def closed(queue: DeliveryQueue) -> set[str]:
    """Whose connections are to be closed, after they were told why."""
    shards = [shard for shard in queue.take() if shard.get("close")]
    assert all('"code":"session_ended"' in shard["data"] for shard in shards)
    return {connection_id for shard in shards for connection_id in shard["connections"]}


def live() -> set[str]:
    return set(WebSocketSession.objects.filter(connected=True).values_list("connection_id", flat=True))


def test_signing_out_ends_the_connections_of_that_login_alone(alice: User, queue: DeliveryQueue) -> None:
    here, elsewhere = Browser.signed_in(alice), Browser.signed_in(alice)
    first, second, other = here.connect(), here.connect("random"), elsewhere.connect()

    here.client.post("/accounts/logout/")

    assert closed(queue) == {first.id, second.id}
    assert live() == {other.id}
    assert first.say("hi")["code"] == "session_ended"
    assert other.say("hi")["ok"]


def test_another_password_ends_all_of_them(alice: User, bob: User, queue: DeliveryQueue) -> None:
    connections = [Browser.signed_in(alice).connect() for _ in range(2)]
    other = Browser.signed_in(bob).connect()

    alice.set_password("another good long one 8")
    alice.save()

    assert closed(queue) == {each.id for each in connections}
    assert live() == {other.id}


def test_who_may_no_longer_sign_in_or_is_deleted_loses_them(
    alice: User, bob: User, queue: DeliveryQueue
) -> None:
    one, other = Browser.signed_in(alice).connect(), Browser.signed_in(bob).connect()
    alice.is_active = False
    alice.save(update_fields=["is_active"])
    bob.delete()
    assert closed(queue) == {one.id, other.id}
    assert live() == set()


def test_what_ends_no_login_closes_nothing(alice: User, queue: DeliveryQueue) -> None:
    browser = Browser.signed_in(alice)
    connection = browser.connect()
    alice.first_name = "Alice"
    alice.save()
    Browser.signed_in(alice)  # notes the time of the last login
    assert closed(queue) == set()
    assert live() == {connection.id}


def test_a_login_that_runs_out_takes_its_connections_along(
    alice: User, bob: User, queue: DeliveryQueue
) -> None:
    soon, gone, lasting = (Browser.signed_in(who) for who in (alice, alice, bob))
    ending, ended, other = soon.connect(), gone.connect(), lasting.connect()
    Session.objects.filter(pk=soon.client.session.session_key).update(
        expire_date=timezone.now() + timedelta(seconds=2)
    )
    Session.objects.filter(pk=gone.client.session.session_key).delete()

    assert close_when_logins_end() == 2

    assert closed(queue) == {ended.id}
    assert ended.say("hi")["code"] == "session_ended"
    assert other.say("hi")["ok"]
    time.sleep(3)
    assert closed(queue) == {ending.id}


def test_a_queue_that_takes_nothing_leaves_nobody_signed_in(alice: User, settings: Any) -> None:
    browser = Browser.signed_in(alice)
    connection = browser.connect()
    settings.CHAT_DELIVERY_QUEUE_URL = "http://127.0.0.1:9/nothing"
    assert browser.client.post("/accounts/logout/").status_code == 302
    assert connection.say("hi")["code"] == "session_ended"


def test_ending_twice_ends_once(alice: User, queue: DeliveryQueue) -> None:
    Browser.signed_in(alice).connect()
    assert (end_connections_of(alice.pk), end_connections_of(alice.pk)) == (1, 0)
    assert len(closed(queue)) == 1
