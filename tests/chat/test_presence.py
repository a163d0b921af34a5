"""Who is here, and who is writing: told to those who are there, and nothing of it kept."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from django_aws_api_gateway_websockets.models import ChannelPermission, WebSocketSession
from pytest_django import DjangoAssertNumQueries

from chat.models import ChatMessage, Restriction, Room, Undelivered
from tests.chat.gateway import Browser, DeliveryQueue


def crowd(room: str, count: int) -> None:
    gateway = WebSocketSession.objects.all()[0].api_gateway
    WebSocketSession.objects.bulk_create(
        WebSocketSession(connection_id=f"c{number}", channel_name=room, api_gateway=gateway, connected=True)
        for number in range(count)
    )


def test_people_are_named_once_and_guests_counted(alice: User, bob: User, guest: Browser) -> None:
    hers = Browser.signed_in(alice)
    first = hers.connect()
    hers.connect()
    Browser.signed_in(bob).connect("support")
    guest.connect()
    Browser().connect()
    assert first.send("who_is_here", client_id="x") == {
        "type": "presence",
        "room": "general",
        "people": ["alice"],
        "guests": 2,
        "total": 3,
        "client_id": "x",
    }


def test_who_leaves_is_gone(alice: User, bob: User) -> None:
    hers, his = Browser.signed_in(alice).connect(), Browser.signed_in(bob).connect()
    assert hers.send("who_is_here")["people"] == ["alice", "bob"]
    his.send("change_channel", channel="random")
    assert hers.send("who_is_here")["people"] == ["alice"]
    his.send("change_channel", channel="general")
    his.disconnect()
    assert hers.send("who_is_here")["people"] == ["alice"]


def test_only_those_who_may_still_be_there_are_shown(alice: User, bob: User, guest: Browser) -> None:
    hers = Browser.signed_in(alice).connect()
    Browser.signed_in(bob).connect()
    guest.connect()
    Restriction.objects.create(user=bob, kind="ban", room_id="general", created_at=timezone.now())
    Room.objects.filter(name="general").update(guests=False)
    here = hers.send("who_is_here")
    assert (here["people"], here["guests"], here["total"]) == (["alice"], 0, 1)


def test_a_restricted_room_shows_its_members_only_to_them(alice: User, carol: User) -> None:
    hers = Browser.signed_in(carol).connect("staff")
    assert hers.send("who_is_here")["people"] == ["carol"]
    outsider = Browser.signed_in(alice).connect("random")
    ChannelPermission.objects.filter(channel_name="random").update(access="staff_only")
    assert outsider.send("who_is_here")["code"] == "room_forbidden"


def test_a_hundred_are_named_and_all_counted(
    alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    hers = Browser.signed_in(alice).connect()
    gateway = WebSocketSession.objects.get().api_gateway
    people = User.objects.bulk_create(User(username=f"p{number:03}") for number in range(120))
    WebSocketSession.objects.bulk_create(
        WebSocketSession(connection_id=f"c{user.pk}", channel_name="general", api_gateway=gateway, user=user)
        for user in people
    )
    # The connection with its rights; the limit; who is here.
    with django_assert_num_queries(3):
        here = hers.send("who_is_here")
    assert (len(here["people"]), here["people"][1], here["total"]) == (100, "p000", 121)


def test_the_others_are_told_who_writes(alice: User, bob: User, queue: DeliveryQueue) -> None:
    hers, his = Browser.signed_in(alice).connect(), Browser.signed_in(bob).connect()
    Browser.signed_in(bob).connect("support")
    assert hers.send("typing", client_id="t") == {
        "ok": True,
        "type": "typing_accepted",
        "again_after": 10,
        "client_id": "t",
    }
    hint = {"type": "typing", "room": "general", "username": "alice", "guest": False, "seconds": 12}
    assert queue.deliveries() == [(his.id, hint)]


def test_nothing_of_it_is_kept(
    alice: User, bob: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    hers, his = Browser.signed_in(alice).connect(), Browser.signed_in(bob).connect()
    # The connection with its rights; the limit; who is there.
    with django_assert_num_queries(3):
        hers.send("typing")
    assert not ChatMessage.objects.exists()
    assert not Undelivered.objects.exists()
    assert Room.objects.get(name="general").last_sequence == 0
    assert his.send("fetch_history")["latest_sequence"] == 0


@pytest.mark.parametrize(("connections", "told"), [(20, 19), (21, 0)])
def test_a_large_room_is_not_told(guest: Browser, queue: DeliveryQueue, connections: int, told: int) -> None:
    connection = guest.connect()
    crowd("general", connections - 1)
    answer = connection.send("typing")
    assert answer["again_after"] == (10 if told else None)
    assert len(queue.deliveries()) == told


def test_who_may_not_write_does_not_type(alice: User, bob: User, queue: DeliveryQueue) -> None:
    hers = Browser.signed_in(alice).connect()
    Browser.signed_in(bob).connect()
    mute = Restriction.objects.create(user=alice, kind="mute", created_at=timezone.now())
    assert hers.send("typing")["code"] == "muted"
    mute.delete()
    Room.objects.filter(name="general").update(read_only=True)
    assert hers.send("typing")["reason"] == "read_only"
    Room.objects.filter(name="general").update(read_only=False, archived_at=timezone.now())
    assert hers.send("typing")["reason"] == "archived"
    assert queue.deliveries() == []


def test_both_are_limited(alice: User, settings: Any) -> None:
    settings.CHAT_LIMITS = {**settings.CHAT_LIMITS, "presence": (1, 60), "typing": (1, 60)}
    hers, elsewhere = (Browser.signed_in(alice).connect(room) for room in ("general", "support"))
    assert "code" not in hers.send("who_is_here")
    assert hers.send("who_is_here")["code"] == "rate_limited"
    assert "code" not in hers.send("typing")
    assert elsewhere.send("typing")["code"] == "rate_limited"


def test_a_queue_that_fails_is_no_reason_to_refuse(alice: User, bob: User, settings: Any) -> None:
    hers = Browser.signed_in(alice).connect()
    Browser.signed_in(bob).connect()
    settings.CHAT_DELIVERY_QUEUE_URL = settings.CHAT_DELIVERY_QUEUE_URL.replace("deliveries", "missing")
    assert hers.send("typing")["ok"] is True
