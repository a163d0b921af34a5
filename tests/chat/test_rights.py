"""Rights as the statements read them: what the library's rule says, and Django's permissions."""

from __future__ import annotations

import random

import pytest
from django.contrib.auth.models import AnonymousUser, Group, Permission, User
from django_aws_api_gateway_websockets.models import ChannelPermission, ChannelPermissionRule
from psycopg import _queries
from pytest_django import DjangoAssertNumQueries

from chat import connections, rooms, sending
from chat.models import Room
from tests.chat.gateway import Browser, DeliveryQueue

ACCESSES = [*ChannelPermission.Access.values, "unheard of"]


@pytest.mark.parametrize("seed", range(4))
def test_who_is_admitted_is_whom_the_library_admits(seed: int) -> None:
    """Rules, groups and people at random: the SQL and `ChannelPermission.allows` agree on each pair."""
    chance = random.Random(seed)
    permissions = list(Permission.objects.filter(content_type__app_label="chat")[:6])
    groups = [Group.objects.create(name=f"group {n}") for n in range(3)]
    for group in groups:
        group.permissions.set(chance.sample(permissions, chance.randint(0, 3)))
    people = []
    for number in range(12):
        user = User.objects.create(
            username=f"person {number}", is_staff=chance.random() < 0.3, is_superuser=chance.random() < 0.15
        )
        user.groups.set(chance.sample(groups, chance.randint(0, 2)))
        user.user_permissions.set(chance.sample(permissions, chance.randint(0, 4)))
        people.append(user)
    said = set()
    for number in range(12):
        name = f"room-{number}"
        Room.objects.create(name=name, title=name)
        rule = ChannelPermission.objects.create(channel_name=name, access=ACCESSES[number % len(ACCESSES)])
        if rule.access == "permissions":
            for _ in range(chance.randint(0, 4)):
                alternative = ChannelPermissionRule.objects.create(channel_permission=rule)
                alternative.permissions.set(chance.sample(permissions, chance.randint(0, 2)))
        for user in [*people, AnonymousUser()]:
            fresh = User.objects.get(pk=user.pk) if user.pk else user
            found = rooms.entrance(name, user)
            assert found
            assert found.rights.admitted == ChannelPermission.objects.get(pk=rule.pk).allows(fresh)
            assert found.rights.moderates == fresh.has_perm("chat.moderate")
            said.add((rule.access, found.rights.admitted))
    assert len(said) >= 7, "both answers of nearly every kind of rule"


def members_only(name: str) -> Group:
    """A room for those in a group, as the admin would make it."""
    permission = Permission.objects.get(codename="view_chatmessage")
    Room.objects.create(name=name, title=name.title(), guests=False)
    rule = ChannelPermissionRule.objects.create(
        channel_permission=ChannelPermission.objects.create(channel_name=name, access="permissions")
    )
    rule.permissions.add(permission)
    group = Group.objects.create(name=f"members of {name}")
    group.permissions.add(permission)
    return group


@pytest.mark.parametrize("taken", ["membership", "permission", "rule", "access"])
def test_a_right_that_is_taken_away_is_gone_at_once(
    alice: User, bob: User, queue: DeliveryQueue, taken: str
) -> None:
    group = members_only("club")
    alice.groups.add(group)
    bob.is_superuser = True
    bob.save()
    hers, his = Browser.signed_in(alice).connect("club"), Browser.signed_in(bob).connect("club")
    his.say("to both")
    assert {to for to, _ in queue.deliveries()} == {hers.id, his.id}
    match taken:
        case "membership":
            alice.groups.clear()
        case "permission":
            group.permissions.clear()
        case "rule":
            ChannelPermissionRule.objects.all().delete()
        case "access":
            ChannelPermission.objects.filter(channel_name="club").update(access="staff_only")
    his.say("to one")
    assert [to for to, _ in queue.deliveries()] == [his.id]
    for refused in (
        hers.say("hi"),
        hers.send("edit_message", room="club", sequence=1, message="x"),
        hers.send("delete_message", room="club", sequence=1),
        hers.send("fetch_history"),
        hers.send("change_channel", channel="club"),
    ):
        assert (refused["code"], refused["room"]) == ("room_forbidden", "club")
    assert Browser.signed_in(alice).client.get("/api/session").json()["rooms"][-1]["name"] != "club"


def test_recipients_are_one_statement_however_many_members(
    alice: User, queue: DeliveryQueue, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    group = members_only("club")
    members = User.objects.bulk_create(User(username=f"member {n}") for n in range(30))
    group.user_set.add(alice, *members)
    speaker = Browser.signed_in(alice).connect("club")
    for member in members:
        Browser.signed_in(member).connect("club")
    speaker.say("so that the gateway is known")
    queue.take()
    with django_assert_num_queries(5):
        speaker.say("to all")
    assert len(queue.deliveries()) == 31


@pytest.mark.parametrize("statement", [connections._LOAD, rooms._ONE, sending._OPEN_ROOM])
def test_the_statements_of_every_message_are_read_for_their_parameters_once(statement: str) -> None:
    """psycopg remembers what it has read, if it isn't longer than this."""
    assert len(statement) <= _queries.MAX_CACHED_STATEMENT_LENGTH
