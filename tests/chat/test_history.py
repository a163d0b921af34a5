"""Pages of history: the right ones of the right room, small enough for a frame."""

from __future__ import annotations

from typing import Any
from unittest.mock import ANY

import pytest
from django.contrib.auth.models import User
from django.db import connection as database
from django.test import override_settings
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from chat.history import history_page
from chat.models import ChatMessage, MessageChange, Room
from chat.wire import encode
from tests.chat.gateway import Browser

FRAME_BYTES = 131_072


def fill(room: str, count: int, text: str = "message {}", username: str = "alice") -> None:
    ChatMessage.objects.bulk_create(
        ChatMessage(room=room, sequence=number, username=username, message=text.format(number))
        for number in range(1, count + 1)
    )
    Room.objects.filter(name=room).update(last_sequence=count)


def sequences(page: dict[str, Any]) -> list[int]:
    return [message["sequence"] for message in page["messages"]]


def test_the_last_50_come_by_default_oldest_first(guest: Browser) -> None:
    fill("general", 120)
    fill("support", 3)
    page = guest.connect().send("fetch_history")
    assert (page["type"], page["room"], page["has_more"], page["latest_sequence"]) == (
        "history",
        "general",
        True,
        120,
    )
    assert sequences(page) == list(range(71, 121))
    assert page["messages"][-1] == {
        "type": "chat_message",
        "sequence": 120,
        "username": "alice",
        "guest": False,
        "message": "message 120",
        "client_id": None,
        "created_at": ANY,
    }


def test_older_pages_lead_back_to_the_beginning(guest: Browser) -> None:
    fill("general", 7)
    connection = guest.connect()
    page = connection.send("fetch_history", before=6, limit=3)
    assert (sequences(page), page["has_more"]) == ([3, 4, 5], True)
    page = connection.send("fetch_history", before=3, limit=3)
    assert (sequences(page), page["has_more"]) == ([1, 2], False)
    page = connection.send("fetch_history", before=1)
    assert (sequences(page), page["has_more"], page["latest_sequence"]) == ([], False, 7)


def test_what_was_missed_comes_from_the_oldest_on(guest: Browser) -> None:
    fill("general", 7)
    connection = guest.connect()
    page = connection.send("fetch_history", after=2, limit=3)
    assert (sequences(page), page["has_more"]) == ([3, 4, 5], True)
    page = connection.send("fetch_history", after=5, limit=3)
    assert (sequences(page), page["has_more"]) == ([6, 7], False)
    for position in (7, 8, 2**63 - 1):
        page = connection.send("fetch_history", after=position)
        assert (sequences(page), page["has_more"], page["latest_sequence"]) == ([], False, 7)
        assert ("restart" in page) == (position > 7), "the room never came that far"


def test_an_empty_room_has_an_empty_history(guest: Browser) -> None:
    for position in ({}, {"after": 0}, {"before": 5}):
        page = guest.connect().send("fetch_history", **position)
        assert (page["messages"], page["has_more"], page["latest_sequence"]) == ([], False, 0)


def test_history_shows_a_message_as_its_push_did(alice: User, queue: Any) -> None:
    connection = Browser.signed_in(alice).connect()
    connection.say("hello", client_id="12345678-1234-4678-9234-567812345678")
    pushed = queue.deliveries()[0][1]
    [shown] = connection.send("fetch_history")["messages"]
    assert pushed == {"room": "general", **shown}


@pytest.mark.parametrize("character", ["\U0001f600", '"', "\\", "x", "é"])
@pytest.mark.parametrize("position", [{}, {"after": 0}, {"before": 1000}])
def test_long_messages_make_short_pages_that_lead_on(character: str, position: dict[str, int]) -> None:
    fill("general", 60, character * 4000, username="\U00010400" * 150)
    page = history_page("general", **position, limit=50)
    assert len(encode(page).encode()) <= FRAME_BYTES
    assert page["has_more"]
    assert page["messages"]
    if "after" in position:
        assert sequences(page) == list(range(1, len(page["messages"]) + 1))
    else:
        assert sequences(page) == list(range(61 - len(page["messages"]), 61))


