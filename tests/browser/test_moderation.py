"""A moderator and a member at two browsers: reports, mutes, bans, and rooms where not everybody may write."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Somebody
from tests.browser.test_accessible import violations
from tests.browser.test_two_people import PHONE
from tests.stack.running import Stack

pytestmark = pytest.mark.browser

People = Callable[..., Somebody]
FREE = "read_only=False, slow_mode_seconds=0, archived_at=None"


def change_rooms(stack: Stack, room: str, changes: str) -> None:
    change = f"Room.objects.filter(name={room!r}).update({changes})"
    typed = f"from chat.models import Room\nprint('changed', {change})\n"
    answer = stack.make("shell", typed=typed)
    assert "changed 1" in answer.stdout, answer.stdout + answer.stderr


@pytest.fixture
def random_is_open_again(stack: Stack) -> Iterator[None]:
    yield
    change_rooms(stack, "random", FREE)


@pytest.fixture
def moderator(somebody: People, a_name: Callable[[str], str], stack: Stack) -> Somebody:
    name = a_name("mod")
    person = somebody().sign_up(name)
    assert stack.make("admin", f"USERNAME={name}", "PASSWORD=correct horse 42").returncode == 0
    person.page.goto(f"{stack.url}/accounts/login/")
    person.page.fill("[name=username]", name)
    person.page.fill("[name=password]", "correct horse 42")
    person.page.click("main button[type=submit]")
    person.is_live_in("general")
    return person


def in_menu(person: Somebody, text: str, action: str) -> None:
    person.message(text).hover()
    person.page.locator("#message-menu").get_by_role("button", name=action, exact=True).click()


def test_a_member_reports_a_message_by_the_keyboard(somebody: People, a_name: Callable[[str], str]) -> None:
    writer, reader = somebody().open("support"), somebody(color_scheme="dark").sign_up(a_name("rea"))
    reader.open("support")
    text = f"buy this {uuid.uuid4().hex[:8]}"
    writer.say(text)
    reader.sees(text)
    page = reader.page
    page.press("#message", "ArrowUp")
    page.keyboard.press("End")
    expect(page.locator("#message-menu").get_by_role("button", name="Report")).to_be_focused()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Report this message")
    expect(dialog).to_contain_text(text)
    assert violations(page) == []
    reader.screenshot("report-dark")
    dialog.get_by_label("What the moderators should know").fill("x" * 501)
    dialog.get_by_role("button", name="Send report").click()
    expect(dialog).to_be_visible()
    dialog.get_by_label("What the moderators should know").fill("They do this every day.")
    dialog.get_by_role("button", name="Send report").click()
    expect(dialog).to_have_count(0)
    expect(page.locator("#banners")).to_contain_text("The moderators will look at the message")
    expect(page.locator("#message")).to_be_focused()


def test_a_moderator_mutes_and_lifts_and_the_one_concerned_sees_it(
    moderator: Somebody, somebody: People, a_name: Callable[[str], str]
) -> None:
    name = a_name("loud")
    member = somebody(**PHONE).sign_up(name)
    text, draft = f"noise {uuid.uuid4().hex[:8]}", "what I was about to say"
    member.say(text)
    moderator.sees(text)
    member.page.fill("#message", draft)

    in_menu(moderator, text, "Mute or ban")
    dialog = moderator.page.get_by_role("dialog", name=f"Mute or ban {name}")
    expect(dialog).to_be_visible()
    assert violations(moderator.page) == []
    moderator.screenshot("mute")
    dialog.get_by_label("Reason").fill("Too loud.")
    dialog.get_by_role("button", name="Do it").click()
    expect(moderator.page.locator("#banners")).to_contain_text(f"{name} is muted in General until")

    # The field stays, with what was in it, and says why nothing goes out.
    why = member.page.locator("#read-only")
    expect(why).to_contain_text("A moderator has muted you here until")
    expect(member.page.locator("#message")).to_have_value(draft)
    expect(member.page.locator("#message")).not_to_be_editable()
    assert violations(member.page) == []
    member.screenshot("muted-phone")

    in_menu(moderator, text, "Mute or ban")
    moderator.page.get_by_role("button", name="Lift the mute in General").click()
    expect(moderator.page.locator("#banners")).to_contain_text(f"{name} may write again in General.")
    expect(why).to_be_hidden()
    member.page.press("#message", "Enter")
    moderator.sees(draft)


def test_a_moderator_deletes_and_bans(
    moderator: Somebody, somebody: People, a_name: Callable[[str], str]
) -> None:
    name = a_name("bad")
    member = somebody().sign_up(name)
    texts = [f"{word} {uuid.uuid4().hex[:8]}" for word in ("bad", "worse")]
    for text in texts:
        member.say(text)
        moderator.sees(text)
    in_menu(moderator, texts[0], "Delete")
    moderator.page.locator("#message-menu").get_by_role("button", name="Really delete?").click()
    expect(member.message(texts[0])).to_have_count(0)

    in_menu(moderator, texts[1], "Mute or ban")
    dialog = moderator.page.get_by_role("dialog")
    dialog.get_by_role("radio", name=re.compile("Ban")).check()
    dialog.get_by_label("For how long").select_option("3600")
    dialog.get_by_role("button", name="Do it").click()
    expect(moderator.page.locator("#banners")).to_contain_text(f"{name} is banned in General until")
    # Out of that room, and told so; the others stay open.
    expect(member.page.locator("#banners")).to_contain_text("banned")
    expect(member.page.locator("#log")).not_to_have_attribute("data-room", "general")
    expect(member.page.locator("body")).to_have_attribute("data-connection", "live")
    expect(member.page.locator('a[data-room="general"]')).to_have_count(0)


@pytest.mark.usefixtures("random_is_open_again")
@pytest.mark.parametrize(
    ("changes", "sentence", "kind"),
    [
        ("read_only=True", "Only announcements are written here", "announcements only"),
        ("archived_at='2026-01-01T00:00:00Z'", "This room is archived", "archived"),
    ],
    ids=["read-only", "archived"],
)
def test_a_room_where_nobody_writes_says_why(
    somebody: People, stack: Stack, changes: str, sentence: str, kind: str
) -> None:
    person = somebody().open("random")
    text = f"too late {uuid.uuid4().hex[:8]}"
    change_rooms(stack, "random", changes)
    person.say(text)
    # Refused, kept, and from now on known.
    person.sees(text, state="failed")
    expect(person.page.locator("#read-only")).to_contain_text(sentence)
    newcomer = somebody().open("random")
    expect(newcomer.page.locator("#read-only")).to_contain_text(sentence)
    expect(newcomer.page.locator("#message")).not_to_be_editable()
    expect(newcomer.page.get_by_role("link", name=re.compile("Random"))).to_contain_text(kind)
    assert violations(newcomer.page) == []
    newcomer.screenshot(f"room-{kind.split()[0]}")


@pytest.mark.usefixtures("random_is_open_again")
def test_slow_mode_counts_down_and_keeps_the_text(somebody: People, stack: Stack) -> None:
    change_rooms(stack, "random", "slow_mode_seconds=6")
    person = somebody().open("random")
    expect(person.page.locator("#read-only")).to_have_text("Slow mode: one message every 6 s.")
    first, second = (f"{word} {uuid.uuid4().hex[:8]}" for word in ("first", "second"))
    person.say(first)
    person.sees(first)
    person.say(second)
    expect(person.message(second).locator(".delivery")).to_contain_text(re.compile(r"goes out in \d s"))
    person.screenshot("slow-mode")
    person.sees(second)
