"""What the queues carry when connections are closed by the dozen, and when poison is in it."""

from __future__ import annotations

import json
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest

from delivery.shards import MAX_FRAME_BYTES
from tests.stack import fault_points
from tests.stack.person import Person, Socket
from tests.stack.running import Stack

pytestmark = pytest.mark.stack

ROOM = "random"


def client(stack: Stack, service: str, path: str = "") -> Any:
    return boto3.client(
        service,
        endpoint_url=stack.aws_endpoint + path,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


class Queues:
    """The deliveries and what could not be delivered."""

    def __init__(self, stack: Stack) -> None:
        self._sqs = client(stack, "sqs")
        self.deliveries = self._url("parlor-deliveries")
        self.dead = self._url("parlor-deliveries-dead")
        self._sqs.purge_queue(QueueUrl=self.dead)

    def _url(self, name: str) -> str:
        return str(self._sqs.get_queue_url(QueueName=name)["QueueUrl"])

    def send(self, body: str) -> None:
        self._sqs.send_message(QueueUrl=self.deliveries, MessageBody=body)

    def dead_letters(self) -> list[str]:
        """Those that have come since the last call."""
        bodies: list[str] = []
        while found := self._sqs.receive_message(QueueUrl=self.dead, MaxNumberOfMessages=10).get("Messages"):
            for message in found:
                bodies.append(message["Body"])
                self._sqs.delete_message(QueueUrl=self.dead, ReceiptHandle=message["ReceiptHandle"])
        return bodies


@pytest.fixture
def queues(stack: Stack) -> Queues:
    return Queues(stack)


def enter(stack: Stack, count: int) -> list[Socket]:
    with ThreadPoolExecutor(10) as pool:
        return list(pool.map(lambda _: Person(stack).connect(ROOM), range(count)))


@pytest.fixture
def members(stack: Stack) -> Iterator[list[Socket]]:
    sockets = enter(stack, 50)
    yield sockets
    for socket in sockets:
        socket.close()


def live(stack: Stack) -> list[str]:
    """The connections that the chat's table counts as live in the room."""
    with fault_points.database(stack) as administrator:
        rows = administrator.execute(
            "SELECT connection_id FROM django_aws_api_gateway_websockets_websocketsession "
            "WHERE connected AND channel_name = %s",
            [ROOM],
        )
        return [str(row[0]) for row in rows]


def talk(speakers: Sequence[Socket], rounds: int) -> list[str]:
    """Let each say something in each round. Returns all that was said."""

    def say(speaker: Socket) -> list[str]:
        texts = [str(uuid.uuid4()) for _ in range(rounds)]
        for text in texts:
            speaker.say(text)
            time.sleep(0.1)
        return texts

    with ThreadPoolExecutor(len(speakers)) as pool:
        return [text for texts in pool.map(say, speakers) for text in texts]


def assert_each_came_once(socket: Socket, texts: Sequence[str]) -> None:
    for text in texts:
        socket.hear(text)
    came = Counter(frame.get("message") for frame in socket.frames if frame.get("type") == "chat_message")
    assert {text: came[text] for text in texts} == dict.fromkeys(texts, 1)


def test_half_of_a_room_is_closed_in_one_second_and_the_others_miss_nothing(
    stack: Stack, queues: Queues, members: list[Socket]
) -> None:
    before = set(live(stack))
    closing = enter(stack, 50)
    doomed = sorted(set(live(stack)) - before)
    assert len(doomed) == len(closing)
    management = client(stack, "apigatewaymanagementapi", "/ws")

    def close_all() -> float:
        started = time.monotonic()
        for connection_id in doomed:
            management.delete_connection(ConnectionId=connection_id)
        return time.monotonic() - started

    with ThreadPoolExecutor(1) as pool:
        closed = pool.submit(close_all)
        texts = talk(members[:10], 5)
        assert closed.result() < 5

    for socket in members:
        assert_each_came_once(socket, texts)
    deadline = time.monotonic() + 10
    while left := set(doomed) & set(live(stack)):
        assert time.monotonic() < deadline, f"{len(left)} are still listed"
        time.sleep(0.1)
    assert queues.dead_letters() == []
    for socket in closing:
        socket.close()


def test_poison_ends_among_the_dead_letters_and_delays_nobody(
    stack: Stack, queues: Queues, members: list[Socket]
) -> None:
    poison = [
        "not json",
        "{}",
        json.dumps({"connections": ["no connection's id!"], "data": "x"}, separators=(",", ":")),
        json.dumps({"connections": live(stack)[:1], "data": "x" * (MAX_FRAME_BYTES + 1)}),
    ]
    for body in poison:
        queues.send(body)
    speakers = members[:20]
    started = time.monotonic()

    texts = talk(speakers, 5)
    for socket in members:
        assert_each_came_once(socket, texts)

    assert time.monotonic() - started < 10
    dead: list[str] = []
    deadline = time.monotonic() + 30
    while len(dead) < len(poison):
        assert time.monotonic() < deadline, dead
        dead += queues.dead_letters()
        time.sleep(0.2)
    assert sorted(dead) == sorted(poison)
    assert stack.output.count("can't be delivered: It is not JSON") >= 1
    assert "will never get a frame" in stack.output
