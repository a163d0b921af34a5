"""Asynchronous invocations: tried again, given up by age and number, told to destinations, never lost."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from local_aws.functions.background import EventInvocations
from local_aws.functions.service import Functions
from local_aws.model import EventInvocation
from local_aws.queues.queue import Attribute

FAILING = "def handler(event, context): raise ValueError('no good')"
Sent = tuple[str, Any, dict[str, Attribute]]


class Clock:
    """Time that passes as soon as somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


class Events:
    """Events of a stack, with what was sent to destinations and said in the terminal."""

    def __init__(self, functions: Functions, journal: Path) -> None:
        self.clock = Clock()
        self.sent: list[Sent] = []
        self.said: list[str] = []
        self.invocations = EventInvocations(
            functions,
            journal,
            self._send,
            self.said.append,
            sleep=self.clock.sleep,
            now=lambda: self.clock.now,
        )

    def _send(self, arn: str, body: str, attributes: dict[str, Attribute]) -> bool:
        if ":sqs:" not in arn:
            return False
        self.sent.append((arn.rpartition(":")[2], json.loads(body), attributes))
        return True

    async def settled(self) -> None:
        async with asyncio.timeout(20):
            while self.invocations.pending:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


@pytest.fixture
async def events(tmp_path):
    opened: list[Events] = []

    def begin(functions: Functions) -> Events:
        opened.append(Events(functions, tmp_path / "events.journal"))
        return opened[-1]

    yield begin
    for events in opened:
        await events.invocations.close()


def config(**options: Any) -> EventInvocation:
    return EventInvocation(
        on_success="arn:aws:sqs:us-east-1:1:good", on_failure="arn:aws:sqs:us-east-1:1:bad", **options
    )


async def test_a_failing_event_is_tried_three_times_and_told_to_its_destination(function, start, events):
    functions = start(function(FAILING, events=config()))
    found = events(functions)

    request_id = found.invocations.invoke("target", b'{"a": 1}')
    await found.settled()

    assert found.clock.slept == [60, 120]
    assert [record.id for record in functions.invocations] == [request_id] * 3
    [(queue, record, _)] = found.sent
    assert queue == "bad"
    assert record["requestContext"] == {
        "requestId": request_id,
        "functionArn": "arn:aws:lambda:us-east-1:123456789012:function:target:$LATEST",
        "condition": "RetriesExhausted",
        "approximateInvokeCount": 3,
    }
    assert record["requestPayload"] == {"a": 1}
    assert record["responseContext"]["functionError"] == "Unhandled"
    assert record["responsePayload"]["errorType"] == "ValueError"


async def test_a_success_is_told_to_its_own_destination(function, start, events):
    found = events(start(function("def handler(event, context): return [event]", events=config())))

    found.invocations.invoke("target", b"7")
    await found.settled()

    [(queue, record, _)] = found.sent
    assert (queue, record["requestContext"]["condition"]) == ("good", "Success")
    assert record["responsePayload"] == [7]
    assert record["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST"}


@pytest.mark.parametrize(
    ("options", "condition", "tries"),
    [
        ({"maximum_retries": 0}, "RetriesExhausted", 1),
        ({"maximum_retries": 1}, "RetriesExhausted", 2),
        ({"maximum_age": 60}, "EventAgeExceeded", 2),
    ],
)
async def test_retries_and_age_are_bounded_by_the_template(
    function, start, events, options, condition, tries
):
    found = events(start(function(FAILING, events=config(**options))))

    found.invocations.invoke("target", b"{}")
    await found.settled()

    [(_, record, _)] = found.sent
    context = record["requestContext"]
    assert (context["condition"], context["approximateInvokeCount"]) == (condition, tries)


async def test_a_function_without_any_concurrency_hands_its_events_on_at_once(function, start, events):
    dead = config(dead_letters="arn:aws:sqs:us-east-1:1:dead")
    found = events(start(function(FAILING, reserved_concurrency=0, events=dead)))

    found.invocations.invoke("target", b'{"a": 1}')
    await found.settled()

    [(_, record, _), (queue, body, attributes)] = found.sent
    assert record["requestContext"]["condition"] == "ZeroReservedConcurrency"
    assert found.clock.slept == []
    assert (queue, body, attributes["ErrorCode"].string) == ("dead", {"a": 1}, "429")


async def test_a_dead_letter_is_the_event_itself_with_what_was_wrong(function, start, events):
    options = EventInvocation(maximum_retries=0, dead_letters="arn:aws:sqs:us-east-1:1:dead")
    found = events(start(function(FAILING, events=options)))

    request_id = found.invocations.invoke("target", b'{"a": 1}')
    await found.settled()

    [(queue, body, attributes)] = found.sent
    assert (queue, body) == ("dead", {"a": 1})
    assert {name: (value.data_type, value.string) for name, value in attributes.items()} == {
        "RequestID": ("String", request_id),
        "ErrorCode": ("Number", "200"),
        "ErrorMessage": ("String", "no good"),
    }


async def test_an_event_that_nobody_wants_is_named_when_it_is_dropped(function, start, events):
    found = events(start(function(FAILING, events=EventInvocation(maximum_retries=0))))

    request_id = found.invocations.invoke("target", b"{}")
    await found.settled()

    assert found.said == [f"An event for target is dropped (RetriesExhausted): request {request_id}."]


async def test_a_function_may_be_a_destination(function, start, events):
    arn = "arn:aws:lambda:us-east-1:123456789012:function:other"
    first = function("def handler(event, context): return 'done'", events=EventInvocation(on_success=arn))
    other = function("def handler(event, context): return event['responsePayload']", name="other")
    functions = start(first, other)
    found = events(functions)

    found.invocations.invoke("target", b"{}")
    await found.settled()

    assert [(record.function, record.trigger) for record in functions.invocations] == [
        ("target", "Event"),
        ("other", "Destination of target"),
    ]


async def test_a_throttled_event_waits_longer_and_longer(function, start, events):
    source = "import time\ndef handler(event, context): time.sleep(event)"
    functions = start(function(source, reserved_concurrency=1, events=config()))
    found = events(functions)
    under_way = asyncio.create_task(functions.invoke("target", b"0.3"))
    await asyncio.sleep(0)

    found.invocations.invoke("target", b"0")
    await asyncio.sleep(0.1)
    await under_way
    await found.settled()

    assert found.clock.slept[:4] == [1, 2, 4, 8]
    assert max(found.clock.slept) <= 300


async def test_an_event_that_was_under_way_when_the_stack_stopped_runs_at_the_next_start(
    function, start, events
):
    slow = function("import time\ndef handler(event, context): time.sleep(5)", name="slow")
    functions = start(slow)
    first = events(functions)
    request_id = first.invocations.invoke("slow", b'{"a": 1}')
    await asyncio.sleep(0.1)
    await first.invocations.close()
    await functions.close()

    (slow.code / "app.py").write_text("def handler(event, context): return event")
    again = start(slow)
    second = events(again)
    second.invocations.resume()
    await second.settled()

    assert [record.id for record in again.invocations] == [request_id]
    third = events(again)
    third.invocations.resume()
    assert third.invocations.pending == 0
