"""A table's changes on their way to a function."""

import asyncio
import json

import pytest

from local_aws.functions import Invocation, Throttled
from local_aws.model import StreamSource
from local_aws.services import streams
from local_aws.services.streams import StreamPoller, from_first_failure


def change(number, kind="INSERT"):
    return {"eventName": kind, "dynamodb": {"SequenceNumber": str(number), "Keys": {}}}


class Function:
    """Fails for some changes, and says which batches it got."""

    def __init__(self, fails=lambda numbers, tries: False, answer=b"null"):
        self.batches = []
        self._fails = fails
        self._answer = answer

    async def invoke(self, function, payload, *, request_id=None):
        numbers = [int(record["dynamodb"]["SequenceNumber"]) for record in json.loads(payload)["Records"]]
        self.batches.append(numbers)
        outcome = self._fails(numbers, self.batches.count(numbers))
        if outcome is Throttled:
            raise Throttled
        return Invocation(self._answer, "Unhandled" if outcome else None, "id")


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch):
    for pause in ("_FIRST_PAUSE", "_LONGEST_PAUSE", "_THROTTLE_PAUSE"):
        monkeypatch.setattr(streams, pause, 0.0)


async def handled(function, numbers, **options):
    """What was given up, once all changes are worked through."""
    given_up = []
    source = StreamSource(stream_arn="arn", function="f", **options)
    poller = StreamPoller(
        source,
        function,
        give_up=lambda source, records, tries: given_up.append(
            ([int(record["dynamodb"]["SequenceNumber"]) for record in records], tries)
        ),
    )
    for number in numbers:
        poller.add(change(number, "REMOVE" if number < 0 else "INSERT"))
    running = asyncio.create_task(poller.run())
    async with asyncio.timeout(5):
        while not poller.idle():  # noqa: ASYNC110 - every turn of the loop is wanted
            await asyncio.sleep(0)
    running.cancel()
    return given_up


async def test_changes_come_in_batches_in_their_order():
    function = Function()

    assert await handled(function, range(5), batch_size=2) == []
    assert function.batches == [[0, 1], [2, 3], [4]]


async def test_a_failed_batch_holds_up_those_behind_it_until_it_succeeds():
    function = Function(lambda numbers, tries: 0 in numbers and tries < 3)

    assert await handled(function, range(4), batch_size=2) == []
    assert function.batches == [[0, 1], [0, 1], [0, 1], [2, 3]]


async def test_a_batch_is_given_up_after_its_retries():
    function = Function(lambda numbers, tries: 0 in numbers)

    assert await handled(function, range(3), batch_size=2, maximum_retries=2) == [([0, 1], 3)]
    assert function.batches == [[0, 1]] * 3 + [[2]]


async def test_a_bisected_batch_leaves_only_the_poison_behind():
    function = Function(lambda numbers, tries: 5 in numbers)

    given_up = await handled(function, range(8), batch_size=8, bisects=True, maximum_retries=1)

    assert given_up == [([5], 2)]
    done = [number for batch in function.batches if 5 not in batch for number in batch]
    assert done == [0, 1, 2, 3, 4, 6, 7]


async def test_a_reported_failure_has_the_changes_from_it_on_come_again():
    class Reporting(Function):
        async def invoke(self, function, payload, *, request_id=None):
            await super().invoke(function, payload)
            failed = [2] if len(self.batches) == 1 else []
            failures = [{"itemIdentifier": str(number)} for number in failed]
            return Invocation(json.dumps({"batchItemFailures": failures}).encode(), None, "id")

    function = Reporting()

    assert await handled(function, range(4), reports_batch_item_failures=True) == []
    assert function.batches == [[0, 1, 2, 3], [2, 3]]


async def test_a_throttled_function_is_asked_again_without_losing_a_try():
    function = Function(lambda numbers, tries: Throttled if tries < 4 else False)

    assert await handled(function, range(2), maximum_retries=0) == []
    assert function.batches == [[0, 1]] * 4


async def test_filters_leave_changes_out():
    function = Function()

    await handled(function, [1, -2, 3], patterns=({"eventName": ["INSERT"]},))

    assert function.batches == [[1, 3]]


@pytest.mark.parametrize(
    ("answer", "left"),
    [
        (b"", []),
        (b"null", []),
        (b"{}", []),
        (b'{"batchItemFailures": []}', []),
        (b'{"batchItemFailures": [{"itemIdentifier": "3"}, {"itemIdentifier": "2"}]}', [2, 3]),
        (b'{"batchItemFailures": [{"itemIdentifier": ""}]}', [1, 2, 3]),
        (b'{"batchItemFailures": [{"itemIdentifier": "9"}]}', [1, 2, 3]),
        (b'{"batchItemFailures": [1]}', [1, 2, 3]),
        (b"[]", []),
        (b'"?"', [1, 2, 3]),
        (b"no json", [1, 2, 3]),
    ],
)
def test_a_partial_answer_is_read_as_lambda_reads_it(answer, left):
    records = [change(number) for number in (1, 2, 3)]

    assert from_first_failure(answer, records) == records[len(records) - len(left) :]
