"""The messages of the deliveries queue: one frame, and the connections that it goes to."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

MAX_FRAME_BYTES = 131_072
"""The service's limit of a post."""
LEAST_IN_A_SHARD = 100
MOST_IN_A_SHARD = 250
SHARDS_OF_A_FRAME = 100
"""Beyond so many shards they grow instead, up to the most.

A batch of ten is what one invocation works on, and what a frame for two people may have to wait for: with
shards of 250, 2,500 posts, a quarter of a second at the account's 10,000 a second.
"""

_CONNECTION_ID = re.compile(r"[A-Za-z0-9+/_=-]{1,128}")


class UnreadableShard(Exception):
    """The message says nothing that could be delivered. The text says why."""


@dataclass(frozen=True, slots=True)
class Shard:
    """One frame and the connections that it goes to, which may have to be closed after it."""

    connections: Sequence[str]
    data: bytes
    closes: bool = False


def write_shards(
    connections: Sequence[str], data: str, *, first: str | None = None, closes: bool = False
) -> list[str]:
    """The messages that bring a frame to connections, `first` (where it is among them) before all others.

    `closes`: the connections are closed afterwards, whether they took the frame or not.
    """
    ids = list(connections)
    if first in ids:
        ids.remove(first)
        ids.insert(0, first)
    size = min(MOST_IN_A_SHARD, max(LEAST_IN_A_SHARD, -(-len(ids) // SHARDS_OF_A_FRAME)))
    # Escaped once for all shards, and in ASCII: SQS refuses some characters that a frame may have.
    escaped = json.dumps(data)
    return [_message(ids[start : start + size], escaped, closes) for start in range(0, len(ids), size)]


def write_shard(shard: Shard) -> str:
    """The message that says the same as a shard."""
    return _message(shard.connections, json.dumps(shard.data.decode()), shard.closes)


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
    closes = content.get("close", False)
    if not isinstance(closes, bool):
        raise UnreadableShard("`close` is neither true nor false.")
    possible = [each for each in connections if _CONNECTION_ID.fullmatch(each)]
    return Shard(possible, data, closes), [each for each in connections if not _CONNECTION_ID.fullmatch(each)]


def _message(connections: Sequence[str], escaped: str, closes: bool) -> str:
    close = ',"close":true' if closes else ""
    ids = json.dumps(list(connections), separators=(",", ":"))
    return f'{{"connections":{ids},"data":{escaped}{close}}}'
