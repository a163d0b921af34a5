"""Moderation: who may mute, ban and lift, what that does at once, and what is written down of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.db import DatabaseError, connection, transaction
from django.test import override_settings
from django.utils import timezone
from django_aws_api_gateway_websockets.models import WebSocketSession

from chat.models import AuditEntry, ChatMessage, Report, Restriction, Room
from chat.moderation import reports, restrictions
from tests.chat.gateway import Browser, Connection, DeliveryQueue


@pytest.fixture
def moderator() -> User:
    user = User.objects.create_user("mo", password="the moderator's")
    for codename in ("moderate", "delete_chatmessage"):
        user.user_permissions.add(Permission.objects.get(codename=codename))
    return user


@pytest.fixture
def mos(moderator: User) -> Connection:
    return Browser.signed_in(moderator).connect()


@pytest.fixture
def hers(alice: User) -> Connection:
    return Browser.signed_in(alice).connect()


def restrict(by: Connection, kind: str, username: str = "alice", **fields: Any) -> dict[str, Any]:
    values = {"room": "general", "seconds": 60, "reason": "rude"} | fields
    return by.send("restrict_person", kind=kind, username=username, **values)


def audit() -> list[tuple[Any, ...]]:
    return list(
        AuditEntry.objects.order_by("pk").values_list(
            "action", "actor_name", "subject_name", "room", "reason"
        )
    )


def test_who_is_muted_reads_and_does_not_write(
    mos: Connection, hers: Connection, queue: DeliveryQueue
) -> None:
    hers.say("before")
    made = restrict(mos, "mute", client_id="c-1")
    assert made["ok"]
    assert made["type"] == "restriction_accepted"
    assert (made["kind"], made["username"], made["room"]) == ("mute", "alice", "general")
    assert (made["client_id"], made["id"]) == ("c-1", Restriction.objects.get().pk)
    assert made["until"] == Restriction.objects.get().until.isoformat()  # type: ignore[union-attr]
    queue.take()

    for refused in (hers.say("no"), hers.send("edit_message", room="general", sequence=1, message="no")):
        assert refused["code"] == "muted"
        assert 50 < refused["retry_after"] <= 60
    assert hers.send("fetch_history")["messages"][0]["message"] == "before"
    assert hers.send("delete_message", room="general", sequence=1)["ok"], "taking back harms nobody"
    mos.say("to both")
    assert hers.id in {to for to, _ in queue.deliveries()}
    assert hers.send("change_channel", channel="support")["ok"]
    assert hers.say("elsewhere")["ok"]


def test_a_mute_everywhere_without_end(mos: Connection, hers: Connection, alice: User) -> None:
    assert restrict(mos, "mute", room=None, seconds=None)["until"] is None
    hers.send("change_channel", channel="support")
    assert "retry_after" not in hers.say("no")
    rooms = Browser.signed_in(alice).client.get("/api/session").json()["rooms"]
    assert {(room["can_post"], room["muted"], room["muted_until"]) for room in rooms} == {(False, True, None)}


def test_a_mute_ends_by_itself(mos: Connection, hers: Connection) -> None:
    restrict(mos, "mute")
    assert hers.say("no")["code"] == "muted"
    Restriction.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert hers.say("yes")["ok"]


def test_who_is_banned_from_a_room_is_out_of_it(
    mos: Connection, hers: Connection, alice: User, queue: DeliveryQueue
) -> None:
    restrict(mos, "ban")
    queue.take()
    mos.say("without her")
    assert hers.id not in {to for to, _ in queue.deliveries()}
    for refused in (
        hers.say("no"),
        hers.send("fetch_history"),
        hers.send("delete_message", room="general", sequence=1),
        hers.send("report_message", room="general", sequence=1, reason="spam"),
        hers.send("change_channel", channel="general"),
    ):
        assert (refused["code"], refused["room"]) == ("room_forbidden", "general")
    browser = Browser.signed_in(alice)
    assert browser.try_connect("general", token=browser.ws_token()).status_code == 403
    assert "general" not in [room["name"] for room in browser.client.get("/api/session").json()["rooms"]]
    assert hers.send("change_channel", channel="support")["ok"], "other rooms stay open"
    assert hers.say("here")["ok"]


@pytest.mark.parametrize("action", ["chat_message", "fetch_history", "change_channel", "nope"])
def test_who_is_banned_everywhere_has_no_session(
    mos: Connection, hers: Connection, alice: User, queue: DeliveryQueue, action: str
) -> None:
    browser = Browser.signed_in(alice)
    token = browser.ws_token()
    assert restrict(mos, "ban", room=None)["room"] is None
    queue.take()
    mos.say("without her")
    assert hers.id not in {to for to, frame in queue.deliveries() if frame["type"] == "chat_message"}
    assert hers.send(action, message="no", channel="support")["code"] == "session_ended"
    assert browser.try_connect(token=token).status_code == 403
    assert restrictions.is_banned_everywhere(alice)
    assert not WebSocketSession.objects.get(connection_id=hers.id).connected


def test_the_one_concerned_is_told_on_every_connection(
    mos: Connection, hers: Connection, alice: User, queue: DeliveryQueue
) -> None:
    another = Browser.signed_in(alice).connect("support")
    made = restrict(mos, "mute", reason="  rude\nwords \u202e ")
    told = queue.deliveries()
    assert {to for to, _ in told} == {hers.id, another.id}
    frame = told[0][1]
    assert (frame["type"], frame["level"], frame["room"]) == ("system", "warning", "general")
    assert frame["about"] == "you"
    assert frame["message"].endswith("Reason: rude words")
    mos.send("lift_restriction", id=made["id"])
    assert {frame["level"] for _, frame in queue.deliveries()} == {"info"}


def test_a_second_restriction_of_a_kind_changes_the_first(mos: Connection, alice: User) -> None:
    first = restrict(mos, "mute", seconds=60)
    second = restrict(mos, "mute", seconds=None, reason="again")
    assert (second["id"], second["until"]) == (first["id"], None)
    third = restrict(mos, "mute", room=None)
    fourth = restrict(mos, "ban")
    assert len({first["id"], third["id"], fourth["id"]}) == 3
    assert restrict(mos, "mute", room=None)["id"] == third["id"]
    assert AuditEntry.objects.count() == 5


def test_what_is_lifted_holds_no_more(mos: Connection, hers: Connection) -> None:
    made = restrict(mos, "ban")
    assert hers.say("no")["code"] == "room_forbidden"
    for _ in range(2):
        lifted = mos.send("lift_restriction", id=made["id"])
        assert lifted == {"ok": True, "type": "restriction_lifted", "id": made["id"]}
    assert hers.say("yes")["ok"]
    assert [entry[0] for entry in audit()] == ["ban", "lift"]
    again = restrict(mos, "ban")
    assert again["id"] != made["id"]


@pytest.mark.parametrize("who", ["guest", "alice", "staff"])
def test_others_may_not_moderate(who: str, guest: Browser, alice: User, carol: User, bob: User) -> None:
    """To be staff is not enough, and a refusal doesn't say who exists."""
    acting = {
        "guest": lambda: guest.connect(),
        "alice": lambda: Browser.signed_in(alice).connect(),
        "staff": lambda: Browser.signed_in(carol).connect(),
    }[who]()
    answers = [
        restrict(acting, "mute", "bob"),
        restrict(acting, "ban", "nobody"),
        restrict(acting, "explode", "bob", room="nowhere", seconds=-1),
        acting.send("lift_restriction", id=1),
        acting.send("lift_restriction", id="x"),
    ]
    assert {answer["code"] for answer in answers} == {"moderation_forbidden"}
    assert len({answer["error"] for answer in answers}) == 1
    assert not Restriction.objects.exists()
    assert not AuditEntry.objects.exists()


