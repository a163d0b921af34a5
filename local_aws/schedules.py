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

from local_aws.functions import Invoker
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
    """Invokes functions when their schedules are due."""

    def __init__(self, schedules: Iterable[Schedule], invoke: Invoker, *, region: str, account: str) -> None:
        self._schedules = tuple(schedules)
        self._invoker = invoke
        self._region = region
        self._account = account
        self._invocations: set[asyncio.Task[object]] = set()

    async def run(self) -> None:
        """Run until cancelled. What was due while the machine slept is due once, when it wakes."""
        due = {schedule: self._next(schedule, datetime.now(UTC)) for schedule in self._schedules}
        while pending := [moment for moment in due.values() if moment is not None]:
            seconds = (min(pending) - datetime.now(UTC)).total_seconds()
            await asyncio.sleep(min(max(seconds, 0), _LONGEST_SLEEP))
            now = datetime.now(UTC)
            for schedule, moment in due.items():
                if moment is not None and moment <= now:
                    self._send(schedule, moment)
                    due[schedule] = self._next(schedule, now)

    def _next(self, schedule: Schedule, moment: datetime) -> datetime | None:
        return next_after(schedule.expression, moment, schedule.timezone)

    def _send(self, schedule: Schedule, moment: datetime) -> None:
        if schedule.function is None:
            return
        payload = event(schedule, moment, region=self._region, account=self._account)
        invocation: asyncio.Task[object] = asyncio.create_task(
            self._invoker.invoke(schedule.function, payload)
        )
        self._invocations.add(invocation)
        invocation.add_done_callback(self._done)

    def _done(self, invocation: asyncio.Task[object]) -> None:
        self._invocations.discard(invocation)
        if not invocation.cancelled():
            invocation.exception()  # throttled: the function's log and the next time say enough


def event(schedule: Schedule, moment: datetime, *, region: str, account: str) -> bytes:
    """What the function gets: the schedule's own input, or the event that AWS makes."""
    if schedule.input is not None:
        return schedule.input.encode()
    from_scheduler = schedule.arn.split(":")[2] == "scheduler"
    return json.dumps(
        {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.scheduler" if from_scheduler else "aws.events",
            "account": account,
            "time": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": region,
            "resources": [schedule.arn],
            "detail": "{}" if from_scheduler else {},
        }
    ).encode()
