"""Broadcasts: who gets them, and what they say of how long they hold."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from django.utils.timezone import now

from chat.broadcast import broadcast
from chat.wire import Refusal
from tests.chat.gateway import Browser, DeliveryQueue


def test_reaches_everyone_or_a_room(guest: Browser, queue: DeliveryQueue) -> None:
    here, there = guest.connect("general"), guest.connect("support")
    assert broadcast("to all", level="critical").connections == 2
    assert broadcast("to one", room="support").connections == 1
    told = [(to, frame["message"], frame["level"], frame["room"]) for to, frame in queue.deliveries()]
    assert sorted(told) == sorted(
        [
            (here.id, "to all", "critical", None),
            (there.id, "to all", "critical", None),
            (there.id, "to one", "info", "support"),
        ]
    )


@pytest.mark.parametrize("written", [True, False])
def test_says_until_when_it_holds(guest: Browser, queue: DeliveryQueue, written: bool) -> None:
    guest.connect()
    until = (now() + timedelta(hours=1)).astimezone(timezone(timedelta(hours=2))).replace(microsecond=0)
    broadcast("Maintenance.", until=until.isoformat() if written else until)
    ((_, frame),) = queue.deliveries()
    assert datetime.fromisoformat(frame["until"]) == until
    assert frame["until"].endswith("+00:00")


def test_without_an_end_says_nothing_of_one(guest: Browser, queue: DeliveryQueue) -> None:
    guest.connect()
    broadcast("Hello.")
    ((_, frame),) = queue.deliveries()
    assert "until" not in frame


@pytest.mark.parametrize(
    "until",
    ["", "soon", "2001-01-01T00:00:00Z", "2999-01-01T00:00:00", "0001-01-01T00:00:00+23:00", 5, True, [], {}],
)
def test_refuses_what_is_no_moment_to_come(guest: Browser, queue: DeliveryQueue, until: Any) -> None:
    guest.connect()
    with pytest.raises(Refusal) as refused:
        broadcast("Maintenance.", until=until)
    assert refused.value.details == {"field": "until"}
    assert queue.deliveries() == []
