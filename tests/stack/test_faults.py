"""What people notice when parts of the stack die at each step: nothing is lost and nothing doubled."""

from __future__ import annotations

import signal
import threading
import time
import uuid
from collections.abc import Iterator

import boto3
import pytest

from tests.stack import fault_points
from tests.stack.person import Person, Socket
from tests.stack.running import Stack, running

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("faults") / "data") as started:
        yield started


@pytest.fixture
def speaker(stack: Stack) -> Iterator[Socket]:
    with Person(stack).connect("support") as socket:
        socket.say("warm")
        yield socket


@pytest.fixture
def reader(stack: Stack) -> Iterator[Socket]:
    with Person(stack).connect("support") as socket:
        yield socket


def run_the_schedule(stack: Stack) -> None:
    """What the clock does once a minute."""
    client = boto3.client(
        "lambda",
        endpoint_url=stack.aws_endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    time.sleep(1.1)  # a message is overdue after a second
    answer = client.invoke(FunctionName="parlor-sessions", Payload=b"{}")
    assert "FunctionError" not in answer, answer["Payload"].read()


def is_failure(frame: dict[str, object]) -> bool:
    return frame.get("message") == "Internal server error"


def pushes(socket: Socket, text: str) -> int:
    return sum(frame.get("message") == text for frame in socket.frames if frame.get("type") == "chat_message")


def stored(socket: Socket, text: str) -> list[int]:
    return [event["sequence"] for event in socket.history()["messages"] if event["message"] == text]


def test_killed_before_the_commit_nothing_is_stored_and_a_repetition_is(
    stack: Stack, speaker: Socket, reader: Socket
) -> None:
    text, client_id = f"before {uuid.uuid4()}", str(uuid.uuid4())
    with fault_points.while_it_stores(stack, "support") as wait:
        speaker.send(action="chat_message", message=text, client_id=client_id)
        backend = wait()
        fault_points.kill(fault_points.workers(stack, fault_points.WEBSOCKET))
        with fault_points.database(stack) as administrator:
            administrator.execute("SELECT pg_terminate_backend(%s)", [backend])
    speaker.next(is_failure)
    assert stored(reader, text) == []
    acknowledged = speaker.say(text, client_id=client_id)
    assert reader.hear(text)["sequence"] == acknowledged["sequence"]
    assert stored(reader, text) == [acknowledged["sequence"]]


@pytest.mark.parametrize(
    "step", [fault_points.while_it_stores, fault_points.after_the_commit], ids=["at the commit", "after it"]
)
def test_killed_before_the_queue_the_schedule_passes_it_on_without_the_client(
    stack: Stack, speaker: Socket, reader: Socket, step: type[fault_points.while_it_stores]
) -> None:
    text, client_id = f"unqueued {uuid.uuid4()}", str(uuid.uuid4())
    with step(stack, "support") as wait:
        speaker.send(action="chat_message", message=text, client_id=client_id)
        wait()
        fault_points.kill(fault_points.workers(stack, fault_points.WEBSOCKET))
    speaker.next(is_failure)
    reader.quiet(0.3)
    assert pushes(reader, text) == 0

    run_the_schedule(stack)

    pushed = reader.hear(text)
    again = speaker.say(text, client_id=client_id)
    assert again["sequence"] == pushed["sequence"]
    assert stored(reader, text) == [pushed["sequence"]]
    reader.quiet(0.3)
    assert pushes(reader, text) == 1


def test_killed_after_the_queue_it_has_arrived_and_a_repetition_gets_the_first_answer(
    stack: Stack, speaker: Socket, reader: Socket
) -> None:
    text, client_id = f"queued {uuid.uuid4()}", str(uuid.uuid4())
    with fault_points.after_the_queue(stack, "support") as wait:
        speaker.send(action="chat_message", message=text, client_id=client_id)
        wait()
        pushed = reader.hear(text)
        fault_points.kill(fault_points.workers(stack, fault_points.WEBSOCKET))
    speaker.next(is_failure)
    assert speaker.say(text, client_id=client_id)["sequence"] == pushed["sequence"]
    assert stored(reader, text) == [pushed["sequence"]]


def test_killed_in_the_delivery_a_reader_who_sees_the_hole_asks(
    stack: Stack, speaker: Socket, reader: Socket
) -> None:
    speaker.say(warm := f"warm {uuid.uuid4()}")
    reader.hear(warm)
    position = reader.history()["latest_sequence"]
    deliveries = fault_points.workers(stack, fault_points.DELIVERY)
    for delivery in deliveries:
        delivery.send_signal(signal.SIGSTOP)
    text = f"undelivered {uuid.uuid4()}"
    acknowledged = speaker.say(text)
    reader.quiet(0.3)
    fault_points.kill(deliveries)
    # SQS hands it out again after the queue's visibility timeout. Until then the next message shows the hole.
    following = speaker.say(f"next {uuid.uuid4()}")
    missed = reader.history(after=position)
    assert [event["sequence"] for event in missed["messages"]] == [
        acknowledged["sequence"],
        following["sequence"],
    ]
    assert (missed["messages"][0]["message"], missed["has_more"]) == (text, False)


def talk(socket: Socket, seconds: float, accepted: list[tuple[str, int]]) -> None:
    """Say something new every 1.1 s; what was answered otherwise is said again until it is acknowledged."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        client_id = str(uuid.uuid4())
        while True:
            socket.send(action="chat_message", message=f"fault {client_id}", client_id=client_id)
            answer = socket.next(
                lambda frame: frame.get("type") in ("message_accepted", "error") or is_failure(frame),
                timeout=35,
            )
            if answer.get("type") == "message_accepted":
                accepted.append((client_id, answer["sequence"]))
                break
            time.sleep(0.5)
        time.sleep(1.1)


def test_a_database_that_dies_comes_back_and_loses_nothing(stack: Stack) -> None:
    accepted: list[tuple[str, int]] = []
    with Person(stack).connect("random") as speaker, Person(stack).connect("random") as reader:
        speaker.say("warm")
        thread = threading.Thread(target=talk, args=(speaker, 5, accepted))
        thread.start()
        time.sleep(1.5)
        postmasters = fault_points.postmasters(stack)
        assert postmasters
        fault_points.kill(postmasters)
        thread.join()
        assert len(accepted) >= 3
        history = reader.history()
        events = {event["sequence"]: event["message"] for event in history["messages"]}
        assert sorted(events) == list(range(1, history["latest_sequence"] + 1))
        assert [events[sequence] for _, sequence in accepted] == [f"fault {each}" for each, _ in accepted]
        assert list(events.values()).count(f"fault {accepted[0][0]}") == 1


def test_dropped_database_connections_are_not_noticed(stack: Stack) -> None:
    people = [Person(stack) for _ in range(5)]
    sockets = [person.connect("general") for person in people]
    for socket in sockets:
        socket.say("before")
    with fault_points.database(stack) as administrator:
        administrator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    for _ in range(4):
        for socket in sockets:
            socket.say(f"after {uuid.uuid4()}")
    for person in people:
        assert person.get("/api/session").status_code == 200
        assert person.get("/admin/login/").status_code == 200
    assert stack.make("broadcast", "MESSAGE=Still here.").returncode == 0
    run_the_schedule(stack)
    for socket in sockets:
        socket.close()


def test_a_connection_that_vanished_without_a_word_does_not_hold_up_the_rest(
    stack: Stack, speaker: Socket, reader: Socket
) -> None:
    gone = Person(stack).connect("support")
    gone.connection.socket.close()
    for number in range(5):
        text = f"{number} {uuid.uuid4()}"
        speaker.say(text)
        reader.hear(text)


def test_a_message_of_days_ago_is_recognised_after_a_cleanup_and_a_restart(stack: Stack) -> None:
    text, client_id = f"once {uuid.uuid4()}", str(uuid.uuid4())
    person = Person(stack).sign_up(f"p{uuid.uuid4().hex[:12]}")
    with person.connect("general") as socket:
        first = socket.say(text, client_id=client_id)
    with Person(stack).connect("general") as guest:
        guests = guest.say(text, client_id=client_id)
    run_the_schedule(stack)
    stack.restart()
    with person.connect("general") as socket:
        assert socket.say(text, client_id=client_id) == first
    with Person(stack).connect("general") as guest:
        assert guest.say(text, client_id=client_id) == guests
        assert stored(guest, text) == [first["sequence"], guests["sequence"]]