def test_paging_forward_and_back_shows_every_long_message_once(guest: Browser) -> None:
    fill("general", 30, "\U0001f600" * 4000)
    connection = guest.connect()
    seen: list[int] = []
    while (page := connection.send("fetch_history", after=seen[-1] if seen else 0))["messages"]:
        seen += sequences(page)
    assert seen == list(range(1, 31))
    seen = []
    while (page := connection.send("fetch_history", **({"before": seen[0]} if seen else {})))["messages"]:
        seen = sequences(page) + seen
    assert seen == list(range(1, 31))


def test_statements_do_not_grow_with_the_history(
    guest: Browser, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    connection = guest.connect()
    connection.send("fetch_history")
    for count in (10, 500):
        ChatMessage.objects.all().delete()
        fill("general", count)
        # The connection with all that is said about it; the limit; the page.
        with django_assert_num_queries(3):
            connection.send("fetch_history")


def test_a_position_from_before_a_cut_is_told_to_start_again(guest: Browser) -> None:
    fill("general", 120)
    ChatMessage.objects.filter(sequence__lte=100).delete()
    connection = guest.connect()
    cut = connection.send("fetch_history", after=60)
    assert (cut["restart"], sequences(cut)[0], cut["latest_sequence"]) == (True, 101, 120)
    assert "restart" not in connection.send("fetch_history", after=100)
    assert "restart" not in connection.send("fetch_history", after=110, limit=3)
    assert "restart" not in connection.send("fetch_history")
    before = connection.send("fetch_history", before=110)
    assert (sequences(before), before["has_more"]) == (list(range(101, 110)), False)


def test_a_position_whose_whole_rest_was_cut_is_told_so_too(guest: Browser) -> None:
    fill("general", 20)
    ChatMessage.objects.all().delete()
    connection = guest.connect()
    page = connection.send("fetch_history", after=5)
    assert (page["messages"], page["restart"], page["latest_sequence"]) == ([], True, 20)
    assert "restart" not in connection.send("fetch_history", after=20)
    assert connection.say("on we go")["sequence"] == 21
    page = connection.send("fetch_history", after=20)
    assert ("restart" in page, sequences(page)) == (False, [21])


def test_a_change_whose_message_was_cut_shows_no_text(guest: Browser) -> None:
    fill("general", 5)
    MessageChange.objects.create(
        room="general", sequence=6, target=2, kind="message_edited", created_at=timezone.now()
    )
    Room.objects.filter(name="general").update(last_sequence=6)
    ChatMessage.objects.filter(sequence__lte=3).delete()
    page = guest.connect().send("fetch_history", after=3)
    assert [(event["sequence"], event["message"]) for event in page["messages"][-2:]] == [
        (5, "message 5"),
        (6, ""),
    ]
    assert page["messages"][-1]["deleted"]


@pytest.mark.parametrize("condition", ["sequence < 5000", "sequence > 5000"])
def test_a_page_is_read_by_the_index(condition: str) -> None:
    fill("general", 10_000)
    with database.cursor() as cursor:
        cursor.execute("ANALYZE chat_chatmessage")
        cursor.execute(
            "EXPLAIN SELECT * FROM chat_chatmessage WHERE room = 'general' AND "
            f"{condition} ORDER BY sequence LIMIT 51"
        )
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "Index Scan" in plan
    assert "Sort" not in plan


@override_settings(CHAT_HISTORY_PAGE=5)
def test_the_page_size_is_a_setting(guest: Browser) -> None:
    fill("general", 10)
    connection = guest.connect()
    assert len(connection.send("fetch_history")["messages"]) == 5
    assert connection.send("fetch_history", limit=6)["code"] == "invalid_request"
