"""The delivery function: posts the frames of an SQS batch, and names the messages that must come again."""

from typing import Any

from delivery.deliveries import Deliveries, Received
from delivery.environment import in_lambda, read_environment, signer_for
from delivery.posting import Poster
from delivery.signing import Signer
from delivery.sqs import QueueSender


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """An SQS batch of `{"connections": [id, …], "data": "<frame>"}`."""
    received = [
        Received(
            id=record["messageId"],
            body=record["body"],
            receipt=record["receiptHandle"],
            count=int(record["attributes"]["ApproximateReceiveCount"]),
        )
        for record in event["Records"]
    ]
    failed = _kept.deliveries().deliver(received, seconds=context.get_remaining_time_in_millis() / 1000)
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


class _Kept:
    """What outlives an invocation: made anew when the function's credentials are others than before."""

    def __init__(self) -> None:
        self._signer: Signer | None = None
        self._deliveries: Deliveries | None = None

    def deliveries(self) -> Deliveries:
        signer = signer_for("execute-api")
        if self._deliveries is None or signer != self._signer:
            self.close()
            self._signer, self._deliveries = signer, _deliveries(signer)
        return self._deliveries

    def close(self) -> None:
        if self._deliveries is not None:
            self._deliveries.close()
            self._deliveries = None


def _deliveries(signer: Signer) -> Deliveries:
    environment = read_environment()
    queue_signer = signer_for("sqs")
    return Deliveries(
        Poster(environment.connections_url, signer, posts_per_second=environment.posts_per_second),
        deliveries=QueueSender(environment.deliveries_url, queue_signer),
        dead_letters=QueueSender(environment.dead_letters_url, queue_signer),
        gone=QueueSender(environment.gone_url, queue_signer),
    )


_kept = _Kept()
if in_lambda():
    _kept.deliveries()  # the time before the first event is the cheapest there is
