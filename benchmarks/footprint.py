"""What the stack costs a laptop: seconds to start and stop, memory and CPU when idle."""

from __future__ import annotations

import signal
import tempfile
import time
from pathlib import Path

import psutil

from benchmarks.results import Result
from tests.stack.running import Stack

_IDLE_SECONDS = 5


def measure() -> Result:
    """Start it twice by `make run` in a folder of its own, let it idle, and stop it."""
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder, "data"), through_make=True, RELOAD="yes")
        try:
            first = _start(stack)
            _stop(stack)
            second = _start(stack)
            time.sleep(_IDLE_SECONDS)
            processes = stack.processes()
            before = sum(_cpu(process) for process in processes)
            time.sleep(_IDLE_SECONDS)
            used = sum(_cpu(process) for process in processes) - before
            memory = sum(process.memory_full_info().pss for process in processes)
            stop = _stop(stack)
        finally:
            stack.clean_up()
    return Result(
        title="What the stack costs a laptop",
        measures="`make run` twice in a new data folder, idle for some seconds, then SIGTERM.",
        baseline="the first start, which synthesises the template and makes the database.",
        columns=["", "figure", "in relation to the first start"],
        rows=[
            ["first start (s)", first, 1.0],
            ["second start (s)", second, second / first],
            ["stop (s)", stop, stop / first],
            ["idle memory, shared pages counted once (MB)", memory / 1e6, None],
            ["idle processes", len(processes), None],
            ["idle CPU (% of one core)", 100 * used / _IDLE_SECONDS, None],
        ],
    )


def _start(stack: Stack) -> float:
    started = time.monotonic()
    stack.start()
    return time.monotonic() - started


def _stop(stack: Stack) -> float:
    started = time.monotonic()
    stack.send_signal(signal.SIGTERM)
    stack.wait(timeout=30)
    assert stack.left_behind(within=10) == []
    return time.monotonic() - started


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
