"""Text that means something to a database, a template or a log, brought in wherever text can be."""

from __future__ import annotations

import json
import re

import pytest

from tests.security.conftest import PASSWORD, a_name, name_of, query, status_of
from tests.stack.person import Person
from tests.stack.running import Stack

pytestmark = pytest.mark.stack

SQL = [
    "'; DROP TABLE chat_chatmessage; --",
    "' OR '1'='1",
    "1); DELETE FROM chat_room; --",
    "\\'; SELECT pg_sleep(5); --",
    "%s %(room)s %%",
    "$$; SELECT 1; $$",
    "' UNION SELECT password FROM auth_user --",
]
TEMPLATES = [
    "{{ 7*7 }}",
    "{% debug %}",
    "{% load log %}",
    "{{ request.session.session_key }}",
    "${7*7}",
    "#{7*7}",
    "<%= 7*7 %>",
    "{0.__class__.__mro__}",
    "{self.__init__.__globals__}",
    "%(password)s",
]
FORGED_LINE = "ERROR   The admin's password is hunter2"


@pytest.mark.parametrize("text", [*SQL, *TEMPLATES])
def test_a_message_that_is_more_than_text(guest: Person, text: str) -> None:
    with guest.connect("random") as socket:
        sequence = socket.say(text)["sequence"]
        assert socket.hear(text)["sequence"] == sequence
        assert socket.history(limit=1)["messages"][-1]["message"] == text


@pytest.mark.parametrize("text", SQL)
def test_sql_in_every_field_of_every_frame(attacker: Person, text: str) -> None:
    actions = {
        "chat_message": {"message": "x", "client_id": text},
        "fetch_history": {"before": text, "limit": text},
        "change_channel": {"channel": text},
        "edit_message": {"room": text, "sequence": text, "message": text},
        "delete_message": {"room": text, "sequence": text},
        "report_message": {"room": text, "sequence": 1, "reason": text, "note": text},
        "restrict_person": {"kind": text, "username": text, "room": text, "reason": text},
        "lift_restriction": {"id": text},
        "fetch_unread": {"seen": {text: 1}},
    }
    with attacker.connect() as socket:
        for action, fields in actions.items():
            refused = socket.refused(json.dumps({"action": action, **fields}))
            assert refused["code"] not in ("internal_error",), (action, refused)
        assert socket.say("all tables are there")["ok"]


@pytest.mark.parametrize("text", SQL)
def test_sql_in_the_address_and_in_forms(stack: Stack, guest: Person, text: str) -> None:
    room = text.replace(" ", "%20").replace("#", "%23")
    assert status_of(guest, f"?channel={room}") == 400
    for path in ("/accounts/login/", "/api/session", "/admin/login/"):
        answer = guest.get(path, params={"next": text, "q": text, "o": text})
        assert answer.status_code < 500
    guest.http.cookies.set("sessionid", "'%3B--")
    assert guest.session()["user"] is None


def test_sql_in_the_searches_of_the_admin(root: Person) -> None:
    for page in ("auth/user", "chat/room", "chat/chatmessage"):
        for text in SQL:
            answer = root.get(f"/admin/{page}/", params={"q": text})
            assert answer.status_code == 200, (page, text)
            assert "pbkdf2" not in answer.text
        for parameters in (
            {"user__password__startswith": "p"},
            {"password__startswith": "pbkdf2"},
            {"e": "1"},
            {"o": "1.2.999"},
            {"p": "'"},
        ):
            answer = root.get(f"/admin/{page}/", params=parameters)
            assert answer.status_code in (200, 400)


def test_templates_in_names_and_addresses(stack: Stack) -> None:
    for text in TEMPLATES:
        person = Person(stack)
        answer = person.submit("/accounts/signup/", username=text, password1=PASSWORD, password2=PASSWORD)
        assert answer.status_code == 200, "no such name is taken"
        page = person.get("/accounts/login/", params={"next": text}).text + answer.text
        assert "49" not in re.sub(r'value="[^"]*"', "", page)
        assert "PASSWORD_HASHERS" not in page


def test_lines_forged_into_the_log(stack: Stack, attacker: Person) -> None:
    """Whatever somebody sends, no line of a log begins with what they have written."""
    lines = [f"\n{FORGED_LINE}", f"\r\n{FORGED_LINE}", f"\u2028{FORGED_LINE}", f"\x1b[2K{FORGED_LINE}"]
    with attacker.connect() as socket:
        for text in lines:
            socket.refused(json.dumps({"action": text}))
            socket.refused(json.dumps({"action": "change_channel", "channel": text}))
            socket.refused(json.dumps({"action": "fetch_history", "before": text}))
        socket.say(f"x\n{FORGED_LINE}")
    for path in (f"/admin/%0A{FORGED_LINE}", f"/api/%0D%0A{FORGED_LINE}", f"/%1b[2K{FORGED_LINE}"):
        assert attacker.get(path.replace(" ", "%20")).status_code in (400, 403, 404)
    attacker.get("/api/session", headers={"User-Agent": f"a\t{FORGED_LINE}"})
    attacker.submit("/accounts/login/", username=f"x\r\n{FORGED_LINE}", password="wrong")
    status_of(attacker, f"?channel=%0A{FORGED_LINE.replace(' ', '%20')}")
    written = stack.output + "".join(
        log.read_text(errors="replace") for log in (stack.data_dir / "logs").rglob("*") if log.is_file()
    )
    for line in re.split("[\n\r\u2028\x1b]", written):
        assert not line.lstrip("[2K").startswith(FORGED_LINE), line


def test_secrets_are_in_no_log(stack: Stack) -> None:
    """A person's whole stay: no password, cookie, token or text of a message is in what was written down."""
    name, text = a_name("ada"), f"something private {a_name('x')}"
    person = Person(stack).sign_up(name, PASSWORD)
    token = person.token()
    with person.connect(token=token) as socket:
        socket.say(text)
        socket.refused(json.dumps({"action": "chat_message", "message": text + "\x00"}))
        assert name == name_of(person)
    session = person.http.cookies["sessionid"]
    csrf = person.http.cookies["csrftoken"]
    Person(stack).submit("/accounts/login/", username=name, password="a wrong password 7")
    person.post("/accounts/logout/", allow_redirects=False)
    written = stack.output + "".join(
        log.read_text(errors="replace") for log in (stack.data_dir / "logs").rglob("*") if log.is_file()
    )
    environments = json.loads((stack.data_dir / "stack.json").read_text())["environments"]
    secrets = {environments["parlor-http"]["DJANGO_SECRET_KEY"]}
    secrets |= set(environments["parlor-http"]["GATEWAY_SECRETS"].split(","))
    for secret in (token, str(session), str(csrf), PASSWORD, "a wrong password 7", text, *secrets):
        assert secret not in written, secret[:6]


def test_nothing_of_this_has_harmed_the_database(stack: Stack) -> None:
    counts = query(
        stack,
        "from chat.models import ChatMessage, Room\n"
        "print(json.dumps([Room.objects.count(), ChatMessage.objects.exists()]))",
    )
    assert counts[0] == 4
    assert counts[1] is True
