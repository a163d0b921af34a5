"""Getting at accounts: finding out who has one, keeping a login that is theirs, being led elsewhere."""

from __future__ import annotations

import re
import statistics
import time

import pytest
import requests

from tests.security.conftest import PASSWORD, a_name, name_of, somebody_new
from tests.stack.person import Person
from tests.stack.running import Stack

pytestmark = pytest.mark.stack


def without_variables(page: requests.Response, *names: str) -> str:
    """A page without what differs each time: the form's token, and the name that was typed in."""
    text = re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", page.text)
    for name in names:
        text = text.replace(name, "NAME")
    return text


def test_finding_accounts_by_what_login_answers(stack: Stack, victim: Person) -> None:
    known, unknown = name_of(victim), a_name("nobody")
    pages = [
        Person(stack).submit("/accounts/login/", username=name, password="wrong 123456")
        for name in (known, unknown)
    ]
    assert pages[0].status_code == pages[1].status_code
    assert without_variables(pages[0], known) == without_variables(pages[1], unknown)


def test_finding_accounts_by_how_long_login_takes(stack: Stack) -> None:
    """Django hashes for an unknown name too. What is compared is the median of interleaved attempts."""
    took: dict[str, list[float]] = {"known": [], "unknown": []}
    for _ in range(5):
        # One account each: attempts at one are slowed down.
        victim = somebody_new(stack, "victim")
        for kind, name in (("known", name_of(victim)), ("unknown", a_name("nobody"))):
            person = Person(stack)
            page = person.get("/accounts/login/")
            token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
            assert token
            form = {"username": name, "password": "wrong 123456", "csrfmiddlewaretoken": token[1]}
            started = time.monotonic()
            person.post("/accounts/login/", form, allow_redirects=False)
            took[kind].append(time.monotonic() - started)
    known, unknown = (statistics.median(took[kind]) for kind in ("known", "unknown"))
    assert 0.5 < known / unknown < 2, took


def test_finding_accounts_by_what_a_reset_answers(stack: Stack) -> None:
    known = a_name("ada")
    if Person(stack).get("/accounts/reset/").status_code == 404:
        pytest.skip("passwords can't be reset here")
    form = Person(stack).get("/accounts/signup/").text
    Person(stack).submit(
        "/accounts/signup/",
        username=known,
        password1=PASSWORD,
        password2=PASSWORD,
        **({"email": f"{known}@example.com"} if 'name="email"' in form else {}),
    )
    answers = [
        Person(stack).submit("/accounts/reset/", email=f"{name}@example.com")
        for name in (known, a_name("nobody"))
    ]
    assert answers[0].status_code == answers[1].status_code == 302
    assert answers[0].headers["location"] == answers[1].headers["location"]


def test_logging_in_with_strange_names(stack: Stack) -> None:
    """What no account can be called is answered as an unknown name is: never an error."""
    for name in ("\0", "' OR 1=1 --", "%s", "{{7*7}}", "x" * 10_000, "admin\r\nSet-Cookie: a=b"):
        answer = Person(stack).submit("/accounts/login/", username=name, password="wrong")
        assert answer.status_code in (200, 400, 429), name
        assert "49" not in re.sub(r'value="[^"]*"', "", answer.text) or "{{7*7}}" not in name
        assert "a" not in answer.cookies


def test_fixing_the_session_of_a_victim_to_be(stack: Stack) -> None:
    """A session id that somebody planted before login is not the one that the login has."""
    attacker = somebody_new(stack, "mallory")
    victim_name = name_of(somebody_new(stack, "victim"))
    for planted in ("a" * 32, "k" * 500, str(attacker.http.cookies["sessionid"])):
        victim = Person(stack)
        victim.http.cookies.set("sessionid", planted, domain="127.0.0.1", path="/")
        if planted == attacker.http.cookies["sessionid"]:
            page = requests.get(stack.url + "/accounts/login/", cookies={"sessionid": planted}, timeout=10)
            token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
            assert token
            answer = requests.post(
                stack.url + "/accounts/login/",
                {"username": victim_name, "password": PASSWORD, "csrfmiddlewaretoken": token[1]},
                cookies={"sessionid": planted, "csrftoken": page.cookies["csrftoken"]},
                headers={"Origin": stack.url},
                timeout=10,
                allow_redirects=False,
            )
        else:
            answer = victim.submit("/accounts/login/", username=victim_name, password=PASSWORD)
        assert answer.status_code == 302
        given = answer.cookies.get("sessionid") or victim.http.cookies.get("sessionid", path="/")
        assert given
        assert given != planted
        planter = Person(stack)
        planter.http.cookies.set("sessionid", planted)
        assert planter.session()["user"] is None


