"""What a whole run writes down: never a password, a token, a cookie, a key or what somebody said."""

from __future__ import annotations

import re
import time
import uuid

import pytest

from tests.stack.person import Person
from tests.stack.running import Stack

pytestmark = pytest.mark.stack


def logged(stack: Stack) -> dict[str, str]:
    """What `make run` has printed, and every log file."""
    files = stack.data_dir.rglob("*.log")
    return {"output": stack.output} | {
        str(path.relative_to(stack.data_dir)): path.read_text(errors="replace") for path in files
    }


def keys_of(stack: Stack) -> list[str]:
    told = stack.manage(
        "shell", "--no-imports", "-c",
        "from django.conf import settings as s; print(s.SECRET_KEY, *s.WEBSOCKETS['gateway_secret'])",
        function="parlor-http",
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    return told.stdout.split()


def test_nothing_secret_is_logged(stack: Stack) -> None:
    mark = uuid.uuid4().hex[:8]
    name, email = f"ada-{mark}", f"ada-{mark}@example.com"
    password, wrong, new = (f"{what} {mark} horse" for what in ("first", "wrong", "second"))
    said, edited = f"said {mark} aloud", f"edited {mark} later"
    person = Person(stack)
    person.submit("/accounts/signup/", username=name, email=email, password1=password, password2=password)
    cookies = [cookie.value or "" for cookie in person.http.cookies]
    token = person.token()
    with person.connect(token=token) as socket:
        accepted = socket.say(said)
        socket.send(action="edit_message", room="general", sequence=accepted["sequence"], message=edited)
        socket.hear(edited)
        socket.refused(f'{{"action": "{said}"')
    with pytest.raises(Exception, match="401"):
        person.connect(token=token)
    other = Person(stack)
    assert other.submit("/accounts/login/", username=name, password=wrong).status_code == 200
    assert other.submit("/accounts/reset/", email=email).status_code == 302
    link = None
    deadline = time.monotonic() + 10
    while link is None and time.monotonic() < deadline:
        link = re.search(
            rf"({re.escape(stack.url)})(/accounts/reset/new/\?uid=\S+&token=(\S+))", stack.output
        )
    assert link is not None, "the mail is in what make run prints"
    shown = other.get(link[2])
    assert shown.url == f"{stack.url}/accounts/reset/new/"
    changed = other.submit("/accounts/reset/new/", new_password1=new, new_password2=new)
    assert changed.headers["location"] == "/accounts/reset/done/"
    other.log_in(name, new)
    cookies += [cookie.value or "" for cookie in other.http.cookies]
    other.submit("/accounts/delete/", password=new)
    time.sleep(1)

    everything = logged(stack)
    secrets = [password, wrong, new, said, edited, token, *cookies, *keys_of(stack)]
    assert all(len(secret) > 12 for secret in secrets)
    for place, text in everything.items():
        found = [secret for secret in secrets if secret in text]
        assert found == [], place
    # The mail itself is the one exception: who runs it on a laptop reads it there.
    counts = {place: text.count(link[3]) for place, text in everything.items() if link[3] in text}
    assert counts == {"output": 1, "logs/parlor-http.log": 1}


def test_who_leaves_is_nobody_in_the_history(stack: Stack) -> None:
    name, said = f"ada-{uuid.uuid4().hex[:8]}", f"I was here {uuid.uuid4().hex}"
    person, reader = Person(stack).sign_up(name), Person(stack)
    with person.connect() as socket, reader.connect() as watching:
        socket.say(said)
        watching.hear(said)
        left = person.submit("/accounts/delete/", password="correct horse 42")
        assert left.headers["location"] == "/accounts/deleted/"
        shown = [each for each in watching.history()["messages"] if each["message"] == said]
        assert [each["username"] for each in shown] == ["Deleted account"]
        assert [each["guest"] for each in shown] == [False]
    again = Person(stack).submit("/accounts/login/", username=name, password="correct horse 42")
    assert again.status_code == 200
