"""Autobahn's cases of the WebSocket protocol, run by `kosoku` against an echo behind a gateway."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Collection, Iterable
from pathlib import Path

# Speed (9), and compression (12, 13): the runner fails at its own text cases of these, and the others are
# binary. `tests/local_aws/gateway/test_compression.py` is about compression.
LEFT_OUT = ("9.*", "12.*", "13.*")

# The cases that a gateway with API Gateway's rules fails, with the rule.
EXPECTED = {
    "an empty message has no answer": ("1.1.1", "6.1.1", "6.1.2"),
    "a frame over 32 KB closes with 1009": ("1.1.6", "1.1.7", "1.1.8"),
    "a binary message closes with 1003": tuple(f"1.2.{number}" for number in range(1, 9)),
    "a close during a message of several frames is answered with its code, which the case doesn't take": (
        "7.1.5",
    ),
}
_PASSES = {"OK", "NON-STRICT", "INFORMATIONAL"}


def failing() -> set[str]:
    """The cases that must fail."""
    return {case for cases in EXPECTED.values() for case in cases}


def run(url: str, report: Path, *, include: Iterable[str] = ()) -> tuple[set[str], set[str]]:
    """Run the cases against an echo: all that ran, and of those what failed. Blocks."""
    arguments = [part for case in include for part in ("-i", case)]
    arguments += [part for case in LEFT_OUT for part in ("-x", case)]
    program = Path(sys.executable).with_name("kosoku")
    done = subprocess.run(
        [str(program), "-m", "fuzzingclient", *arguments, "-p", "8", "-o", str(report), url],
        capture_output=True,
        text=True,
        check=False,
    )
    index = report / "index.json"
    assert index.exists(), done.stdout + done.stderr
    [cases] = json.loads(index.read_text(encoding="utf-8")).values()
    return set(cases), {case for case, outcome in cases.items() if not _passed(outcome.values())}


def _passed(behaviours: Collection[object]) -> bool:
    return {
        behaviour for behaviour in behaviours if isinstance(behaviour, str) and behaviour.isupper()
    } <= _PASSES
