"""The virtual environment with the locked Python packages."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from dev.failure import Failure
from dev.paths import ROOT, VENV, VENV_PYTHON
from dev.processes import run
from dev.steps import Step, say

LOCK = ROOT / "requirements-dev.txt"
_FIRST_TIME = "The first time this takes a connection to PyPI: check it and run make again."


def install_step() -> Step:
    """Make `.venv` hold exactly what requirements-dev.txt names."""
    return Step(
        name="Python packages",
        doing="installing (a minute or so the first time)",
        work=_install,
        inputs=[LOCK],
        makes=VENV / "bin" / "python",
    )


def _install() -> None:
    if not _works(VENV_PYTHON):
        shutil.rmtree(VENV, ignore_errors=True)
        run(
            [sys.executable, "-m", "venv", VENV],
            what="The virtual environment could not be made",
            hint="On Debian and Ubuntu it takes the package python3-venv.",
        )
    with tempfile.TemporaryDirectory() as folder:
        uv_lock = Path(folder, "uv.txt")
        uv_lock.write_text(_entry("uv"), encoding="utf-8")
        run(
            [VENV_PYTHON, "-m", "pip", "install", "-q", "--no-deps", "--require-hashes", "-r", uv_lock],
            what="The installer uv could not be fetched",
            hint=_FIRST_TIME,
        )
    sync(LOCK)


def sync(lock: Path) -> None:
    """Bring the virtual environment to what a lock file says."""
    run(
        [VENV_PYTHON, "-m", "uv", "pip", "sync", "--require-hashes", "--python", VENV_PYTHON, lock],
        what="The Python packages could not be installed",
        hint=_FIRST_TIME,
        # A cache on another file system can't be linked from: uv then copies, and needn't say so.
        env={"UV_LINK_MODE": "copy"} if _elsewhere() else None,
    )


def _elsewhere() -> bool:
    home = Path.home()
    return home.exists() and home.stat().st_dev != ROOT.stat().st_dev


def _entry(package: str) -> str:
    """One package's lines of the lock, hashes included."""
    found = re.search(rf"^{package}==.*?(?=^\S)", LOCK.read_text(encoding="utf-8") + "\n#", re.M | re.S)
    if found is None:
        raise Failure(f"requirements-dev.txt doesn't name {package}: run `make lock`.")
    return found[0]


def _works(python: Path) -> bool:
    """Whether the environment's interpreter runs, does for this project, and was made at this place.

    Which Python made it is all the same: the PATH may name another one the next time.
    """
    code = "import sys; print(sys.version_info >= (3, 11), sys.prefix)"
    try:
        answer = subprocess.run([python, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return False
    return answer.stdout.strip() == f"True {VENV}"


def lock() -> None:
    """Resolve every requirements*.in into its locked file, for all supported Pythons and platforms."""
    resolve = [
        str(VENV_PYTHON),
        "-m",
        "uv",
        "pip",
        "compile",
        "-q",
        "--universal",
        "--python-version",
        "3.11",
    ]
    resolve += ["--generate-hashes", "--custom-compile-command", "make lock"]
    for name in ("requirements", "requirements-dev", "requirements-node", "benchmarks/requirements"):
        run(
            [*resolve, f"{name}.in", "-o", f"{name}.txt"],
            what=f"{name}.in could not be resolved",
            hint="It takes a connection to PyPI.",
        )
        say(f"{name}.txt: locked")
