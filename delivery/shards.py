"""The messages of the deliveries queue: one frame, and the connections that it goes to."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from delivery.posting import Shard

MAX_FRAME_BYTES = 131_072
"""The service's limit of a post."""

_CONNECTION_ID = re.compile(r"[A-Za-z0-9+/_=-]{1,128}")


class UnreadableShard(Exception):
    """The message says nothing that could be delivered. The text says why."""


def read_shard(message: str) -> tuple[Shard, list[str]]:
    """The shard that a message describes, and those of its ids that can't be any connection's.

    :raises UnreadableShard:
    """
    try:
        content = json.loads(message)
    except (ValueError, RecursionError) as error:
        raise UnreadableShard(f"It is not JSON: {error}.") from error
    if not isinstance(content, dict):
        raise UnreadableShard("It is not a JSON object.")
    connections, text = content.get("connections"), content.get("data")
    if not isinstance(connections, list) or not all(isinstance(each, str) for each in connections):
        raise UnreadableShard("`connections` is no list of connection ids.")
    if not isinstance(text, str):
        raise UnreadableShard("`data` is no text.")
    try:
        data = text.encode()
    except UnicodeEncodeError as error:
        raise UnreadableShard("`data` has lone surrogates.") from error
    if len(data) > MAX_FRAME_BYTES:
        raise UnreadableShard(f"`data` has {len(data):,} bytes, more than a post may carry.")
    possible = [each for each in connections if _CONNECTION_ID.fullmatch(each)]
    return Shard(possible, data), [each for each in connections if not _CONNECTION_ID.fullmatch(each)]


def write_shard(connections: Sequence[str], data: bytes) -> str:
    """A message that asks for a frame to be delivered, in ASCII."""
    return json.dumps({"connections": list(connections), "data": data.decode()}, separators=(",", ":"))
