"""Queues, the event source mappings on them, and schedules."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from local_aws.assembly.attributes import physical_name
from local_aws.assembly.lambdas import function_name
from local_aws.assembly.resources import Resource, Resources
from local_aws.model import EventSource, Function, Queue, Redrive, Schedule
from local_aws.schedules import ScheduleInvalid, next_after


def queues(resources: Resources) -> tuple[Queue, ...]:
    """The standard queues."""
    return tuple(
        _queue(resource) for resource in resources.of_type("AWS::SQS::Queue") if not is_fifo(resource)
    )


def is_fifo(resource: Resource) -> bool:
    return resource.get("FifoQueue") in (True, "true")


def event_sources(resources: Resources, functions: Mapping[str, Function]) -> tuple[EventSource, ...]:
    """The enabled mappings from queues to functions that run here."""
    return tuple(
        _event_source(resource)
        for resource in resources.of_type("AWS::Lambda::EventSourceMapping")
        if ":sqs:" in str(resource.get("EventSourceArn"))
        and function_name(str(resource.get("FunctionName"))) in functions
        and resource.get("Enabled", True) not in (False, "false")
    )


def schedules(resources: Resources, functions: Mapping[str, Function]) -> tuple[Schedule, ...]:
    """The enabled rules and schedules on a clock, one for each function that they run."""
    found = [*_rules(resources), *_schedules(resources)]
    return tuple(
        schedule
        for schedule in found
        if schedule.function in functions and why_never_due(schedule.expression, schedule.timezone) is None
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
    )


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
    )


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
                function=function_name(str(target["Arn"])),
                input=target.get("Input"),
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
            function=function_name(str(target["Arn"])),
            input=target.get("Input"),
            timezone=str(resource.get("ScheduleExpressionTimezone", "UTC")),
        )
