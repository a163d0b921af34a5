"""Parts of the stack killed at random moments, again and again, under load: `make faults`.

What happens at each step of a message is tried one by one in `test_faults`; this looks for steps that nobody
thought of.
"""

from __future__ import annotations

import os
import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from tests.stack import fault_points
from tests.stack.person import Frame, Person, Socket
from tests.stack.running import Stack, running

ROUNDS = int(os.environ.get("FAULT_ROUNDS", "0"))
SPEAKERS = 6

pytestmark = [
    pytest.mark.stack,
    pytest.mark.skipif(not ROUNDS, reason="make faults sets FAULT_ROUNDS"),
]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("rounds") / "data") as started:
        yield started


def kill_the_database(stack: Stack) -> None:
    fault_points.kill(fault_points.postmasters(stack))


def kill_the_websocket_function(stack: Stack) -> None:
    fault_points.kill(fault_points.workers(stack, fault_points.WEBSOCKET))


def kill_the_delivery_function(stack: Stack) -> None:
    fault_points.kill(fault_points.workers(stack, fault_points.DELIVERY))


class Speaker(threading.Thread):
    """Says something new again and again, and repeats each until it is acknowledged."""

    def __init__(self, socket: Socket, done: threading.Event) -> None:
        super().__init__()
        self.socket = socket
        self.done = done
        self.accepted: dict[str, int] = {}

    def run(self) -> None:
        while not self.done.is_set():
            client_id = str(uuid.uuid4())
            while not self._say(client_id):
                time.sleep(0.3)
            time.sleep(random.uniform(0.9, 1.2))

    def _say(self, client_id: str) -> bool:
        self.socket.send(action="chat_message", message=client_id, client_id=client_id)
        answer = self.socket.next(
            lambda frame: frame.get("type") in ("message_accepted", "error") or "connectionId" in frame,
            timeout=40,
        )
        if answer.get("type") != "message_accepted":
            return False
        self.accepted[answer["client_id"]] = answer["sequence"]
        return answer["client_id"] == client_id


@pytest.mark.parametrize("room", ["general"])
@pytest.mark.parametrize("kill", [kill_the_websocket_function, kill_the_delivery_function, kill_the_database])
def test_nothing_acknowledged_is_lost_and_nothing_doubled(
    stack: Stack, kill: Callable[[Stack], None], room: str
) -> None:
    done = threading.Event()
    with Person(stack).connect(room) as reader:
        position = reader.history()["latest_sequence"]
        sockets = [Person(stack).connect(room) for _ in range(SPEAKERS)]
        speakers = [Speaker(socket, done) for socket in sockets]
        listener = threading.Thread(target=listen, args=(reader, done))
        for thread in (listener, *speakers):
            thread.start()
        for _ in range(ROUNDS):
            come_through(speakers)
            time.sleep(random.uniform(0.0, 1.2))
            kill(stack)
        done.set()
        for thread in (listener, *speakers):
            thread.join()
        for socket in sockets:
            socket.close()
        shown = recovered(reader, position)
    accepted = {each: sequence for speaker in speakers for each, sequence in speaker.accepted.items()}
    print(f"{kill.__name__}: {ROUNDS} times, {len(accepted)} messages acknowledged")
    assert len(accepted) >= ROUNDS
    assert Counter(shown.values()).most_common(1)[0][1] == 1, "doubled"
    assert {text: sequence for sequence, text in shown.items()} == accepted


def come_through(speakers: list[Speaker]) -> None:
    """Wait until something is acknowledged again: a fault of what has not yet recovered shows nothing."""
    before = sum(len(speaker.accepted) for speaker in speakers)
    deadline = time.monotonic() + 60
    while sum(len(speaker.accepted) for speaker in speakers) == before:
        assert time.monotonic() < deadline, "nothing is acknowledged any more"
        time.sleep(0.01)


def listen(reader: Socket, done: threading.Event) -> None:
    """Take every frame as it comes: a socket that nobody reads is ended."""
    while not done.is_set():
        reader.quiet(0.5)


def page_after(reader: Socket, position: int) -> Frame:
    """What was missed. Asked for again, as clients do, where the function dies or its database does."""
    for _ in range(40):
        reader.send(action="fetch_history", after=position)
        answer = reader.next(
            lambda frame: frame.get("type") in ("history", "error") or "connectionId" in frame, timeout=40
        )
        if answer.get("type") == "history":
            return answer
        time.sleep(0.5)
    raise AssertionError(f"no history can be had: {answer}")


def recovered(reader: Socket, position: int) -> dict[int, str]:
    """What a reader shows after all that was pushed and one recovery, by sequence."""
    reader.quiet(2)
    shown = {
        frame["sequence"]: frame["message"] for frame in reader.frames if frame["type"] == "chat_message"
    }
    assert shown, "nothing was pushed at all"
    after, has_more = position, True
    while has_more:
        page = page_after(reader, after)
        assert "restart" not in page
        for event in page["messages"]:
            assert shown.setdefault(event["sequence"], event["message"]) == event["message"]
            after = event["sequence"]
        has_more = page["has_more"]
    assert sorted(shown) == list(range(position + 1, page["latest_sequence"] + 1))
    return shown
