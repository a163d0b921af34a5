"""Leaves out the event source mappings whose function may not read from their source: AWS refuses these.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html,
https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from local_aws.model import Assembly, Unsupported
from local_aws.roles import Roles

_OF_QUEUES = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
_OF_STREAMS = ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator")


def with_permitted_mappings(assembly: Assembly) -> Assembly:
    """The assembly without those mappings; each of them is named among what isn't run."""
    roles = Roles(assembly)
    refused: list[Unsupported] = []

    def is_permitted(function: str, source: str, actions: Sequence[str]) -> bool:
        session = roles.session(assembly.functions[function].role_arn, function)
        missing = [action for action in actions if not roles.authorize(session, action, source).allowed]
        if missing:
            reason = f"the role of {function} doesn't allow {', '.join(missing)} on {source}"
            refused.append(
                Unsupported(
                    logical_id=f"of {function}",
                    type="AWS::Lambda::EventSourceMapping",
                    meaning=f"AWS refuses it: {reason}",
                )
            )
        return not missing

    queues = [s for s in assembly.event_sources if is_permitted(s.function, s.queue_arn, _OF_QUEUES)]
    streams = [s for s in assembly.stream_sources if is_permitted(s.function, s.stream_arn, _OF_STREAMS)]
    return replace(
        assembly,
        event_sources=tuple(queues),
        stream_sources=tuple(streams),
        unsupported=(*assembly.unsupported, *refused),
    )
