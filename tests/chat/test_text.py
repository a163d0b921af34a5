"""The text of a message: canonical, measured in code points, refused with a reason."""

from __future__ import annotations

import time
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.text import checked_text
from chat.wire import Refusal


def code(value: Any) -> str | None:
    try:
        checked_text(value)
    except Refusal as refused:
        return refused.code
    return None


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("hello", "hello"),
        ("hello  \n\n", "hello"),
        ("    if x:\n        y\n", "    if x:\n        y"),
        ("\n\n  a", "\n\n  a"),
        ("\ttab", "\ttab"),
        ("a\r\nb", "a\nb"),
        ("e\u0301", "\u00e9"),
        ("\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f468\u200d\U0001f469\u200d\U0001f467"),
        ("שלום \u202eabc", "שלום \u202eabc"),
        ("\ufffe\uffff", "\ufffe\uffff"),
    ],
)
def test_text_is_made_canonical(written: str, kept: str) -> None:
    assert checked_text(written) == kept


@pytest.mark.parametrize(
    "blank",
    [
        "",
        " ",
        "\n\t ",
        "\u00a0",
        "\u2003",
        "\u200b",
        "\u2800",
        "\u3164",
        "\ufeff",
        "\u200d\u200d\u200d",
        "\ufe0f",
        "\r\n",
    ],
)
def test_what_shows_nothing_is_empty(blank: str) -> None:
    assert code(blank) == "empty_message"


def test_the_sentence_for_an_empty_message_is_as_the_protocol_has_it() -> None:
    with pytest.raises(Refusal, match=r"^Message cannot be empty\.$"):
        checked_text("  ")


@pytest.mark.parametrize(
    "value",
    [
        None,
        5,
        1.5,
        True,
        [],
        {},
        ["a"],
        "\0",
        "a\0b",
        "\ud800",
        "a\udfff",
        "\x07",
        "\x1b[31m",
        "\x7f",
        "\x85",
        "a\rb",
        "\x0b",
        "\x0c",
    ],
)
def test_what_is_no_text_or_cannot_be_shown_is_invalid(value: Any) -> None:
    assert code(value) == "invalid_message"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x" * 4000, None),
        ("x" * 4001, "message_too_long"),
        ("\U0001f600" * 4000, None),
        ("\U0001f600" * 4001, "message_too_long"),
        ("x" * 3999 + "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466", "message_too_long"),
        # One code point each before NFC, three after.
        ("\ufb2c" * 1500, "message_too_long"),
        # Two code points each before NFC, one after.
        ("e\u0301" * 4000, None),
        ("e\u0301" * 4001, "message_too_long"),
        # Four code points each before NFC, one after: the most there is.
        ("\u03b1\u0313\u0300\u0345" * 4000, None),
        ("x" * 4000 + "   \n", None),
    ],
)
def test_length_is_counted_in_code_points_after_normalisation(text: str, expected: str | None) -> None:
    assert code(text) == expected


def test_the_refusal_says_the_limit() -> None:
    with pytest.raises(Refusal) as refused:
        checked_text("x" * 4001)
    assert refused.value.frame()["limit"] == 4000


@pytest.mark.parametrize("length", [4_100, 8_000, 15_999, 64_000])
@pytest.mark.parametrize("followed_by", ["", "a" * 3_000])
def test_a_text_made_to_be_slow_to_normalise_is_not_slow(length: int, followed_by: str) -> None:
    """Without care 64,000 marks take seconds."""
    marks = "".join(chr(0x300 + n % 0x40) for n in range(length))
    began = time.process_time()
    assert code(f"a{marks}{followed_by}") == "message_too_long"
    assert time.process_time() - began < 0.25


@given(st.text(st.characters(codec="utf-8"), max_size=200))
def test_what_is_accepted_is_accepted_again_unchanged(text: str) -> None:
    try:
        kept = checked_text(text)
    except Refusal:
        return
    assert checked_text(kept) == kept
    assert unicodedata.is_normalized("NFC", kept)
