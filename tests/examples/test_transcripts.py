"""The transcripts: a nested selection key, a queue, a bucket, a topic, and a schedule's function."""

import asyncio
import json

import pytest
from websockets.asyncio.client import connect

from tests.examples.conftest import running

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def transcripts(assemblies, tmp_path_factory):
    with running(assemblies / "transcripts", tmp_path_factory.mktemp("transcripts"), "--strict") as example:
        yield example


async def received(socket):
    return json.loads(await asyncio.wait_for(socket.recv(), 20))


async def test_a_text_is_counted_and_its_sender_told(transcripts):
    async with connect(transcripts.url) as socket:
        await socket.send(json.dumps({"service": {"do": "count"}, "text": "to be or not to be"}))
        queued = (await received(socket))["queued"]

        assert await received(socket) == {"finished": queued, "words": 6, "most_common": "to"}

    sqs = transcripts.client("sqs")
    url = sqs.get_queue_url(QueueName="transcripts-audit")["QueueUrl"]
    bodies = [
        json.loads(message["Body"])
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=5)[
            "Messages"
        ]
    ]
    keys = [record["s3"]["object"]["key"] for body in bodies for record in body.get("Records", ())]
    assert f"results/{queued}.json" in keys


@pytest.mark.parametrize(
    "frame", ['{"service": {"do": "sing"}}', '{"service": "count"}', '[{"do": "count"}]', "hi"]
)
async def test_what_names_no_route_is_forbidden_and_the_connection_stays(transcripts, frame):
    async with connect(transcripts.url) as socket:
        await socket.send(frame)
        refusal = await received(socket)
        await socket.send(json.dumps({"service": {"do": "count"}, "text": " "}))

        assert refusal["message"] == "Forbidden"
        assert {"connectionId", "requestId"} <= set(refusal)
        assert await received(socket) == {"refused": "There is no text to count."}


def test_old_results_are_swept(transcripts):
    s3 = transcripts.client("s3")
    [bucket] = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    s3.put_object(Bucket=bucket, Key="results/old.json", Body=b"{}", Metadata={"connection-id": "gone"})

    answer = transcripts.client("lambda").invoke(
        FunctionName="transcripts-sweep", Payload=b'{"older_than_seconds": 0}'
    )

    assert json.loads(answer["Payload"].read())["removed"] >= 1
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
