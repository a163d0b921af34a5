"""Stored XSS, in a real browser: what was written as code is shown as text, and nothing of it runs."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Somebody
from tests.security.conftest import a_name, query
from tests.stack.person import Person
from tests.stack.running import Stack

pytestmark = pytest.mark.browser

HOSTILE = [
    "<img src=x onerror=\"document.title='owned'\">",
    "<script>document.title='owned'</script>",
    "<svg/onload=document.title='owned'>",
    "javascript:document.title='owned'",
    "[x](javascript:document.title='owned')",
    "https://a.example/\"onmouseover=\"document.title='owned'",
    "</textarea></title><script>document.title='owned'</script>",
    "*<b onclick=document.title='owned'>*`<i>`",
]


@pytest.fixture
def viewer(stack: Stack, browser: Browser) -> Iterator[Somebody]:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
    somebody = Somebody(stack, context)
    yield somebody
    assert somebody.page.title() != "owned"
    assert somebody.problems == [], "the policy had to stop something, or a script failed"
    assert somebody.foreign == []
    context.close()


def made_of_text(viewer: Somebody) -> None:
    """Nothing in the page came from what people wrote but text and links that may be."""
    page = viewer.page
    assert page.locator("[onerror], [onload], [onclick], [onmouseover]").count() == 0
    assert page.locator("#log script, #log img, #log svg[onload], #log iframe").count() == 0
    addresses = page.locator("#log a").evaluate_all("links => links.map(link => link.protocol)")
    assert set(addresses) <= {"http:", "https:", "mailto:"}
    assert page.title() != "owned"


def test_code_in_messages(viewer: Somebody, guest: Person) -> None:
    with guest.connect("random") as socket:
        for text in HOSTILE:
            socket.say(text)
        viewer.open("random")
        expect(viewer.page.locator(".message .text").last).to_contain_text("onclick")
        socket.say("live " + HOSTILE[0])
        expect(viewer.page.locator(".message .text").last).to_contain_text("live <img src=x")
    made_of_text(viewer)


def test_code_in_names_titles_and_notices(viewer: Somebody, stack: Stack, guest: Person) -> None:
    """No form takes such a name or such a room: here they stand in the database all the same."""
    hostile = HOSTILE[0]
    query(
        stack,
        "from django.contrib.auth.models import User\n"
        "from chat.models import ChatMessage, Room\n"
        f"Room.objects.filter(name='support').update(title={hostile!r})\n"
        "from django.db import connection\n"
        "cursor = connection.cursor()\n"
        "cursor.execute(\"UPDATE chat_room SET last_sequence = last_sequence + 1 WHERE name = 'support' "
        'RETURNING last_sequence")\n'
        "ChatMessage.objects.create(room='support', sequence=cursor.fetchone()[0], guest=True, "
        f"username={hostile!r}, message='from a strange name')\n"
        "print('null')",
    )
    viewer.open("support")
    expect(viewer.page.locator(".message .text").last).to_contain_text("from a strange name")
    expect(viewer.page.locator("body")).to_contain_text("<img src=x")
    sent = stack.make("broadcast", f"MESSAGE=Notice {HOSTILE[2]}")
    assert sent.returncode == 0, sent.stderr
    expect(viewer.page.locator("body")).to_contain_text("Notice <svg/onload")
    made_of_text(viewer)


def test_code_in_what_is_refused(viewer: Somebody) -> None:
    """The room that an address names, the name that a form refuses: they come back as text or not at all."""
    viewer.page.goto(f"{viewer.stack.url}/#{HOSTILE[0]}")
    expect(viewer.page.locator("body")).to_have_attribute("data-connection", "live")
    made_of_text(viewer)
    for path in ("/accounts/signup/", "/accounts/login/"):
        viewer.page.goto(f"{viewer.stack.url}{path}?next={HOSTILE[1]}")
        viewer.page.fill("[name=username]", HOSTILE[0])
        for field in viewer.page.locator("main input[type=password]").all():
            field.fill("x")
        viewer.page.click("main button[type=submit]")
        expect(viewer.page.locator("[name=username]")).to_have_value(HOSTILE[0])
        made_of_text(viewer)


def test_code_in_what_the_admin_shows(viewer: Somebody, stack: Stack, guest: Person) -> None:
    """Also that the admin loads all it needs, from here, and that the policy had to stop nothing of it."""
    name = a_name("root")
    made = stack.make("admin", f"USERNAME={name}", "PASSWORD=a long one 7")
    assert made.returncode == 0, made.stderr
    with guest.connect("general") as socket:
        socket.say(HOSTILE[0])
    failed: list[str] = []
    page = viewer.page
    page.on("response", lambda answer: failed.append(answer.url) if answer.status >= 400 else None)
    page.goto(f"{stack.url}/admin/")
    page.fill("[name=username]", name)
    page.fill("[name=password]", "a long one 7")
    page.click("[type=submit]")
    expect(page.locator("#user-tools")).to_be_visible()
    kinds = {"css": "text/css", "js": "javascript"}
    for path in ("login/", "", "chat/room/1/change/", "chat/room/broadcast/", "chat/restriction/add/"):
        page.goto(f"{stack.url}/admin/{path}")
        loaded = page.locator("script[src], link[rel=stylesheet]").evaluate_all(
            "all => all.map(each => each.src || each.href)"
        )
        for url in loaded:
            answer = guest.http.get(url, timeout=10) if "jsi18n" not in url else None
            assert answer is None or answer.status_code == 200, url
            wanted = kinds.get(url.rsplit(".", 1)[-1], "")
            assert answer is None or wanted in answer.headers["content-type"], url
    page.goto(f"{stack.url}/admin/chat/chatmessage/")
    expect(page.locator("#result_list")).to_contain_text("<img src=x")
    assert page.locator("#result_list img[onerror]").count() == 0
    assert failed == [], json.dumps(failed)
