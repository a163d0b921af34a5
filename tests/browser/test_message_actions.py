"""What somebody does with a message that stands there: edit, delete, link to it, copy it."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Somebody
from tests.browser.test_two_people import PHONE

pytestmark = pytest.mark.browser

People = Callable[..., Somebody]


def test_an_edit_and_a_deletion_are_seen_by_others(somebody: People, a_name: Callable[[str], str]) -> None:
    ada, guest = somebody().sign_up(a_name("ada")), somebody().open("general")
    before, after = f"before {uuid.uuid4().hex[:8]}", f"after {uuid.uuid4().hex[:8]}"
    ada.say(before)
    guest.sees(before)
    menu = ada.page.locator("#message-menu")

    # By the keyboard: from the empty field to the last message, and along what can be done with it.
    ada.page.press("#message", "ArrowUp")
    expect(menu.get_by_role("button", name="Copy text")).to_be_focused()
    ada.page.keyboard.press("ArrowRight")
    ada.page.keyboard.press("ArrowRight")
    ada.page.keyboard.press("Enter")
    expect(ada.page.locator("#message")).to_have_value(before)
    ada.page.fill("#message", after)
    ada.page.press("#message", "Enter")
    for person in (ada, guest):
        person.sees(after)
        expect(person.message(after).locator(".edited")).to_have_text("edited")
        expect(person.message(before)).to_have_count(0)

    # By the mouse.
    ada.message(after).hover()
    menu.get_by_role("button", name="Delete").click()
    menu.get_by_role("button", name="Really delete?").click()
    expect(guest.message(after)).to_have_count(0)
    expect(guest.page.locator(".message.removed").last).to_be_visible()
    guest.message("deleted").last.hover()
    expect(guest.page.locator("#message-menu")).to_be_hidden()


def test_nobody_is_offered_to_change_what_others_wrote(somebody: People) -> None:
    writer, reader = somebody().open("random"), somebody(**PHONE).open("random")
    text = f"not yours {uuid.uuid4().hex[:8]}"
    writer.say(text)
    reader.sees(text)
    reader.message(text).tap()
    menu = reader.page.locator("#message-menu")
    expect(menu.get_by_role("button")).to_have_text(
        [re.compile("Copy text"), re.compile("Copy link"), re.compile("Report")]
    )
    reader.message(text).tap(position={"x": 4, "y": 4})  # where the menu isn't
    expect(menu).to_be_hidden()


def test_a_link_leads_to_its_message(somebody: People) -> None:
    writer = somebody(permissions=["clipboard-read", "clipboard-write"]).open("random")
    text = f"here {uuid.uuid4().hex[:8]}"
    writer.say(text)
    writer.sees(text)
    for number in range(8):
        writer.say(f"{number}\n" + "and more\n" * 12)
    writer.sees("7\nand more")
    writer.message(text).hover()
    writer.page.locator("#message-menu").get_by_role("button", name="Copy link").click()
    link: str = writer.page.evaluate("navigator.clipboard.readText()")
    reader = somebody()
    reader.page.goto(link)
    expect(reader.message(text)).to_be_in_viewport()
    expect(reader.message(text)).to_have_class(re.compile("sought"))
    expect(reader.page.locator("body")).to_have_attribute("data-connection", "live")


def test_a_link_to_nothing_says_so(somebody: People) -> None:
    person = somebody()
    person.page.goto(f"{person.stack.url}/#random/999999999")
    expect(person.page.locator("#banners")).to_contain_text("That message is not there")
    person.is_live_in("random")
