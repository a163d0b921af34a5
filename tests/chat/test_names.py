"""That nobody can pass for somebody else by a name."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connections
from django.http import HttpResponse
from django.test import Client

from chat.names import skeletons
from tests.chat.gateway import Browser

PASSWORD = "a good long one 7"


def sign_up(client: Client, username: str) -> HttpResponse:
    form = {"username": username, "password1": PASSWORD, "password2": PASSWORD}
    return client.post("/accounts/signup/", form)


def refused(response: HttpResponse) -> str:
    assert response.status_code == 200
    return str(response.context["form"].errors["username"].as_data()[0].code)


@pytest.mark.parametrize(
    "username",
    [
        "alice",
        "ALICE",
        "aIice",  # a capital I
        "a1ice",
        "ａｌｉｃｅ",  # full width
        "\U0001d41alice",  # mathematical bold
        "al\u0131ce",  # a dotless i
    ],
)
def test_a_name_that_looks_like_anothers_is_taken(guest: Browser, alice: User, username: str) -> None:
    # Django itself finds the very same name first.
    assert refused(sign_up(guest.client, username)) in ("taken", "unique")


@pytest.mark.parametrize(
    "username",
    ["Anonymous", "an\u043enymous", "admin", "Admin", "adrnin", "s\u0443stem", "m0derator", "guest"],
)
def test_a_name_that_the_chat_could_go_by_is_not_to_be_had(guest: Browser, username: str) -> None:
    assert refused(sign_up(guest.client, username)) in ("reserved", "mixed_scripts")


@pytest.mark.parametrize("username", ["\u3164", "bob\u115f", "p\u0430ul", "\u03bfmar"])
def test_blank_letters_and_mixed_alphabets_are_refused(guest: Browser, username: str) -> None:
    assert refused(sign_up(guest.client, username)) in ("blank", "mixed_scripts", "invalid")


@pytest.mark.parametrize(
    "username",
    [
        "Анна",
        "Ελένη",
        "محمد",
        "דנה",
        "さくら",
        "小明",
        "민수",
        "jörg",
        "Łukasz",
        "\U00010400nna",
        "anna.b+1@x-y_z",
    ],
)
def test_real_names_of_any_script_are_welcome(guest: Browser, username: str) -> None:
    assert sign_up(guest.client, username).status_code == 302
    assert guest.client.get("/api/session").json()["user"]["username"] == username


@pytest.mark.parametrize(
    ("one", "other"), [("lia", "ila"), ("bob", "rob"), ("anna", "ana"), ("tim2", "tim3")]
)
def test_names_that_are_merely_alike_are_different(guest: Browser, one: str, other: str) -> None:
    assert set(skeletons(one)).isdisjoint(skeletons(other))


def test_of_two_who_take_look_alikes_at_once_one_gets_it(guest: Browser) -> None:
    names = ["paypal", "paypaI", "paypa1", "PAYPAL"] * 2

    def attempt(username: str) -> int:
        try:
            return sign_up(Client(headers={"Host": "127.0.0.1:8000"}), username).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(names)) as threads:
        assert sorted(threads.map(attempt, names)) == [200] * (len(names) - 1) + [302]
    assert User.objects.count() == 1


def test_a_name_given_by_an_operator_is_taken_as_well(alice: User) -> None:
    with pytest.raises(IntegrityError):
        User.objects.create_user("aIice")


def test_who_is_renamed_or_deleted_gives_the_name_free(guest: Browser, alice: User) -> None:
    alice.username = "alix"
    alice.save()
    assert refused(sign_up(guest.client, "AIix")) == "taken"
    alice.delete()
    assert sign_up(guest.client, "alice").status_code == 302
