"""Every check and test, in the order in which they fail fastest."""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dev import node
from dev.failure import Failure
from dev.paths import FRONTEND, ROOT, VENV_PYTHON
from dev.steps import say

_PYTHON = str(VENV_PYTHON)
# Its module can't be run, and the first line of its script doesn't survive a path with spaces.
_LINT_IMPORTS = "from importlinter.cli import lint_imports_command; lint_imports_command()"
# Most tests wait for processes more than they compute. A file stays in one process, and the order is kept:
# browsers last.
_SIDE_BY_SIDE = ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")


@dataclass(frozen=True)
class Check:
    """A program that must end with status 0."""

    name: str
    command: Sequence[str]
    cwd: Path = ROOT


STATIC = (
    Check("Lint", [_PYTHON, "-m", "ruff", "check", "."]),
    Check("Format", [_PYTHON, "-m", "ruff", "format", "--check", "."]),
    Check("Import boundaries", [_PYTHON, "-c", _LINT_IMPORTS]),
    Check("Types", [_PYTHON, "-m", "mypy"]),
    Check("Client types", ["npm", "run", "--silent", "check"], FRONTEND),
)
CLIENT_TESTS = Check("Client tests", ["npm", "run", "--silent", "test"], FRONTEND)


def check() -> None:
    """Lint, types and boundaries. Raises Failure naming what failed."""
    _run(STATIC)


def test() -> None:
    """Everything, or with TESTS the tests that its arguments (as pytest takes them) choose."""
    chosen = shlex.split(os.environ.get("TESTS", ""))
    if chosen:
        _run([Check("Tests", [_PYTHON, "-m", "pytest", *chosen])])
    else:
        _run([*STATIC, CLIENT_TESTS, Check("Tests", [_PYTHON, "-m", "pytest", *_SIDE_BY_SIDE])])


def conformance() -> None:
    """What the local gateway, or the deployment that ENDPOINT names, has of API Gateway's behaviour."""
    _run([Check("Conformance", [_PYTHON, "-m", "pytest", "tests/conformance", "-rs"])])


def autobahn() -> None:
    """Every case of the Autobahn suite."""
    _run([Check("Autobahn", [_PYTHON, "-m", "pytest", "tests/conformance/test_autobahn.py"])], AUTOBAHN="all")


def endurance() -> None:
    """Ten thousand handshakes in a row."""
    command = [_PYTHON, "-m", "pytest", "tests/conformance/test_endurance.py"]
    _run([Check("Endurance", command)], HANDSHAKES="10000")


def faults() -> None:
    """The long form of what may die and get lost: the model, and parts killed at random moments."""
    command = [_PYTHON, "-m", "pytest", "-s", "tests/model", "tests/stack/test_fault_rounds.py"]
    _run([Check("Faults", command)], MODEL_EXAMPLES="500", FAULT_ROUNDS="50")


def engines() -> None:
    """What people do most, in Firefox and WebKitGTK."""
    _run([Check("Engines", [_PYTHON, "-m", "pytest", "-v", "tests/engines"])], ENGINES="all")


def fuzz() -> None:
    """Frames and requests that nobody means well by, in their long form."""
    command = [_PYTHON, "-m", "pytest", "-s", "tests/fuzz"]
    # Some more than are promised: the shares of the kinds are rounded down.
    variables = {"FUZZ_INPUTS": os.environ.get("INPUTS") or "151000"}
    if seed := os.environ.get("SEED"):
        variables["FUZZ_SEED"] = seed
    _run([Check("Fuzz", command)], **variables)


def _run(checks: Sequence[Check], **variables: str) -> None:
    failed = []
    environment = {**os.environ, **node.environment(), **variables}
    for check in checks:
        say(f"── {check.name}")
        started = time.monotonic()
        if subprocess.run(check.command, cwd=check.cwd, env=environment, check=False).returncode != 0:
            failed.append(check.name)
        outcome = "failed" if check.name in failed else "passed"
        say(f"── {check.name}: {outcome} in {time.monotonic() - started:.1f} s")
    if failed:
        raise Failure(f"Failed: {', '.join(failed)}.")