def test_the_permission_may_come_by_a_group_and_go_with_it(
    moderator: User, mos: Connection, alice: User
) -> None:
    assert restrict(mos, "mute")["ok"]
    moderator.user_permissions.clear()
    assert restrict(mos, "mute")["code"] == "moderation_forbidden"


def test_moderators_cannot_be_restricted(mos: Connection, moderator: User, bob: User) -> None:
    bob.user_permissions.add(Permission.objects.get(codename="moderate"))
    User.objects.create_superuser("root", password="x")
    for name in ("bob", "root", "mo"):
        assert restrict(mos, "ban", name)["code"] == "moderation_forbidden"
    held = Restriction.objects.create(user=moderator, kind="mute", created_at=timezone.now())
    assert mos.send("lift_restriction", id=held.pk)["code"] == "moderation_forbidden"
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"kind": "explode"}, "invalid_request", "kind"),
        ({"kind": None}, "invalid_request", "kind"),
        ({"kind": ["mute"]}, "invalid_request", "kind"),
        ({"username": "nobody"}, "invalid_request", "username"),
        ({"username": None}, "invalid_request", "username"),
        ({"username": "a\0b"}, "invalid_request", "username"),
        ({"username": "x" * 5000}, "invalid_request", "username"),
        ({"seconds": 0}, "invalid_request", "seconds"),
        ({"seconds": 1.5}, "invalid_request", "seconds"),
        ({"seconds": True}, "invalid_request", "seconds"),
        ({"seconds": 10**12}, "invalid_request", "seconds"),
        ({"reason": "x" * 501}, "invalid_request", "reason"),
        ({"reason": 5}, "invalid_request", "reason"),
        ({"reason": "\0"}, "invalid_request", "reason"),
        ({"room": "no room"}, "invalid_room", None),
        ({"room": 5}, "invalid_room", None),
        ({"room": "nowhere"}, "room_forbidden", None),
        ({"room": "staff"}, "room_forbidden", None),
    ],
)
def test_what_cannot_be_is_refused(
    mos: Connection, alice: User, fields: dict[str, Any], code: str, field: str | None
) -> None:
    refused = mos.send(
        "restrict_person", **{"kind": "mute", "username": "alice", "room": None, "seconds": 5} | fields
    )
    assert (refused["code"], refused.get("field")) == (code, field)
    assert not Restriction.objects.exists()


