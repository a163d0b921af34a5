"""What people write: made canonical, and refused with a reason where it can't be."""

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


def checked_text(value: object) -> str:
    """The text of a message: NFC, newlines as one character, without trailing white space.

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
    return text


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


def _is_blank(character: str) -> bool:
    return character.isspace() or character in _BLANK or unicodedata.category(character) == "Cf"
