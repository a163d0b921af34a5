"""SQS's actions on FIFO queues: what they ask for, answer and refuse."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local_aws.model import Queue
from local_aws.queues.parameters import SqsError
from local_aws.queues.protocol import SqsProtocol
from local_aws.queues.service import Queues

URL = {"QueueUrl": "http://127.0.0.1:1/1/q.fifo"}


@pytest.fixture
def sqs(tmp_path: Path) -> Iterator[SqsProtocol]:
    definitions = [
        Queue(name="q.fifo", arn="arn:q", url=URL["QueueUrl"], fifo=True),
        Queue(name="plain", arn="arn:plain", url="u/plain"),
    ]
    queues = Queues(definitions, tmp_path / "journal")
    yield SqsProtocol(queues, "1")
    queues.close()


async def test_a_message_has_its_group_and_number(sqs):
    message = {"MessageBody": "x", "MessageGroupId": "g", "MessageDeduplicationId": "d"}
    sent = await sqs.call("SendMessage", {**URL, **message})
    again = await sqs.call("SendMessage", {**URL, **message})

    received = await sqs.call("ReceiveMessage", {**URL, "AttributeNames": ["All"], "MaxNumberOfMessages": 10})

    assert again == sent
    [only] = received["Messages"]
    assert only["MessageId"] == sent["MessageId"]
    attributes = only["Attributes"]
    assert (attributes["MessageGroupId"], attributes["MessageDeduplicationId"]) == ("g", "d")
    assert attributes["SequenceNumber"] == sent["SequenceNumber"]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({}, "MissingParameter"),
        ({"MessageGroupId": "g"}, "InvalidParameterValue"),
        ({"MessageGroupId": "g h", "MessageDeduplicationId": "d"}, "InvalidParameterValue"),
        ({"MessageGroupId": "g", "MessageDeduplicationId": "d" * 129}, "InvalidParameterValue"),
        (
            {"MessageGroupId": "g", "MessageDeduplicationId": "d", "DelaySeconds": 1},
            "InvalidParameterValue",
        ),
    ],
)
async def test_what_a_fifo_queue_refuses(sqs, options, code):
    with pytest.raises(SqsError) as refused:
        await sqs.call("SendMessage", {**URL, "MessageBody": "x", **options})

    assert refused.value.code == code


async def test_a_batch_is_taken_in_its_order(sqs):
    entries = [
        {"Id": str(n), "MessageBody": str(n), "MessageGroupId": "g", "MessageDeduplicationId": str(n)}
        for n in range(4)
    ]
    answer = await sqs.call("SendMessageBatch", {**URL, "Entries": entries})
    received = await sqs.call("ReceiveMessage", {**URL, "MaxNumberOfMessages": 10})

    assert [entry["Id"] for entry in answer["Successful"]] == ["0", "1", "2", "3"]
    assert [message["Body"] for message in received["Messages"]] == ["0", "1", "2", "3"]


async def test_its_attributes_say_what_it_is(sqs):
    attributes = await sqs.call("GetQueueAttributes", {**URL, "AttributeNames": ["FifoQueue"]})
    plain = await sqs.call("GetQueueAttributes", {"QueueUrl": "u/plain", "AttributeNames": ["All"]})

    assert attributes == {"Attributes": {"FifoQueue": "true"}}
    assert "FifoQueue" not in plain["Attributes"]
