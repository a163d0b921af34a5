"""Sending to a queue: against moto's SQS, and against a server that fails in every way."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.server import ThreadedMotoServer

from delivery import sqs
from delivery.shards import read_shard, write_shards
from delivery.signing import Signer
from delivery.sqs import BATCH_BYTES, BATCH_ENTRIES, QueueError, QueueSender, batches

SIGNER = Signer("AKID", "secret", "token", "us-east-1", "sqs")


@pytest.fixture
def sender() -> Iterator[Callable[[str], QueueSender]]:
    with ExitStack() as stack:

        def make(url: str) -> QueueSender:
            made = QueueSender(url, SIGNER)
            stack.callback(made.close)
            return made

        yield make


@given(st.lists(st.text(max_size=5) | st.sampled_from(["x" * 90_000, "é" * 90_000, "x" * BATCH_BYTES])))
def test_batches_keep_order_and_both_limits(bodies):
    result = list(batches(bodies))

    assert [body for batch in result for body in batch] == bodies
    assert all(len(batch) <= BATCH_ENTRIES for batch in result)
    assert all(
        sum(len(body.encode()) for body in batch) <= BATCH_BYTES or len(batch) == 1 for batch in result
    )


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def test_messages_arrive_as_they_were_sent(moto, sender):
    client = boto3.client(
        "sqs", endpoint_url=moto, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    url = client.create_queue(QueueName="deliveries")["QueueUrl"]
    bodies = [json.dumps({"number": number, "text": "é☃😀" * 10}) for number in range(23)]

    sender(url).send(bodies)

    received = []
    while messages := client.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        received += [message["Body"] for message in messages]
    assert sorted(received) == sorted(bodies)


def test_ten_shards_that_fit_but_not_together_are_sent_in_several_batches(moto, sender):
    client = boto3.client(
        "sqs", endpoint_url=moto, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    limit = {"MaximumMessageSize": "262144"}  # as queues have it that were made before August 2025
    url = client.create_queue(QueueName="narrow", Attributes=limit)["QueueUrl"]
    members = [f"Lx{number:011d}c=" for number in range(1000)]
    shards = write_shards(members, json.dumps({"message": "\U0001f600" * 4000}, ensure_ascii=False))
    assert len(shards) == 10
    assert sum(map(len, shards)) > BATCH_BYTES

    for _ in range(3):
        sender(url).send(shards)

    reached: list[str] = []
    while messages := client.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            shard, impossible = read_shard(message["Body"])
            assert not impossible
            reached += shard.connections
    assert sorted(reached) == sorted(members * 3)


def test_messages_carry_their_group_and_come_again_when_they_are_told_to(moto, sender):
    client = boto3.client(
        "sqs", endpoint_url=moto, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    url = client.create_queue(QueueName="grouped", Attributes={"VisibilityTimeout": "90"})["QueueUrl"]
    queue = sender(url)

    queue.send(["a"] * 12, group="general")
    first = [message for _ in range(2) for message in _receive(client, url)]
    queue.hide([(message["ReceiptHandle"], 0) for message in first])
    again = [message for _ in range(2) for message in _receive(client, url)]

    assert {message["Attributes"]["MessageGroupId"] for message in first} == {"general"}
    assert {message["MessageId"] for message in again} == {message["MessageId"] for message in first}
    assert len(again) == 12


def _receive(client, url):
    return client.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"])["Messages"]


def test_a_deadline_bounds_the_wait_for_a_queue_that_does_not_answer(sender):
    stub = Stub(["hang", "hang"])

    started = time.monotonic()
    with pytest.raises(QueueError, match="can't be reached"):
        sender(stub.url).send(["x"], deadline=time.monotonic() + 0.3)

    assert time.monotonic() - started < 0.9
    stub.shutdown()
    stub.server_close()


def test_an_unknown_queue_is_named(moto, sender):
    with pytest.raises(QueueError, match=r"nowhere|NonExistent|does not exist"):
        sender(f"{moto}/123456789012/nowhere").send(["x"])


class Stub(ThreadingHTTPServer):
    """Answers each request by the next script entry: (status, content), or a fault by name."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, script: list[object]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script = script
        self.requests: list[dict] = []
        self.peers: set[int] = set()
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/1/deliveries"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Stub

    def do_POST(self) -> None:
        self.server.peers.add(self.client_address[1])
        self.server.requests.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        step = self.server.script.pop(0) if self.server.script else (200, {})
        if step == "close":
            self.close_connection = True
            return
        if step == "hang":
            time.sleep(1)
            self.close_connection = True
            return
        status, content = step
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        if content == {"then": "close"}:
            self.close_connection = True

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def stub() -> Iterator[Callable[..., Stub]]:
    stubs = []

    def start(*script: object) -> Stub:
        stubs.append(Stub(list(script)))
        return stubs[-1]

    yield start
    for server in stubs:
        server.shutdown()
        server.server_close()


