"""EventBridge's clock: when `rate`, `cron` and `at` expressions are due, and the events that they send.

Expressions: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from calendar import monthrange
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from local_aws.input_transformers import at_path, transformed
from local_aws.model import Schedule

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_CRON = re.compile(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)")
_AT = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)")
_MONTHS = dict(zip("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split(), range(1, 13), strict=True))  # noqa: SIM905
_DAYS = dict(zip("SUN MON TUE WED THU FRI SAT".split(), range(1, 8), strict=True))  # noqa: SIM905
_LAST_YEAR = 2199
# Sleeping longer than this would be wrong after the machine itself has slept.
_LONGEST_SLEEP = 60.0


class ScheduleInvalid(ValueError):
    """An expression that EventBridge would refuse."""


def next_after(expression: str, moment: datetime, timezone: str = "UTC") -> datetime | None:
    """When an expression is next due after `moment`, None if never again. Raises `ScheduleInvalid`.

    A rate counts from `moment`, as it counts from a rule's creation on AWS.
    """
    if match := _RATE.fullmatch(expression):
        count, unit = int(match[1]), match[2]
        if count == 0:
            raise ScheduleInvalid(f"{expression}: a rate of zero")
        return moment + count * {"minute": timedelta(minutes=1), "hour": timedelta(hours=1)}.get(
            unit, timedelta(days=1)
        )
    zone = _zone(timezone)
    if match := _AT.fullmatch(expression):
        due = datetime.fromisoformat(match[1]).replace(tzinfo=zone)
        return due.astimezone(UTC) if due > moment else None
    if match := _CRON.fullmatch(expression):
        return _Cron.parsed(*match.groups()).next_after(moment, zone)
    raise ScheduleInvalid(f"{expression} is no rate(…), cron(…) or at(…) expression")


def _zone(name: str) -> tzinfo:
    if name == "UTC":  # needs no database of time zones
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ScheduleInvalid(f"the time zone {name} isn't known on this machine") from error


@dataclass(frozen=True, slots=True)
class _Cron:
    """AWS's six fields: minutes, hours, day of month, month, day of week (1 is Sunday), year."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: Callable[[date], bool]
    months: frozenset[int]
    years: frozenset[int]

    @classmethod
    def parsed(cls, minute: str, hour: str, day: str, month: str, weekday: str, year: str) -> _Cron:
        if (day == "?") == (weekday == "?"):
            raise ScheduleInvalid("A cron expression has a ? either for the day of the month or of the week")
        return cls(
            _numbers(minute, 0, 59),
            _numbers(hour, 0, 23),
            _by_weekday(weekday) if day == "?" else _by_day(day),
            _numbers(month, 1, 12, _MONTHS),
            _numbers(year, 1970, _LAST_YEAR),
        )

    def next_after(self, moment: datetime, zone: tzinfo) -> datetime | None:
        local = moment.astimezone(zone)
        day = local.date()
        while day.year <= max(self.years):
            if day.year not in self.years:
                day = date(day.year + 1, 1, 1)
                continue
            if day.month not in self.months:
                day = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
                continue
            if self.days(day):
                for hour in sorted(self.hours):
                    for minute in sorted(self.minutes):
                        due = datetime.combine(day, time(hour, minute), zone).astimezone(UTC)
                        # A time that the clock skips when summer begins isn't one.
                        if due > moment and due.astimezone(zone).hour == hour:
                            return due
            day += timedelta(days=1)
        return None


def _numbers(text: str, least: int, most: int, names: dict[str, int] | None = None) -> frozenset[int]:
    def number(part: str) -> int:
        value = (names or {}).get(part.upper())
        if value is None:
            if not part.isdigit():
                raise ScheduleInvalid(f"{part} is no number from {least} to {most}")
            value = int(part)
        if not least <= value <= most:
            raise ScheduleInvalid(f"{part} isn't from {least} to {most}")
        return value

    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        start = least if first in ("*", "?") else number(first)
        open_ended = first in ("*", "?") or bool(step)
        end = number(last) if last else most if open_ended else start
        every = number(step) if step else 1
        if every == 0:
            raise ScheduleInvalid(f"{part}: a step of zero")
        # FRI-MON goes over the end of the week.
        numbers = (
            range(start, end + 1, every)
            if start <= end
            else [*range(start, most + 1), *range(least, end + 1)]
        )
        found.update(numbers)
    return frozenset(found)


