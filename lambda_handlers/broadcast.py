"""The broadcast function: one system message for everyone or one room, invoked by hand."""

import logging
from typing import Any

from lambda_handlers.django_setup import check_connections, set_up

set_up()

from chat.broadcast import broadcast  # noqa: E402 (needs a Django that is set up)
from chat.wire import Refusal  # noqa: E402
from delivery.sqs import QueueError  # noqa: E402

logger = logging.getLogger(__name__)

_FIELDS = {"message", "room", "level", "until"}


def handler(event: Any, context: Any) -> dict[str, Any]:
    """`{"message": …, "room"?: …, "level"?: …, "until"?: …}` → how many
    connections it goes to, or why it doesn't.
    """
    check_connections()
    try:
        sent = broadcast(**_arguments(event))
    except Refusal as refused:
        return {"ok": False, "error": refused.sentence, "code": refused.code}
    except QueueError as error:
        logger.exception("The broadcast of request %s was not queued", context.aws_request_id)
        return {"ok": False, "error": f"The message was not sent: {error}", "code": "delivery_unavailable"}
    return {"ok": True, "room": sent.room, "connections": sent.connections, "shards": sent.shards}


def _arguments(event: Any) -> dict[str, Any]:
    if not isinstance(event, dict) or "message" not in event or not event.keys() <= _FIELDS:
        raise Refusal(
            "invalid_request", 'Send {"message": "…"}, with "room", "level" and "until" if you like.'
        )
    # A field that is null is one that was left out.
    return {name: value for name, value in event.items() if name == "message" or value is not None}
