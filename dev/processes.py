"""Starting programs so that none of them outlives the command, however that ends."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

from dev.failure import Failure
from dev.paths import ROOT, STATE, VENV_PYTHON

_PR_SET_PDEATHSIG = 1


class Stopped(BaseException):
    """The person asked to stop. Not an Exception: no step may take it for a failure of its own."""


def stop_on_signals() -> None:
    """Turn Ctrl-C, SIGTERM and SIGHUP into `Stopped`, wherever the command is."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Stopped

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)


def follow_parent(number: int = signal.SIGTERM) -> None:
    """Have this process get a signal when its parent dies, SIGKILL included. Survives exec; Linux only.

    Elsewhere the stack itself watches its parent (`local_aws --stop-with`).
    """
    if sys.platform != "linux":
        return
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
    if os.getppid() != parent:  # it died before we asked
        raise Stopped


def keep_bytecode() -> None:
    """Have what is started keep what it compiles, beside no source, where Python was told to write nothing.

    Without it each of these processes compiles Django, or the CDK, anew.
    """
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
        os.environ.setdefault("PYTHONPYCACHEPREFIX", str(STATE / "bytecode"))


def become_module(name: str, *arguments: str) -> NoReturn:
    """Go on as a module of ours in the environment of the checkout, which has what it imports."""
    os.chdir(ROOT)
    sys.stdout.flush()
    python = str(VENV_PYTHON)
    os.execv(python, [python, "-m", name, *arguments])


def run(
    command: Sequence[str | Path],
    *,
    what: str,
    hint: str,
    cwd: Path = ROOT,
    env: Mapping[str, str] | None = None,
) -> str:
    """Run a program quietly and return what it printed.

    Raises Failure with `what` and `hint` when it exits with another status than 0; all that it printed is
    then in the log file that the sentence names.
    """
    try:
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            preexec_fn=lambda: follow_parent(signal.SIGKILL),
        )
    except OSError as error:
        raise Failure(f"{what}: {error.strerror or error}. {hint}") from error
    try:
        output, _ = process.communicate()
    except BaseException:
        _kill_group(process)
        raise
    if process.returncode == 0:
        return output
    log = STATE / "last-failure.log"
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(output, encoding="utf-8")
        where = f" What it printed is in {log.relative_to(ROOT)}."
    except OSError:
        where = f" It printed: {output.strip()[-400:]}"
    raise Failure(f"{what} (status {process.returncode}). {hint}{where}", printed=output)


def _kill_group(process: subprocess.Popen[str]) -> None:
    try:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=2)
    except (ProcessLookupError, subprocess.TimeoutExpired):
        pass
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()
