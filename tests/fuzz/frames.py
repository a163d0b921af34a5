"""Frames to try the chat with: the protocol's own by a grammar, then spoilt by seeded mutation."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

ROOMS = ["general", "support", "random", "staff", "fuzz-bystanders", "no-such-room"]
# Larger ones close the connection by the protocol's own word.
LARGEST = 32_000

_TEXTS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            "", " ", "hello", "\u202eabc", "a\u0301" * 30, "\u200b", "\ud800", "\x00", "\U0001f468\u200d",
            "x" * 4000, "x" * 4001, "\ufdfa" * 300, "<script>alert(1)</script>", "'; DROP x; --",
            "{{7*7}}",             "__proto__", "constructor", "%s", "\\", '"', "\u2028", "NaN",
        ]
    ),
)  # fmt: skip
_NUMBERS = st.one_of(
    st.integers(-2, 60),
    st.sampled_from([2**31, 2**53, 2**63 - 1, 2**63, -(2**63) - 1, 10**400, 0.5, -0.0, 1e308, True]),
)
_ROOM_NAMES = st.one_of(st.sampled_from(ROOMS), _TEXTS)
_IDS = st.one_of(st.uuids().map(str), _TEXTS)
_ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), _NUMBERS, _TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_TEXTS, inner, max_size=3)),
    max_leaves=6,
)


def _frame(action: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An action as the protocol has it; or with any of its fields, each of the right kind or of another."""
    possible = {name: st.one_of(kind, kind, kind, _ANYTHING) for name, kind in fields.items()}
    named = st.just(action)
    return st.one_of(
        st.fixed_dictionaries({"action": named, **fields}),
        st.fixed_dictionaries(
            {"action": named}, optional={**possible, "client_id": st.one_of(_IDS, _ANYTHING)}
        ),
    )


FRAMES: st.SearchStrategy[dict[str, Any]] = st.one_of(
    _frame("chat_message", message=_TEXTS, room=_ROOM_NAMES, username=_TEXTS, user_id=_NUMBERS),
    _frame("edit_message", room=_ROOM_NAMES, sequence=_NUMBERS, message=_TEXTS),
    _frame("delete_message", room=_ROOM_NAMES, sequence=_NUMBERS),
    _frame("fetch_history", before=_NUMBERS, after=_NUMBERS, limit=_NUMBERS),
    _frame("change_channel", channel=_ROOM_NAMES),
    _frame("fetch_unread", seen=st.dictionaries(_ROOM_NAMES, _NUMBERS, max_size=5)),
    _frame("who_is_here"),
    _frame("typing"),
    _frame(
        "report_message",
        room=_ROOM_NAMES,
        sequence=_NUMBERS,
        reason=st.sampled_from(["spam", "abuse", "other", "else"]),
        note=_TEXTS,
    ),
    _frame(
        "restrict_person",
        kind=st.sampled_from(["mute", "ban", "kick"]),
        username=_TEXTS,
        room=st.one_of(st.none(), _ROOM_NAMES),
        seconds=_NUMBERS,
        reason=_TEXTS,
    ),
    _frame("lift_restriction", id=_NUMBERS),
    _frame("ping"),
    st.fixed_dictionaries({"action": _ANYTHING}, optional={"message": _ANYTHING, "channel": _ANYTHING}),
    st.dictionaries(_TEXTS, _ANYTHING, max_size=4),
)


def written(frame: object) -> str:
    """A frame as text. Halves of surrogate pairs stand as escapes, which is the only way to send them."""
    return json.dumps(frame)


def altered(frame: dict[str, Any], how: random.Random) -> dict[str, Any]:
    """A frame with one field of another value, which is still JSON."""
    name = how.choice([*frame, "client_id", "message", "room"])
    return {**frame, name: how.choice(_VALUES)}


def spoilt(text: str, how: random.Random) -> str:
    """A frame with a few things wrong: cut, doubled, swapped, nested, strewn with other signs."""
    for _ in range(how.randint(1, 3)):
        text = how.choice(_MUTATIONS)(text, how)
    return text.encode("utf-8", "replace")[:LARGEST].decode("utf-8", "ignore")


def _cut(text: str, how: random.Random) -> str:
    start, end = sorted((how.randint(0, len(text)), how.randint(0, len(text))))
    return text[:start] + text[end:]


def _double(text: str, how: random.Random) -> str:
    start, end = sorted((how.randint(0, len(text)), how.randint(0, len(text))))
    return text[:end] + text[start:end] * how.randint(1, 20) + text[end:]


def _strew(text: str, how: random.Random) -> str:
    at = how.randint(0, len(text))
    return text[:at] + how.choice(_SIGNS) + text[at:]


def _replace(text: str, how: random.Random) -> str:
    at = how.randint(0, len(text))
    return (
        text[:at] + chr(how.choice([how.randrange(0x20, 0x7F), how.randrange(0xA0, 0xD800)])) + text[at + 1 :]
    )


def _nest(text: str, how: random.Random) -> str:
    depth = how.choice([1, 3, 50, 2000])
    return '{"action":"chat_message","message":' + "[" * depth + text[:2000] + "]" * depth + "}"


def _rename(text: str, how: random.Random) -> str:
    return text.replace(how.choice(_KEYS), how.choice(_KEYS))


def _respell(text: str, how: random.Random) -> str:
    return text.replace("a", how.choice(["\\u0061", "A", "\uff41", "a"]), how.randint(1, 3))


_VALUES: list[Any] = [
    "general", "support", "hello", "", "chat_message", None, True, 0, 1, 7, 50, 51, -1, 0.5, 2**63, [], {},
    ["x"], {"general": 0}, {"__proto__": {}}, "00000000-0000-4000-8000-000000000000", "\u202e", "x" * 4001,
]  # fmt: skip
_SIGNS = [
    "{",
    "}",
    "[",
    "]",
    '"',
    ":",
    ",",
    "\\",
    "\\u0000",
    "\\ud83d",
    "null",
    "1e999",
    "-",
    "\x00",
    "\ufeff",
    "\n",
    "\x7f",
]
_KEYS = [
    "action",
    "message",
    "room",
    "channel",
    "sequence",
    "client_id",
    "chat_message",
    "fetch_history",
    "before",
    "after",
]
_MUTATIONS: list[Callable[[str, random.Random], str]] = [
    _cut,
    _double,
    _strew,
    _replace,
    _nest,
    _rename,
    _respell,
]
