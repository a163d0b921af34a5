"""Django's key is replaced: nobody is signed out and open connections go on, while the older key verifies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import override_settings

from chat.login_sessions import ReadOnlySessionStore, SessionStore
from tests.chat.gateway import Browser, Connection

OLD, NEW = "the key so far, long enough for a test", "the next key, long enough for a test"


@contextmanager
def key(signs: str, *older: str) -> Iterator[None]:
    with override_settings(SECRET_KEY=signs, SECRET_KEY_FALLBACKS=list(older)):
        yield


def signed_in_as(browser: Browser) -> str | None:
    user = browser.client.get("/api/session").json()["user"]
    return user["username"] if user else None


def acts(connection: Connection) -> bool:
    return bool(connection.send("fetch_history")["type"] == "history")


def test_a_rotation_signs_nobody_out_and_ends_no_connection(alice: User) -> None:
    with key(OLD):
        browser = Browser.signed_in(alice)
        connection = browser.connect()
    # As the three deployments of a rotation have it; some functions are a step ahead of others meanwhile.
    for signs, *older in ((OLD, NEW), (NEW, OLD), (OLD, NEW), (NEW, OLD)):
        with key(signs, *older):
            assert acts(connection)
            assert signed_in_as(browser) == "alice"
            assert acts(connection)
            assert acts(browser.connect())
    with key(NEW):
        assert signed_in_as(browser) == "alice"
        assert acts(browser.connect())


def test_the_session_keeps_its_name_so_that_requests_under_way_find_it(alice: User) -> None:
    with key(OLD):
        browser = Browser.signed_in(alice)
    names = set(Session.objects.values_list("session_key", flat=True))
    with key(NEW, OLD):
        assert signed_in_as(browser) == "alice"
    assert set(Session.objects.values_list("session_key", flat=True)) == names


def test_a_key_that_is_accepted_no_more_ends_what_it_signed(alice: User) -> None:
    with key(OLD):
        browser = Browser.signed_in(alice)
        connection = browser.connect()
    with key(NEW):
        assert connection.say("hello")["code"] == "session_ended"
        assert signed_in_as(browser) is None


@pytest.mark.parametrize("older", [(), (OLD,)])
def test_a_changed_password_ends_connections_under_any_key(alice: User, older: tuple[str, ...]) -> None:
    with key(OLD):
        connection = Browser.signed_in(alice).connect()
    alice.set_password("another one")
    alice.save()
    with key(NEW, *older):
        assert connection.say("hello")["code"] == "session_ended"


def test_signing_in_still_gives_the_session_a_new_name() -> None:
    session = SessionStore()
    session.create()
    name = session.session_key
    session.cycle_key()
    assert session.session_key != name


def test_an_event_that_can_set_no_cookie_leaves_the_session_as_it_is(alice: User) -> None:
    Browser.signed_in(alice)
    [kept] = Session.objects.all()
    session = ReadOnlySessionStore(kept.session_key)
    assert session["_auth_user_id"] == str(alice.pk)
    session["_auth_user_hash"] = "something else"
    session.cycle_key()
    session.save()
    session.flush()
    [after] = Session.objects.all()
    assert (after.session_key, after.session_data) == (kept.session_key, kept.session_data)
