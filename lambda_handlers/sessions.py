"""The sessions function: forgets who has gone; on a schedule, passes on what was left behind, cleans up."""

import json
import logging
import re
from dataclasses import asdict
from typing import Any

from lambda_handlers.django_setup import check_connections, set_up

set_up()

from chat.cleanup import clean_up  # noqa: E402 (needs a Django that is set up)
from chat.closing import close_when_logins_end  # noqa: E402
from chat.connections import forget_gone  # noqa: E402
from chat.outbox import pass_on_overdue  # noqa: E402

_ID = re.compile(r"[\w=-]{1,128}\Z", re.ASCII)

logger = logging.getLogger(__name__)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """An SQS batch of `{"connections": [id, …]}`, or the schedule's event."""
    check_connections()
    if "Records" in event:
        return _forget(event["Records"])
    passed_on = pass_on_overdue()
    if passed_on:
        logger.warning("Passed on %d events that had been left behind", passed_on)
    closing = close_when_logins_end()
    cleaned = clean_up()
    logger.info("Cleaned up: %s", cleaned)
    return {"events_passed_on": passed_on, "logins_running_out": closing, **asdict(cleaned)}


def _forget(records: list[dict[str, Any]]) -> dict[str, Any]:
    """Forget what the records name. A record that can't be read fails alone, so that SQS sets it aside."""
    gone: list[str] = []
    failures = []
    for record in records:
        try:
            gone += _connection_ids(record["body"])
        except ValueError as error:
            logger.error("Message %s of the gone queue can't be read: %s", record["messageId"], error)
            failures.append({"itemIdentifier": record["messageId"]})
    forgotten = forget_gone(gone) if gone else 0
    logger.info("Forgot %d of %d connections", forgotten, len(gone))
    return {"batchItemFailures": failures}


def _connection_ids(body: str) -> list[str]:
    message = json.loads(body)
    ids = message.get("connections") if isinstance(message, dict) else None
    if not isinstance(ids, list) or not all(isinstance(one, str) and _ID.match(one) for one in ids):
        raise ValueError('expected {"connections": ["id", …]}')
    return ids
