"""Starting and stopping: what the contract says of signals, ports, data and what is left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from websockets.exceptions import ConnectionClosed

from tests.stack.person import Person
from tests.stack.running import Stack

pytestmark = pytest.mark.stack


@pytest.fixture
def own_stack(tmp_path: Path) -> Iterator[Stack]:
    own = Stack(tmp_path / "data ünd more")
    yield own
    own.clean_up()


@pytest.fixture
def made_stack(tmp_path: Path) -> Iterator[Stack]:
    own = Stack(tmp_path / "data", through_make=True)
    yield own
    own.clean_up()


def assert_ports_free(stack: Stack) -> None:
    for port in (stack.port, stack.port + 1):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))


def test_what_was_said_is_there_after_a_restart(own_stack: Stack) -> None:
    text = f"keep {uuid.uuid4()}"
    own_stack.start()
    with Person(own_stack).connect() as before:
        sequence = before.say(text)["sequence"]
    assert own_stack.stop() == 0
    assert_ports_free(own_stack)
    own_stack.start()
    with Person(own_stack).connect() as after:
        last = after.history()["messages"][-1]
        assert (last["sequence"], last["message"]) == (sequence, text)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_closes_sockets_properly_and_leaves_nothing(
    own_stack: Stack, number: signal.Signals
) -> None:
    own_stack.start()
    sockets = [Person(own_stack).connect() for _ in range(10)]
    started = time.monotonic()
    own_stack.send_signal(number)
    assert own_stack.wait(timeout=10) == 0
    assert own_stack.left_behind(within=1) == []
    assert time.monotonic() - started < 10
    for open_socket in sockets:
        with pytest.raises(ConnectionClosed) as closed:
            open_socket.of_type("nothing of this type")
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1001
    assert_ports_free(own_stack)


def test_sigterm_to_make_stops_the_stack(made_stack: Stack) -> None:
    made_stack.start()
    made_stack.send_signal(signal.SIGTERM)
    made_stack.wait(timeout=10)
    assert made_stack.left_behind(within=10) == []
    assert_ports_free(made_stack)


@pytest.mark.parametrize("victim", ["make", "program"])
def test_sigkill_leaves_no_process(made_stack: Stack, victim: str) -> None:
    made_stack.start()
    killed = made_stack.pid if victim == "make" else made_stack.program().pid
    made_stack.note_processes()
    os.kill(killed, signal.SIGKILL)
    assert made_stack.wait(timeout=10) != 0
    assert made_stack.left_behind(within=10) == []
    assert_ports_free(made_stack)
    made_stack.start()


def test_sockets_that_a_sigkill_cut_are_forgotten_by_the_next_start(own_stack: Stack) -> None:
    own_stack.start()
    Person(own_stack).connect("general")
    own_stack.send_signal(signal.SIGKILL)
    own_stack.wait(timeout=5)
    assert own_stack.left_behind(within=5) == []
    own_stack.start()
    with Person(own_stack).connect("general"):
        deadline = time.monotonic() + 10
        while True:
            answer = own_stack.make("broadcast", "MESSAGE=Hello.")
            if '"connections": 1' in answer.stdout or '"connections":1' in answer.stdout:
                return
            assert time.monotonic() < deadline, answer.stdout + answer.stderr


def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    for offset in (0, 1):
        second = Stack(tmp_path / "data")
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", second.port + offset))
            taken.listen()
            second.launch()
            second.note_processes()
            assert second.wait(timeout=60) != 0
        assert f"Port {second.port + offset} is taken" in second.output
        assert "Traceback" not in second.output
        assert second.left_behind(within=1) == []


def test_a_data_folder_that_is_a_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    broken = Stack(tmp_path / "file")
    broken.launch()
    assert broken.wait(timeout=60) != 0
    assert "data folder" in broken.output
    assert "Traceback" not in broken.output


def test_a_damaged_data_folder_is_one_sentence_and_leaves_nothing(own_stack: Stack) -> None:
    own_stack.start()
    own_stack.stop()
    (own_stack.data_dir / "postgres" / "global" / "pg_control").write_bytes(b"damaged")
    own_stack.launch()
    own_stack.note_processes()
    assert own_stack.wait(timeout=60) != 0
    assert "Traceback" not in own_stack.output
    assert str(own_stack.data_dir) in own_stack.output
    with contextlib.suppress(psutil.NoSuchProcess):
        assert own_stack.left_behind(within=2) == []


def test_a_second_start_on_the_same_data_is_refused(own_stack: Stack) -> None:
    own_stack.start()
    second = Stack(own_stack.data_dir)
    second.launch()
    assert second.wait(timeout=60) != 0
    assert "Traceback" not in second.output
    with Person(own_stack).connect() as socket_:
        assert socket_.ask("pong", action="ping") == {"type": "pong"}
