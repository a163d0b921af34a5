"""Many at once, each with a database connection of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections, transaction
from django.test import override_settings

from chat.models import ChatMessage, Room
from tests.chat.gateway import Browser, DeliveryQueue

Call = Callable[[], dict[str, Any]]


def start(pool: ThreadPoolExecutor, call: Call) -> Future[dict[str, Any]]:
    def run() -> dict[str, Any]:
        try:
            return call()
        finally:
            connections.close_all()

    return pool.submit(run)


def at_once(calls: Sequence[Call], *, threads: int = 20) -> list[dict[str, Any]]:
    with ThreadPoolExecutor(threads) as pool:
        return [future.result() for future in [start(pool, call) for call in calls]]


def test_of_100_messages_at_once_over_5_connections_10_are_stored(alice: User) -> None:
    hers = [Browser.signed_in(alice).connect() for _ in range(5)]

    answers = at_once([lambda n=n: hers[n % 5].say(f"{n}", client_id=str(uuid4())) for n in range(100)])

    refused = [answer for answer in answers if not answer["ok"]]
    assert {answer["code"] for answer in refused} == {"rate_limited"}
    assert len(refused) == 90
    assert ChatMessage.objects.count() == 10
    assert all(0 < answer["retry_after"] <= 10 for answer in refused)


@override_settings(CHAT_SEND_WINDOW_SECONDS=1)
def test_who_waits_as_long_as_they_were_told_is_admitted(guest: Browser) -> None:
    speaker = guest.connect()
    for number in range(10):
        assert speaker.say(str(number))["ok"]
    refused = speaker.say("too many")
    time.sleep(refused["retry_after"])
    assert speaker.say("again")["ok"]


@override_settings(CHAT_SEND_LIMIT=3, CHAT_SEND_WINDOW_SECONDS=1)
def test_the_window_slides() -> None:
    """Never more than 3 in any second, however they are spread."""
    speaker = Browser().connect()
    until = time.monotonic() + 3.2
    while time.monotonic() < until:
        speaker.say("x")
        time.sleep(0.02)
    times = [message.created_at.timestamp() for message in ChatMessage.objects.order_by("sequence")]
    assert len(times) >= 9
    gaps = [later - earlier for earlier, later in zip(times, times[3:], strict=False)]
    # Admitted and stored are two moments, a few milliseconds apart.
    assert min(gaps) > 0.95
    assert sorted(gaps)[len(gaps) // 2] < 1.1


def test_guests_are_limited_by_connection_and_people_over_all(guest: Browser, alice: User) -> None:
    browser = Browser.signed_in(alice)
    theirs, hers = [guest.connect(), guest.connect()], [browser.connect(), browser.connect()]
    for speakers, admitted in ((theirs, [10, 10]), (hers, [10, 0])):
        counts = [sum(speaker.say("x")["ok"] for _ in range(12)) for speaker in speakers]
        assert counts == admitted


def test_numbers_have_no_holes_and_follow_the_commits(guest: Browser) -> None:
    speakers = [guest.connect() for _ in range(10)]
    answers = at_once([lambda n=n: speakers[n % 10].say(str(n)) for n in range(100)])
    assert sorted(answer["sequence"] for answer in answers) == list(range(1, 101))
    ordered = ChatMessage.objects.order_by("sequence")
    assert [message.sequence for message in ordered] == list(range(1, 101))
    times = [message.created_at for message in ordered]
    assert times == sorted(times)
    assert Room.objects.get(name="general").last_sequence == 100


def test_one_message_sent_20_times_at_once_is_stored_once(alice: User) -> None:
    hers = [Browser.signed_in(alice).connect() for _ in range(4)]
    client_id = str(uuid4())
    answers = at_once([lambda n=n: hers[n % 4].say("hello", client_id=client_id) for n in range(20)])
    accepted = [answer for answer in answers if answer["ok"]]
    assert ChatMessage.objects.count() == 1
    assert {answer["sequence"] for answer in accepted} == {1}
    assert all(answer["ok"] or answer["code"] == "rate_limited" for answer in answers)
    assert hers[0].say("hello", client_id=client_id) == accepted[0]
    assert hers[0].say("another")["sequence"] == 2


def test_a_repetition_costs_no_allowance(alice: User) -> None:
    connection = Browser.signed_in(alice).connect()
    client_id = str(uuid4())
    for _ in range(15):
        assert connection.say("hello", client_id=client_id)["sequence"] == 1
    assert [connection.say(str(n))["ok"] for n in range(10)] == [True] * 9 + [False]
    assert connection.say("hello", client_id=client_id)["sequence"] == 1, "not even when there is none left"


def test_who_joins_while_a_message_waits_for_the_room_gets_it(guest: Browser, queue: DeliveryQueue) -> None:
    speaker, joiner = guest.connect(), guest.connect("support")
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            # Somebody else's message is being committed: the next one waits for the room's row.
            Room.objects.filter(name="general").update(last_sequence=0)
            waiting = start(pool, lambda: speaker.say("hello"))
            _until_somebody_waits()
            moved = at_once([lambda: joiner.send("change_channel", channel="general")])
            history = at_once([lambda: joiner.send("fetch_history")])
        assert waiting.result()["ok"]
    assert moved[0]["ok"]
    assert history[0]["messages"] == []
    assert {to for to, _ in queue.deliveries()} == {speaker.id, joiner.id}


def _until_somebody_waits() -> None:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
        time.sleep(0.01)
    pytest.fail("nobody waited for the room")


def test_messages_and_room_changes_at_once_land_where_the_answer_says(alice: User) -> None:
    for _ in range(10):
        connection = Browser.signed_in(alice).connect()
        texts = [f"{uuid4()}" for _ in range(6)]
        calls: list[Call] = [partial(connection.say, text) for text in texts]
        calls.insert(3, partial(connection.send, "change_channel", channel="support"))
        with override_settings(CHAT_SEND_LIMIT=1000):
            answers = at_once(calls, threads=7)
        changed = answers.pop(3)
        assert changed["channel"] == "support"
        for text, answer in zip(texts, answers, strict=True):
            message = ChatMessage.objects.get(message=text)
            assert (message.room, message.sequence) == (answer["room"], answer["sequence"])
        assert connection.send("fetch_history")["room"] == "support"


def test_the_room_with_the_highest_change_is_where_the_connection_is(guest: Browser) -> None:
    connection = guest.connect()
    rooms = ["general", "support", "random"] * 5
    answers = at_once([lambda room=room: connection.send("change_channel", channel=room) for room in rooms])
    assert len({answer["change"] for answer in answers}) == len(rooms)
    last = max(answers, key=lambda answer: answer["change"])
    assert connection.send("fetch_history")["room"] == last["channel"]
