"""The chat in Firefox and WebKitGTK: what people do most, and what engines differ in."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest

from tests.engines.screen import ENTER, TAB, UP, Screen
from tests.stack.person import Person
from tests.stack.running import ROOT, Stack

pytestmark = [pytest.mark.browser]

Screens = Callable[..., Screen]
AXE = """
const found = await axe.run(document, {resultTypes: ['violations']});
return found.violations.map(({id, nodes}) => `${id}: ${nodes.map(({html}) => html).join(', ')}`);
"""


def a_text(words: str) -> str:
    return f"{words} {uuid.uuid4().hex[:8]}"


def violations(person: Screen) -> list[str]:
    person.run(
        (ROOT / "frontend/node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")
        + "; globalThis.axe = axe;"
    )
    found: list[str] = person.run(AXE)
    return found


def test_two_people_talk(screen: Screens) -> None:
    ada, guest = screen().sign_up(f"ada-{uuid.uuid4().hex[:6]}"), screen().open()
    question, answer = a_text("Is anybody here?"), a_text("I am.")
    ada.say(question)
    ada.sees(question)
    guest.sees(question)
    guest.say(answer)
    for person in (ada, guest):
        person.sees(answer)
        shown = person.texts()
        assert shown.index(question) < shown.index(answer)
        assert shown.count(question) == shown.count(answer) == 1


def test_rooms_change_on_one_connection_and_back_leads_back(screen: Screens) -> None:
    person = screen().open("general")
    person.run(
        """
        window.opened = 0;
        const Real = WebSocket;
        window.WebSocket = class extends Real {
          constructor(...given) { super(...given); window.opened += 1; }
        };
        """
    )
    here, there = a_text("here"), a_text("there")
    person.say(here)
    person.sees(here)
    person.click('a[data-room="random"]')
    person.is_live_in("random")
    person.say(there)
    person.sees(there)
    assert here not in person.texts()
    person.back()
    person.is_live_in("general")
    person.sees(here)
    assert there not in person.texts()
    assert person.run("return window.opened") == 0


def test_the_unsent_go_out_after_the_gateway_is_back(screen: Screens, stack: Stack) -> None:
    person = screen().open("support")
    unsent = [a_text(f"unsent {number}") for number in range(3)]
    stack.stop()
    person.until("waiting", "return document.body.dataset.connection === 'waiting'")
    for text in unsent:
        person.say(text)
        person.sees(text, state="pending")
    stack.start()
    person.go(f"{stack.url}/accounts/login/")
    person.open("support")
    for text in unsent:
        person.sees(text)
    assert [text for text in person.texts() if text in unsent] == unsent


def test_what_is_missed_behind_another_page_is_there_after_going_back(screen: Screens, stack: Stack) -> None:
    """Both engines keep pages for the way back, and cut their sockets."""
    person = screen().open("random")
    person.fill("#message", "a draft")
    person.go(f"{stack.url}/accounts/login/")
    missed = a_text("missed")
    with Person(stack).connect("random") as other:
        assert other.say(missed)["ok"]
    person.back()
    person.is_live_in("random")
    person.sees(missed)
    assert person.texts().count(missed) == 1
    assert person.run("return document.querySelector('#message').value") == "a draft"


def test_text_is_shown_as_it_was_typed(screen: Screens) -> None:
    person = screen().open("random")
    mark = uuid.uuid4().hex[:8]
    for text in (f"<img src=x onerror=alert(1)><b>{mark}</b> &amp;", f"if x:  # {mark}\n    y\n        z"):
        person.say(text)
        person.sees(text)
    assert person.run("return document.querySelectorAll('#log img, #log b').length") == 0


def test_the_counter_counts_code_points(screen: Screens) -> None:
    person = screen().open("random")
    person.fill("#message", "\U0001f600" * 4_001)
    person.until("said so", "return document.querySelector('#problem').innerText.includes('1 too many')")
    person.press(ENTER)
    assert person.run("return document.querySelector('#message').value.length") == 8_002
    person.fill("#message", "\U0001f600" * 4_000)
    assert person.run("return document.querySelector('#send').disabled") is False


def test_a_message_is_found_by_the_keyboard_and_edited(screen: Screens) -> None:
    ada = screen().sign_up(f"ada-{uuid.uuid4().hex[:6]}")
    before, after = a_text("before"), a_text("after")
    ada.say(before)
    ada.sees(before)
    ada.press(UP)
    ada.until("in the menu", "return document.activeElement?.closest('#message-menu') !== null")
    for _ in range(2):
        ada.press("\ue014")
    # By the pointer: keys sent through WebDriver BiDi press no button in Firefox.
    ada.until("at Edit", "return document.activeElement.textContent === 'Edit'")
    ada.click("#message-menu button:nth-child(3)")
    ada.until("editing", "return document.querySelector('#message').value === arguments[0]", before)
    ada.say(after)
    ada.sees(after)


def test_the_log_takes_in_what_is_new_and_only_that(screen: Screens, stack: Stack) -> None:
    reader = screen().open("support")
    reader.run(
        """
        window.added = [];
        const log = document.querySelector('#log');
        window.kept = [...log.children];
        new MutationObserver((changes) => {
          const nodes = changes.flatMap((each) => [...each.addedNodes]);
          const rows = nodes.filter((each) => each.classList?.contains('message'));
          window.added.push(...rows.map((row) => row.querySelector('.text').textContent));
        }).observe(log, {childList: true});
        """
    )
    texts = [a_text(f"new {number}") for number in range(3)]
    with Person(stack).connect("support") as writer:
        for text in texts:
            writer.say(text)
            reader.sees(text)
    assert reader.run("return window.added") == texts
    assert reader.run("return window.kept.every((node) => node.isConnected)")


def test_a_phone_shows_field_and_last_message(screen: Screens) -> None:
    person = screen().open("general")
    text = a_text("the last one " * 12)
    person.say(text)
    person.sees(text)
    for width, height in ((500, 664), (500, 330)):
        person.resize(width, height)
        person.until(
            f"both in sight at {width}x{height}",
            """
            const inside = (node) => {
              const {top, bottom} = node.getBoundingClientRect();
              return top < innerHeight && bottom > 0;
            };
            const rows = document.querySelectorAll('.message');
            return inside(document.querySelector('#message')) && inside(rows[rows.length - 1])
              && document.documentElement.scrollWidth <= innerWidth;
            """,
        )


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing(screen: Screens, stack: Stack, dark: bool) -> None:
    person = screen(dark=dark)
    person.go(f"{stack.url}/accounts/login/")
    assert violations(person) == []
    person.open("general")
    assert person.run("return matchMedia('(prefers-color-scheme: dark)').matches") is dark
    person.say(a_text("*strong* `code` https://example.com/"))
    person.press(TAB)
    assert violations(person) == []