def test_fixing_the_csrf_token_of_a_victim_to_be(stack: Stack) -> None:
    """Login makes a new one: a token that somebody knew before is of no use after."""
    name = name_of(somebody_new(stack, "victim"))
    victim = Person(stack)
    victim.get("/accounts/login/")
    before = victim.http.cookies["csrftoken"]
    victim.submit("/accounts/login/", username=name, password=PASSWORD)
    assert victim.http.cookies["csrftoken"] != before
    answer = victim.post("/api/ws-token", headers={"X-CSRFToken": before})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://elsewhere.example/",
        "//elsewhere.example",
        "///elsewhere.example",
        "/\\elsewhere.example",
        "\\\\elsewhere.example",
        "http:elsewhere.example",
        "javascript:alert(1)",
        "data:text/html,x",
        " //elsewhere.example",
        "\t//elsewhere.example",
        "/\t/elsewhere.example",
        "http://127.0.0.1@elsewhere.example/",
        "{url}.elsewhere.example/",
        "{url}@elsewhere.example/",
        "//127.0.0.1:1/",
    ],
)
def test_leading_a_login_elsewhere(stack: Stack, elsewhere: str) -> None:
    to = elsewhere.format(url=stack.url)
    # Whoever is signed in already, at once: one page with the parameter, one form with the field.
    person = somebody_new(stack, "ada")
    name = name_of(person)
    for page in ("/accounts/login/", "/accounts/signup/", "/accounts/logout/", "/admin/login/"):
        answer = person.get(page, params={"next": to}, allow_redirects=False)
        assert "elsewhere.example" not in answer.headers.get("location", ""), page
    answer = Person(stack).submit("/accounts/login/", username=name, password=PASSWORD, next=to)
    assert answer.headers["location"] == "/"
    answer = Person(stack).submit(
        "/accounts/signup/", username=a_name("bob"), password1=PASSWORD, password2=PASSWORD, next=to
    )
    assert answer.headers["location"] == "/"


def test_making_oneself_staff_by_the_sign_up_form(stack: Stack) -> None:
    name = a_name("mallory")
    person = Person(stack)
    answer = person.submit(
        "/accounts/signup/",
        username=name,
        password1=PASSWORD,
        password2=PASSWORD,
        is_staff="on",
        is_superuser="1",
        is_active="on",
        user_permissions="1",
        groups="1",
    )
    assert answer.status_code == 302
    assert "staff" not in [room["name"] for room in person.session()["rooms"]]
    assert person.get("/admin/", allow_redirects=False).status_code == 302


def test_reaching_the_admin_without_being_staff(attacker: Person, guest: Person) -> None:
    for person in (attacker, guest):
        for path in (
            "/admin/",
            "/admin/chat/room/",
            "/admin/auth/user/1/change/",
            "/admin/jsi18n/",
            "/admin//",
        ):
            answer = person.get(path, allow_redirects=False)
            assert answer.status_code in (302, 403, 404), path
            assert "/admin/login/" in answer.headers.get("location", "/admin/login/"), path


def test_signing_somebody_in_from_another_site(stack: Stack, victim: Person) -> None:
    """Every form takes its token and our own origin: a foreign page has neither."""
    for path in ("/accounts/login/", "/accounts/signup/", "/accounts/logout/", "/admin/login/"):
        page = victim.get("/accounts/login/")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert token
        for headers in ({}, {"Origin": "https://elsewhere.example"}, {"Origin": "null"}):
            form = {"username": "x", "password": "y"}
            if headers:
                form["csrfmiddlewaretoken"] = token[1]
            answer = victim.http.post(
                stack.url + path, form, headers=headers, timeout=10, allow_redirects=False
            )
            assert answer.status_code == 403, (path, headers)
    assert victim.session()["user"]