@pytest.mark.parametrize("identity", [None, 0, -1, "1", 2**63, 999, [1]])
def test_only_a_restriction_can_be_lifted(mos: Connection, identity: Any) -> None:
    refused = mos.send("lift_restriction", id=identity)
    assert (refused["code"], refused["field"]) == ("invalid_request", "id")


def test_decisions_have_a_limit(mos: Connection, alice: User) -> None:
    with override_settings(CHAT_LIMITS={**settings.CHAT_LIMITS, "moderation": (3, 60)}):
        answers = [restrict(mos, "mute") for _ in range(4)]
    assert [answer["ok"] for answer in answers] == [True, True, True, False]
    assert answers[3]["code"] == "rate_limited"


# Reports


def test_a_report_is_noted_once(hers: Connection, guest: Browser, alice: User) -> None:
    theirs = guest.connect()
    theirs.say("spam")
    for _ in range(2):
        accepted = hers.send(
            "report_message", room="general", sequence=1, reason="spam", note="again and again"
        )
        assert accepted == {"ok": True, "type": "report_accepted", "room": "general", "sequence": 1}
    for _ in range(2):
        assert guest.connect().send("report_message", room="general", sequence=1, reason="abuse")["ok"]
    noted = [
        (report.reporter_id, report.guest, report.reason, report.note)
        for report in Report.objects.order_by("pk")
    ]
    assert noted == [(alice.pk, False, "spam", "again and again"), (None, True, "abuse", "")]


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"room": "support"}, "invalid_request", "room"),
        ({"room": None}, "invalid_request", "room"),
        ({"sequence": "1"}, "invalid_request", "sequence"),
        ({"sequence": None}, "invalid_request", "sequence"),
        ({"sequence": 99}, "message_forbidden", None),
        ({"reason": "boring"}, "invalid_request", "reason"),
        ({"reason": None}, "invalid_request", "reason"),
        ({"note": "x" * 501}, "invalid_request", "note"),
        ({"note": None}, "invalid_request", "note"),
        ({"note": "\x07"}, "invalid_request", "note"),
    ],
)
def test_a_report_must_be_about_something(
    hers: Connection, fields: dict[str, Any], code: str, field: str | None
) -> None:
    hers.say("hello")
    refused = hers.send("report_message", **{"room": "general", "sequence": 1, "reason": "spam"} | fields)
    assert (refused["code"], refused.get("field")) == (code, field)
    assert not Report.objects.exists()


