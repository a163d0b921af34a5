"""The queues between the functions, each with a place for what can't be processed."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_sqs as sqs
from constructs import Construct

MAX_RECEIVES = 5
VISIBILITY_TO_TIMEOUT = 6
"""AWS's advice: a queue's visibility timeout is at least six times the timeout of the function it feeds."""


class QueueWithDeadLetters(Construct):
    """A standard queue, and the queue for messages that were received in vain `MAX_RECEIVES` times."""

    def __init__(self, scope: Construct, construct_id: str, *, name: str, function_timeout: Duration) -> None:
        super().__init__(scope, construct_id)
        self.dead_letters = sqs.Queue(
            self,
            "DeadLetters",
            queue_name=f"{name}-dead",
            retention_period=Duration.days(14),
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
        )
        self.queue = sqs.Queue(
            self,
            "Queue",
            queue_name=name,
            visibility_timeout=Duration.seconds(function_timeout.to_seconds() * VISIBILITY_TO_TIMEOUT),
            retention_period=Duration.days(1),
            receive_message_wait_time=Duration.seconds(20),
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead_letters, max_receive_count=MAX_RECEIVES),
        )
