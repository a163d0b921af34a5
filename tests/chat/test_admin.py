"""The admin: who may do what there, that it is done as on the wire, written down, and throttled."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from chat.models import AuditEntry, ChatMessage, MessageChange, Report, Restriction, Room
from chat.moderation.restrictions import is_banned_everywhere
from tests.chat.gateway import Browser, DeliveryQueue


@pytest.fixture
def root() -> User:
    return User.objects.create_superuser("root", password="x")


@pytest.fixture
def admin(root: User) -> Client:
    return Browser.signed_in(root).client


def with_permissions(name: str, *codenames: str) -> Client:
    user = User.objects.create_user(name, is_staff=True)
    user.user_permissions.add(*Permission.objects.filter(codename__in=codenames))
    return Browser.signed_in(user).client


def done() -> list[tuple[str, str, str]]:
    entries = AuditEntry.objects.order_by("pk")
    return [(entry.action, entry.actor_name, entry.subject_name) for entry in entries]


def chosen(action: str, *rows: Any, **more: str) -> dict[str, Any]:
    return {"action": action, "_selected_action": [row.pk for row in rows], **more}


def test_messages_are_deleted_after_a_question(admin: Client, alice: User, queue: DeliveryQueue) -> None:
    reader, writer = Browser().connect(), Browser.signed_in(alice).connect()
    for text in ("one", "two", "three"):
        writer.say(text)
    queue.take()
    rows = list(ChatMessage.objects.filter(message__in=["one", "two"]))
    page = admin.post("/admin/chat/chatmessage/", chosen("delete_messages", *rows))
    assert page.status_code == 200
    assert "Are you sure?" in page.content.decode()
    assert MessageChange.objects.count() == 0
    answer = admin.post("/admin/chat/chatmessage/", chosen("delete_messages", *rows, confirmed="yes"))
    assert answer.status_code == 302
    history = reader.send("fetch_history")["messages"]
    assert [(event["type"], event["message"]) for event in history] == [
        ("chat_message", ""),
        ("chat_message", ""),
        ("chat_message", "three"),
        ("message_deleted", ""),
        ("message_deleted", ""),
    ]
    pushed = [frame for connection, frame in queue.deliveries() if connection == reader.id]
    assert sorted((frame["type"], frame["target"], frame["sequence"]) for frame in pushed) == [
        ("message_deleted", 1, 4),
        ("message_deleted", 2, 5),
    ]
    assert done() == [("delete_message", "root", "alice")] * 2


def test_deleting_messages_takes_the_permission(alice: User) -> None:
    Browser.signed_in(alice).connect().say("stays")
    reader = with_permissions("reader", "view_chatmessage")
    row = ChatMessage.objects.get()
    assert b"stays" in reader.get("/admin/chat/chatmessage/").content
    reader.post("/admin/chat/chatmessage/", chosen("delete_messages", row, confirmed="yes"))
    row.refresh_from_db()
    assert row.message == "stays"
    assert Browser.signed_in(alice).client.get("/admin/chat/chatmessage/").status_code == 302


@pytest.mark.parametrize("query", ["?q=hello", "?room=general", "?deleted=no", "?guest__exact=1"])
def test_messages_are_found(admin: Client, query: str) -> None:
    Browser().connect().say("hello there")
    assert b"hello there" in admin.get(f"/admin/chat/chatmessage/{query}").content
    assert b"hello there" not in admin.get("/admin/chat/chatmessage/?q=other").content
    assert b"hello there" not in admin.get("/admin/chat/chatmessage/?deleted=yes").content


def test_a_person_is_muted_and_the_mute_lifted(admin: Client, alice: User) -> None:
    connection = Browser.signed_in(alice).connect()
    form = {"user": alice.pk, "kind": "mute", "room": "general", "hours": "2", "reason": "enough"}
    assert admin.post("/admin/chat/restriction/add/", form).status_code == 302
    assert connection.say("may I?")["code"] == "muted"
    held = Restriction.objects.get()
    assert held.until is not None
    assert 7100 < (held.until - timezone.now()).total_seconds() <= 7200
    assert admin.get("/admin/chat/restriction/?holds=yes").content.count(b"enough") == 1
    assert admin.post("/admin/chat/restriction/", chosen("lift", held)).status_code == 302
    assert connection.say("and now?")["ok"]
    assert [action for action, *_ in done() if not action.startswith("admin_")] == ["mute", "lift"]


def test_moderators_are_not_restricted_there_either(admin: Client, root: User) -> None:
    form = {"user": root.pk, "kind": "ban", "room": "", "hours": "", "reason": ""}
    page = admin.post("/admin/chat/restriction/add/", form, follow=True)
    assert "You can&#x27;t restrict yourself." in page.content.decode()
    assert not Restriction.objects.exists()


def test_restricting_and_reports_take_the_permission(alice: User) -> None:
    staff = with_permissions("clerk", "view_room")
    form = {"user": alice.pk, "kind": "mute", "room": "", "hours": "", "reason": ""}
    assert staff.post("/admin/chat/restriction/add/", form).status_code == 403
    assert staff.get("/admin/chat/report/").status_code == 403
    assert staff.post("/admin/chat/room/broadcast/", {"message": "x", "level": "info"}).status_code == 403
    assert not Restriction.objects.exists()
    moderator = with_permissions("moderatrix", "moderate")
    assert moderator.post("/admin/chat/restriction/add/", form).status_code == 302
    assert moderator.get("/admin/chat/report/").status_code == 200


def test_reports_are_a_queue_that_is_worked_off(admin: Client, alice: User, bob: User) -> None:
    Browser.signed_in(alice).connect().say("buy <b>this</b>")
    reported = (
        Browser.signed_in(bob)
        .connect()
        .send("report_message", room="general", sequence=1, reason="spam", note="again")
    )
    assert reported["ok"]
    waiting = admin.get("/admin/chat/report/").content.decode()
    assert "alice: buy &lt;b&gt;this&lt;/b&gt;" in waiting
    assert admin.post("/admin/chat/report/", chosen("acted_upon", Report.objects.get())).status_code == 302
    assert "again" not in admin.get("/admin/chat/report/").content.decode()
    assert "again" in admin.get("/admin/chat/report/?handled=yes").content.decode()
    assert ("resolve_report", "root", "") in done()


def test_people_are_deactivated_and_banned(admin: Client, alice: User, bob: User, root: User) -> None:
    connection = Browser.signed_in(alice).connect()
    assert admin.post("/admin/auth/user/", chosen("deactivate", alice, root)).status_code == 302
    assert connection.say("hello?")["ok"] is False
    root.refresh_from_db()
    assert root.is_active, "nobody shuts themselves out"
    assert admin.post("/admin/auth/user/", chosen("ban", bob, root)).status_code == 302
    assert is_banned_everywhere(bob)
    assert not is_banned_everywhere(root)
    assert ("admin_changed", "root", "alice") in done()
    assert ("ban", "root", "bob") in done()


def test_a_name_that_looks_like_anothers_is_an_error_of_the_form(admin: Client, alice: User) -> None:
    form = {
        "username": "aIice",
        "usable_password": "true",
        "password1": "of 2 lands!",
        "password2": "of 2 lands!",
    }
    page = admin.post("/admin/auth/user/add/", form)
    assert page.status_code == 200
    assert "looks like it, is taken" in page.content.decode()


def test_a_room_is_archived_slowed_and_opened_again(admin: Client) -> None:
    room = Room.objects.get(name="general")
    connection = Browser().connect()
    form = {"title": "General", "access": "allow_all", "position": "1", "guests": "on"}
    url = f"/admin/chat/room/{room.pk}/change/"
    assert admin.post(url, {**form, "archived": "on"}).status_code == 302
    assert connection.say("x")["reason"] == "archived"
    assert admin.post(url, {**form, "slow_mode_seconds": "30"}).status_code == 302
    assert connection.say("x")["ok"]
    assert connection.say("y")["slow_mode"] == 30
    assert admin.post(url, {**form, "read_only": "on"}).status_code == 302
    assert connection.say("z")["reason"] == "read_only"
    assert done() == [("admin_changed", "root", "")] * 3
    assert admin.post(url, {**form, "slow_mode_seconds": "-1"}).status_code == 200


def test_a_broadcast_goes_to_a_room_with_its_level_and_end(admin: Client, queue: DeliveryQueue) -> None:
    here, _elsewhere = Browser().connect("general"), Browser().connect("random")
    page = admin.get("/admin/chat/room/broadcast/").content.decode()
    assert "Everybody" in page
    form = {
        "message": "Back in <5> minutes", "room": "general", "level": "critical",
        "until_0": "2100-01-01", "until_1": "10:00:00",
    }  # fmt: skip
    assert admin.post("/admin/chat/room/broadcast/", form).status_code == 302
    ((to, frame),) = queue.deliveries()
    assert to == here.id
    assert (frame["type"], frame["level"], frame["message"]) == ("system", "critical", "Back in <5> minutes")
    assert frame["until"].startswith("2100-01-01T10:00:00")
    assert done() == [("broadcast", "root", "")]
    for wrong in ({"message": ""}, {"level": "loud"}, {"until_0": "2001-01-01"}, {"room": "nowhere"}):
        assert admin.post("/admin/chat/room/broadcast/", {**form, **wrong}).status_code == 200
    assert queue.deliveries() == []


def test_the_audit_log_can_only_be_read(admin: Client, alice: User) -> None:
    room = Room.objects.get(name="general")
    form = {"title": "<i>General</i>", "access": "allow_all", "position": "1"}
    admin.post(f"/admin/chat/room/{room.pk}/change/", form)
    page = admin.get("/admin/chat/auditentry/?q=root").content.decode()
    assert "&lt;i&gt;General&lt;/i&gt;" in page
    assert "<i>General</i>" not in page
    entry = AuditEntry.objects.get()
    assert admin.get("/admin/chat/auditentry/add/").status_code == 403
    assert admin.post(f"/admin/chat/auditentry/{entry.pk}/change/", {"reason": "x"}).status_code == 403
    assert admin.post(f"/admin/chat/auditentry/{entry.pk}/delete/", {"post": "yes"}).status_code == 403


def test_nothing_of_the_chat_is_deleted_in_bulk_without_being_written_down(
    admin: Client, alice: User
) -> None:
    for page in ("auth/user", "auth/group", "chat/room", "chat/chatmessage"):
        assert b"delete_selected" not in admin.get(f"/admin/{page}/").content
    assert admin.post(f"/admin/auth/user/{alice.pk}/delete/", {"post": "yes"}).status_code == 302
    assert done() == [("admin_deleted", "root", "alice")]


def test_what_others_wrote_is_text_in_every_page(admin: Client, alice: User) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    User.objects.filter(pk=alice.pk).update(first_name=hostile, last_name=hostile, email=f'"{hostile}"@x.org')
    Room.objects.filter(name="general").update(title=hostile)
    Browser.signed_in(alice).connect().say(hostile)
    Report.objects.create(
        room="general", sequence=1, reporter=alice, reason="spam", note=hostile, created_at=timezone.now()
    )
    seen = 0
    for page in ("auth/user", "chat/room", "chat/chatmessage", "chat/report", "chat/restriction/add"):
        content = admin.get(f"/admin/{page}/").content.decode()
        assert "<img src=x" not in content, page
        seen += "&lt;img src=x" in content
        for change in re.findall(r'href="(/admin/[^"]+/change/)"', content)[:2]:
            assert "<img src=x" not in admin.get(change).content.decode(), change
    assert seen >= 4


def test_pages_are_throttled(admin: Client) -> None:
    statuses = [admin.get("/admin/chat/chatmessage/?q=x").status_code for _ in range(125)]
    assert statuses.count(200) == 120
    answer = admin.get("/admin/auth/user/")
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 60
