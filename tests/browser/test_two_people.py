"""Two people at two real browsers on the running stack."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Somebody
from tests.stack.running import Stack

pytestmark = pytest.mark.browser

People = Callable[..., Somebody]
PHONE = {
    "viewport": {"width": 390, "height": 664},
    "device_scale_factor": 2,
    "has_touch": True,
    "is_mobile": True,
}


def a_text(words: str = "hello") -> str:
    return f"{words} {uuid.uuid4().hex[:8]}"


def test_they_talk(somebody: People, a_name: Callable[[str], str]) -> None:
    ada, guest = somebody().sign_up(a_name("ada")), somebody().open("general")
    question, answer = a_text("Is anybody here?"), a_text("I am.")
    ada.say(question)
    ada.sees(question)
    guest.sees(question)
    guest.say(answer)
    guest.sees(answer)
    ada.sees(answer)
    for person in (ada, guest):
        shown = person.texts()
        assert shown.index(question) < shown.index(answer)
        assert shown.count(question) == shown.count(answer) == 1


def test_history_is_there_for_who_comes_later(somebody: People) -> None:
    first = somebody().open("support")
    text = a_text("said before")
    first.say(text)
    first.sees(text)
    somebody().open("support").sees(text)


def test_rooms_change_without_a_new_connection(somebody: People) -> None:
    person, other = somebody().open("general"), somebody().open("random")
    sockets: list[str] = []
    person.page.on("websocket", lambda opened: sockets.append(opened.url))
    here, there = a_text("general"), a_text("random")
    person.say(here)
    person.sees(here)
    person.go_to("random")
    person.is_live_in("random")
    other.say(there)
    person.sees(there)
    assert here not in person.texts()
    expect(person.page).to_have_url(re.compile("#random$"))
    person.page.go_back()
    person.is_live_in("general")
    person.sees(here)
    assert there not in person.texts()
    assert sockets == []


def test_a_burst_before_a_switch_stays_in_its_room(somebody: People) -> None:
    person, here, there = somebody().open("general"), somebody().open("general"), somebody().open("support")
    texts = [a_text(f"burst {number}") for number in range(9)]
    for text in texts:
        person.say(text)
    person.go_to("support")
    person.is_live_in("support")
    for text in texts:
        here.sees(text)
    assert not set(texts) & set(there.texts())
    assert not set(texts) & set(person.texts())


def test_a_broadcast_stands_out(somebody: People, stack: Stack) -> None:
    person, elsewhere = somebody().open("general"), somebody().open("random")
    text = a_text("Maintenance in five minutes")
    assert stack.make("broadcast", f"MESSAGE={text}").returncode == 0
    for each in (person, elsewhere):
        expect(each.page.locator(".system").filter(has_text=text).first).to_be_visible()
    person.screenshot("broadcast")


def test_they_go_on_after_the_gateway_restarts(somebody: People, stack: Stack) -> None:
    ada, guest = somebody().open("general"), somebody().open("general")
    before, unsent, after = a_text("before"), a_text("while it was away"), a_text("after")
    ada.say(before)
    guest.sees(before)
    stack.stop()
    expect(ada.page.locator("body")).to_have_attribute("data-connection", "waiting")
    ada.say(unsent)
    ada.sees(unsent, state="pending")
    ada.screenshot("reconnecting")
    stack.start()
    for person in (ada, guest):
        person.is_live_in("general")
        person.sees(unsent)
    guest.say(after)
    ada.sees(after)
    for person in (ada, guest):
        shown = person.texts()
        assert [text for text in shown if text in (before, unsent, after)] == [before, unsent, after]


def test_what_was_not_sent_survives_a_reload(somebody: People, stack: Stack) -> None:
    person = somebody().open("support")
    text = a_text("keep me")
    person.context.set_offline(True)
    person.page.evaluate("window.dispatchEvent(new Event('offline'))")
    person.say(text)
    person.sees(text, state="pending")
    person.context.set_offline(False)
    person.page.reload()
    person.is_live_in("support")
    person.sees(text)
    assert person.texts().count(text) == 1


def test_markup_is_shown_as_what_was_typed(somebody: People) -> None:
    writer, reader = somebody().open("random"), somebody().open("random")
    text = f"<img src=x onerror=alert(1)><b>{uuid.uuid4().hex[:8]}</b> &amp; ${{7*7}} {{{{7*7}}}}"
    writer.say(text)
    reader.sees(text)
    assert reader.page.locator("#log img, #log b").count() == 0


def test_indentation_stays(somebody: People) -> None:
    person = somebody().open("random")
    mark = uuid.uuid4().hex[:8]
    person.page.fill("#message", f"if x:  # {mark}\n    y\n        z")
    person.page.press("#message", "Enter")
    person.sees(mark)
    shown = person.message(mark).locator(".text")
    assert shown.evaluate("node => node.textContent") == f"if x:  # {mark}\n    y\n        z"
    assert shown.evaluate("node => getComputedStyle(node).whiteSpace") in ("pre-wrap", "break-spaces")


@pytest.mark.parametrize("length", [4000, 4001])
def test_the_counter_counts_as_the_server_does(somebody: People, length: int) -> None:
    person = somebody().open("random")
    mark = uuid.uuid4().hex[:8]
    text = mark + "\U0001f600" * (length - len(mark))
    person.page.fill("#message", text)
    send = person.page.locator("#send")
    if length > 4000:
        expect(send).to_be_disabled()
        expect(person.page.locator("#problem")).to_contain_text("1 too many")
        person.page.press("#message", "Enter")
        assert person.page.input_value("#message") == text
    else:
        expect(send).to_be_enabled()
        person.page.press("#message", "Enter")
        person.sees(mark)


def test_signing_out_makes_a_guest(somebody: People, a_name: Callable[[str], str]) -> None:
    name = a_name("ada")
    person = somebody().sign_up(name)
    person.page.get_by_role("button", name="Log out").click()
    expect(person.page.locator("#who-am-i")).to_have_text("Anonymous")
    person.is_live_in("general")
    person.page.get_by_role("link", name="Sign in").click()
    person.screenshot("sign-in")
    person.page.fill("[name=username]", name)
    person.page.fill("[name=password]", "wrong")
    person.page.click("main button[type=submit]")
    expect(person.page.locator("main")).to_contain_text("Please enter a correct username and password")
    person.page.fill("[name=password]", "correct horse 42")
    person.page.click("main button[type=submit]")
    expect(person.page.locator("#who-am-i")).to_have_text(name)


def test_a_room_that_is_not_open_leads_to_one_that_is(somebody: People, stack: Stack) -> None:
    person = somebody()
    person.page.goto(f"{stack.url}/#staff")
    person.is_live_in("general")
    expect(person.page.locator("#banners")).to_contain_text("staff")


def test_the_log_announces_what_is_new_and_only_that(somebody: People) -> None:
    reader, writer = somebody().open("support"), somebody().open("support")
    log = reader.page.get_by_role("log")
    expect(log).to_have_attribute("aria-live", "polite")
    assert log.get_attribute("aria-atomic") != "true"
    reader.page.evaluate(
        """() => {
            window.added = [];
            const log = document.querySelector('#log');
            window.kept = [...log.children];
            new MutationObserver((changes) => {
                const nodes = changes.flatMap((change) => [...change.addedNodes]);
                const rows = nodes.filter((node) => node.classList?.contains('message'));
                window.added.push(...rows.map((row) => row.querySelector('.text').textContent));
            }).observe(log, { childList: true });
        }"""
    )
    texts = [a_text(f"new {number}") for number in range(3)]
    for text in texts[:2]:
        writer.say(text)
        reader.sees(text)
    reader.say(texts[2])
    reader.sees(texts[2])
    assert reader.page.evaluate("window.added") == texts
    assert reader.page.evaluate("window.kept.every((node) => node.isConnected)")


def test_many_triggers_open_one_socket(somebody: People, stack: Stack) -> None:
    person = somebody().open("general")
    person.page.evaluate(
        """async () => {
            const events = [
                [window, 'offline'], [window, 'online'], [document, 'visibilitychange'], [window, 'pageshow'],
            ];
            for (let round = 0; round < 20; round += 1) {
                const [target, name] = events[round % events.length];
                target.dispatchEvent(new Event(name));
                await new Promise((done) => setTimeout(done, 50));
            }
        }"""
    )
    person.is_live_in("general")
    text = a_text("once")
    person.say(text)
    person.sees(text)
    assert person.texts().count(text) == 1
    answer = stack.make("broadcast", "MESSAGE=Counting.", "ROOM=general")
    assert '"connections": 1,' in answer.stdout or '"connections":1,' in answer.stdout, answer.stdout


def test_a_phone(somebody: People, a_name: Callable[[str], str]) -> None:
    phone = somebody(**PHONE).sign_up(a_name("eve"))
    for number in range(8):
        phone.say(a_text(f"A longer line of talk, number {number}, so that it has to wrap on a small screen"))
    text = a_text("the last one")
    phone.say(text)
    phone.sees(text)
    phone.screenshot("phone")
    for width, height in ((390, 664), (390, 330), (320, 568)):
        phone.page.set_viewport_size({"width": width, "height": height})
        phone.page.locator("#message").focus()
        expect(phone.page.locator("#message")).to_be_in_viewport(ratio=1)
        expect(phone.message(text)).to_be_in_viewport()
        assert phone.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        size = phone.page.locator("#message").evaluate("node => parseFloat(getComputedStyle(node).fontSize)")
        assert size >= 16
        phone.screenshot(f"phone-{width}x{height}")
