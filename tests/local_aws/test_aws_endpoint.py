"""The AWS endpoint as SDKs see it: boto3 against Lambda and SQS, with AWS's own errors."""

import asyncio
import base64
import io
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local_aws import http
from local_aws.aws_endpoint import AwsEndpoint
from local_aws.functions.background import EventInvocations
from local_aws.functions.service import Functions
from local_aws.logs import Logs
from local_aws.model import Assembly, Function, Queue, Redrive
from local_aws.queues.protocol import SqsProtocol
from local_aws.queues.service import Queues
from local_aws.services import Services

ACCOUNT = "123456789012"
SOURCE = """
import os, time
def handler(event, context):
    if event.get("touch"): open(event["touch"], "a").write("x")
    if event.get("fail"): raise ValueError("asked to")
    print("working")
    return {"event": event, "client": context.client_context and context.client_context.custom}
"""


class Endpoint:
    def __init__(self, url: str, queues: Queues) -> None:
        self.url = url
        self.queues = queues

    async def call(self, service: str, operation: str, **parameters: Any) -> Any:
        """Call as an SDK does, from a thread: the endpoint runs on this loop."""
        client = boto3.client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="x",
            aws_secret_access_key="y",
            config=Config(retries={"max_attempts": 1}),
        )
        return await asyncio.to_thread(getattr(client, operation), **parameters)

    async def fails(self, service: str, operation: str, **parameters: Any) -> str:
        """The class of the error that the SDK raises."""
        with pytest.raises(ClientError) as error:
            await self.call(service, operation, **parameters)
        return type(error.value).__name__


@pytest.fixture
async def endpoint(tmp_path: Path) -> AsyncIterator[Endpoint]:
    code = tmp_path / "code"
    code.mkdir()
    (code / "app.py").write_text(SOURCE)
    arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:"
    functions = {
        name: Function(name=name, arn=arn + name, handler="app.handler", code=code, environment={}, **options)
        for name, options in {
            "target": {"qualifiers": {"1": "1", "live": "1"}},
            "never": {"reserved_concurrency": 0},
        }.items()
    }
    logs = Logs(tmp_path / "logs", io.BytesIO())
    pool = Functions(functions, region="us-east-1", endpoint_url="http://127.0.0.1:9", logs=logs)
    redrive = Redrive(queue_arn="arn:dead", max_receives=1)
    queues = Queues(
        [
            Queue(name="dead", arn="arn:dead", url=f"http://127.0.0.1:1/{ACCOUNT}/dead"),
            Queue(name="jobs", arn="arn:jobs", url=f"http://127.0.0.1:1/{ACCOUNT}/jobs", redrive=redrive),
            Queue(
                name="small",
                arn="arn:small",
                url=f"http://127.0.0.1:1/{ACCOUNT}/small",
                max_message_bytes=1024,
            ),
        ],
        tmp_path / "journal",
    )
    background = EventInvocations(
        pool, tmp_path / "events", queues.send, lambda sentence: None, retries_after=(0.1, 0.1)
    )

    def management(request: http.Request) -> http.Response:
        return http.Response(200, (), f"management of {request.path}".encode())

    others = Services(
        Assembly(region="us-east-1", account=ACCOUNT, functions={}), tmp_path / "services", logs
    )
    sqs = SqsProtocol(queues, ACCOUNT)
    served = AwsEndpoint(pool, background, sqs, management, others.forward)
    server = await http.serve(served.handle, host="127.0.0.1", port=0)
    yield Endpoint(f"http://127.0.0.1:{server.port}", queues)
    server.close()
    await server.wait_closed(0.2)
    await background.close()
    await pool.close()
    queues.close()
    logs.close()


# Lambda


