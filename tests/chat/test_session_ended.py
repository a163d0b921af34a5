"""A connection acts for a person as long as the login holds that it was opened under."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.utils import timezone

from chat.models import ChatMessage
from tests.chat.gateway import Browser, DeliveryQueue


def log_out(browser: Browser, user: User) -> None:
    browser.client.post("/accounts/logout/")


def expire(browser: Browser, user: User) -> None:
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))


def remove(browser: Browser, user: User) -> None:
    Session.objects.all().delete()


def ban(browser: Browser, user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def change_password(browser: Browser, user: User) -> None:
    user.set_password("another one")
    user.save()


def delete_account(browser: Browser, user: User) -> None:
    user.delete()


@pytest.mark.parametrize("end", [log_out, expire, remove, ban, change_password, delete_account])
@pytest.mark.parametrize("action", ["chat_message", "fetch_history", "change_channel", "nope"])
def test_the_next_action_is_refused(alice: User, end: Callable[[Browser, User], None], action: str) -> None:
    browser = Browser.signed_in(alice)
    connection = browser.connect()
    end(browser, alice)
    for _ in range(2):
        answer = connection.send(action, message="hi", channel="support")
        assert (answer["ok"], answer["code"]) == (False, "session_ended")
    assert not ChatMessage.objects.exists()


def test_nothing_is_pushed_any_more_once_that_is_known(
    alice: User, guest: Browser, queue: DeliveryQueue
) -> None:
    browser = Browser.signed_in(alice)
    hers, theirs = browser.connect(), guest.connect()
    log_out(browser, alice)
    theirs.say("hello")
    assert [to for to, _ in queue.deliveries()] == [theirs.id]
    assert hers.say("hi")["code"] == "session_ended"


def test_other_logins_of_the_person_go_on(alice: User) -> None:
    here, there = Browser.signed_in(alice), Browser.signed_in(alice)
    connection = there.connect()
    here.connect()
    log_out(here, alice)
    assert connection.say("hi")["ok"]


def test_a_guest_is_bound_to_no_login(guest: Browser, alice: User) -> None:
    connection = guest.connect()
    Session.objects.all().delete()
    guest.client.force_login(alice)
    guest.client.post("/accounts/logout/")
    assert connection.say("hi")["ok"]
