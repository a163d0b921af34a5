"""Limits and rights on the running stack: exact for many at once, and gone as soon as they are taken."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator

import psycopg
import pytest
from websockets.exceptions import InvalidStatus

from tests.stack import fault_points
from tests.stack.person import Person, Socket
from tests.stack.running import Stack

pytestmark = pytest.mark.stack

Administrator = psycopg.Connection[tuple[object, ...]]

A_CLUB = """
from django.contrib.auth.models import Group, Permission, User
from django_aws_api_gateway_websockets.models import ChannelPermission
from chat.models import Room
Room.objects.create(name="{room}", title="{room}", guests=False)
rule = ChannelPermission.objects.create(
    channel_name="{room}", access="staff_only" if {staff} else "permissions"
)
membership = Permission.objects.get(codename="view_chatmessage")
rule.rules.create().permissions.add(membership)
group = Group.objects.create(name="{room}")
group.permissions.add(membership)
for person in User.objects.filter(username__in={people}):
    person.groups.add(group)
    person.is_staff = {staff}
    person.save()
"""


@pytest.fixture
def administrator(stack: Stack) -> Iterator[Administrator]:
    with fault_points.database(stack) as connection:
        yield connection


def a_name() -> str:
    return f"ada-{uuid.uuid4().hex[:10]}"


def answers(socket: Socket, count: int) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    while len(found) < count:
        frame = socket.next(lambda frame: frame.get("type") in ("message_accepted", "error"), timeout=30)
        found.append(frame)
    return found


def test_of_100_messages_at_once_over_5_connections_exactly_10_are_stored(
    stack: Stack, administrator: Administrator
) -> None:
    name = a_name()
    person = Person(stack).sign_up(name)
    sockets = [person.connect("random") for _ in range(5)]
    for number in range(100):
        sockets[number % 5].send(action="chat_message", message=f"{number}", client_id=str(uuid.uuid4()))
    came = [frame for socket in sockets for frame in answers(socket, 20)]
    refused = [frame for frame in came if not frame["ok"]]
    assert len(refused) == 90
    assert {frame["code"] for frame in refused} == {"rate_limited"}
    stored = administrator.execute("SELECT count(*) FROM chat_chatmessage WHERE username = %s", [name])
    assert stored.fetchone() == (10,)
    for socket in sockets:
        socket.close()


@pytest.mark.parametrize("taken", ["membership", "staff", "ban"])
def test_what_is_taken_away_is_gone_at_the_next_action_and_pushes_stop_within_2_seconds(
    stack: Stack, administrator: Administrator, taken: str
) -> None:
    room = f"club-{uuid.uuid4().hex[:8]}"
    leaver, stayer = Person(stack), Person(stack)
    leaving, staying = a_name(), a_name()
    leaver.sign_up(leaving)
    stayer.sign_up(staying)
    code = A_CLUB.format(room=room, staff=taken == "staff", people=[leaving, staying])
    made = stack.manage("shell", "-c", code, function="parlor-http")
    assert made.returncode == 0, made.stderr

    with leaver.connect(room) as theirs, stayer.connect(room) as hers:
        hers.say("to both")
        theirs.hear("to both")
        statement = {
            "membership": "DELETE FROM auth_user_groups USING auth_user "
            "WHERE auth_user.id = user_id AND username = %s",
            "staff": "UPDATE auth_user SET is_staff = false WHERE username = %s",
            "ban": "INSERT INTO chat_restriction (user_id, kind, room, reason, created_at) "
            f"SELECT id, 'ban', '{room}', '', now() FROM auth_user WHERE username = %s",
        }[taken]
        administrator.execute(statement, [leaving])
        began = time.monotonic()
        hers.say("to one")
        heard = [frame.get("message") for frame in theirs.quiet(2)]
        assert "to one" not in heard
        for action in ("chat_message", "fetch_history"):
            refused = theirs.ask("error", action=action, message="no")
            assert (refused["code"], refused["room"]) == ("room_forbidden", room)
        assert theirs.go_to("general")["ok"]
        assert time.monotonic() - began < 10
    with pytest.raises(InvalidStatus) as status:
        leaver.connect(room)
    assert status.value.response.status_code == 403


def test_who_is_banned_everywhere_is_told_and_put_out(stack: Stack, administrator: Administrator) -> None:
    moderator, banned = Person(stack).sign_up(a_name()), Person(stack)
    name = a_name()
    banned.sign_up(name)
    administrator.execute(
        "INSERT INTO auth_user_user_permissions (user_id, permission_id) "
        "SELECT auth_user.id, asked.id FROM auth_user, auth_permission asked "
        "WHERE username = %s AND codename = 'moderate'",
        [moderator.session()["user"]["username"]],
    )
    with moderator.connect() as mos, banned.connect() as theirs:
        mos.send(action="restrict_person", kind="ban", username=name, seconds=3600, reason="spam")
        made = mos.of_type("restriction_accepted")
        assert made["until"]
        assert "Reason: spam" in theirs.of_type("system")["message"]
        assert theirs.of_type("error", timeout=5)["code"] == "session_ended"
        text = f"without them {uuid.uuid4()}"
        mos.say(text)
        mos.hear(text)
        with pytest.raises(InvalidStatus) as status:
            banned.connect()
        assert status.value.response.status_code == 403
        assert text not in [frame.get("message") for frame in theirs.frames]
        lifted = mos.ask("restriction_lifted", action="lift_restriction", id=made["id"])
        assert lifted["ok"]
    with banned.connect() as again:
        assert again.say("sorry")["ok"]
