"""Everybody can use it: axe finds nothing, it speaks the language of the browser, and obeys the keyboard."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PASSWORD, Somebody
from tests.stack.running import ROOT

pytestmark = pytest.mark.browser

People = Callable[..., Somebody]


def violations(page: Page) -> list[str]:
    """What axe objects to on the page as it is now."""
    page.evaluate((ROOT / "frontend/node_modules/axe-core/axe.min.js").read_text())
    found: dict[str, Any] = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{each['id']}: {each['help']}: {[node['html'] for node in each['nodes']]}"
        for each in found["violations"]
    ]


@pytest.mark.parametrize(("scheme", "locale"), [("light", "en-GB"), ("dark", "de-DE")])
def test_axe_finds_nothing(somebody: People, a_name: Callable[[str], str], scheme: str, locale: str) -> None:
    person = somebody(color_scheme=scheme, locale=locale)
    page = person.page
    page.goto(f"{person.stack.url}/accounts/login/")
    assert violations(page) == []
    page.goto(f"{person.stack.url}/accounts/signup/")
    page.fill("[name=username]", name := a_name("ada"))
    page.click("main button[type=submit]")
    assert violations(page) == []
    page.fill("[name=password1]", PASSWORD)
    page.fill("[name=password2]", PASSWORD)
    page.click("main button[type=submit]")
    person.is_live_in("general")
    for path in ("", "password/", "password/done/", "delete/", "reset/", "reset/sent/", "reset/new/"):
        page.goto(f"{person.stack.url}/accounts/{path}")
        assert violations(page) == [], path
    person.open("general")
    mark = uuid.uuid4().hex[:8]
    person.say(f"*{mark}* `code` https://example.com/ @{name} ```\nblock\n```")
    person.sees(mark)
    page.fill("#message", "x" * 4_001)
    assert violations(page) == []


def test_the_page_speaks_the_language_of_the_browser(somebody: People) -> None:
    person = somebody(locale="de-AT").open("general")
    expect(person.page.locator("html")).to_have_attribute("lang", "de-AT")
    expect(person.page.locator("#connection-state")).to_have_text("Verbunden")
    expect(person.page.locator("#message")).to_have_attribute("placeholder", "Nachricht an General")


def test_somebody_is_called_by_the_keyboard(somebody: People, a_name: Callable[[str], str]) -> None:
    ada, bob = somebody().sign_up(a_name("ada")), somebody().sign_up(a_name("bob"))
    name = ada.page.inner_text("#who-am-i")
    greeting, call = f"hello {uuid.uuid4().hex[:8]}", f"are you there, {uuid.uuid4().hex[:8]}?"
    ada.say(greeting)
    bob.sees(greeting)
    bob.page.type("#message", "@ada")
    bob.page.press("#message", "Tab")
    expect(bob.page.locator("#message")).to_have_value(f"@{name} ")
    bob.page.type("#message", call)
    bob.page.press("#message", "Enter")
    bob.sees(call)
    expect(ada.message(call)).to_have_class("message calls")
    expect(bob.message(call)).to_have_class("message own")


def test_links_lead_away_safely(somebody: People) -> None:
    person = somebody().open("random")
    mark = uuid.uuid4().hex[:8]
    person.say(f"see https://example.com/{mark}, not javascript:alert('{mark}')")
    person.sees(mark)
    links = person.message(mark).locator(".text a")
    expect(links).to_have_count(1)
    expect(links).to_have_attribute("href", f"https://example.com/{mark}")
    assert {"noopener", "noreferrer"} <= set((links.get_attribute("rel") or "").split())
