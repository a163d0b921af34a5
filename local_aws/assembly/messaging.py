"""Queues, the event source mappings on them, and schedules."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from local_aws.assembly.attributes import physical_name
from local_aws.assembly.lambdas import function_name
from local_aws.assembly.resources import Resource, Resources
from local_aws.event_patterns import PatternInvalid, check
from local_aws.model import EventSource, Function, InputTransformer, Queue, Redrive, Schedule
from local_aws.schedules import ScheduleInvalid, next_after


def queues(resources: Resources) -> tuple[Queue, ...]:
    return tuple(_queue(resource) for resource in resources.of_type("AWS::SQS::Queue"))


def event_sources(resources: Resources, functions: Mapping[str, Function]) -> tuple[EventSource, ...]:
    """The enabled mappings from queues to functions that run here, without those that AWS refuses."""
    return tuple(
        _event_source(resource)
        for resource in resources.of_type("AWS::Lambda::EventSourceMapping")
        if ":sqs:" in str(resource.get("EventSourceArn"))
        and function_name(str(resource.get("FunctionName"))) in functions
        and resource.get("Enabled", True) not in (False, "false")
        and why_refused(resource, functions) is None
    )


def why_refused(resource: Resource, functions: Mapping[str, Function]) -> str | None:
    """Why AWS doesn't create a mapping, if it doesn't."""
    try:
        for pattern in _patterns(resource):
            check(pattern)
    except (PatternInvalid, ValueError) as error:
        return f"its filter is invalid ({error})"
    if ":sqs:" not in str(resource.get("EventSourceArn")):
        return None
    size, window = int(resource.get("BatchSize", 10)), int(resource.get("MaximumBatchingWindowInSeconds", 0))
    if size > 10 and window == 0:
        return f"a batch size of {size}, over 10, needs MaximumBatchingWindowInSeconds"
    if (most := resource.get("ScalingConfig", {}).get("MaximumConcurrency")) is not None and int(most) < 2:
        return f"MaximumConcurrency is {most}, and 2 is the least"
    function = functions.get(function_name(str(resource.get("FunctionName"))))
    visibility = _visibility(resource.scope.all, str(resource.get("EventSourceArn")))
    if function is not None and visibility is not None and visibility < function.timeout_seconds:
        return (
            f"the queue's visibility timeout, {visibility} s, is less than the function's timeout, "
            f"{function.timeout_seconds} s"
        )
    return None


def schedules(resources: Resources, functions: Mapping[str, Function]) -> tuple[Schedule, ...]:
    """The enabled rules and schedules on a clock, one for each function that they run."""
    found = [*_rules(resources), *_schedules(resources)]
    return tuple(
        schedule
        for schedule in found
        if (schedule.queue_arn is not None or schedule.function in functions)
        and why_never_due(schedule.expression, schedule.timezone) is None
    )


def why_never_due(expression: str, timezone: str = "UTC") -> str | None:
    """What is wrong with a schedule's expression, if something is."""
    try:
        next_after(expression, datetime.now(UTC), timezone)
    except ScheduleInvalid as error:
        return str(error)
    return None


def _queue(resource: Resource) -> Queue:
    def seconds(name: str, default: int) -> int:
        return int(resource.get(name, default))

    return Queue(
        name=physical_name(resource),
        arn=resource.attribute("Arn"),
        url=resource.ref,
        visibility_timeout=seconds("VisibilityTimeout", 30),
        delay=seconds("DelaySeconds", 0),
        retention=seconds("MessageRetentionPeriod", 345_600),
        receive_wait=seconds("ReceiveMessageWaitTimeSeconds", 0),
        max_message_bytes=int(resource.get("MaximumMessageSize", 1_048_576)),
        redrive=_redrive(resource.get("RedrivePolicy")),
        fifo=_is_true(resource.get("FifoQueue")),
        deduplicates_content=_is_true(resource.get("ContentBasedDeduplication")),
        deduplicates_in_groups=resource.get("DeduplicationScope") == "messageGroup",
    )


def _is_true(value: object) -> bool:
    return value in (True, "true")


def _redrive(policy: Any) -> Redrive | None:
    if not policy:
        return None
    given = json.loads(policy) if isinstance(policy, str) else policy
    return Redrive(queue_arn=given["deadLetterTargetArn"], max_receives=int(given["maxReceiveCount"]))


def _event_source(resource: Resource) -> EventSource:
    concurrency = resource.get("ScalingConfig", {}).get("MaximumConcurrency")
    return EventSource(
        queue_arn=str(resource.get("EventSourceArn")),
        function=function_name(str(resource.get("FunctionName"))),
        batch_size=int(resource.get("BatchSize", 10)),
        window_seconds=int(resource.get("MaximumBatchingWindowInSeconds", 0)),
        reports_batch_item_failures="ReportBatchItemFailures" in resource.get("FunctionResponseTypes", ()),
        max_concurrency=None if concurrency is None else int(concurrency),
        patterns=tuple(_patterns(resource)),
    )


def _patterns(resource: Resource) -> Iterator[Mapping[str, Any]]:
    for item in resource.get("FilterCriteria", {}).get("Filters", ()):
        yield json.loads(item.get("Pattern", "{}"))


def _visibility(resources: Resources, queue_arn: str) -> int | None:
    for resource in resources.of_type("AWS::SQS::Queue"):
        if resource.attribute("Arn") == queue_arn:
            return int(resource.get("VisibilityTimeout", 30))
    return None


def _rules(resources: Resources) -> Iterator[Schedule]:
    for resource in resources.of_type("AWS::Events::Rule"):
        expression = resource.get("ScheduleExpression")
        if expression is None or resource.get("State", "ENABLED") == "DISABLED":
            continue
        for target in resource.get("Targets", ()):
            yield Schedule(
                name=physical_name(resource),
                arn=resource.attribute("Arn"),
                expression=str(expression),
                **_target(target),
                input_path=target.get("InputPath"),
                transformer=_transformer(target.get("InputTransformer")),
            )


def _schedules(resources: Resources) -> Iterator[Schedule]:
    for resource in resources.of_type("AWS::Scheduler::Schedule"):
        if resource.get("State", "ENABLED") == "DISABLED":
            continue
        target = resource.get("Target")
        yield Schedule(
            name=physical_name(resource),
            arn=resource.attribute("Arn"),
            expression=str(resource.get("ScheduleExpression")),
            **_target(target),
            timezone=str(resource.get("ScheduleExpressionTimezone", "UTC")),
            start=_moment(resource.get("StartDate")),
            end=_moment(resource.get("EndDate")),
        )


def _target(target: Mapping[str, Any]) -> dict[str, Any]:
    arn = str(target["Arn"])
    if ":sqs:" in arn:
        group = target.get("SqsParameters", {}).get("MessageGroupId")
        return {"queue_arn": arn, "message_group": group, "input": target.get("Input")}
    return {"function": function_name(arn), "input": target.get("Input"), "role_arn": target.get("RoleArn")}


def _transformer(given: Mapping[str, Any] | None) -> InputTransformer | None:
    if given is None:
        return None
    return InputTransformer(template=str(given["InputTemplate"]), paths=given.get("InputPathsMap", {}))


def _moment(text: object) -> datetime | None:
    if text is None:
        return None
    moment = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
