"""Passwords changed and reset, attempts counted, one's data, and leaving."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from pytest_django import Settings

from chat.models import ChatMessage, Report, Restriction
from chat.moderation.restrictions import restrict
from tests.chat.gateway import Browser

OLD, NEW = "of wonderland", "through the glass 7"


def client(address: str = "127.0.0.1") -> Client:
    return Client(headers={"Host": "127.0.0.1:8000"}, REMOTE_ADDR=address)


def log_in(password: str = OLD, *, username: str = "alice", address: str = "127.0.0.1") -> Any:
    return client(address).post("/accounts/login/", {"username": username, "password": password})


@pytest.fixture(autouse=True)
def mail_is_sent(settings: Settings) -> None:
    settings.CHAT_SENDS_MAIL = True
    settings.CHAT_RESET_SECONDS = 0


@pytest.fixture
def root() -> User:
    return User.objects.create_superuser("root-1", password="the root of it")


def test_changing_the_password_ends_all_other_logins(alice: User) -> None:
    here, there = Browser.signed_in(alice), Browser.signed_in(alice)
    change = {"old_password": OLD, "new_password1": NEW, "new_password2": NEW}
    assert here.client.post("/accounts/password/", change)["Location"] == "/accounts/password/done/"
    assert here.client.get("/api/session").json()["user"]["username"] == "alice"
    assert there.client.get("/api/session").json()["user"] is None
    assert log_in(OLD).status_code == 200
    assert log_in(NEW).status_code == 302


@pytest.mark.parametrize(
    "fields",
    [
        {"old_password": "wrong"},
        {"new_password2": "another"},
        {"new_password1": "alice", "new_password2": "alice"},
    ],
)
def test_a_change_that_is_wrong_changes_nothing(alice: User, fields: dict[str, str]) -> None:
    change = {"old_password": OLD, "new_password1": NEW, "new_password2": NEW} | fields
    page = Browser.signed_in(alice).client.post("/accounts/password/", change)
    assert page.status_code == 200
    assert page.context["form"].errors
    assert log_in(OLD).status_code == 302


def asked_for_a_link(alice: User) -> str:
    User.objects.filter(pk=alice.pk).update(email="alice@example.com")
    client().post("/accounts/reset/", {"email": "alice@example.com"})
    [sent] = mail.outbox
    assert sent.to == ["alice@example.com"]
    link = re.search(r"http://127\.0\.0\.1:8000(/\S+)", str(sent.body))
    assert link is not None
    return link[1]


def test_a_forgotten_password_is_replaced_once_by_a_link(alice: User) -> None:
    signed_in, browser = Browser.signed_in(alice), client()
    link = asked_for_a_link(alice)
    shown = browser.get(link, follow=True)
    assert shown.redirect_chain == [("/accounts/reset/new/", 302)], "the secret isn't in the page's address"
    new = {"new_password1": NEW, "new_password2": NEW}
    assert browser.post("/accounts/reset/new/", new)["Location"] == "/accounts/reset/done/"
    assert log_in(NEW).status_code == 302
    assert signed_in.client.get("/api/session").json()["user"] is None
    again = client()
    assert b"no longer works" in again.get(link, follow=True).content
    again.post("/accounts/reset/new/", {"new_password1": OLD, "new_password2": OLD})
    assert log_in(NEW).status_code == 302


@pytest.mark.parametrize(
    "query", ["", "?uid=MQ&token=x", "?token=x", "?uid=%00&token=set-password", "?uid=MQ"]
)
def test_a_link_that_is_none_is_told_so(alice: User, query: str) -> None:
    page = client().get(f"/accounts/reset/new/{query}", follow=True)
    assert page.status_code == 200
    assert b"no longer works" in page.content


def test_the_answer_does_not_tell_whether_there_is_an_account(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(email="alice@example.com")
    answers = [
        client().post("/accounts/reset/", {"email": email})
        for email in ("alice@example.com", "nobody@example.com")
    ]
    assert len(mail.outbox) == 1
    assert answers[0].status_code == answers[1].status_code == 302
    assert answers[0]["Location"] == answers[1]["Location"]


def test_code_in_a_name_is_text_in_the_mail(alice: User) -> None:
    # No form takes such a name, but operators can give it.
    User.objects.filter(pk=alice.pk).update(username="<b>ada</b>\nBcc: x@example.com", email="a@example.com")
    client().post("/accounts/reset/", {"email": "a@example.com"})
    [sent] = mail.outbox
    assert (sent.content_subtype, sent.alternatives) == ("plain", [])
    assert sent.recipients() == ["a@example.com"]
    assert sent.subject == "A new password for <b>ada</b>Bcc: x@example.com"
    assert sent.message()["Bcc"] is None


def test_where_no_mail_is_sent_the_page_says_so(alice: User, settings: Settings) -> None:
    settings.CHAT_SENDS_MAIL = False
    assert b"offered here" in client().get("/accounts/reset/").content
    assert b"offered here" in client().post("/accounts/reset/", {"email": "a@example.com"}).content
    assert b"Forgot" not in client().get("/accounts/login/").content


def test_passwords_are_tried_slowly_and_the_owner_gets_in_elsewhere(alice: User, settings: Settings) -> None:
    settings.CHAT_LOGINS_PER_ACCOUNT = 3
    for name in ("alice", "Alice", "alice"):
        assert log_in("wrong", username=name).status_code == 200
    refused = log_in(OLD)
    assert refused.status_code == 429
    seconds = int(refused["Retry-After"])
    assert 290 < seconds <= 300
    assert f"in {seconds} seconds" in refused.content.decode()
    assert log_in(OLD, address="192.0.2.7").status_code == 302, "guessing from one address locks nobody out"
    assert log_in("x", username="bob").status_code == 200


def test_from_many_addresses_passwords_are_tried_slowly_too(alice: User, settings: Settings) -> None:
    settings.CHAT_LOGINS_PER_ACCOUNT = 1
    statuses = [log_in("wrong", address=f"192.0.2.{number}").status_code for number in range(12)]
    assert statuses == [200] * 10 + [429] * 2


def test_an_address_tries_many_accounts_slowly(settings: Settings) -> None:
    settings.CHAT_LOGINS_PER_ADDRESS = 2
    statuses = [log_in("x", username=f"somebody-{number}").status_code for number in range(3)]
    assert statuses == [200, 200, 429]
    form = {"username": "", "password1": "", "password2": ""}
    assert [client().post("/accounts/signup/", form).status_code for _ in range(3)] == [200, 200, 429]
    reset = {"email": "a@example.com"}
    assert [client().post("/accounts/reset/", reset).status_code for _ in range(3)] == [302, 302, 429]


def test_the_admin_s_door_is_as_slow(root: User, settings: Settings) -> None:
    settings.CHAT_LOGINS_PER_ACCOUNT = 1
    form = {"username": "root-1", "password": "wrong"}
    assert [client().post("/admin/login/", form).status_code for _ in range(2)] == [200, 429]


def test_a_password_is_not_guessed_by_way_of_a_login(alice: User, settings: Settings) -> None:
    settings.CHAT_LOGINS_PER_ACCOUNT = 1
    browser = Browser.signed_in(alice)
    assert browser.client.post("/accounts/delete/", {"password": "wrong"}).status_code == 200
    assert browser.client.post("/accounts/delete/", {"password": OLD}).status_code == 429
    assert browser.client.post("/accounts/password/", {"old_password": OLD}).status_code == 429
    assert User.objects.filter(pk=alice.pk).exists()


def test_who_is_banned_from_the_chat_cannot_sign_in(alice: User, root: User) -> None:
    restrict(root, Restriction.Kind.BAN, alice, room=None, seconds=60, reason="")
    assert b"banned" in log_in(OLD).content
    assert b"banned" not in log_in("wrong").content


def test_an_address_is_optional(guest: Browser) -> None:
    form = {"username": "dora", "email": "dora@example.com", "password1": NEW, "password2": NEW}
    assert guest.client.post("/accounts/signup/", form).status_code == 302
    assert User.objects.get().email == "dora@example.com"
    form = {**form, "username": "eve", "email": "none"}
    assert client().post("/accounts/signup/", form).context["form"].errors["email"]


@pytest.mark.parametrize(
    "path", ["/accounts/", "/accounts/password/", "/accounts/data/", "/accounts/delete/"]
)
def test_one_s_account_is_one_s_own(path: str) -> None:
    assert client().get(path)["Location"] == f"/accounts/login/?next={path}"


def test_a_person_s_data_is_all_of_it_and_nobody_else_s(alice: User, bob: User, root: User) -> None:
    hers, his = Browser.signed_in(alice), Browser.signed_in(bob)
    hers.connect().say("mine")
    his.connect().say("his")
    Report.objects.create(
        room="general",
        sequence=2,
        reporter=alice,
        reason="spam",
        created_at=ChatMessage.objects.all()[0].created_at,
    )
    restrict(root, Restriction.Kind.MUTE, alice, room="random", seconds=60, reason="loud")
    answer = hers.client.get("/accounts/data/")
    assert "attachment" in answer["Content-Disposition"]
    data = answer.json()
    assert data["account"]["username"] == "alice"
    assert [(each["room"], each["message"]) for each in data["messages"]] == [("general", "mine")]
    assert [each["sequence"] for each in data["reports"]] == [2]
    assert [each["reason"] for each in data["restrictions"]] == ["loud"]
    assert data["next"] is None
    assert "password" not in answer.content.decode()


def test_much_data_comes_in_parts(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat.accounts.own_data._CHARACTERS", 10)
    hers = Browser.signed_in(alice)
    connection = hers.connect()
    said = ["four", "five5", "a long one of many", "s"]
    for text in said:
        connection.say(text)
    parts, path = [], "/accounts/data/"
    while path:
        part = hers.client.get(path).json()
        parts.append([each["message"] for each in part["messages"]])
        path = part["next"]
    assert parts == [["four", "five5"], ["a long one of many"], ["s"]]
    assert hers.client.get("/accounts/data/?after=x").status_code == 400


def test_who_leaves_leaves_messages_that_are_nobody_s(alice: User, guest: Browser) -> None:
    hers = Browser.signed_in(alice)
    connection = hers.connect()
    connection.say("I was here")
    reader = guest.connect()
    assert (
        b"isn\xe2\x80\x99t your password" in hers.client.post("/accounts/delete/", {"password": "x"}).content
    )
    assert hers.client.post("/accounts/delete/", {"password": OLD})["Location"] == "/accounts/deleted/"
    assert not User.objects.exists()
    [message] = ChatMessage.objects.all()
    assert (message.username, message.user, message.guest) == ("Deleted account", None, False)
    [shown] = reader.send("fetch_history")["messages"]
    assert (shown["username"], shown["message"], shown["guest"]) == ("Deleted account", "I was here", False)
    assert connection.send("fetch_history")["code"] == "session_ended"
    assert hers.client.get("/api/session").json()["user"] is None
    assert log_in(OLD).status_code == 200
