"""Keeping up: what is unread, where one left off, who is here, who is writing, what is announced."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Somebody
from tests.browser.test_accessible import violations
from tests.browser.test_two_people import PHONE
from tests.stack.running import Stack

pytestmark = pytest.mark.browser

People = Callable[..., Somebody]
Name = Callable[[str], str]
LOOKS: list[dict[str, Any]] = [{}, {**PHONE, "color_scheme": "dark"}]
NAMES = ["light", "phone-dark"]


def a_text(text: str) -> str:
    return f"{text} {uuid.uuid4().hex[:8]}"


def look_away(page: Page, *, away: bool) -> None:
    page.evaluate(
        """(away) => {
            Object.defineProperty(document, 'hidden', {value: away, configurable: true});
            document.dispatchEvent(new Event('visibilitychange'));
        }""",
        away,
    )


def height(page: Page, selector: str) -> int:
    return int(page.locator(selector).evaluate("(node) => node.offsetHeight"))


def unread(person: Somebody, room: str) -> Any:
    return person.page.locator(f'a[data-room="{room}"] .unread')


@pytest.mark.parametrize("look", LOOKS, ids=NAMES)
def test_another_room_shows_what_is_unread(
    somebody: People, a_name: Name, look: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    ada, bob = somebody(**look).sign_up(a_name("ada")), somebody().sign_up(a_name("bob"))
    ada_is = ada.page.evaluate("fetch('/api/session').then((r) => r.json()).then((s) => s.user.username)")
    bob.go_to("random")
    bob.is_live_in("random")
    for text in (a_text("one"), a_text(f"@{ada_is} two")):
        bob.say(text)
        bob.sees(text)
    look_away(ada.page, away=True)
    look_away(ada.page, away=False)
    expect(unread(ada, "random")).to_have_text("@ 2")
    expect(unread(ada, "general")).to_be_hidden()
    link = ada.page.locator('a[data-room="random"]')
    expect(link).to_have_accessible_name(re.compile(r"Random \(2 unread, you were called\)"))
    expect(ada.page).to_have_title(re.compile(r"^\(2\) "))
    assert violations(ada.page) == []
    ada.screenshot(f"unread-{request.node.callspec.id}")

    ada.go_to("random")
    ada.is_live_in("random")
    expect(ada.page.locator(".new-line")).to_have_attribute("aria-label", "New messages")
    ada.screenshot(f"new-line-{request.node.callspec.id}")
    expect(unread(ada, "random")).to_be_hidden()
    expect(ada.page).to_have_title(re.compile(r"^Random"))
    assert violations(ada.page) == []
    expect(ada.page.locator(".new-line")).to_have_count(0)
    ada.page.reload()
    ada.is_live_in("random")
    expect(ada.page.locator(".people-number")).to_have_text("2")
    expect(ada.page.locator(".new-line, .unread:not([hidden])")).to_have_count(0)


def test_coming_back_to_the_tab_shows_where_one_left_off(somebody: People, a_name: Name) -> None:
    ada, bob = somebody().sign_up(a_name("ada")), somebody().sign_up(a_name("bob"))
    for person in (ada, bob):
        person.go_to("support")
        person.is_live_in("support")
    before = a_text("before")
    bob.say(before)
    ada.sees(before)
    look_away(ada.page, away=True)
    texts = [a_text(f"line {number}\n" + "and more\n" * 12) for number in range(8)]
    for text in texts:
        bob.say(text)
        bob.sees(text[-8:])
    expect(ada.page.locator(".message").last).to_contain_text(texts[-1][-8:])
    expect(ada.page).to_have_title(re.compile(r"^\(8\) "))
    look_away(ada.page, away=False)
    line = ada.page.locator(".new-line")
    expect(line).to_have_count(1)
    expect(line.locator("xpath=following-sibling::*[1]")).to_contain_text("line 0")
    jump = ada.page.locator(".jump")
    expect(jump).to_have_text("8 new messages above")
    ada.screenshot("jump-to-new")
    jump.click()
    expect(line).to_be_in_viewport()
    expect(ada.message("line 0")).to_be_focused()
    expect(jump).to_be_hidden()
    ada.page.locator(".newest").click()
    # Nothing moves when it goes.
    before_it_goes = height(ada.page, "#log")
    expect(line).to_have_count(1)
    expect(line).to_have_count(0)
    assert height(ada.page, "#log") == before_it_goes


def test_two_tabs_of_a_browser_agree(somebody: People, a_name: Name) -> None:
    ada, bob = somebody().sign_up(a_name("ada")), somebody().sign_up(a_name("bob"))
    bob.go_to("support")
    bob.is_live_in("support")
    text = a_text("to both tabs")
    bob.say(text)
    bob.sees(text)
    look_away(ada.page, away=True)
    look_away(ada.page, away=False)
    expect(unread(ada, "support")).to_be_visible()
    second = ada.context.new_page()
    second.goto(f"{ada.stack.url}/#support")
    expect(second.locator(".message").filter(has_text=text)).to_be_visible()
    expect(unread(ada, "support")).to_be_hidden()
    expect(ada.page).to_have_title(re.compile(r"^General"))


@pytest.mark.parametrize("look", LOOKS, ids=NAMES)
def test_who_is_here_and_who_is_writing(
    somebody: People, a_name: Name, look: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    bob = somebody().sign_up(a_name("bob"))
    guest = somebody()
    guest.open("random")
    bob.go_to("random")
    bob.is_live_in("random")
    ada = somebody(**look).sign_up(a_name("ada"))
    ada.go_to("random")
    ada.is_live_in("random")
    expect(ada.page.locator(".people-number")).to_have_text("3")
    ada.page.click(".people-button")
    people = ada.page.locator("#people")
    expect(people.locator("h2")).to_have_text("3 people are here")
    expect(people.locator("li")).to_have_count(2)
    expect(people).to_contain_text("1 guest")
    assert violations(ada.page) == []
    ada.screenshot(f"who-is-here-{request.node.callspec.id}")
    ada.page.keyboard.press("Escape")
    expect(people).to_be_hidden()
    expect(ada.page.locator(".people-button")).to_be_focused()

    at_rest = height(ada.page, "#scroller")
    # Bob came before the others did, and learns of them by what they say.
    hello = a_text("hello")
    guest.say(hello)
    bob.sees(hello)
    bob.page.type("#message", "I am wri")
    typing = ada.page.locator("#typing")
    expect(typing).to_have_text(re.compile(r"^bob-\w+ is writing …$"))
    assert height(ada.page, "#scroller") == at_rest
    assert typing.evaluate("(node) => node.closest('[aria-live], [role=log], [role=status]')") is None
    ada.screenshot(f"typing-{request.node.callspec.id}")
    expect(bob.page.locator("#typing")).to_have_text("")
    # It goes by itself …
    expect(typing).to_have_text("")
    # … and at once with what was said.
    bob.page.wait_for_timeout(1_000)
    bob.page.type("#message", "ting")
    expect(typing).to_have_text(re.compile("is writing"))
    bob.page.press("#message", "Enter")
    ada.sees("I am writing")
    expect(typing).to_have_text("", timeout=500)


def test_an_announcement_stays_over_a_reload_and_goes_at_its_end(somebody: People, stack: Stack) -> None:
    person = somebody().open("general")
    lasting, ending = a_text("Maintenance at six"), a_text("Soon over")
    end = (datetime.now(UTC) + timedelta(seconds=20)).isoformat(timespec="seconds")
    assert stack.make("broadcast", f"MESSAGE={lasting}", "LEVEL=critical").returncode == 0
    assert stack.make("broadcast", f"MESSAGE={ending}", f"UNTIL={end}").returncode == 0
    banner = person.page.locator(".banner")
    expect(banner.filter(has_text=ending)).to_be_visible()
    expect(banner.filter(has_text=lasting)).to_have_attribute("data-level", "critical")
    person.page.reload()
    person.is_live_in("general")
    expect(banner.filter(has_text=lasting)).to_be_visible()
    person.screenshot("announcements")
    expect(banner.filter(has_text=ending)).to_have_count(0, timeout=25_000)
    banner.filter(has_text=lasting).locator(".close").click()
    expect(banner.filter(has_text=lasting)).to_have_count(0)
    person.page.reload()
    person.is_live_in("general")
    expect(banner.filter(has_text=lasting)).to_have_count(0)
