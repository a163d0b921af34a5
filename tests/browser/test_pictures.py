"""The pictures that the README shows, taken of a stack that nobody else talks on."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Somebody
from tests.stack.running import Stack, running

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("pictures") / "data") as started:
        yield started


def test_two_people_in_a_room(somebody: Callable[..., Somebody], stack: Stack) -> None:
    ada = somebody(viewport={"width": 1100, "height": 640}, device_scale_factor=2).sign_up("Ada")
    bob = somebody(
        color_scheme="dark", viewport={"width": 390, "height": 640}, device_scale_factor=2
    ).sign_up("Bob")
    guest = somebody().open("general")
    lines = [
        (ada, "Morning! The new release is on staging."),
        (bob, "Nice. Did the migration run before the functions?"),
        (ada, "Yes, and it says what it did:\n    applied 3, made 4 rooms"),
        (guest, "Can guests see this?"),
        (bob, "They can, and write too. Let's ship it."),
    ]
    for person, line in lines:
        person.say(line)
        for each in (ada, bob, guest):
            expect(each.page.locator(".message .text").last).to_have_text(line, use_inner_text=True)
    bob.sees(lines[-1][1])
    assert stack.make("broadcast", "MESSAGE=Maintenance in 5 minutes.").returncode == 0
    for each in (ada, bob):
        expect(each.page.locator(".system").first).to_be_visible()
    ada.screenshot("chat")
    bob.screenshot("chat-phone-dark")
