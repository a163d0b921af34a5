"""What administrators do: the admin's pages, and making somebody a superuser."""

from __future__ import annotations

import re
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django_aws_api_gateway_websockets.models import ChannelPermission

from chat.models import Room
from tests.chat.gateway import Browser


@pytest.fixture
def admin() -> Client:
    return Browser.signed_in(User.objects.create_superuser("root", password="x")).client


def test_every_page_of_the_admin_opens(admin: Client) -> None:
    Browser().connect().say("hello <script>alert(1)</script>")
    index = admin.get("/admin/").content.decode()
    lists = sorted(set(re.findall(r'href="(/admin/[a-z_]+/[a-z]+/)"', index)))
    assert {"/admin/chat/room/", "/admin/chat/chatmessage/", "/admin/auth/user/"} <= set(lists)
    assert not [page for page in lists if "apigateway/" in page], "the template owns the API"
    for page in lists:
        content = admin.get(page).content.decode()
        assert "<script>" not in content, "the policy forbids inline scripts"
        for change in re.findall(r'href="(/admin/[^"]+/change/)"', content)[:2]:
            assert admin.get(change).status_code == 200


def test_a_room_is_made_with_its_rule(admin: Client, alice: User) -> None:
    form = {"name": "club", "title": "The club", "access": "staff_only", "position": "5"}
    assert admin.post("/admin/chat/room/add/", form).status_code == 302
    room = Room.objects.get(name="club")
    assert ChannelPermission.for_channel("club").access == "staff_only"
    Browser().connect().say("so that a number is given")
    form |= {"title": "Everybody's club", "access": "allow_all", "name": "renamed"}
    assert admin.post(f"/admin/chat/room/{room.pk}/change/", form).status_code == 302
    room.refresh_from_db()
    assert (room.name, room.title) == ("club", "Everybody's club")
    assert Browser.signed_in(alice).connect("club").say("hi")["sequence"] == 1


def test_a_malformed_room_name_is_refused_by_the_form(admin: Client) -> None:
    form = {"name": "the club", "title": "The club", "access": "allow_all", "position": "5"}
    assert admin.post("/admin/chat/room/add/", form).status_code == 200
    assert Room.objects.count() == 4


def test_the_admin_is_for_the_staff(alice: User) -> None:
    assert Browser.signed_in(alice).client.get("/admin/").status_code == 302


def promote(*arguments: str) -> str:
    output = StringIO()
    call_command("promote", *arguments, stdout=output)
    return output.getvalue()


def test_a_new_superuser_gets_a_password_that_works() -> None:
    output = promote("root")
    password = re.search(r"^Password: (\S+)$", output, re.MULTILINE)
    assert password
    client = Client(headers={"Host": "127.0.0.1:8000"})
    form = {"username": "root", "password": password[1]}
    assert client.post("/admin/login/?next=/admin/", form)["Location"] == "/admin/"


def test_a_password_may_be_given(alice: User) -> None:
    assert "Password:" not in promote("root", "--password", "x")
    assert User.objects.get(username="root").check_password("x")


def test_somebody_who_is_there_is_promoted_and_keeps_the_password(alice: User) -> None:
    User.objects.update(is_active=False)
    assert "keeps its password" in promote("alice")
    alice.refresh_from_db()
    assert alice.is_superuser
    assert alice.is_staff
    assert alice.is_active
    assert alice.check_password("of wonderland")


@pytest.mark.parametrize("name", ["", "a b", "x" * 151, "a\0b", "<b>", "\ud800"])
def test_a_name_that_is_none_is_refused_with_a_sentence(name: str) -> None:
    with pytest.raises(CommandError):
        promote(name)
    assert not User.objects.exists()
