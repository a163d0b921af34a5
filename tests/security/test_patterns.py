"""ReDoS: time grows with the input and not with its square, in whatever reads what people send."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

import pytest

from chat.frames import client_id_of, read_frame
from chat.rooms import is_room_name
from chat.text import checked_note, checked_text, defused
from chat.wire import Refusal
from lambda_handlers.viewer import viewer_address

UNITS = [
    "a", "-", "_", "\u0301", "a\u0301", "\u200b", "\u200d", "\u202e", "\u202a", "\u202c", "\u2066", "\u2069",
    "\u2066\u202a", "\u2067\u2069", "\ufdfa", "\u1100", "\u1161", " ", "\n", "\t", "\\", '"', "0", "1.1,",
    "\u0f71", "\U0001f468\u200d", "\ud800", "%", "\u1f82",
]  # fmt: skip
READERS: dict[str, Callable[[str], object]] = {
    "defused": defused,
    "checked_text": checked_text,
    "checked_note": lambda text: checked_note(text, field="note", limit=500),
    "is_room_name": is_room_name,
    "client_id_of": lambda text: client_id_of({"client_id": text}),
    "read_frame": lambda text: read_frame(text.encode("utf-8", "replace")),
    "viewer_address": lambda text: viewer_address(text, "203.0.113.1"),
}


def took(read: Callable[[str], object], text: str) -> float:
    """The least processor time of a few turns, in seconds."""
    least = float("inf")
    for _ in range(3):
        started = time.process_time()
        with contextlib.suppress(Refusal, ValueError, TypeError, KeyError, RecursionError):
            read(text)
        least = min(least, time.process_time() - started)
    return least


@pytest.mark.parametrize("name", list(READERS))
def test_holding_up_a_function_by_its_patterns(name: str) -> None:
    """Four times the text takes about four times as long. The square would be sixteen."""
    read = READERS[name]
    for unit in UNITS:
        for before, after in (("", ""), ("x", "!"), ("", "\x00")):
            small, large = (before + unit * (size // len(unit)) + after for size in (8_000, 32_000))
            short, long = took(read, small), took(read, large)
            # What takes a few milliseconds holds up nobody, and is beyond what the clock can compare.
            assert long < max(10 * short, 0.02), (name, unit, short, long)
