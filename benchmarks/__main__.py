"""Runs benchmarks and keeps what they find: `python -m benchmarks [NAME…]`, all of them without a name."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from benchmarks import report, results
from benchmarks.environment import ROOT
from benchmarks.figures import cell

_LONGEST_SECONDS = 600


def names() -> list[str]:
    """All benchmarks: the modules here with a `measure`."""
    folder = Path(__file__).parent
    return sorted(
        path.stem
        for path in folder.glob("*.py")
        if not path.stem.startswith("_") and "\ndef measure(" in path.read_text(encoding="utf-8")
    )


def main(arguments: list[str]) -> int:
    """The exit status: 1 where a benchmark failed, 2 for an unknown name."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    known = names()
    if unknown := [name for name in arguments if name not in known]:
        print(f"No such benchmark: {', '.join(unknown)}. There are {', '.join(known)}.", file=sys.stderr)
        return 2
    failed = [name for name in arguments or known if not _run(name)]
    report.main()
    print("docs/performance.md is made anew.")
    if failed:
        print(f"Failed: {', '.join(failed)}.", file=sys.stderr)
    return 1 if failed else 0


def _run(name: str) -> bool:
    """Run one in a process of its own, so that none feels what another has left in memory."""
    print(f"── {name}", flush=True)
    started = time.monotonic()
    command = [sys.executable, "-c", f"from benchmarks.__main__ import measure; measure({name!r})"]
    process = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
    try:
        status = process.wait(_LONGEST_SECONDS)
    except subprocess.TimeoutExpired:
        print(f"── {name}: not done after {_LONGEST_SECONDS} s", file=sys.stderr, flush=True)
        status = 1
    finally:
        _end(process)
    print(
        f"── {name}: {'done' if status == 0 else 'failed'} in {time.monotonic() - started:.0f} s", flush=True
    )
    return status == 0


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a benchmark that is still running: first so that it can end what it started."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def measure(name: str) -> None:
    """Run a benchmark in this process, and keep its result."""
    load = os.getloadavg()[0]
    result = importlib.import_module(f"benchmarks.{name}").measure()
    results.keep(name, result, load=load)
    rows = [[cell(value) for value in row] for row in (result.columns, *result.rows)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
