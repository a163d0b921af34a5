"""Reading undisturbed: what is read stays in place, whatever comes, and however small the window is."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Somebody
from tests.browser.test_two_people import PHONE
from tests.stack.person import Person
from tests.stack.running import Stack

pytestmark = pytest.mark.browser

People = Callable[..., Somebody]
ROOM = "support"
A_GUESTS_LIMIT = 10
# In the reader's own time: how far a row moves within some frames of what is done to the page.
WATCH = """
(row) => {
  const top = row.getBoundingClientRect().top;
  window.moved = 0;
  window.watching = true;
  const look = () => {
    window.moved = Math.max(window.moved, Math.abs(row.getBoundingClientRect().top - top));
    if (window.watching) requestAnimationFrame(look);
  };
  look();
}
"""


def guests_say(stack: Stack, texts: list[str]) -> Iterator[str]:
    """Have guests say all of it, each as much as one of them may."""
    for start in range(0, len(texts), A_GUESTS_LIMIT):
        with Person(stack).connect(ROOM) as guest:
            for text in texts[start : start + A_GUESTS_LIMIT]:
                assert guest.say(text)["ok"]
                yield text


@pytest.fixture(scope="module")
def long_room(stack: Stack) -> None:
    """More messages of all heights than a page of history holds."""
    heights = ["one line", "\n".join(["many lines"] * 25), "w" * 1_500]
    assert len(list(guests_say(stack, [f"{number}: {heights[number % 3]}" for number in range(110)]))) == 110


def row(page: Page, text: str) -> Locator:
    return page.locator(".message").filter(has_text=text)


def still_while(page: Page, anchor: Locator, act: Callable[[], Any]) -> float:
    """How far a row moved, in pixels, while something happened."""
    anchor.evaluate(WATCH)
    act()
    page.wait_for_timeout(300)
    page.evaluate("window.watching = false")
    moved: float = page.evaluate("window.moved")
    return moved


@pytest.mark.usefixtures("long_room")
def test_what_is_read_stays_where_it_is(somebody: People, stack: Stack) -> None:
    page = somebody().open(ROOM).page
    expect(row(page, "109: ")).to_be_visible()
    scroller = page.locator("#scroller")

    # Somebody reads further up while others write.
    scroller.evaluate("node => { node.scrollTop = node.scrollHeight / 2 }")
    page.wait_for_timeout(400)
    middle = page.evaluate_handle(
        "document.elementFromPoint(700, 400).closest('.message, .day')"
    ).as_element()
    assert middle is not None
    middle.evaluate(WATCH)
    news = [f"news {uuid.uuid4().hex[:6]}" for _ in range(5)]
    assert list(guests_say(stack, news)) == news
    expect(row(page, news[-1])).to_be_attached()
    expect(page.locator(".newest")).to_contain_text("5 new messages")
    page.evaluate("window.watching = false")
    assert page.evaluate("window.moved") <= 2

    # The button leads to the newest, and there the view stays.
    page.click(".newest")
    last = f"last {uuid.uuid4().hex[:6]}"
    assert list(guests_say(stack, [last])) == [last]
    expect(row(page, last)).to_be_in_viewport()


@pytest.mark.usefixtures("long_room")
def test_older_messages_come_without_a_jump(somebody: People) -> None:
    page = somebody().open(ROOM).page
    expect(row(page, "109: ")).to_be_visible()
    first = int(page.locator(".message").first.get_attribute("data-sequence") or 0)
    assert first > 1
    page.locator("#scroller").evaluate("node => { node.scrollTop = 10 }")
    anchor = page.locator(f'.message[data-sequence="{first}"]')
    moved = still_while(
        page, anchor, lambda: expect(page.locator(f'.message[data-sequence="{first - 1}"]')).to_be_attached()
    )
    assert moved <= 2
    assert page.locator(f'.message[data-sequence="{first - 51}"]').count() == 0, (
        "one load for each reach of the top"
    )


@pytest.mark.usefixtures("long_room")
def test_the_keyboard_of_a_phone_leaves_room_to_write(somebody: People) -> None:
    phone = somebody(**PHONE).open(ROOM)
    page = phone.page
    field = page.locator("#message")
    assert field.evaluate("node => parseFloat(getComputedStyle(node).fontSize)") >= 16
    assert not {"maximum-scale", "user-scalable"} & {
        part.split("=")[0].strip()
        for part in (page.get_attribute("meta[name=viewport]", "content") or "").split(",")
    }
    field.focus()
    for height in (664, 330):
        page.set_viewport_size({"width": 390, "height": height})
        expect(field).to_be_in_viewport(ratio=1)
        expect(page.locator(".message").last).to_be_in_viewport()
    page.set_viewport_size({"width": 320, "height": 500})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_the_back_button_leads_to_what_was_missed(somebody: People, stack: Stack) -> None:
    person = somebody().open(ROOM)
    page = person.page
    page.fill("#message", "a draft")
    page.goto(f"{stack.url}/accounts/login/")
    missed = f"missed {uuid.uuid4().hex[:6]}"
    assert list(guests_say(stack, [missed])) == [missed]
    page.go_back()
    person.is_live_in(ROOM)
    person.sees(missed)
    assert person.texts().count(missed) == 1
    expect(page.locator("#message")).to_have_value("a draft")
