"""One person at one browser, whatever drives it: keys, pointer, and questions asked of the page."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Any, Self

from tests.stack.running import Stack

PASSWORD = "correct horse 42"
ENTER, UP, TAB = "\ue006", "\ue013", "\ue004"
_PATIENCE = 25.0
_MIDDLE = """
const found = document.querySelector(arguments[0]);
found.scrollIntoView({block: 'nearest'});
const {left, top, width, height} = found.getBoundingClientRect();
return [Math.round(left + width / 2), Math.round(top + height / 2)];
"""
_MESSAGES = """
return [...document.querySelectorAll('.message')].map((row) =>
  [row.querySelector('.text')?.textContent ?? '', row.dataset.state ?? '']);
"""


class Screen(ABC):
    """A browser with one page. Times are seconds, `run` takes the body of a function."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack

    @abstractmethod
    def go(self, url: str) -> None: ...

    @abstractmethod
    def back(self) -> None: ...

    @abstractmethod
    def run(self, script: str, *arguments: Any) -> Any: ...

    @abstractmethod
    def act(self, actions: list[dict[str, Any]]) -> None:
        """Perform input as WebDriver spells it; WebDriver BiDi spells it the same."""

    @abstractmethod
    def resize(self, width: int, height: int) -> None: ...

    @abstractmethod
    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def press(self, *keys: str) -> None:
        """Press keys one after the other."""
        strokes = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self.act([{"type": "key", "id": "keyboard", "actions": strokes}])

    def click(self, selector: str) -> None:
        x, y = self.run(_MIDDLE, selector)
        moves = [
            {"type": "pointerMove", "x": x, "y": y, "duration": 0},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        pointer = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": moves}
        self.act([pointer])

    def fill(self, selector: str, text: str) -> None:
        """Put text into a field as a paste does: at once, and the page is told."""
        self.run(
            """
            const field = document.querySelector(arguments[0]);
            field.focus();
            field.value = arguments[1];
            field.dispatchEvent(new Event('input', {bubbles: true}));
            """,
            selector,
            text,
        )

    def until(self, what: str, script: str, *arguments: Any) -> None:
        """Wait until a script returns something true."""
        deadline = time.monotonic() + _PATIENCE
        while not (found := self.run(script, *arguments)):
            assert time.monotonic() < deadline, f"{what}: {found!r}; the page says: {self.words()}"
            time.sleep(0.1)

    def words(self) -> str:
        return str(self.run("return document.body?.innerText ?? ''"))

    # What people do here

    def open(self, room: str = "general") -> Self:
        self.go(f"{self.stack.url}/#{room}")
        self.is_live_in(room)
        return self

    def is_live_in(self, room: str) -> None:
        self.until(
            f"live in {room}",
            """
            return document.body?.dataset.connection === 'live'
              && document.querySelector('#log')?.dataset.room === arguments[0]
              && document.querySelector(`[data-room="${arguments[0]}"][aria-current="page"]`) !== null;
            """,
            room,
        )

    def sign_up(self, name: str) -> Self:
        self.go(f"{self.stack.url}/accounts/signup/")
        for field, value in (("username", name), ("password1", PASSWORD), ("password2", PASSWORD)):
            self.fill(f"[name={field}]", value)
        self.click("main button[type=submit]")
        self.until(
            "signed in", "return document.querySelector('#who-am-i')?.textContent === arguments[0]", name
        )
        self.is_live_in("general")
        return self

    def say(self, text: str) -> None:
        self.fill("#message", text)
        self.press(ENTER)

    def sees(self, text: str, state: str = "sent") -> None:
        deadline = time.monotonic() + _PATIENCE
        while [text, state] not in (shown := self.messages()):
            assert time.monotonic() < deadline, f"no {state} {text!r} in {shown}"
            time.sleep(0.1)

    def messages(self) -> list[list[str]]:
        """Text and state of each message, in the order shown."""
        shown: list[list[str]] = self.run(_MESSAGES)
        return shown

    def texts(self) -> list[str]:
        return [text for text, _ in self.messages()]
