"""A child never outlives us: whatever ends us, and whatever the child is doing."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from local_aws import processes

SPINNING = "while True: pass"
WITH_A_CHILD = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"


def parent(tmp_path: Path, child: str, *, contain: bool, without: str = "") -> subprocess.Popen[bytes]:
    """A process that has started a child by `spawn`, on a system without some programs."""
    script = f"""
        import os, subprocess, sys, time
        from local_aws import processes
        available = processes.available
        processes.available = lambda *command: command[0] not in {without.split()!r} and available(*command)
        child = processes.spawn([sys.executable, "-c", {child!r}], env=dict(os.environ), contain={contain})
        print(child.pid, flush=True)
        time.sleep(60)
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        stdout=subprocess.PIPE,
        env=dict(os.environ, MARK=str(tmp_path)),
    )
    assert process.stdout is not None
    with process.stdout as output:
        assert output.readline().strip().isdigit()
    time.sleep(0.3)
    return process


def alive(mark: Path) -> list[int]:
    """The processes that a parent has started, by a variable that they inherit."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and f"MARK={mark}\0".encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def gone(mark: Path, seconds: float = 3) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not alive(mark):
            return True
        time.sleep(0.02)
    return False


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("without", ["", "unshare", "setpriv"], ids=["all", "no-unshare", "watchdog"])
@pytest.mark.parametrize("child", [SPINNING, WITH_A_CHILD], ids=["spinning", "with-a-child"])
def test_when_we_are_killed_nothing_is_left(tmp_path, child, without):
    process = parent(tmp_path, child, contain=True, without=without)
    assert len(alive(tmp_path)) >= 2

    process.kill()
    process.wait()

    assert gone(tmp_path)


@pytest.mark.parametrize(
    ("last_words", "status"),
    [("raise SystemExit(3)", 3), ("import os; os.kill(os.getpid(), 9)", -9), ("import os; os.abort()", -6)],
)
@pytest.mark.parametrize("contain", [True, False])
async def test_the_end_of_a_child_is_told_with_its_status(last_words, status, contain):
    child = processes.spawn([sys.executable, "-c", last_words], env=dict(os.environ), contain=contain)

    assert await processes.ended(child) == status


async def test_a_stopped_child_can_be_killed():
    child = processes.spawn([sys.executable, "-c", SPINNING], env=dict(os.environ), contain=True)
    os.killpg(child.pid, signal.SIGSTOP)

    processes.kill(child)

    assert await processes.ended(child) < 0
