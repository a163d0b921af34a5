"""A real browser, and people who use it on a running stack. Screenshots are kept in build/screenshots."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.stack.running import ROOT, Stack, running

SCREENSHOTS = ROOT / "build" / "screenshots"
PASSWORD = "correct horse 42"
expect.set_options(timeout=15_000)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of the browsers' own: they stop and start it."""
    with running(tmp_path_factory.mktemp("browser") / "data") as started:
        yield started


class Somebody:
    """One person at one browser. Fails the test that saw an error in the console, or a request elsewhere."""

    def __init__(self, stack: Stack, context: BrowserContext) -> None:
        self.stack = stack
        self.context = context
        self.page: Page = context.new_page()
        self.problems: list[str] = []
        self.foreign: list[str] = []
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("console", self._hear)
        self.page.on("request", lambda request: self._check(request.url))

    def _hear(self, message: Any) -> None:
        # A refused or lost connection is in the console whatever a page does.
        if message.type == "error" and not re.search(r"WebSocket|Failed to load resource", message.text):
            self.problems.append(message.text)

    def _check(self, url: str) -> None:
        if not url.startswith((self.stack.url, self.stack.socket_url, "data:", "blob:")):
            self.foreign.append(url)

    def open(self, room: str = "general") -> Somebody:
        self.page.goto(f"{self.stack.url}/#{room}")
        self.is_live_in(room)
        return self

    def is_live_in(self, room: str) -> None:
        expect(self.page.locator("body")).to_have_attribute("data-connection", "live")
        expect(self.page.locator("#log")).to_have_attribute("data-room", room)
        expect(self.page.locator(f'[data-room="{room}"][aria-current="page"]')).to_have_count(1)

    def sign_up(self, name: str) -> Somebody:
        self.page.goto(f"{self.stack.url}/accounts/signup/")
        self.page.fill("[name=username]", name)
        self.page.fill("[name=password1]", PASSWORD)
        self.page.fill("[name=password2]", PASSWORD)
        self.page.click("main button[type=submit]")
        expect(self.page.locator("#who-am-i")).to_have_text(name)
        self.is_live_in("general")
        return self

    def say(self, text: str) -> None:
        self.page.fill("#message", text)
        self.page.press("#message", "Enter")

    def go_to(self, room: str) -> None:
        self.page.click(f'a[data-room="{room}"]')

    def sees(self, text: str, *, state: str = "sent") -> None:
        expect(self.message(text)).to_have_attribute("data-state", state)

    def message(self, text: str) -> Any:
        return self.page.locator(".message").filter(has=self.page.locator(".text", has_text=text))

    def texts(self) -> list[str]:
        return self.page.locator(".message .text").all_inner_texts()

    def screenshot(self, name: str) -> Path:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        self.page.screenshot(path=path)
        return path


@pytest.fixture
def somebody(stack: Stack, browser: Browser) -> Iterator[Callable[..., Somebody]]:
    """Makes people, each with a browser profile of their own."""
    people: list[Somebody] = []

    def make(**options: Any) -> Somebody:
        context = browser.new_context(
            **{"viewport": {"width": 1280, "height": 800}, "locale": "en-GB", **options}
        )
        people.append(Somebody(stack, context))
        return people[-1]

    yield make
    for person in people:
        assert person.problems == []
        assert person.foreign == []
        person.context.close()


@pytest.fixture
def a_name() -> Callable[[str], str]:
    return lambda name: f"{name}-{uuid.uuid4().hex[:6]}"
