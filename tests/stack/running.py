"""Starts the whole stack as a person would, and answers questions about the processes that it is made of."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]


def free_ports() -> int:
    """A port that is free together with the next one, out of reach of those that the system gives away."""
    for _ in range(100):
        port = random.randrange(10_000, 30_000, 2)
        with socket.socket() as first, socket.socket() as second, contextlib.suppress(OSError):
            first.bind(("127.0.0.1", port))
            second.bind(("127.0.0.1", port + 1))
            return port
    raise AssertionError("no two neighbouring ports are free")


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class Stack:
    """`make run` on its own ports and data folder."""

    def __init__(self, data_dir: Path, *, through_make: bool = False, **environment: str) -> None:
        self.data_dir = data_dir
        self.port = free_ports()
        # Whoever edits the checkout while tests run doesn't mean their stacks.
        self._environment = {
            **os.environ,
            "PORT": str(self.port),
            "DATA_DIR": str(data_dir),
            "RELOAD": "no",
            **environment,
        }
        self._command = ["make", "run"] if through_make else [sys.executable, "-m", "dev", "run"]
        self._process: subprocess.Popen[str] | None = None
        self._lines: list[str] = []
        self._started: list[psutil.Process] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws"

    @property
    def aws_endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port + 1}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def output(self) -> str:
        return "".join(self._lines)

    def start(self, timeout: float = 120) -> Stack:
        """Start it and wait for the line that says so."""
        self.launch()
        deadline = time.monotonic() + timeout
        while f"Chat is ready at {self.url}/" not in self.output:
            assert self._process is not None
            assert self._process.poll() is None, f"it ended:\n{self.output}"
            assert time.monotonic() < deadline, f"not ready after {timeout} s:\n{self.output}"
            time.sleep(0.02)
        return self

    def launch(self) -> None:
        """Start it without waiting."""
        self._lines = []
        self._process = subprocess.Popen(
            self._command,
            cwd=ROOT,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        threading.Thread(target=self._read, args=(self._process,), daemon=True).start()

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                self._lines.append(line)

    def processes(self) -> list[psutil.Process]:
        """Everything that runs as part of it now."""
        root = psutil.Process(self.pid)
        return [root, *root.children(recursive=True)]

    def program(self) -> psutil.Process:
        """The program itself: below make where it was started by make."""
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                if "local_aws" in process.cmdline() and process.name() != "make":
                    return process
        raise AssertionError("the stack's program isn't running")

    def note_processes(self) -> None:
        """Remember what runs now, to be asked for by `left_behind`."""
        self._started = self.processes()

    def send_signal(self, number: int) -> None:
        assert self._process is not None
        self.note_processes()
        self._process.send_signal(number)

    def wait(self, timeout: float) -> int:
        assert self._process is not None
        return self._process.wait(timeout)

    def left_behind(self, within: float) -> list[psutil.Process]:
        """Of the processes that ran at the last signal, those that are still there after some seconds."""
        deadline = time.monotonic() + within
        while alive := [process for process in self._started if _runs(process)]:
            if time.monotonic() > deadline:
                break
            time.sleep(0.02)
        return alive

    def stop(self) -> int:
        """Ask it to stop, and see that it does within the contract's ten seconds."""
        self.send_signal(signal.SIGTERM)
        status = self.wait(timeout=10)
        assert self.left_behind(within=1) == []
        return status

    def restart(self) -> Stack:
        self.stop()
        return self.start()

    def clean_up(self) -> None:
        """Leave nothing, whatever the test did."""
        if self._process is None:
            return
        remaining = list(self._started)
        with contextlib.suppress(psutil.Error):
            remaining += self.processes()
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=10)
        for process in remaining:
            with contextlib.suppress(psutil.Error):
                process.kill()

    def manage(self, *command: str, function: str = "parlor-broadcast") -> subprocess.CompletedProcess[str]:
        """Run one of Django's commands in the environment of a function."""
        python = sys.executable
        local_exec = [python, "-m", "local_aws.exec", "--data-dir", str(self.data_dir), function]
        return subprocess.run(
            [*local_exec, "--", python, "manage.py", *command],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def make(self, *arguments: str, typed: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run another target of the Makefile against it, and type something into it."""
        environment = {**self._environment, "COLUMNS": "200"}
        return subprocess.run(
            ["make", "--no-print-directory", *arguments],
            cwd=ROOT,
            env=environment,
            input=typed,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@contextlib.contextmanager
def running(data_dir: Path, **environment: str) -> Iterator[Stack]:
    """A started stack that is gone afterwards."""
    stack = Stack(data_dir, **environment)
    try:
        yield stack.start()
    finally:
        stack.clean_up()