def _by_day(text: str) -> Callable[[date], bool]:
    if text == "L":
        return lambda day: day.day == monthrange(day.year, day.month)[1]
    if match := re.fullmatch(r"(\d+|L)W", text):
        return lambda day: day.day == _nearest_weekday(day, match[1])
    days = _numbers(text, 1, 31)
    return lambda day: day.day in days


def _by_weekday(text: str) -> Callable[[date], bool]:
    if match := re.fullmatch(r"(\w+)#([1-5])", text):
        [wanted], week = _numbers(match[1], 1, 7, _DAYS), int(match[2])
        return lambda day: _weekday(day) == wanted and (day.day - 1) // 7 + 1 == week
    if match := re.fullmatch(r"(\w{1,3})L", text):
        [wanted] = _numbers(match[1], 1, 7, _DAYS)
        return lambda day: _weekday(day) == wanted and day.day + 7 > monthrange(day.year, day.month)[1]
    days = _numbers("7" if text == "L" else text, 1, 7, _DAYS)
    return lambda day: _weekday(day) in days


def _weekday(day: date) -> int:
    return day.isoweekday() % 7 + 1


def _nearest_weekday(month: date, wanted: str) -> int:
    last = monthrange(month.year, month.month)[1]
    day = last if wanted == "L" else min(int(wanted), last)
    offset = {6: -1, 7: 1}.get(month.replace(day=day).isoweekday(), 0)
    if not 1 <= day + offset <= last:
        offset = 2 if offset < 0 else -2
    return day + offset


class Clock:
    """Sends events when their schedules are due. `deliver` takes a schedule and the event."""

    def __init__(
        self,
        schedules: Iterable[Schedule],
        deliver: Callable[[Schedule, bytes], None],
        *,
        region: str,
        account: str,
    ) -> None:
        self._schedules = tuple(schedules)
        self._deliver = deliver
        self._region = region
        self._account = account

    async def run(self) -> None:
        """Run until cancelled. What was due while the machine slept is due once, when it wakes."""
        due = [next_of(schedule, datetime.now(UTC)) for schedule in self._schedules]
        while pending := [moment for moment in due if moment is not None]:
            seconds = (min(pending) - datetime.now(UTC)).total_seconds()
            await asyncio.sleep(min(max(seconds, 0), _LONGEST_SLEEP))
            now = datetime.now(UTC)
            for index, (schedule, moment) in enumerate(zip(self._schedules, due, strict=True)):
                if moment is not None and moment <= now:
                    sent = event(schedule, moment, region=self._region, account=self._account)
                    self._deliver(schedule, sent)
                    due[index] = next_of(schedule, now)


def next_of(schedule: Schedule, moment: datetime) -> datetime | None:
    """When a schedule is next due after `moment`, within its start and end."""
    if schedule.start is not None and schedule.start > moment:
        # A rate is due at its start, and then counts from there.
        if schedule.expression.startswith("rate"):
            return schedule.start
        moment = schedule.start - timedelta(seconds=1)
    due = next_after(schedule.expression, moment, schedule.timezone)
    return due if due is None or schedule.end is None or due <= schedule.end else None


def event(schedule: Schedule, moment: datetime, *, region: str, account: str) -> bytes:
    """What the target gets: the schedule's own input, or what it makes of the event that AWS makes."""
    from_scheduler = schedule.arn.split(":")[2] == "scheduler"
    time_sent = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    if schedule.input is not None:
        return (_in_context(schedule, time_sent) if from_scheduler else schedule.input).encode()
    made = {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler" if from_scheduler else "aws.events",
        "account": account,
        "time": time_sent,
        "region": region,
        "resources": [schedule.arn],
        "detail": "{}" if from_scheduler else {},
    }
    if schedule.input_path is not None:
        return json.dumps(at_path(schedule.input_path, made)).encode()
    if schedule.transformer is not None:
        variables = {
            "aws.events.rule-arn": schedule.arn,
            "aws.events.rule-name": schedule.name,
            "aws.events.event.ingestion-time": time_sent,
            "aws.events.event": {name: value for name, value in made.items() if name != "detail"},
            "aws.events.event.json": made,
        }
        return transformed(schedule.transformer, made, variables).encode()
    return json.dumps(made).encode()


def _in_context(schedule: Schedule, time_sent: str) -> str:
    """A schedule's input with the context attributes that EventBridge Scheduler fills in."""
    text = schedule.input or ""
    for name, value in {
        "schedule-arn": schedule.arn,
        "scheduled-time": time_sent,
        "execution-id": str(uuid.uuid4()),
        "attempt-number": "1",
    }.items():
        text = text.replace(f"<aws.scheduler.{name}>", value)
    return text