def test_one_connection_serves_many_sends(stub, sender):
    server = stub()
    queue = sender(server.url)

    for _ in range(5):
        queue.send(["x"])

    assert len(server.requests) == 5
    assert len(server.peers) == 1


@pytest.mark.parametrize("fault", ["close", (500, {}), (503, {}), (429, {}), (400, {"__type": "Throttling"})])
def test_a_fault_that_passes_is_tried_once_more(stub, fault, sender):
    server = stub(fault)

    sender(server.url).send(["x"])

    assert len(server.requests) == 2


@pytest.mark.parametrize("fault", ["close", (500, {"__type": "com.amazonaws.sqs#InternalError"})])
def test_a_fault_that_stays_is_raised_after_one_retry(stub, fault, sender):
    server = stub(fault, fault, fault)

    with pytest.raises(QueueError, match="can't be reached"):
        sender(server.url).send(["x"])

    assert len(server.requests) == 2


def test_a_refusal_is_raised_at_once_with_its_reason(stub, sender):
    server = stub((403, {"__type": "com.amazon.coral.service#AccessDeniedException", "Message": "not you"}))

    with pytest.raises(QueueError, match="AccessDeniedException not you"):
        sender(server.url).send(["x"])

    assert len(server.requests) == 1


def test_only_refused_entries_are_sent_again(stub, sender):
    failed = {"Id": "1", "SenderFault": False, "Code": "InternalError", "Message": "later"}
    server = stub((200, {"Failed": [failed]}))

    sender(server.url).send(["a", "b", "c"])

    assert [entry["MessageBody"] for entry in server.requests[1]["Entries"]] == ["b"]


def test_an_entry_at_fault_is_raised(stub, sender):
    failed = {"Id": "1", "SenderFault": True, "Code": "InvalidMessageContents", "Message": "characters"}
    server = stub((200, {"Failed": [failed]}))

    with pytest.raises(QueueError, match="refused 1 of 2 messages: InvalidMessageContents"):
        sender(server.url).send(["a", "b"])


def test_no_answer_is_given_up_within_a_bound(stub, monkeypatch, sender):
    monkeypatch.setattr(sqs, "_ANSWER_TIMEOUT", 0.1)
    server = stub("hang", "hang")
    started = time.monotonic()

    with pytest.raises(QueueError, match="timed out"):
        sender(server.url).send(["x"])

    assert time.monotonic() - started < 1


def test_nobody_listening_is_said_at_once(sender):
    with pytest.raises(QueueError, match="can't be reached"):
        sender("http://127.0.0.1:9/1/deliveries").send(["x"])


def test_a_connection_that_the_queue_closed_meanwhile_does_no_harm(stub, sender):
    server = stub((200, {"then": "close"}))
    queue = sender(server.url)
    queue.send(["x"])
    time.sleep(0.05)

    queue.send(["y"])

    assert [request["Entries"][0]["MessageBody"] for request in server.requests] == ["x", "y"]


def test_a_connection_that_slept_is_not_trusted(stub, monkeypatch, sender):
    server = stub()
    queue = sender(server.url)
    queue.send(["x"])

    monkeypatch.setattr(sqs.time, "time", lambda: 4_000_000_000.0)
    queue.send(["y"])

    assert len(server.peers) == 2


def test_threads_share_a_sender(stub, sender):
    server = stub()
    queue = sender(server.url)
    threads = [threading.Thread(target=queue.send, args=([str(number)],)) for number in range(20)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(int(request["Entries"][0]["MessageBody"]) for request in server.requests) == list(range(20))


def test_a_url_that_is_none_is_refused():
    with pytest.raises(QueueError, match="no queue URL"):
        QueueSender("", SIGNER)
