"""What people write: made canonical, and refused with a reason where it can't be."""

import re
import unicodedata

from django.conf import settings

from chat.wire import Refusal

# Everything of category Cc except newline and tab, and halves of surrogate pairs.
_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
# Letters and marks that show nothing: a grapheme joiner, fillers, blank Braille, variation selectors.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | {chr(0xFE00 + n) for n in range(16)}
# Composition turns at most four code points into one, so longer texts need not be composed to be refused.
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
    if len(text := text.rstrip()) <= limit * _MOST_COMPOSED:
        text = unicodedata.normalize("NFC", text)
    if all(map(_is_blank, text)):
        raise Refusal("empty_message", "Message cannot be empty.")
    if len(text) > limit:
        raise Refusal("message_too_long", f"A message can have {limit:,} characters at most.", limit=limit)
    return text


def _is_blank(character: str) -> bool:
    return character.isspace() or character in _BLANK or unicodedata.category(character) == "Cf"
