"""What is unread: counted from positions that the client names, in rooms that the person may enter."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from chat.models import ChatMessage, Restriction, Room
from chat.unread import MOST_READ, unread_in
from tests.chat.gateway import Browser


def fill(room: str, *texts: str, user: User | None = None) -> None:
    last = Room.objects.get(name=room).last_sequence
    ChatMessage.objects.bulk_create(
        ChatMessage(
            room=room,
            sequence=last + number,
            user=user,
            username=user.username if user else "Anonymous",
            guest=user is None,
            message=text,
        )
        for number, text in enumerate(texts, start=1)
    )
    Room.objects.filter(name=room).update(last_sequence=last + len(texts))


def asked(browser: Browser, **seen: int) -> dict[str, Any]:
    answer = browser.connect().send("fetch_unread", seen=seen, client_id="here")
    assert (answer["type"], answer["client_id"]) == ("unread", "here")
    rooms: dict[str, Any] = answer["rooms"]
    return rooms


def test_counts_what_others_wrote_since_the_position(alice: User, bob: User) -> None:
    fill("support", "one", "two", "three", user=bob)
    fill("support", "mine", user=alice)
    fill("random", "by a guest")
    assert asked(Browser.signed_in(alice), support=1, random=0, general=0) == {
        "support": {"unread": 2, "mentions": 0, "latest_sequence": 4, "capped": False},
        "random": {"unread": 1, "mentions": 0, "latest_sequence": 1, "capped": False},
        "general": {"unread": 0, "mentions": 0, "latest_sequence": 0, "capped": False},
    }


def test_neither_changes_nor_what_was_deleted_count(alice: User, bob: User) -> None:
    his = Browser.signed_in(bob).connect("support")
    for text in ("stays", "goes"):
        his.say(text)
    his.send("edit_message", room="support", sequence=1, message="is edited")
    his.send("delete_message", room="support", sequence=2)
    unread = asked(Browser.signed_in(alice), support=0)["support"]
    assert (unread["unread"], unread["latest_sequence"]) == (1, 4)


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("@alice, look", True),
        ("is @ALICE. there?", True),
        ("(@alice)", True),
        ("@alice\nnew line", True),
        ("@alicette", False),
        ("@alice.b", False),
        ("@alice-b", False),
        ("me@alice", False),
        ("@@alice", False),
        ("@aliceé", False),
        ("alice", False),
    ],
)
def test_tells_who_is_called_as_the_client_does(alice: User, bob: User, text: str, calls: bool) -> None:
    fill("support", text, user=bob)
    assert asked(Browser.signed_in(alice), support=0)["support"]["mentions"] == int(calls)


@pytest.mark.parametrize("name", ["a.+b", "ädele", "x@y.example", "-_-"])
def test_calls_by_every_kind_of_name(name: str, bob: User) -> None:
    fill("support", f"hello @{name.upper()}!", "hello @axb", user=bob)
    person = User.objects.create_user(name, password="something long")
    assert asked(Browser.signed_in(person), support=0)["support"]["mentions"] == 1


def test_counts_to_99(alice: User, bob: User) -> None:
    fill("support", *["hey @alice"] * 100, user=bob)
    full = {"unread": 99, "mentions": 99, "latest_sequence": 100}
    browser = Browser.signed_in(alice)
    assert asked(browser, support=0)["support"] == {**full, "capped": True}
    assert asked(browser, support=1)["support"] == {**full, "capped": False}


def test_says_nothing_of_rooms_that_are_closed_or_missing(alice: User, bob: User, carol: User) -> None:
    fill("staff", "secret", user=carol)
    Restriction.objects.create(user=alice, kind="ban", room_id="random", created_at=timezone.now())
    seen = {"staff": 0, "random": 0, "nowhere": 0, "general": 0}
    assert set(asked(Browser.signed_in(alice), **seen)) == {"general"}
    assert set(asked(Browser.signed_in(carol), **seen)) == {"staff", "random", "general"}
    assert set(asked(Browser(), **seen)) == {"random", "general"}


@pytest.mark.parametrize(
    "seen",
    [
        None,
        [],
        "support",
        {"support": -1},
        {"support": True},
        {"support": 1.5},
        {"support": "1"},
        {"support": None},
        {"support": 2**63},
        {"no room": 0},
        {"": 0},
        {f"room-{number}": 0 for number in range(101)},
    ],
)
def test_refuses_other_positions(guest: Browser, seen: Any) -> None:
    refused = guest.connect().send("fetch_unread", seen=seen)
    assert (refused["code"], refused["field"]) == ("invalid_request", "seen")


def test_takes_the_largest_position_and_no_rooms(guest: Browser) -> None:
    assert asked(guest, general=2**63 - 1)["general"]["unread"] == 0
    assert asked(guest) == {}


def test_asks_the_database_once_however_many_rooms(
    alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    connection = Browser.signed_in(alice).connect()
    connection.send("fetch_unread", seen={"general": 0})
    # The connection with its rights; the limit; what is unread.
    with django_assert_num_queries(3):
        connection.send("fetch_unread", seen=dict.fromkeys(("general", "support", "random", "staff"), 0))


def test_reads_by_the_index_and_not_without_end(alice: User, bob: User) -> None:
    fill("support", *["mine"] * (MOST_READ + 500), user=alice)
    fill("random", *["other"] * 3000, user=bob)
    with database.cursor() as cursor:
        cursor.execute("ANALYZE chat_chatmessage")
    with CaptureQueriesContext(database) as captured:
        counted = unread_in({"support": 0, "random": 2990}, alice)
    assert (counted["support"]["unread"], counted["random"]["unread"]) == (0, 10)
    with database.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, FORMAT TEXT) " + captured[0]["sql"])
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "chat_message_sequence_is_unique" in plan
    assert "Seq Scan on chat_chatmessage" not in plan


def test_is_limited(guest: Browser, settings: Any) -> None:
    settings.CHAT_LIMITS = {**settings.CHAT_LIMITS, "unread": (2, 60)}
    connection = guest.connect()
    answers = [connection.send("fetch_unread", seen={}) for _ in range(3)]
    assert [answer.get("code") for answer in answers] == [None, None, "rate_limited"]
    assert answers[2]["retry_after"] > 0
