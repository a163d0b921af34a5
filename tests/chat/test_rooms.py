"""Rooms: who may enter, change, read and write, checked each time anew."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.exceptions import ValidationError
from django_aws_api_gateway_websockets.models import ChannelPermission, ChannelPermissionRule
from pytest_django import DjangoAssertNumQueries

from chat.models import ChatMessage, Room
from tests.chat.gateway import Browser, DeliveryQueue


def test_changing_the_room_brings_the_messages_of_the_new_one_only(
    guest: Browser, queue: DeliveryQueue
) -> None:
    mover, general, support = guest.connect(), guest.connect(), guest.connect("support")
    answer = mover.send("change_channel", channel="support")
    assert (answer["ok"], answer["type"], answer["channel"]) == (True, "channel_changed", "support")
    general.say("to general")
    support.say("to support")
    assert [frame["message"] for to, frame in queue.deliveries() if to == mover.id] == ["to support"]
    assert mover.send("fetch_history")["room"] == "support"
    assert mover.say("mine")["room"] == "support"


def test_of_two_changes_the_later_has_the_higher_number(guest: Browser) -> None:
    connection = guest.connect()
    first = connection.send("change_channel", channel="support")
    second = connection.send("change_channel", channel="random")
    assert second["change"] > first["change"]


def test_a_missing_and_a_forbidden_room_look_alike(guest: Browser, alice: User) -> None:
    for connection in (guest.connect(), Browser.signed_in(alice).connect()):
        missing = connection.send("change_channel", channel="nowhere")
        forbidden = connection.send("change_channel", channel="staff")
        assert missing == forbidden | {"room": "nowhere"}
        assert (forbidden["code"], forbidden["room"]) == ("room_forbidden", "staff")
        assert connection.send("fetch_history")["room"] == "general"


def test_names_are_taken_as_they_are_written(guest: Browser) -> None:
    assert guest.connect().send("change_channel", channel="General")["code"] == "room_forbidden"


def test_the_staff_may_enter_the_staff_room(carol: User) -> None:
    connection = Browser.signed_in(carol).connect("staff")
    assert connection.say("among us")["room"] == "staff"
    assert connection.send("change_channel", channel="general")["ok"]
    assert connection.send("change_channel", channel="staff")["ok"]


@pytest.mark.parametrize("action", ["chat_message", "fetch_history"])
def test_a_right_that_is_taken_away_is_gone_at_the_next_action(carol: User, action: str) -> None:
    connection = Browser.signed_in(carol).connect("staff")
    assert connection.send(action, message="hi")["type"] in ("message_accepted", "history")
    carol.is_staff = False
    carol.save()
    refused = connection.send(action, message="hi")
    assert (refused["code"], refused["room"]) == ("room_forbidden", "staff")
    assert connection.send("change_channel", channel="general")["ok"], "there is a way out"


def test_guests_are_put_out_when_a_room_closes_to_them(
    guest: Browser, alice: User, queue: DeliveryQueue
) -> None:
    theirs, hers = guest.connect("random"), Browser.signed_in(alice).connect("random")
    Room.objects.filter(name="random").update(guests=False)
    assert theirs.say("hi")["code"] == "room_forbidden"
    assert guest.try_connect("random").status_code == 403
    hers.say("among us")
    assert [to for to, _ in queue.deliveries()] == [hers.id]


def test_statements_of_a_change_do_not_grow_with_the_room(
    guest: Browser, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    connection = guest.connect()
    connection.say("so that the gateway is known")
    for _ in range(2):
        # The connection with all that is said about it; the limit; the room with its rule; the move.
        with django_assert_num_queries(4):
            assert connection.send("change_channel", channel="support")["ok"]
        for _ in range(20):
            guest.connect("support").say("hello")


def test_statements_of_a_connection_do_not_grow_with_the_room(
    guest: Browser, alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    signed_in = Browser.signed_in(alice)
    guest.connect()
    counts = []
    for _ in range(2):
        for browser in (guest, signed_in):
            token = browser.ws_token() if browser is signed_in else None
            with django_assert_max_num_queries(25) as made:
                assert browser.try_connect(token=token).status_code == 200
            counts.append(len(made))
        for _ in range(20):
            guest.connect().say("hello")
    assert counts[:2] == counts[2:]


def test_a_room_without_a_rule_is_closed(alice: User) -> None:
    Room.objects.create(name="new", title="New")
    connection = Browser.signed_in(alice).connect()
    assert connection.send("change_channel", channel="new")["code"] == "room_forbidden"
    ChannelPermission.objects.create(channel_name="new", access="allow_all")
    assert connection.send("change_channel", channel="new")["ok"]


def test_a_room_that_goes_takes_nobody_with_it(guest: Browser) -> None:
    connection = guest.connect("random")
    Room.objects.filter(name="random").delete()
    assert connection.say("hi")["code"] == "room_forbidden"
    assert connection.send("change_channel", channel="general")["ok"]


def test_a_room_may_be_for_those_with_a_permission(alice: User, bob: User, queue: DeliveryQueue) -> None:
    permission = Permission.objects.get(codename="view_chatmessage")
    rule = ChannelPermissionRule.objects.create(
        channel_permission=ChannelPermission.objects.create(channel_name="club", access="permissions")
    )
    rule.permissions.add(permission)
    Room.objects.create(name="club", title="Club", guests=False)
    group = Group.objects.create(name="members")
    group.permissions.add(permission)
    for user in (alice, bob):
        user.groups.add(group)
    hers, his = Browser.signed_in(alice).connect("club"), Browser.signed_in(bob).connect("club")
    bob.groups.clear()
    hers.say("among members")
    assert [to for to, _ in queue.deliveries()] == [hers.id]
    assert his.say("hi")["code"] == "room_forbidden"
    assert ChatMessage.objects.count() == 1


def test_the_session_lists_the_rooms_that_one_may_enter(guest: Browser, alice: User, carol: User) -> None:
    def rooms(browser: Browser) -> list[str]:
        return [room["name"] for room in browser.client.get("/api/session").json()["rooms"]]

    assert rooms(guest) == ["general", "support", "random"]
    assert rooms(Browser.signed_in(alice)) == ["general", "support", "random"]
    assert rooms(Browser.signed_in(carol)) == ["general", "support", "random", "staff"]
    staff = Browser.signed_in(carol).client.get("/api/session").json()["rooms"][-1]
    assert staff == {
        "name": "staff",
        "title": "Staff",
        "access": "staff",
        "restricted": True,
        "read_only": False,
        "archived": False,
        "slow_mode": 0,
        "can_post": True,
        "can_moderate": False,
        "muted": False,
        "muted_until": None,
        "latest_sequence": 0,
    }


@pytest.mark.parametrize(
    ("name", "title", "field"),
    [
        ("General", "Another", "name"),
        ("genera1", "Another", "name"),
        ("a b", "Another", "name"),
        ("new\n", "Another", "name"),
        ("new", "GENERAL", "title"),
        ("new", "Gener\u0430l", "title"),
        ("new", "\u041e\u0431\u0449\u0438\u0439", None),
        ("new", "\u200b", "title"),
        ("new", "a\0b", "title"),
        ("new", "\u202egpj.exe", None),
        ("new", "\U0001f1e9\U0001f1ea Deutsch", None),
    ],
)
def test_rooms_do_not_look_like_one_another(name: str, title: str, field: str | None) -> None:
    room = Room(name=name, title=title)
    if field is None:
        room.full_clean()
        assert "\u202e" not in room.title
        return
    with pytest.raises(ValidationError) as refused:
        room.full_clean()
    assert list(refused.value.message_dict) == [field]


def test_a_room_may_keep_its_own_name_and_title() -> None:
    Room.objects.get(name="general").full_clean()
