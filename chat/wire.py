"""The frames that go out: their shapes, and how they are written as JSON."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NotRequired, TypedDict

from django.http import HttpResponse

GUEST_NAME = "Anonymous"

STATUSES = {
    "unknown_action": 404,
    "room_forbidden": 403,
    "message_forbidden": 403,
    "moderation_forbidden": 403,
    "posting_forbidden": 403,
    "muted": 403,
    "too_late": 403,
    "rate_limited": 429,
    "session_ended": 401,
    "internal_error": 500,
    "delivery_unavailable": 503,
}


class Refusal(Exception):
    """An action that is answered with a sentence for a person and a code for the client."""

    def __init__(self, code: str, sentence: str, **details: Any) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.details = details

    def frame(self) -> dict[str, Any]:
        return {"ok": False, "type": "error", "error": self.sentence, "code": self.code, **self.details}


class EventFrame(TypedDict):
    """An event of a room as history and pushes show it: a message, or a message's change.

    Of a change, `sequence` is its own number and `target` the message's; the other fields are the message's
    as it is now. `revision` is the number of a message's latest change.
    """

    type: str
    sequence: int
    username: str
    guest: bool
    message: str
    created_at: str
    client_id: NotRequired[str | None]
    target: NotRequired[int]
    revision: NotRequired[int]
    edited_at: NotRequired[str]
    deleted: NotRequired[bool]
    by_moderator: NotRequired[bool]


def encode(frame: Mapping[str, Any]) -> str:
    """A frame as text, in as few bytes as UTF-8 allows. Only for frames of checked text."""
    return json.dumps(frame, ensure_ascii=False, separators=(",", ":"))


def timestamp(moment: datetime) -> str:
    return moment.isoformat()


def answer(frame: Mapping[str, Any], *, status: int = 200) -> HttpResponse:
    """An answer to the connection that asked: API Gateway sends the body of the response to it."""
    try:
        content = encode(frame).encode()
    except UnicodeEncodeError:
        # Half of a surrogate pair, in what is repeated of the request: it can only be sent escaped.
        content = json.dumps(frame).encode()
    return HttpResponse(content, status=status, content_type="application/json")


def refusal(refused: Refusal) -> HttpResponse:
    # Refusals may repeat what the client sent, so every character that isn't ASCII is escaped.
    return HttpResponse(
        json.dumps(refused.frame()), status=STATUSES.get(refused.code, 400), content_type="application/json"
    )
