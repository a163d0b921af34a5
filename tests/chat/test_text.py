"""The text of a message: canonical, measured in code points, refused with a reason."""

from __future__ import annotations

import time
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.text import checked_note, checked_text
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
        ("\ufffe\uffff", "\ufffe\uffff"),
    ],
)
def test_text_is_made_canonical(written: str, kept: str) -> None:
    assert checked_text(written) == kept


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        # An override shows text as it is not, closed or open.
        ("שלום \u202eabc", "שלום abc"),
        ("\u202egpj.exe\u202c", "gpj.exe"),
        ("photo\u202e gpj\u202c.exe", "photo gpj.exe"),
        # What is not closed on its line, or closes nothing.
        ("a \u2067b", "a b"),
        ("a\u2069 b\u202c c", "a b c"),
        ("\u202bshalom\nrest", "shalom\nrest"),
        ("\u2067a\n\u2069b", "a\nb"),
        # An isolate ends what was opened in it; an embedding can't end from within.
        ("\u2067a \u202bb\u2069 c", "\u2067a b\u2069 c"),
        ("\u202ba \u2067b\u202c\u2069\u202c", "\u202ba \u2067b\u2069\u202c"),
        # What is closed stays.
        ("\u2068ندى\u2069: hello", "\u2068ندى\u2069: hello"),
        ("\u202aabc\u202c", "\u202aabc\u202c"),
        ("\u2066" * 100 + "a" + "\u2069" * 100, "\u2066" * 8 + "a" + "\u2069" * 8),
    ],
)
def test_directions_end_where_they_began(written: str, kept: str) -> None:
    assert checked_text(written) == kept


@pytest.mark.parametrize(
    "text",
    [
        "שָׁלוֹם עֲלֵיכֶם",
        "בְּרֵאשִׁ֖ית בָּרָ֣א אֱלֹהִ֑ים",
        "السَّلَامُ عَلَيْكُمْ ١٢٣",
        "می\u200cخواهم",
        "क्\u200dष और क्\u200cष",
        "ශ්\u200dරී ලංකා",
        "พี่น้องที่รัก",
        "ཧྐྵྨླྺྼྻྂ",
        "Tiếng Việt, ǹ̩ɡ̀",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 \u2764\ufe0f\u200d\U0001f525",
        "1\ufe0f\u20e3 \U0001f44d\U0001f3fd",
        "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
        "\U0001f1e9\U0001f1ea \U0001f3f3\ufe0f\u200d\U0001f308",
        "abc\u200f!\u200e (\u061c)",
        "\U00010400nna",
    ],
)
def test_real_scripts_and_emoji_are_left_as_they_are(text: str) -> None:
    text = unicodedata.normalize("NFC", text)
    assert checked_text(text) == text


@pytest.mark.parametrize(
    ("written", "most"),
    [
        ("a" + "\u0302\u0323\u0336" * 500 + "b", 2 + 4),
        ("a" + "\u0e47" * 500 + "b", 2 + 8),
        ("a" + "\u0336\u200d" * 500 + "b", 2 + 4 + 8),
        ("a" + "\u0336\u2066\u2069" * 500 + "b", 2 + 4 + 1000),
        ("a" + "\u200b" * 500 + "b", 3),
        ("a" + "\u200b\u200c\u200d\u2060" * 500 + "b", 2 + 8),
        ("a" + "\ufeff\u202e" * 500 + "b", 3),
        ("a" + "\U000e0041" * 500 + "b", 2 + 8),
    ],
)
def test_towers_and_floods_are_cut(written: str, most: int) -> None:
    kept = checked_text(written)
    assert len(kept) <= most
    assert (kept[0], kept[-1]) in (("a", "b"), ("â", "b"), ("ậ", "b"), ("ạ", "b"))


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


_TROUBLE = st.sampled_from(
    "a b\n\u05d0\u0301\u0327\u0336\u200b\u200d\u034f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2069\ufe0f"
)


@given(st.text(st.characters(codec="utf-8"), max_size=200) | st.text(_TROUBLE, max_size=60))
def test_what_is_accepted_is_accepted_again_unchanged(text: str) -> None:
    try:
        kept = checked_text(text)
    except Refusal:
        return
    assert checked_text(kept) == kept
    assert unicodedata.is_normalized("NFC", kept)
    assert len(kept) <= len(unicodedata.normalize("NFC", text))


def test_a_note_is_one_line_that_can_be_shown() -> None:
    def note(value: Any) -> str:
        return checked_note(value, field="note", limit=20)

    assert note("  rude\n  words \u202e") == "rude words"
    assert note("\u200b") == ""
    for wrong in (None, 5, ["x"], "\0", "x" * 21, "x" * 1000, "\ud800"):
        with pytest.raises(Refusal) as refused:
            note(wrong)
        assert refused.value.frame()["field"] == "note"