@pytest.mark.parametrize(
    "name",
    ["target", "target:live", f"{ACCOUNT}:target", f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:target:1"],
)
async def test_a_function_is_invoked_by_name_and_by_arn(endpoint, name):
    answer = await endpoint.call("lambda", "invoke", FunctionName=name, Payload=b'{"a": 1}')

    assert answer["StatusCode"] == 200
    assert json.loads(answer["Payload"].read())["event"] == {"a": 1}
    assert "FunctionError" not in answer


async def test_an_exception_is_a_function_error(endpoint):
    answer = await endpoint.call("lambda", "invoke", FunctionName="target", Payload=b'{"fail": true}')

    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert json.loads(answer["Payload"].read())["errorMessage"] == "asked to"


async def test_the_log_and_the_client_context_travel_along(endpoint):
    context = base64.b64encode(b'{"custom": {"who": "me"}}').decode()
    answer = await endpoint.call(
        "lambda", "invoke", FunctionName="target", LogType="Tail", ClientContext=context, Payload=b"{}"
    )

    assert json.loads(answer["Payload"].read())["client"] == {"who": "me"}
    assert b"\nworking\n" in base64.b64decode(answer["LogResult"])


async def test_an_event_is_acknowledged_at_once_and_tried_three_times_when_it_fails(endpoint, tmp_path):
    touched = tmp_path / "touched"
    event = json.dumps({"touch": str(touched), "fail": True})

    answer = await endpoint.call(
        "lambda", "invoke", FunctionName="target", InvocationType="Event", Payload=event
    )

    assert answer["StatusCode"] == 202
    async with asyncio.timeout(5):
        while not touched.exists() or len(touched.read_text()) < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    await asyncio.sleep(0.3)
    assert touched.read_text() == "xxx"


async def test_a_dry_run_runs_nothing(endpoint, tmp_path):
    event = json.dumps({"touch": str(tmp_path / "touched")})

    answer = await endpoint.call(
        "lambda", "invoke", FunctionName="target", InvocationType="DryRun", Payload=event
    )

    assert answer["StatusCode"] == 204
    assert not (tmp_path / "touched").exists()


async def test_lambdas_errors_are_its_own(endpoint):
    async def error(**parameters: Any) -> str:
        return await endpoint.fails("lambda", "invoke", **parameters)

    assert await error(FunctionName="nobody") == "ResourceNotFoundException"
    assert await error(FunctionName="never") == "TooManyRequestsException"
    assert await error(FunctionName="target", Payload=b"not json") == "InvalidRequestContentException"
    large = b'"' + b"x" * 6_291_456 + b'"'
    assert await error(FunctionName="target", Payload=large) == "RequestTooLargeException"


# SQS


def url(name: str) -> str:
    return f"http://elsewhere.example/{ACCOUNT}/{name}"


async def test_a_message_goes_through_a_queue_with_its_attributes(endpoint):
    attributes = {
        "text": {"DataType": "String", "StringValue": "☃"},
        "number": {"DataType": "Number", "StringValue": "7"},
        "raw": {"DataType": "Binary", "BinaryValue": b"\0\xff"},
    }
    # boto3 itself compares the digests that come back.
    await endpoint.call(
        "sqs", "send_message", QueueUrl=url("jobs"), MessageBody="snow ☃", MessageAttributes=attributes
    )
    answer = await endpoint.call(
        "sqs",
        "receive_message",
        QueueUrl=url("jobs"),
        MessageAttributeNames=["All"],
        MessageSystemAttributeNames=["All"],
    )

    [message] = answer["Messages"]
    assert message["Body"] == "snow ☃"
    assert message["MessageAttributes"] == attributes
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    await endpoint.call("sqs", "delete_message", QueueUrl=url("jobs"), ReceiptHandle=message["ReceiptHandle"])
    assert not list(endpoint.queues.by_name["jobs"].messages())


async def test_a_long_poll_waits_for_a_message_and_no_longer(endpoint):
    began = time.monotonic()
    waiting = asyncio.create_task(
        endpoint.call("sqs", "receive_message", QueueUrl=url("jobs"), WaitTimeSeconds=20)
    )
    await asyncio.sleep(0.5)
    await endpoint.call("sqs", "send_message", QueueUrl=url("jobs"), MessageBody="at last")

    assert [message["Body"] for message in (await waiting)["Messages"]] == ["at last"]
    assert time.monotonic() - began < 5
    assert "Messages" not in await endpoint.call(
        "sqs", "receive_message", QueueUrl=url("jobs"), WaitTimeSeconds=1
    )


async def test_batches_answer_for_each_entry(endpoint):
    entries = [{"Id": "good", "MessageBody": "fine"}, {"Id": "bad", "MessageBody": "\x00"}]

    answer = await endpoint.call("sqs", "send_message_batch", QueueUrl=url("jobs"), Entries=entries)

    assert [entry["Id"] for entry in answer["Successful"]] == ["good"]
    assert [(e["Id"], e["Code"]) for e in answer["Failed"]] == [("bad", "InvalidMessageContents")]
    [message] = (await endpoint.call("sqs", "receive_message", QueueUrl=url("jobs")))["Messages"]
    receipts = [{"Id": "1", "ReceiptHandle": message["ReceiptHandle"]}]
    answer = await endpoint.call("sqs", "delete_message_batch", QueueUrl=url("jobs"), Entries=receipts)
    assert [entry["Id"] for entry in answer["Successful"]] == ["1"]


async def test_visibility_can_be_changed_and_a_message_dies_after_its_receives(endpoint):
    await endpoint.call("sqs", "send_message", QueueUrl=url("jobs"), MessageBody="poison")
    [message] = (await endpoint.call("sqs", "receive_message", QueueUrl=url("jobs")))["Messages"]
    await endpoint.call(
        "sqs",
        "change_message_visibility",
        QueueUrl=url("jobs"),
        ReceiptHandle=message["ReceiptHandle"],
        VisibilityTimeout=0,
    )

    assert "Messages" not in await endpoint.call("sqs", "receive_message", QueueUrl=url("jobs"))
    [dead] = (await endpoint.call("sqs", "receive_message", QueueUrl=url("dead")))["Messages"]
    assert dead["Body"] == "poison"


async def test_queues_tell_their_names_and_counts(endpoint):
    await endpoint.call("sqs", "send_message", QueueUrl=url("jobs"), MessageBody="a", DelaySeconds=60)
    await endpoint.call("sqs", "send_message", QueueUrl=url("jobs"), MessageBody="b")

    answer = await endpoint.call("sqs", "get_queue_attributes", QueueUrl=url("jobs"), AttributeNames=["All"])
    names = await endpoint.call("sqs", "list_queues", QueueNamePrefix="j")
    found = await endpoint.call("sqs", "get_queue_url", QueueName="jobs")

    counts = "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed"
    assert [answer["Attributes"][name] for name in counts] == ["1", "1"]
    assert json.loads(answer["Attributes"]["RedrivePolicy"])["maxReceiveCount"] == 1
    assert names["QueueUrls"] == [found["QueueUrl"]]


async def test_the_queues_errors_are_its_own(endpoint):
    async def error(operation: str, queue: str = "jobs", **parameters: Any) -> str:
        return await endpoint.fails("sqs", operation, QueueUrl=url(queue), **parameters)

    several = [{"Id": str(n), "MessageBody": "x"} for n in range(11)]
    large = [{"Id": str(n), "MessageBody": "x" * 600} for n in range(2)]
    assert await error("send_message", queue="nothing", MessageBody="a") == "QueueDoesNotExist"
    assert await error("send_message", MessageBody="\x00") == "InvalidMessageContents"
    assert await error("send_message_batch", Entries=[]) == "EmptyBatchRequest"
    assert await error("send_message_batch", Entries=several) == "TooManyEntriesInBatchRequest"
    assert await error("send_message_batch", Entries=several[:1] * 2) == "BatchEntryIdsNotDistinct"
    assert await error("send_message_batch", queue="small", Entries=large) == "BatchRequestTooLong"
    invented = {"ReceiptHandle": "x", "VisibilityTimeout": 1}
    assert await error("change_message_visibility", **invented) == "ReceiptHandleIsInvalid"


async def test_a_message_over_the_queues_limit_is_refused(endpoint):
    with pytest.raises(ClientError, match="must be shorter than 1024 bytes"):
        await endpoint.call("sqs", "send_message", QueueUrl=url("small"), MessageBody="x" * 1025)


# Others


async def test_connections_go_to_the_gateway(endpoint):
    import urllib.request

    for path in ("/prod/@connections/abc%3D", "/prod/%40connections/abc="):
        with await asyncio.to_thread(urllib.request.urlopen, endpoint.url + path) as answer:
            assert answer.read().decode() == f"management of {path}"


async def test_a_service_that_isnt_here_says_so(endpoint):
    with pytest.raises(ClientError, match="kinesis doesn't run on this machine"):
        await endpoint.call("kinesis", "list_streams")
