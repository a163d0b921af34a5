"""The stack's status page in a browser: it keeps itself up to date and leaves alone what is being read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect

from tests.stack.person import Person
from tests.stack.running import Stack

pytestmark = pytest.mark.browser


@pytest.fixture
def page(browser: Browser, stack: Stack) -> Iterator[Page]:
    """The page, which must cause no complaint of the browser's and load nothing from elsewhere."""
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    problems: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        # A lost connection is in the console whatever a page does.
        if message.type == "error" and "Failed to load resource" not in message.text:
            problems.append(message.text)

    def check(request: Request) -> None:
        if not request.url.startswith(stack.aws_endpoint):
            problems.append(request.url)

    page.on("console", hear)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", check)
    page.goto(f"{stack.aws_endpoint}/")
    yield page
    assert problems == []
    context.close()


def test_it_shows_what_happens_while_it_is_open(page: Page, stack: Stack) -> None:
    connections = page.locator("#tiles p", has_text="connections").locator("strong")
    before = int(connections.inner_text())

    with Person(stack).connect() as person:
        person.say("Hello.")

        expect(connections).to_have_text(str(before + 1))
        expect(page.locator("#invocations summary", has_text="SQS parlor-deliveries").first).to_be_visible()
        expect(page.locator("#lanes rect").first).to_be_attached()
    expect(connections).to_have_text(str(before))


def test_an_opened_invocation_stays_open_and_nothing_runs_off_a_phone(page: Page, stack: Stack) -> None:
    with Person(stack).connect() as person:
        person.say("Hello.")
        entry = page.locator("#invocations details", has_text="parlor-websocket").first
        entry.locator("summary").click()
        opened = entry.get_attribute("id")
        shown = page.locator(f'[id="{opened}"]')

        person.say("And again.")
        expect(page.locator("#invocations details").first).not_to_have_attribute("id", opened or "")
        expect(shown).to_have_attribute("open", "")
        expect(shown.get_by_text(str(opened).removeprefix("i-"))).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_it_says_when_the_stack_answers_no_more(page: Page) -> None:
    expect(page.locator("#live")).to_have_text("live")

    page.route("**/*", lambda route: route.abort())

    expect(page.locator("#live")).to_have_text("stopped")
