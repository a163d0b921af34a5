"""Starts children that end when this process ends, however it ends, and tells when a child has ended.

A child's death signal follows the *thread* that started it, so `spawn` belongs to the main thread.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO

# Reads "+ GROUP" and "- GROUP" lines and, once the pipe closes, kills the process groups that are left.
_WATCHDOG = """
groups=' '
while read -r sign group; do
  case $sign in
    +) groups="$groups$group " ;;
    -) groups="${groups%% "$group" *} ${groups#* "$group" }" ;;
  esac
done
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done
"""


@cache
def available(*command: str) -> bool:
    """Whether this system can run something below `command` (`unshare …`, `setpriv …`)."""
    if shutil.which(command[0]) is None:
        return False
    probe = subprocess.run([*command, "true"], stdin=subprocess.DEVNULL, capture_output=True, check=False)  # noqa: S603
    return probe.returncode == 0


def spawn(
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path | None = None,
    output: int | IO[bytes] = subprocess.DEVNULL,
    death_signal: str = "KILL",
    contain: bool = False,
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own, with `output` for both of its streams.

    It gets `death_signal` when this process ends. With `contain` so does whatever it starts itself: all of it
    where the system has process namespaces, elsewhere what stays in its process group.
    """
    leash: list[str] = []
    bound = available("setpriv", "--pdeathsig", death_signal)
    namespace = _process_namespace() if bound and contain else ()
    if bound:
        leash += ["setpriv", "--pdeathsig", death_signal]
    if namespace:
        # The shell is the namespace's first process: as such the command itself could not even be killed by
        # a signal of its own.
        leash += [*namespace, "/bin/sh", "-c", '"$@"; exit $?', "sh"]
    child = subprocess.Popen(  # noqa: S603
        [*leash, *command],
        env=dict(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
        pass_fds=pass_fds,
    )
    if not bound or (contain and not namespace):
        _watchdog.watch(child.pid)
    return child


def kill(child: subprocess.Popen[bytes]) -> None:
    """End the child and its process group at once."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # macOS says the latter of a group that has only zombies
        pass


def reaped(child: subprocess.Popen[bytes]) -> None:
    """Forget a child that has ended: its process group's number may soon be somebody else's."""
    _watchdog.forget(child.pid)


async def ended(child: subprocess.Popen[bytes]) -> int:
    """Wait for the child's end. Returns its exit status, negative for a signal."""
    try:
        descriptor = os.pidfd_open(child.pid)
    except (AttributeError, OSError):  # not Linux, or already reaped
        while child.poll() is None:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    else:
        loop = asyncio.get_running_loop()
        done = asyncio.Event()
        loop.add_reader(descriptor, done.set)
        try:
            await done.wait()
        finally:
            loop.remove_reader(descriptor)
            os.close(descriptor)
    status = child.wait()
    reaped(child)
    # The shell of a contained child reports a signal the way shells do.
    return 128 - status if status > 128 else status


def _process_namespace() -> tuple[str, ...]:
    own_processes = ("--pid", "--fork", "--kill-child=KILL")
    for command in (("unshare", *own_processes), ("unshare", "--user", "--map-current-user", *own_processes)):
        if available(*command):
            return command
    return ()


class _Watchdog:
    """Where the kernel can't bind children to us: a small process kills their groups when our pipe closes."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._groups: set[int] = set()

    def watch(self, group: int) -> None:
        self._groups.add(group)
        self._tell(f"+ {group}\n")

    def forget(self, group: int) -> None:
        if group in self._groups:
            self._groups.discard(group)
            self._tell(f"- {group}\n")

    def _tell(self, line: str) -> None:
        try:
            if self._process is None:
                raise BrokenPipeError
            self._write(self._process, line)
        except BrokenPipeError:  # not started yet, or killed: a new one learns of all
            self._process = subprocess.Popen(  # noqa: S603
                ["/bin/sh", "-c", _WATCHDOG], stdin=subprocess.PIPE, start_new_session=True
            )
            self._write(self._process, "".join(f"+ {group}\n" for group in self._groups))

    @staticmethod
    def _write(process: subprocess.Popen[bytes], lines: str) -> None:
        assert process.stdin is not None
        process.stdin.write(lines.encode())
        process.stdin.flush()


_watchdog = _Watchdog()
