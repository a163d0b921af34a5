"""The delivery function: posts the frames of an SQS batch, and names the messages that must come again."""

from functools import cache
from typing import Any

from delivery.deliveries import Deliveries
from delivery.environment import in_lambda, read_environment, signer_for
from delivery.posting import Poster
from delivery.sqs import QueueSender


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """An SQS batch of `{"connections": [id, …], "data": "<frame>"}`."""
    records = event["Records"]
    failed = _deliveries().deliver(
        [record["body"] for record in records], seconds=context.get_remaining_time_in_millis() / 1000
    )
    return {"batchItemFailures": [{"itemIdentifier": records[position]["messageId"]} for position in failed]}


@cache
def _deliveries() -> Deliveries:
    environment = read_environment()
    queue_signer = signer_for("sqs")
    return Deliveries(
        Poster(
            environment.connections_url,
            signer_for("execute-api"),
            posts_per_second=environment.posts_per_second,
        ),
        deliveries=QueueSender(environment.deliveries_url, queue_signer),
        dead_letters=QueueSender(environment.dead_letters_url, queue_signer),
        gone=QueueSender(environment.gone_url, queue_signer),
    )


if in_lambda():
    _deliveries()  # the time before the first event is the cheapest there is
