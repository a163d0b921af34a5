"""Outgoing text messages as bytes: in frames of at most 32 KB, as API Gateway sends them."""

from __future__ import annotations

import struct

MAX_FRAME = 32 * 1024

_CONTINUATION, _TEXT, _LAST = 0x00, 0x01, 0x80


def text_message(data: bytes) -> bytes:
    """The frames of one text message.

    They are never compressed: that is allowed where compression was negotiated, and on one machine it only
    costs time.
    """
    size = len(data)
    if size < 126:
        return b"%c%c%b" % (_TEXT | _LAST, size, data)
    if size <= MAX_FRAME:
        return struct.pack("!BBH", _TEXT | _LAST, 126, size) + data
    frames: list[bytes] = []
    for start in range(0, size, MAX_FRAME):
        part = data[start : start + MAX_FRAME]
        first = _TEXT if start == 0 else _CONTINUATION
        last = _LAST if start + MAX_FRAME >= size else 0
        frames += (_header(first | last, len(part)), part)
    return b"".join(frames)


def _header(first: int, size: int) -> bytes:
    return struct.pack("!BB", first, size) if size < 126 else struct.pack("!BBH", first, 126, size)
