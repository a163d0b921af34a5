"""Getting in on somebody else's connection token, or on one that was used, or without one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.security.conftest import somebody_new, status_of
from tests.stack.person import Person
from tests.stack.running import Stack

pytestmark = pytest.mark.stack


def test_replaying_a_token(victim: Person) -> None:
    token = victim.token()
    assert status_of(victim, f"?channel=general&ws_token={token}") == 101
    assert status_of(victim, f"?channel=general&ws_token={token}") == 401


def test_twenty_racing_for_one_token(victim: Person) -> None:
    token = victim.token()
    with ThreadPoolExecutor(20) as racers:
        statuses = list(
            racers.map(lambda _: status_of(victim, f"?channel=general&ws_token={token}"), range(20))
        )
    assert sorted(statuses) == [101] + [401] * 19


def test_using_a_token_of_another_person(victim: Person, attacker: Person) -> None:
    token = victim.token()
    assert status_of(attacker, f"?channel=general&ws_token={token}") == 401


def test_using_a_stolen_token_without_any_login(victim: Person, guest: Person) -> None:
    token = victim.token()
    assert status_of(guest, f"?channel=general&ws_token={token}") == 401


def test_using_a_token_of_another_login_of_the_same_person(victim: Person, stack: Stack) -> None:
    name = victim.session()["user"]["username"]
    elsewhere = Person(stack).log_in(name, "correct horse 42")
    assert status_of(elsewhere, f"?channel=general&ws_token={victim.token()}") == 401


def test_using_a_token_after_logout(stack: Stack) -> None:
    victim = somebody_new(stack, "victim")
    token = victim.token()
    cookies = {cookie.name: str(cookie.value) for cookie in victim.http.cookies}
    assert victim.post("/accounts/logout/", allow_redirects=False).status_code == 302
    # The old cookie as well as the old token.
    victim.http.cookies.clear()
    victim.http.cookies.update(cookies)
    assert status_of(victim, f"?channel=general&ws_token={token}") == 401


@pytest.mark.parametrize("token", ["", "0" * 64, "0" * 63, "%00" * 8, "x" * 4000, "'%20OR%201=1--"])
def test_guessing_a_token(victim: Person, token: str) -> None:
    assert status_of(victim, f"?channel=general&ws_token={token}") == 401


def test_naming_two_tokens(victim: Person) -> None:
    wrong = "0" * 64
    statuses = [
        status_of(victim, f"?channel=general&ws_token={victim.token()}&ws_token={wrong}"),
        status_of(victim, f"?channel=general&ws_token={wrong}&ws_token={victim.token()}"),
    ]
    # Whichever of the two counts, it is the same one each time.
    assert sorted(statuses) == [101, 401]


@pytest.mark.parametrize(
    "origin",
    [
        "https://elsewhere.example",
        "null",
        "",
        "http://127.0.0.1",
        "http://127.0.0.1:1",
        "{url}.elsewhere.example",
        "http://elsewhere.example/{url}",
        "http://sub.127.0.0.1:{port}",
        "https://127.0.0.1:{port}",
    ],
)
def test_hijacking_a_websocket_from_another_site(victim: Person, stack: Stack, origin: str) -> None:
    """The foreign page has the victim's cookies; even a token would not help it."""
    foreign = origin.format(url=stack.url, port=stack.port)
    assert status_of(victim, f"?channel=general&ws_token={victim.token()}", origin=foreign) == 403


def test_hijacking_a_websocket_with_the_cookie_alone(victim: Person) -> None:
    """Were the Origin forged as well, the cookie still opens nothing."""
    assert status_of(victim, "?channel=general") == 401


def test_reading_a_token_from_another_site(victim: Person, stack: Stack) -> None:
    """A foreign page can make the browser ask, but neither passes CSRF nor reads the answer."""
    foreign = {"Origin": "https://elsewhere.example"}
    answer = victim.http.post(stack.url + "/api/ws-token", headers=foreign, timeout=10)
    assert answer.status_code == 403
    token = victim.http.cookies.get("csrftoken", "")
    answer = victim.http.post(
        stack.url + "/api/ws-token", headers={**foreign, "X-CSRFToken": token}, timeout=10
    )
    assert answer.status_code == 403
    preflight = victim.http.options(
        stack.url + "/api/ws-token",
        headers={**foreign, "Access-Control-Request-Method": "POST"},
        timeout=10,
    )
    assert not [name for name in preflight.headers if name.lower().startswith("access-control")]


def test_finding_a_token_where_it_could_be_kept(stack: Stack) -> None:
    """Not in the database in the clear if the library hashes it, never in a log line."""
    person = somebody_new(stack, "ada")
    token = person.token()
    assert status_of(person, f"?channel=general&ws_token={token}") == 101
    assert token not in stack.output
    for log in (stack.data_dir / "logs").rglob("*"):
        assert not log.is_file() or token.encode() not in log.read_bytes(), log
