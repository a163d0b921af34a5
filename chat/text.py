"""What people write: made canonical, defused where it would trouble others, refused where it can't be."""

import re
import unicodedata

from django.conf import settings

from chat.wire import Refusal

# Everything of category Cc except newline and tab, and halves of surrogate pairs.
_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
# Letters and marks that show nothing: a grapheme joiner, fillers, blank Braille, variation selectors.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | {chr(0xFE00 + n) for n in range(16)}
# Composition makes at most four code points one: a base and three marks, as in U+1F82.
_MOST_COMPOSED = 4

_EMBEDDINGS, _OVERRIDES, _ISOLATES = "\u202a\u202b", "\u202d\u202e", "\u2066\u2067\u2068"
_POP, _POP_ISOLATE = "\u202c", "\u2069"
_DIRECTIONS = re.compile(f"[{_EMBEDDINGS}{_OVERRIDES}{_ISOLATES}{_POP}{_POP_ISOLATE}]")
# Deeper than anybody writes. The Unicode algorithm itself stops at 125.
_DEEPEST = 8
# Six in a row spell the flag of Scotland; other scripts and emoji take one or two.
_MOST_INVISIBLE = 8
# Eight signs at one letter make the longest stack of Tibetan. Of accents, which every script can take, five
# would be a tower.
_MOST_MARKS = 8
_MOST_ACCENTS = 4
_ACCENTS = re.compile("[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]")


def checked_text(value: object) -> str:
    """The text of a message: NFC, newlines as one character, without trailing white space, defused.

    Indentation is kept, since people paste code.

    :raises Refusal: `invalid_message`, `empty_message` or `message_too_long`.
    """
    if not isinstance(value, str):
        raise Refusal("invalid_message", "A message must be text.")
    text = value.replace("\r\n", "\n")
    if _FORBIDDEN.search(text):
        raise Refusal("invalid_message", "The message contains characters that cannot be shown.")
    limit: int = settings.CHAT_MESSAGE_LENGTH
    if (text := text.rstrip()) and not _stays_longer_than(limit, text):
        text = unicodedata.normalize("NFC", text)
    if all(map(_is_blank, text)):
        raise Refusal("empty_message", "Message cannot be empty.")
    if len(text) > limit:
        raise Refusal("message_too_long", f"A message can have {limit:,} characters at most.", limit=limit)
    return defused(text)


def checked_note(value: object, *, field: str, limit: int) -> str:
    """A short remark on one line, which may be empty.

    :raises Refusal: `invalid_request`.
    """
    if not isinstance(value, str) or len(value) > 4 * limit or _FORBIDDEN.search(value):
        raise Refusal("invalid_request", f"{field} must be text that can be shown.", field=field)
    note = defused(unicodedata.normalize("NFC", " ".join(value.split())))
    if len(note) > limit:
        raise Refusal("invalid_request", f"{field} can have {limit} characters at most.", field=field)
    return "" if all(map(_is_blank, note)) else note


def defused(text: str) -> str:
    """Text in NFC without what would reach beyond itself: it stays so, and never gets longer.

    Towers of accents are cut, floods of invisible characters too. Characters that turn the direction around
    go where they are not closed on their line, and overrides always: they show text as it is not. What real
    scripts and emoji use stays: marks of direction, isolates in pairs, joiners.
    """
    if text.isascii():
        return text
    kept = _without_towers_and_floods(text)
    if _DIRECTIONS.search(kept):
        kept = "\n".join(map(_with_directions_closed, kept.split("\n")))
    # What stood apart may now compose, or a blank be the last.
    return text if kept == text else defused(unicodedata.normalize("NFC", kept).rstrip())


def _without_towers_and_floods(text: str) -> str:
    kept = []
    marks = accents = invisible = 0
    before = ""
    for character in text:
        if character < "\u00ad":
            marks = accents = invisible = 0
        elif _is_invisible(character):
            invisible += 1
            # Tags spell words, in which a letter may come twice.
            if invisible > _MOST_INVISIBLE or (character == before and character < "\U000e0000"):
                continue
        elif _DIRECTIONS.match(character):
            pass
        elif unicodedata.category(character) in ("Mn", "Me"):
            marks += 1
            accents += _ACCENTS.match(character) is not None
            if marks > _MOST_MARKS or accents > _MOST_ACCENTS:
                continue
        else:
            marks = accents = invisible = 0
        kept.append(character)
        before = character
    return "".join(kept)


def _with_directions_closed(line: str) -> str:
    """A line with those changes of direction that end on it: the algorithm ends them there in any case."""
    kept: list[str] = []
    # Where in `kept` each change that is open stands, and what it is.
    opened: list[tuple[int, str]] = []
    for character in line:
        if not _DIRECTIONS.match(character):
            kept.append(character)
        elif character in _POP:
            # It ends the last change, if no isolate stands between.
            if opened and opened[-1][1] not in _ISOLATES:
                _, what = opened.pop()
                kept.append("" if what in _OVERRIDES else character)
        elif character in _POP_ISOLATE:
            if any(what in _ISOLATES for _, what in opened):
                while opened[-1][1] not in _ISOLATES:
                    kept[opened.pop()[0]] = ""
                opened.pop()
                kept.append(character)
        elif len(opened) < _DEEPEST:
            opened.append((len(kept), character))
            kept.append("" if character in _OVERRIDES else character)
    for position, _ in opened:
        kept[position] = ""
    return "".join(kept)


def _stays_longer_than(limit: int, text: str) -> bool:
    """Whether composition can't shorten `text` to `limit`.

    Normalising takes the square of the length of a run of marks. What is asked here first is linear, and
    leaves no run that takes more than milliseconds.
    """
    if len(text) <= limit or len(text) > limit * _MOST_COMPOSED:
        return len(text) > limit
    run = left_over = 0
    for character in text:
        run = run + 1 if unicodedata.combining(character) else 0
        left_over += run >= _MOST_COMPOSED
    return left_over > limit


def _is_invisible(character: str) -> bool:
    if character in _BLANK:
        return True
    return unicodedata.category(character) == "Cf" and not _DIRECTIONS.match(character)


def _is_blank(character: str) -> bool:
    return character.isspace() or character in _BLANK or unicodedata.category(character) == "Cf"
