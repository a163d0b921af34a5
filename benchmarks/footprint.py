"""What the stack costs a laptop: seconds to start and stop, memory and CPU when idle.

`.venv/bin/python -m benchmarks.footprint` starts it twice in a folder of its own. Its baseline is the first
start, which makes the database and the template; the second is what a developer waits for each day.
"""

from __future__ import annotations

import signal
import tempfile
import time
from pathlib import Path

import psutil

from tests.stack.running import Stack

_IDLE_SECONDS = 5


def main() -> None:
    """Measure and print a line each."""
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder, "data"), through_make=True)
        try:
            first = _start(stack)
            _stop(stack)
            second = _start(stack)
            print(f"first start    {first:6.2f} s (baseline)")
            print(f"second start   {second:6.2f} s ({second / first:.2f} ×)")
            time.sleep(_IDLE_SECONDS)
            processes = stack.processes()
            before = sum(_cpu(process) for process in processes)
            time.sleep(_IDLE_SECONDS)
            used = sum(_cpu(process) for process in processes) - before
            for process in processes:
                print(
                    f"   {process.memory_full_info().pss / 1e6:6.0f} MB  {' '.join(process.cmdline())[:90]}"
                )
            total = sum(process.memory_full_info().pss for process in processes)
            print(f"idle memory    {total / 1e6:6.0f} MB, {len(processes)} processes (shared pages once)")
            print(f"idle CPU       {used / _IDLE_SECONDS:6.1%}")
            print(f"stop           {_stop(stack):6.2f} s")
        finally:
            stack.clean_up()


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


if __name__ == "__main__":
    main()
