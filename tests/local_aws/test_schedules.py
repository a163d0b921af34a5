"""When schedules are due, and what they send."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from local_aws.model import InputTransformer, Schedule
from local_aws.schedules import Clock, ScheduleInvalid, event, next_after, next_of


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "moment", "due"),
    [
        ("rate(1 minute)", "2026-01-31 23:59:30", "2026-02-01 00:00:30"),
        ("rate(12 hours)", "2026-01-01 00:00", "2026-01-01 12:00"),
        ("rate(2 days)", "2026-02-27 10:00", "2026-03-01 10:00"),
        ("at(2026-11-20T13:00:00)", "2026-11-20 12:59", "2026-11-20 13:00"),
        ("at(2026-11-20T13:00:00)", "2026-11-20 13:00", None),
        ("cron(0 10 * * ? *)", "2026-01-01 09:59:59", "2026-01-01 10:00"),
        ("cron(0 10 * * ? *)", "2026-01-01 10:00", "2026-01-02 10:00"),
        ("cron(0/15 * * * ? *)", "2026-01-01 10:15", "2026-01-01 10:30"),
        ("cron(5,50 8-9 ? * MON-FRI *)", "2026-01-02 09:50", "2026-01-05 08:05"),
        ("cron(0 0 ? * FRI-MON *)", "2026-01-06 00:00", "2026-01-09 00:00"),
        ("cron(0 0 1 1 ? 2028)", "2026-01-06 00:00", "2028-01-01 00:00"),
        ("cron(0 0 1 1 ? 2020)", "2026-01-06 00:00", None),
        ("cron(0 0 L * ? *)", "2028-02-01 00:00", "2028-02-29 00:00"),
        ("cron(0 0 15W * ? *)", "2026-08-01 00:00", "2026-08-14 00:00"),
        ("cron(0 0 1W * ? *)", "2026-08-01 00:00", "2026-08-03 00:00"),
        ("cron(0 9 ? * 2#1 *)", "2026-01-05 09:00", "2026-02-02 09:00"),
        ("cron(0 9 ? * 6L *)", "2026-01-01 00:00", "2026-01-30 09:00"),
        ("cron(0 0 31 * ? *)", "2026-02-01 00:00", "2026-03-31 00:00"),
    ],
)
def test_the_next_time(expression, moment, due):
    assert next_after(expression, at(moment)) == (None if due is None else at(due))


def test_a_timezone_moves_with_its_summer():
    assert next_after("cron(0 3 * * ? *)", at("2026-01-10 00:00"), "Europe/Berlin") == at("2026-01-10 02:00")
    assert next_after("cron(0 3 * * ? *)", at("2026-07-10 00:00"), "Europe/Berlin") == at("2026-07-10 01:00")
    # 02:30 doesn't exist on the day on which summer begins.
    assert next_after("cron(30 2 * * ? *)", at("2026-03-28 12:00"), "Europe/Berlin") == at("2026-03-30 00:30")


@pytest.mark.parametrize(
    "expression",
    [
        "every day",
        "rate(0 minutes)",
        "cron(0 10 * * * *)",
        "cron(0 10 ? * ? *)",
        "cron(60 10 * * ? *)",
        "cron(0 10 * FOO ? *)",
        "cron(0 10 * * ?)",
        "cron(0/0 10 * * ? *)",
    ],
)
def test_what_aws_would_refuse_is_refused(expression):
    with pytest.raises(ScheduleInvalid):
        next_after(expression, at("2026-01-01 00:00"))


@pytest.mark.parametrize(
    ("arn", "source", "detail"),
    [
        ("arn:aws:events:us-east-1:1:rule/r", "aws.events", {}),
        ("arn:aws:scheduler:us-east-1:1:schedule/default/s", "aws.scheduler", "{}"),
    ],
)
def test_the_event_is_the_services_own(arn, source, detail):
    schedule = Schedule(name="r", arn=arn, expression="rate(1 day)", function="f")

    sent = json.loads(event(schedule, at("2026-01-01 10:00"), region="us-east-1", account="1"))

    assert (sent["source"], sent["detail-type"], sent["detail"]) == (source, "Scheduled Event", detail)
    assert (sent["time"], sent["resources"]) == ("2026-01-01T10:00:00Z", [arn])


def test_a_schedules_own_input_takes_the_events_place():
    schedule = Schedule(
        name="r", arn="arn:aws:events:::rule/r", expression="rate(1 day)", function="f", input="[1]"
    )

    assert event(schedule, at("2026-01-01 10:00"), region="us-east-1", account="1") == b"[1]"


def rule(**options: object) -> Schedule:
    defaults = {"name": "r", "arn": "arn:aws:events:us-east-1:1:rule/r", "expression": "rate(1 day)"}
    return Schedule(**defaults | options)  # type: ignore[arg-type]


def sent(schedule: Schedule) -> object:
    return json.loads(event(schedule, at("2026-01-01 10:00"), region="us-east-1", account="1"))


def test_a_part_of_the_event_or_another_one_made_of_it_may_be_sent():
    transformer = InputTransformer(
        template='{"at": <when>, "by": "<aws.events.rule-name>", "whole": <aws.events.event.json>}',
        paths={"when": "$.time"},
    )

    made = sent(rule(transformer=transformer))

    assert sent(rule(input_path="$.resources[0]")) == "arn:aws:events:us-east-1:1:rule/r"
    assert isinstance(made, dict)
    assert (made["at"], made["by"]) == ("2026-01-01T10:00:00Z", "r")
    assert made["whole"]["source"] == "aws.events"


def test_a_schedules_input_may_name_its_context():
    schedule = rule(
        arn="arn:aws:scheduler:us-east-1:1:schedule/default/r",
        input='{"at": "<aws.scheduler.scheduled-time>", "try": <aws.scheduler.attempt-number>}',
    )

    assert sent(schedule) == {"at": "2026-01-01T10:00:00Z", "try": 1}


@pytest.mark.parametrize(
    ("expression", "start", "end", "moment", "due"),
    [
        ("rate(1 hour)", "2026-01-02 00:00", None, "2026-01-01 00:00", "2026-01-02 00:00"),
        ("rate(1 hour)", "2026-01-02 00:00", None, "2026-01-03 00:00", "2026-01-03 01:00"),
        ("cron(0 0 * * ? *)", "2026-01-05 00:00", None, "2026-01-01 12:00", "2026-01-05 00:00"),
        ("cron(0 0 * * ? *)", None, "2026-01-02 00:00", "2026-01-01 12:00", "2026-01-02 00:00"),
        ("cron(0 0 * * ? *)", None, "2026-01-02 00:00", "2026-01-02 00:00", None),
    ],
)
def test_a_schedule_has_a_start_and_an_end(expression, start, end, moment, due):
    schedule = rule(
        expression=expression,
        start=None if start is None else at(start),
        end=None if end is None else at(end),
    )

    assert next_of(schedule, at(moment)) == (None if due is None else at(due))


async def test_the_clock_sends_to_every_target_and_ends_when_nothing_is_due_any_more():
    soon = (datetime.now(UTC) + timedelta(seconds=1)).strftime("at(%Y-%m-%dT%H:%M:%S)")
    schedules = [rule(expression=soon, function=name, input=f'"{name}"') for name in ("a", "b")]
    delivered: list[tuple[str | None, bytes]] = []
    clock = Clock(
        schedules,
        lambda schedule, payload: delivered.append((schedule.function, payload)),
        region="us-east-1",
        account="1",
    )

    await asyncio.wait_for(clock.run(), 3)

    assert delivered == [("a", b'"a"'), ("b", b'"b"')]
