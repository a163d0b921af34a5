"""The delivery function by its entry point: SQS events in, batch item failures out, over real sockets."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from lambda_handlers import delivery as function
from tests.delivery.management_api import ManagementApi, answer


class Context:
    """What Lambda hands over with an event."""

    aws_request_id = "8c1f3a52-0b7e-5d7c-9d0b-5f1f0e9f7a11"

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        return int((self._ends - time.monotonic()) * 1000)


def sqs_event(*bodies: str) -> dict:
    """An event of the queue, one record a body; their ids are m0, m1, …"""
    return {
        "Records": [
            {
                "messageId": f"m{number}",
                "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
                "body": body,
                "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1545082649183"},
                "messageAttributes": {},
                "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:parlor-deliveries",
                "awsRegion": "us-east-1",
            }
            for number, body in enumerate(bodies)
        ]
    }


class Queues:
    """The function's three queues, in moto."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._urls = {
            name: client.create_queue(QueueName=name)["QueueUrl"] for name in ("deliveries", "dead", "gone")
        }

    def __getitem__(self, name: str) -> str:
        return self._urls[name]

    def received(self, name: str) -> list[dict]:
        found = self._client.receive_message(QueueUrl=self._urls[name], MaxNumberOfMessages=10)
        return [json.loads(message["Body"]) for message in found.get("Messages", [])]


@pytest.fixture
def queues() -> Iterator[Queues]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    client = boto3.client(
        "sqs",
        endpoint_url=f"http://{host}:{port}",
        region_name="us-east-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
    )
    yield Queues(client)
    client.close()
    server.stop()


@pytest.fixture
def api(monkeypatch, queues) -> Iterator[ManagementApi]:
    made = ManagementApi().start()
    for name, value in {
        "AWS_ACCESS_KEY_ID": "AKID",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_SESSION_TOKEN": "token",
        "AWS_REGION": "us-east-1",
        "CONNECTIONS_URL": made.url,
        "DELIVERY_QUEUE_URL": queues["deliveries"],
        "DEAD_LETTER_QUEUE_URL": queues["dead"],
        "GONE_QUEUE_URL": queues["gone"],
        "POSTS_PER_SECOND": "5000",
    }.items():
        monkeypatch.setenv(name, value)
    yield made
    function._kept.close()
    made.stop()


def test_a_batch_is_delivered_and_what_it_found_is_reported(api, queues):
    api.script = {"gone=": [answer(410)], "odd=": [answer(400, '{"message":"Invalid connectionId: odd="}')]}
    shard = json.dumps({"connections": ["a=", "gone=", "odd="], "data": "frame"})

    result = function.handler(sqs_event(shard, "not json", shard), Context(15))

    assert result == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert queues.received("gone") == [{"connections": ["gone="]}]
    assert queues.received("dead") == [{"connections": ["odd="], "data": "frame"}]
    assert queues.received("deliveries") == []
    assert api.posts_to("a=") == 2


def test_new_credentials_are_taken_up(api, monkeypatch):
    shard = json.dumps({"connections": ["a="], "data": "frame"})
    function.handler(sqs_event(shard), Context(15))
    kept = function._kept.deliveries()

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "NEWKEY")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "newer")
    function.handler(sqs_event(shard), Context(15))

    first, second = api.requests
    assert "Credential=AKID/" in first.headers["authorization"]
    assert "Credential=NEWKEY/" in second.headers["authorization"]
    assert second.headers["x-amz-security-token"] == "newer"
    assert function._kept.deliveries() is not kept
    assert function._kept.deliveries() is function._kept.deliveries()


def test_without_enough_time_nothing_is_lost(api):
    api.script = {"a=": ["hang"]}

    result = function.handler(
        sqs_event(json.dumps({"connections": ["a="], "data": "frame"})), Context(seconds=3.2)
    )

    assert result == {"batchItemFailures": [{"itemIdentifier": "m0"}]}


def test_importing_it_brings_no_django_no_sdk_and_little_else():
    script = """
import sys, time
started = time.process_time()
import lambda_handlers.delivery
spent = time.process_time() - started
heavy = {"django", "boto3", "botocore", "psycopg", "requests", "urllib3", "aiohttp"} & set(sys.modules)
print(spent, *heavy)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    spent, *heavy = done.stdout.split()
    assert heavy == []
    assert float(spent) <= 0.5  # 0.15 s where nothing else runs
