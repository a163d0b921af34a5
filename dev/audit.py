"""Known vulnerabilities in what is locked: pip-audit for the Python packages, npm audit for Node's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from dev import node
from dev.failure import Failure
from dev.paths import FRONTEND, ROOT, VENV_PYTHON
from dev.steps import say

_PIP_AUDIT = "pip-audit==2.10.1"
_LOCKS = ("requirements.txt", "requirements-dev.txt", "requirements-node.txt")
_PACKAGES = (FRONTEND, ROOT / "infra" / "cli")
FOUND, NOT_ASKED = 1, 3


class NotAsked(Exception):
    """The database of vulnerabilities didn't answer. Its text says what did."""


def audit() -> None:
    """Ask about everything that is locked.

    :raises Failure: Something is known to be vulnerable.
    :raises SystemExit: With status 3, after a sentence, where somebody could not be asked: that nothing was
        found then says nothing.
    """
    found: list[str] = []
    unasked: list[str] = []
    asked: list[tuple[str, Callable[[], list[str]]]] = [
        *((name, partial(_python, ROOT / name)) for name in _LOCKS),
        *((str(folder.relative_to(ROOT)), partial(_node, folder)) for folder in _PACKAGES),
    ]
    for what, ask in asked:
        try:
            vulnerable = ask()
        except NotAsked as reason:
            unasked.append(what)
            say(f"{what}: not asked. {reason}")
            continue
        found += vulnerable
        say(f"{what}: {len(vulnerable) or 'nothing'} known" + "".join(f"\n  {line}" for line in vulnerable))
    if found:
        raise Failure(f"{len(found)} known vulnerabilities: update what they are in, then run `make lock`.")
    if unasked:
        print(
            f"Nobody could be asked about {', '.join(unasked)}: this takes a connection to pypi.org and to "
            "registry.npmjs.org. Run `make audit` again where there is one; until then nothing is known.",
            file=sys.stderr,
        )
        raise SystemExit(NOT_ASKED)


def _python(lock: Path) -> list[str]:
    command = [VENV_PYTHON, "-m", "uv", "tool", "run", "-q", _PIP_AUDIT]
    command += ["--disable-pip", "--require-hashes", "-r", lock, "-f", "json"]
    return vulnerable_python(_printed([*map(str, command), "--progress-spinner", "off"], ROOT, os.environ))


def _node(folder: Path) -> list[str]:
    environment = {**os.environ, **node.environment()}
    return vulnerable_node(
        _printed([str(node.node().with_name("npm")), "audit", "--json"], folder, environment)
    )


def _printed(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> str:
    try:
        ran = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
        )
    except subprocess.TimeoutExpired:
        raise NotAsked("No answer in five minutes.") from None
    # Both end with 1 where they found something and where they failed: what they print tells them apart.
    return ran.stdout or ran.stderr


def vulnerable_python(printed: str) -> list[str]:
    """What pip-audit found.

    :raises NotAsked: It failed; or it passed over packages, which it also does, with status 0, where PyPI
        doesn't tell.
    """
    told = _read(printed, "dependencies")
    skipped = [package["name"] for package in told if "skip_reason" in package]
    if skipped:
        raise NotAsked(f"pip-audit passed over {len(skipped)} of {len(told)} packages.")
    return [
        f"{package['name']} {package['version']}: {vulnerability['id']}"
        for package in told
        for vulnerability in package["vulns"]
    ]


def vulnerable_node(printed: str) -> list[str]:
    """What npm found.

    :raises NotAsked: It failed.
    """
    told = _read(printed, "vulnerabilities")
    return [f"{name}: {vulnerability['severity']}" for name, vulnerability in told.items()]


def _read(printed: str, key: str) -> Any:
    try:
        return json.loads(printed)[key]
    except (ValueError, KeyError, TypeError):
        lines = [line for line in printed.splitlines() if line.strip(" {")] or ["nothing"]
        raise NotAsked(f"It said: {lines[0].strip()[:150]}") from None
