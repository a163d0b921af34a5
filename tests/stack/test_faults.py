"""What people notice when parts of the stack die under them: nothing that was acknowledged is lost."""

from __future__ import annotations

import contextlib
import threading
import time
import uuid
from collections.abc import Iterator

import psutil
import pytest

from tests.stack.person import Person, Socket
from tests.stack.running import Stack, running

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("faults") / "data") as started:
        yield started


def workers(stack: Stack, handler: str) -> list[psutil.Process]:
    found = []
    for process in stack.processes():
        try:
            if handler in process.cmdline() and "awslambdaric" in process.cmdline():
                found.append(process)
        except psutil.Error:
            continue
    return found


def talk(socket: Socket, seconds: float, accepted: list[tuple[str, int]], interrupted: list[str]) -> None:
    """Say something new every 1.1 s; what was answered otherwise is said again until it is acknowledged."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        client_id = str(uuid.uuid4())
        while True:
            socket.send(action="chat_message", message=f"fault {client_id}", client_id=client_id)
            answer = socket.next(
                lambda frame: (
                    frame.get("type") in ("message_accepted", "error")
                    or frame.get("message") == "Internal server error"
                ),
                timeout=35,
            )
            if answer.get("type") == "message_accepted":
                accepted.append((client_id, answer["sequence"]))
                break
            interrupted.append(str(answer))
            time.sleep(0.5)
        time.sleep(1.1)


def everything_is_there(stack: Stack, room: str, accepted: list[tuple[str, int]], reader: Socket) -> None:
    with Person(stack).connect(room) as check:
        history = check.history()
        stored = {m["sequence"]: m["message"] for m in history["messages"]}
        latest = history["latest_sequence"]
        for client_id, sequence in accepted:
            assert stored[sequence] == f"fault {client_id}"
        assert sorted(stored) == list(range(latest - len(stored) + 1, latest + 1))
    # A shard whose delivery died is tried again after the queue's visibility timeout. Until then a reader
    # who sees the hole asks, as every client does.
    reader.quiet(2)
    shown = {
        frame["sequence"]: frame["message"] for frame in reader.frames if frame["type"] == "chat_message"
    }
    assert shown, "nothing was pushed at all"
    missed = reader.history(after=min(shown) - 1)
    assert missed["has_more"] is False
    shown |= {message["sequence"]: message["message"] for message in missed["messages"]}
    for client_id, sequence in accepted:
        assert shown[sequence] == f"fault {client_id}"


@pytest.mark.parametrize("handler", ["lambda_handlers.websocket.handler", "lambda_handlers.delivery.handler"])
def test_killed_workers_lose_nothing(stack: Stack, handler: str) -> None:
    accepted: list[tuple[str, int]] = []
    with Person(stack).connect("support") as speaker, Person(stack).connect("support") as reader:
        speaker.say("warm")
        thread = threading.Thread(target=talk, args=(speaker, 12, accepted, []))
        thread.start()
        kills = 0
        while thread.is_alive():
            for worker in workers(stack, handler):
                with contextlib.suppress(psutil.NoSuchProcess):
                    worker.kill()
                    kills += 1
            time.sleep(3)
        thread.join()
        assert kills >= 3
        assert len(accepted) >= 3
        everything_is_there(stack, "support", accepted, reader)


def test_a_database_that_dies_comes_back_and_loses_nothing(stack: Stack) -> None:
    accepted: list[tuple[str, int]] = []
    with Person(stack).connect("random") as speaker, Person(stack).connect("random") as reader:
        speaker.say("warm")
        thread = threading.Thread(target=talk, args=(speaker, 8, accepted, []))
        thread.start()
        time.sleep(2)
        killed = 0
        for process in stack.processes():
            try:
                if process.name() == "postgres" and "-D" in process.cmdline():
                    process.kill()
                    killed += 1
            except psutil.Error:
                continue
        assert killed
        thread.join()
        assert len(accepted) >= 3
        everything_is_there(stack, "random", accepted, reader)


def test_dropped_database_connections_are_not_noticed(stack: Stack) -> None:
    code = (
        "from django.db import connection; "
        "connection.cursor().execute('select pg_terminate_backend(pid) from pg_stat_activity "
        "where usename = current_user and pid <> pg_backend_pid()')"
    )
    people = [Person(stack) for _ in range(5)]
    sockets = [person.connect("general") for person in people]
    for socket in sockets:
        socket.say("before")
    assert stack.manage("shell", "-c", code).returncode == 0
    for _ in range(4):
        for socket in sockets:
            socket.say(f"after {uuid.uuid4()}")
    for person in people:
        assert person.get("/api/session").status_code == 200
        assert person.get("/admin/login/").status_code == 200
    assert stack.make("broadcast", "MESSAGE=Still here.").returncode == 0
    for socket in sockets:
        socket.close()


def test_a_connection_that_vanished_without_a_word_does_not_hold_up_the_rest(stack: Stack) -> None:
    with Person(stack).connect("support") as speaker, Person(stack).connect("support") as reader:
        gone = Person(stack).connect("support")
        gone.connection.socket.close()
        for number in range(5):
            text = f"{number} {uuid.uuid4()}"
            speaker.say(text)
            reader.hear(text)