def test_what_became_of_a_report_is_written_down(hers: Connection, moderator: User) -> None:
    hers.say("hello")
    hers.send("report_message", room="general", sequence=1, reason="other")
    report = Report.objects.get()
    reports.resolve(moderator, report.pk, Report.Resolution.DISMISSED)
    reports.resolve(moderator, report.pk, Report.Resolution.ACTED)
    report.refresh_from_db()
    assert (report.resolution, report.resolved_by) == ("dismissed", moderator)
    assert audit() == [("resolve_report", "mo", "", "general", "dismissed")]


# The audit log


def test_each_decision_is_written_down(
    mos: Connection, hers: Connection, moderator: User, alice: User
) -> None:
    hers.say("bad")
    mos.send("delete_message", room="general", sequence=1)
    made = restrict(mos, "mute")
    mos.send("lift_restriction", id=made["id"])
    assert audit() == [
        ("delete_message", "mo", "alice", "general", ""),
        ("mute", "mo", "alice", "general", "rude"),
        ("lift", "mo", "alice", "general", "mute"),
    ]
    deleted, muted, _ = AuditEntry.objects.order_by("pk")
    assert (deleted.sequence, deleted.actor_id, deleted.subject_id) == (1, moderator.pk, alice.pk)
    assert muted.until == Restriction.objects.get().until
    hers.say("mine")
    hers.send("delete_message", room="general", sequence=3)
    assert AuditEntry.objects.count() == 3, "one's own is nobody's business"


def test_nobody_changes_the_log_its_owner_included(mos: Connection, alice: User) -> None:
    restrict(mos, "mute")
    entry = AuditEntry.objects.get()
    for tried in (
        entry.delete,
        AuditEntry.objects.all().delete,
        lambda: AuditEntry.objects.update(reason="kind"),
    ):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            tried()
    alice.delete()
    assert AuditEntry.objects.get().subject_name == "alice", "it outlives the account"


def test_old_entries_go_by_the_database_s_own_function_and_no_younger_ones(moderator: User) -> None:
    with connection.cursor() as cursor:
        for days in (10, 29, 31, 400):
            cursor.execute(
                "INSERT INTO chat_auditentry (action, actor_name, subject_name, room, reason, at) "
                "VALUES ('mute', 'mo', 'x', '', %s, now() - make_interval(days => %s))",
                [str(days), days],
            )

        def forget(before: timedelta, most: int = 100) -> int:
            cursor.execute("SELECT chat_forget_audit(now() - %s, %s)", [before, most])
            return int(cursor.fetchone()[0])

        assert forget(timedelta(days=365)) == 1
        assert forget(timedelta(0), most=0) == 0
        assert forget(timedelta(0)) == 1, "30 days are kept whatever is asked for"
    assert {entry.reason for entry in AuditEntry.objects.all()} == {"10", "29"}
    with pytest.raises(DatabaseError), transaction.atomic():
        AuditEntry.objects.all().delete()


# Rooms of their kinds


def room(**values: Any) -> None:
    Room.objects.filter(name="general").update(**values)


