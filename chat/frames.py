"""The frames that come in: read strictly, each field checked before anything uses it."""

import json
import math
import re
from typing import Any
from uuid import UUID

from chat.wire import Refusal

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z", re.IGNORECASE)
_LARGEST_SEQUENCE = 2**63 - 1
_LONGEST_ECHO = 100


def read_frame(body: bytes) -> dict[str, Any]:
    """The object that a frame holds, with a string as its `action`.

    :raises Refusal: `unknown_action` where it is no JSON object, `invalid_request` where a key is repeated:
        API Gateway and Django might not take the same one of the two.
    """
    repeated: list[str] = []

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        read = dict(pairs)
        if len(read) < len(pairs):
            keys = [key for key, _ in pairs]
            repeated.append(next(key for key in keys if keys.count(key) > 1))
        return read

    try:
        frame = json.loads(body.decode(), object_pairs_hook=unique, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        # Not JSON, not UTF-8, a number of thousands of digits, or nested too deep.
        raise unknown_action() from None
    if not isinstance(frame, dict):
        raise unknown_action()
    if repeated:
        refused = Refusal("invalid_request", "A key appears twice.", field=repeated[0])
        refused.details |= echo(frame)
        raise refused
    if not isinstance(frame.get("action"), str):
        frame["action"] = ""
    return frame


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def unknown_action() -> Refusal:
    return Refusal("unknown_action", "Unknown WebSocket action.")


def echo(frame: dict[str, Any]) -> dict[str, Any]:
    """What an answer repeats of the request: its `client_id`, however wrong, if it is short."""
    value = frame.get("client_id")
    # A number like 1e999 was read as infinity, which JSON can't say.
    if isinstance(value, (dict, list)) or value in (math.inf, -math.inf) or len(str(value)) > _LONGEST_ECHO:
        return {}
    return {"client_id": value} if "client_id" in frame else {}


def client_id_of(frame: dict[str, Any]) -> UUID | None:
    """The sender's id of a message, if there is one.

    :raises Refusal: `invalid_request` where it isn't a UUID in its usual 36 characters.
    """
    if "client_id" not in frame:
        return None
    value = frame["client_id"]
    if not isinstance(value, str) or not _UUID.match(value):
        raise Refusal("invalid_request", "client_id must be a UUID.", field="client_id")
    return UUID(value)


def sequence_of(frame: dict[str, Any], field: str) -> int | None:
    """The position that a history page is asked from, if there is one.

    :raises Refusal: `invalid_request` where it is no whole number of 0 or more.
    """
    return _whole_number(frame, field, 0, _LARGEST_SEQUENCE)


def limit_of(frame: dict[str, Any], most: int) -> int | None:
    """How many messages a history page may have, if the request says so.

    :raises Refusal: `invalid_request` where it is no whole number from 1 to `most`.
    """
    return _whole_number(frame, "limit", 1, most)


def whole_number_or_null(frame: dict[str, Any], field: str, least: int, most: int) -> int | None:
    """A number that may be missing or null.

    :raises Refusal: `invalid_request` where it is no whole number from `least` to `most`.
    """
    return None if frame.get(field) is None else _whole_number(frame, field, least, most)


def _whole_number(frame: dict[str, Any], field: str, least: int, most: int) -> int | None:
    if field not in frame:
        return None
    value = frame[field]
    # A bool is an int to Python, and no number to anybody else.
    if type(value) is not int or not least <= value <= most:
        upper = f" to {most}" if most < _LARGEST_SEQUENCE else " or more"
        raise Refusal("invalid_request", f"{field} must be a whole number of {least}{upper}.", field=field)
    return value
