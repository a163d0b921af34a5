"""An event source mapping: batches, failures of all or of single messages, throttling, concurrency."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from local_aws.functions import Invocation, Throttled
from local_aws.model import EventSource, Queue, Redrive
from local_aws.queues.event_source import EventSourcePoller, batch_item_failures
from local_aws.queues.service import Queues


class Function:
    """What a function does, written by the test."""

    def __init__(
        self, answer: Callable[[list[str]], object] = lambda bodies: None, seconds: float = 0
    ) -> None:
        self.answer = answer
        self.seconds = seconds
        self.events: list[dict[str, Any]] = []
        self.active = self.most_active = self.throttles = 0

    async def invoke(self, function: str, payload: bytes, *, request_id: str | None = None) -> Invocation:
        if self.throttles:
            self.throttles -= 1
            raise Throttled(function)
        self.events.append(json.loads(payload))
        self.active += 1
        self.most_active = max(self.most_active, self.active)
        await asyncio.sleep(self.seconds)
        self.active -= 1
        result = self.answer([record["body"] for record in self.events[-1]["Records"]])
        if isinstance(result, Exception):
            return Invocation(b"{}", "Unhandled", "1")
        return Invocation(json.dumps(result).encode(), None, "1")

    @property
    def batches(self) -> list[list[str]]:
        return [[record["body"] for record in event["Records"]] for event in self.events]


@pytest.fixture
async def mapping(tmp_path) -> AsyncIterator[Callable[..., Any]]:
    tasks: list[asyncio.Task[None]] = []
    opened: list[Queues] = []

    def start(function: Function, *, visibility: int = 30, receives: int = 3, **options: Any) -> Queues:
        dead = Queue(name="dead", arn="arn:dead", url="u/dead")
        redrive = Redrive(queue_arn="arn:dead", max_receives=receives)
        source = Queue(name="q", arn="arn:q", url="u/q", visibility_timeout=visibility, redrive=redrive)
        queues = Queues([dead, source], tmp_path / "journal")
        poller = EventSourcePoller(
            EventSource(queue_arn="arn:q", function="f", **options),
            queues.by_name["q"],
            queues,
            function,
            region="us-east-1",
            account="1",
            most_at_once=4,
        )
        opened.append(queues)
        tasks.append(asyncio.create_task(poller.run()))
        return queues

    yield start
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for queues in opened:
        queues.close()


def send(queues: Queues, *bodies: str) -> None:
    queue = queues.by_name["q"]
    queue.add([queue.message(body, now=time.time()) for body in bodies], now=time.time())


async def until(condition: Callable[[], bool], seconds: float = 5) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_messages_come_in_batches_and_are_deleted_when_the_function_succeeds(mapping):
    function = Function()
    queues = mapping(function, batch_size=2)

    send(queues, "a", "b", "c")
    await until(lambda: len(function.batches) == 2)
    await asyncio.sleep(0)

    assert function.batches == [["a", "b"], ["c"]]
    assert not list(queues.by_name["q"].messages())
    record = function.events[0]["Records"][0]
    assert record["eventSource"] == "aws:sqs"
    assert record["eventSourceARN"] == "arn:q"
    assert record["awsRegion"] == "us-east-1"
    assert record["attributes"]["ApproximateReceiveCount"] == "1"


async def test_a_window_gathers_messages(mapping):
    function = Function()
    queues = mapping(function, batch_size=10, window_seconds=1)

    send(queues, "a")
    await asyncio.sleep(0.1)
    send(queues, "b")
    await until(lambda: bool(function.batches))

    assert function.batches == [["a", "b"]]


async def test_a_failed_batch_comes_back_after_its_visibility_and_ends_as_dead_letters(mapping):
    function = Function(lambda bodies: ValueError())
    queues = mapping(function, visibility=1, receives=2)

    send(queues, "poison")
    await until(lambda: queues.by_name["dead"].ready == 1)

    assert function.batches == [["poison"], ["poison"]]


async def test_only_what_the_function_names_comes_back(mapping):
    def answer(bodies: list[str]) -> object:
        records = function.events[-1]["Records"]
        failed = [record["messageId"] for record in records if record["body"] == "bad"]
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}

    function = Function(answer)
    queues = mapping(function, visibility=1, receives=2, reports_batch_item_failures=True)

    send(queues, "good", "bad", "fine")
    await until(lambda: queues.by_name["dead"].ready == 1)

    assert function.batches == [["good", "bad", "fine"], ["bad"]]
    assert not list(queues.by_name["q"].messages())


async def test_throttling_doesnt_count_as_a_failed_receive(mapping):
    function = Function()
    function.throttles = 3
    queues = mapping(function, receives=1)

    send(queues, "a")
    await until(lambda: bool(function.batches))
    await asyncio.sleep(0)

    assert function.batches == [["a"]]
    assert queues.by_name["dead"].ready == 0


@pytest.mark.parametrize(("declared", "reached"), [(2, 2), (None, 4)])
async def test_no_more_batches_run_at_once_than_may(mapping, declared, reached):
    function = Function(seconds=0.05)
    queues = mapping(function, batch_size=1, max_concurrency=declared)

    send(queues, *map(str, range(12)))
    await until(lambda: len(function.batches) == 12 and not function.active)

    assert function.most_active == reached


@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        (b"", set()),
        (b"null", set()),
        (b"{}", set()),
        (b'{"batchItemFailures": []}', set()),
        (b'{"batchItemFailures": null}', set()),
        (b'{"batchItemFailures": [{"itemIdentifier": "1"}]}', {"1"}),
        (b'{"batchItemFailures": [{"itemIdentifier": ""}]}', {"1", "2"}),
        (b'{"batchItemFailures": [{"itemIdentifier": null}]}', {"1", "2"}),
        (b'{"batchItemFailures": [{"itemIdentifier": "3"}]}', {"1", "2"}),
        (b'{"batchItemFailures": [{"id": "1"}]}', {"1", "2"}),
        (b'{"batchItemFailures": "1"}', {"1", "2"}),
        (b'"done"', {"1", "2"}),
        (b"not json", {"1", "2"}),
    ],
)
def test_a_partial_response_is_read_as_lambda_reads_it(answer, failed):
    assert batch_item_failures(answer, {"1", "2"}) == failed


async def test_what_the_filter_leaves_out_is_deleted_without_an_invocation(mapping):
    function = Function()
    queues = mapping(function, patterns=({"body": {"kind": ["wanted"]}},))

    send(queues, '{"kind": "other"}', "text", '{"kind": "wanted"}')
    await until(lambda: bool(function.batches))
    await asyncio.sleep(0)

    assert function.batches == [['{"kind": "wanted"}']]
    assert not list(queues.by_name["q"].messages())


async def test_a_batch_stays_below_what_an_event_may_have(mapping):
    function = Function()
    queues = mapping(function, batch_size=10)

    send(queues, *(str(number) + "x" * 1_000_000 for number in range(8)))
    await until(lambda: sum(map(len, function.batches)) == 8)

    assert sorted(map(len, function.batches)) == [4, 4]


async def test_messages_of_a_group_are_handled_one_batch_after_another(tmp_path):
    function = Function(seconds=0.03)
    queue = Queue(name="q.fifo", arn="arn:q", url="u/q", fifo=True)
    queues = Queues([queue], tmp_path / "journal")
    source = EventSource(queue_arn="arn:q", function="f", batch_size=2)
    poller = EventSourcePoller(
        source, queues.by_name["q.fifo"], queues, function, region="r", account="1", most_at_once=4
    )
    for number in range(5):
        queues.by_name["q.fifo"].send(f"a{number}", now=time.time(), group="a")
    queues.by_name["q.fifo"].send("b0", now=time.time(), group="b")

    running = asyncio.create_task(poller.run())
    await until(lambda: sum(map(len, function.batches)) == 6 and not function.active)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    queues.close()

    assert [body for batch in function.batches for body in batch if body[0] == "a"] == [
        f"a{number}" for number in range(5)
    ]
    record = function.events[0]["Records"][0]
    assert record["attributes"]["MessageGroupId"] == "a"
    assert len(record["attributes"]["SequenceNumber"]) == 20


async def test_the_state_of_queues_can_be_looked_at(mapping):
    function = Function(seconds=0.3)
    queues = mapping(function, batch_size=1, max_concurrency=1)

    send(queues, "a", "b", "c")
    await until(lambda: function.active == 1)
    dead, source = queues.status()

    assert (source.name, source.in_flight, source.ready, source.dead_letters) == ("q", 1, 2, "dead")
    assert source.oldest is not None
    assert 0 <= source.oldest < 5
    assert (dead.ready, dead.oldest, dead.dead_letters) == (0, None, None)
