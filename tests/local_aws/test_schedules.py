"""When schedules are due, and what they send."""

import json
from datetime import UTC, datetime

import pytest

from local_aws.model import Schedule
from local_aws.schedules import ScheduleInvalid, event, next_after


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