def test_in_a_read_only_room_announcements_are_written(
    hers: Connection, mos: Connection, bob: User, guest: Browser
) -> None:
    hers.say("before")
    bob.user_permissions.add(Permission.objects.get(codename="post_announcement"))
    his, theirs = Browser.signed_in(bob).connect(), guest.connect()
    room(read_only=True)
    for one in (hers, theirs):
        refused = one.say("no")
        assert (refused["code"], refused["reason"]) == ("posting_forbidden", "read_only")
        assert one.send("fetch_history")["messages"][0]["message"] == "before"
    assert hers.send("edit_message", room="general", sequence=1, message="x")["code"] == "posting_forbidden"
    assert hers.send("delete_message", room="general", sequence=1)["ok"]
    assert his.say("hear, hear")["ok"]
    assert mos.say("moderators too")["ok"]


def test_in_an_archived_room_nobody_writes_and_everybody_reads(hers: Connection, mos: Connection) -> None:
    root = Browser.signed_in(User.objects.create_superuser("root", password="x")).connect()
    hers.say("before")
    room(archived_at=timezone.now())
    for one in (hers, mos, root):
        for refused in (
            one.say("no"),
            one.send("edit_message", room="general", sequence=1, message="x"),
            one.send("delete_message", room="general", sequence=1),
        ):
            assert (refused["code"], refused["reason"]) == ("posting_forbidden", "archived")
        assert one.send("fetch_history")["messages"][0]["message"] == "before"
    room(archived_at=None)
    assert hers.say("again")["sequence"] == 2


def test_what_was_stored_before_is_acknowledged_whatever_the_room_has_become(hers: Connection) -> None:
    client_id = "12345678-1234-4678-9234-567812345678"
    stored = hers.say("before", client_id=client_id)
    room(archived_at=timezone.now())
    again = hers.say("before", client_id=client_id)
    assert (again["ok"], again["sequence"]) == (True, stored["sequence"])
    assert hers.say("new")["code"] == "posting_forbidden"


def test_slow_mode_is_for_each_person_in_each_room_and_not_for_moderators(
    hers: Connection, mos: Connection, alice: User, guest: Browser
) -> None:
    another = Browser.signed_in(alice).connect()
    room(slow_mode_seconds=30)
    assert hers.say("one")["ok"]
    for one in (hers, another):
        refused = one.say("two")
        assert (refused["code"], refused["slow_mode"]) == ("rate_limited", 30)
        assert 28 < refused["retry_after"] <= 30
    assert guest.connect().say("theirs")["ok"]
    assert all(mos.say("unhindered")["ok"] for _ in range(3))
    assert hers.send("change_channel", channel="support")["ok"]
    assert all(hers.say("not slow here")["ok"] for _ in range(9)), (
        "a refusal took nothing from the other limit"
    )
    room(slow_mode_seconds=0)
    assert another.say("no longer slow")["code"] == "rate_limited", "that of ten messages holds still"


def test_a_message_sent_again_in_slow_mode_is_acknowledged_and_costs_nothing(hers: Connection) -> None:
    room(slow_mode_seconds=30)
    client_id = "12345678-1234-4678-9234-567812345678"
    assert hers.say("one", client_id=client_id)["sequence"] == 1
    assert hers.say("one", client_id=client_id)["sequence"] == 1
    assert ChatMessage.objects.count() == 1


def test_the_session_tells_what_kind_a_room_is(alice: User, moderator: User) -> None:
    Room.objects.filter(name="general").update(read_only=True, slow_mode_seconds=5, last_sequence=0)
    Room.objects.filter(name="support").update(archived_at=timezone.now())

    def rooms(user: User) -> dict[str, Any]:
        session = Browser.signed_in(user).client.get("/api/session").json()
        return {each["name"]: each for each in session["rooms"]}

    hers, mos = rooms(alice), rooms(moderator)
    assert (hers["general"]["read_only"], hers["general"]["slow_mode"]) == (True, 5)
    assert [each["can_post"] for each in hers.values()] == [False, False, True]
    assert [each["can_post"] for each in mos.values()] == [True, False, True]
    assert {each["can_moderate"] for each in mos.values()} == {True}
    assert hers["support"]["archived"]
    assert hers["general"]["access"] == "open"
