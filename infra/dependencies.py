"""What the functions take from PyPI: installed as locked for Lambda, compiled, and kept for the next time."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from infra.failure import Failure
from infra.paths import CACHE, REQUIREMENTS

PROVIDED_BY_LAMBDA = frozenset(
    {"boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3"}
)
"""boto3 and what it needs are part of the Lambda runtime."""

# What an installer leaves behind and what differs from machine to machine.
_LEFTOVERS = (
    "bin",
    ".lock",
    "*.dist-info/RECORD",
    "*.dist-info/INSTALLER",
    "*.dist-info/REQUESTED",
    "*.dist-info/direct_url.json",
    "*.dist-info/uv_*",
)
_KEPT = 4
"""How many sets of dependencies stay on disk: of two branches, each for Lambda and for this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A Python and a platform, as uv names them."""

    python: str
    platform: str


LAMBDA = Target(python="3.13", platform="aarch64-manylinux_2_28")
"""python3.13 on arm64 is Amazon Linux 2023, glibc 2.34."""


def dependencies(target: Target) -> Path:
    """The folder of the installed dependencies, made where it isn't there yet. To be copied, not changed.

    :raises Failure: They can't be had.
    """
    requirements = locked_requirements(REQUIREMENTS.read_text(encoding="utf-8"))
    interpreter = python_of(target)
    parts = (requirements, repr(target), *_LEFTOVERS, "compiled" if interpreter else "source")
    folder = CACHE / "packages" / hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
    if folder.exists():
        folder.touch()
        return folder
    with _beside(folder) as unfinished:
        _install(requirements, target, unfinished)
        compile_all(unfinished, target)
    _forget_old(folder.parent)
    return folder


def locked_requirements(lock: str) -> str:
    """The lock file without what Lambda provides."""
    entries = re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.MULTILINE)
    return "".join(
        entry
        for entry in entries
        if re.split(r"[=\[ ]", entry, maxsplit=1)[0].lower() not in PROVIDED_BY_LAMBDA
        and not entry.startswith("#")
    )


def compile_all(folder: Path, target: Target) -> None:
    """Add bytecode: /var/task is read-only, and without it Django starts a second later each time."""
    python = python_of(target)
    if python is None:
        _warn(
            f"No Python {target.python} here to compile the functions' packages with: "
            "a cold start on AWS will take about a second longer."
        )
        return
    subprocess.run(  # noqa: S603 - our own command
        [python, "-I", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash",
         "-s", str(folder), "-p", "/var/task", str(folder)],
        check=True,
        env={"PATH": os.environ.get("PATH", ""), "PYTHONHASHSEED": "0"},
    )  # fmt: skip


@cache
def python_of(target: Target) -> str | None:
    """An interpreter of the target's version on this machine, whose bytecode is the same anywhere."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    candidates = [
        sys.executable,
        shutil.which(f"python{target.python}"),
        *sorted(pyenv.glob(f"versions/{target.python}.*/bin/python")),
    ]
    for candidate in map(str, filter(None, candidates)):
        asked = subprocess.run(  # noqa: S603 - our own command
            [candidate, "-I", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
            text=True,
            capture_output=True,
            check=False,
        )
        if asked.stdout.strip() == target.python:
            return candidate
    return None


@cache
def _warn(sentence: str) -> None:
    print(sentence, file=sys.stderr)


@contextmanager
def _beside(folder: Path) -> Iterator[Path]:
    """A folder to fill that takes its place when it is whole, so that half of one is never taken for it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".unfinished-") as outer:
        unfinished = Path(outer, "whole")
        unfinished.mkdir()
        yield unfinished
        try:
            unfinished.rename(folder)
        except OSError:
            if not folder.exists():  # somebody else was faster
                raise


def _forget_old(folder: Path) -> None:
    kept = sorted(folder.glob("[0-9a-f]*"), key=lambda each: each.stat().st_mtime, reverse=True)
    for old in kept[_KEPT:]:
        shutil.rmtree(old, ignore_errors=True)


def _install(requirements: str, target: Target, folder: Path) -> None:
    command: Sequence[str] = [
        sys.executable, "-m", "uv", "pip", "install",
        "--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:", "--link-mode", "copy",
        "--python-platform", target.platform, "--python-version", target.python,
        "--target", str(folder), "-r", "-",
    ]  # fmt: skip
    # First from uv's cache alone: without a network, uv otherwise gives up on what it has.
    for offline in ({"UV_OFFLINE": "1"}, {}):
        installed = subprocess.run(  # noqa: S603 - our own command
            command,
            input=requirements,
            text=True,
            capture_output=True,
            check=False,
            env={**os.environ, **offline},
        )
        if installed.returncode == 0:
            break
    else:
        raise Failure(
            "The functions' dependencies can't be fetched: the first time this takes a connection to PyPI. "
            f"uv says: {installed.stderr.strip()}"
        )
    _remove(path for pattern in _LEFTOVERS for path in folder.glob(pattern))
    # Nobody chooses another language than English here: 6 MB less to load at each cold start.
    _remove(
        path
        for path in folder.glob("django/**/locale/*/LC_MESSAGES")
        if path.parent.name not in ("en", "en_US")
    )


def _remove(paths: Iterable[Path]) -> None:
    for path in list(paths):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
