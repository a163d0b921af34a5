"""Benchmarks: what only they need is installed apart, and they run in the checkout's own environment."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import NoReturn

from dev import node
from dev.paths import ROOT, STATE, VENV_PYTHON
from dev.processes import run
from dev.steps import Step

_SOURCES = ROOT / "benchmarks"
_FOLDER = STATE / "bench"
_PYTHON = _FOLDER / "venv" / "bin" / "python"
_FIRST_TIME = "The first time this takes a connection to PyPI and npm: check it and run make again."


def install_steps() -> list[Step]:
    """What this project is measured against, Python and npm packages as locked, in .cache/bench."""
    return [
        Step(
            name="Benchmark packages",
            doing="installing what this is measured against",
            work=_install_python,
            inputs=[_SOURCES / "requirements.txt"],
            makes=_PYTHON,
        ),
        Step(
            name="Benchmark Node packages",
            doing="npm ci",
            work=_install_node,
            inputs=[_SOURCES / "package-lock.json", _SOURCES / "package.json"],
            makes=_FOLDER / "node_modules" / ".package-lock.json",
            facts=[str(node.node())],
        ),
    ]


def measure() -> NoReturn:
    """Become the benchmarks that ONLY names, or all of them."""
    os.environ.update(node.environment())
    os.chdir(ROOT)
    sys.stdout.flush()
    chosen = shlex.split(os.environ.get("ONLY", "").replace(",", " "))
    os.execv(VENV_PYTHON, [str(VENV_PYTHON), "-m", "benchmarks", *chosen])


def _install_python() -> None:
    shutil.rmtree(_PYTHON.parents[1], ignore_errors=True)
    run(
        [VENV_PYTHON, "-m", "uv", "venv", "-q", "--python", VENV_PYTHON, _PYTHON.parents[1]],
        what="The environment of the benchmarks could not be made",
        hint="`make clean`, then try again.",
    )
    lock: Path = _SOURCES / "requirements.txt"
    run(
        [VENV_PYTHON, "-m", "uv", "pip", "sync", "--require-hashes", "--python", _PYTHON, lock],
        what="The packages of the benchmarks could not be installed",
        hint=_FIRST_TIME,
        env={"UV_LINK_MODE": "copy"},
    )


def _install_node() -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(_SOURCES / name, _FOLDER / name)
    node.npm(
        "ci",
        "--no-audit",
        "--no-fund",
        what="The npm packages of the benchmarks could not be installed",
        hint=_FIRST_TIME,
        cwd=_FOLDER,
    )
