"""The assemblies of the profiles, each synthesised once and read as plain resources."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from infra.paths import ROOT


class Assembly:
    """A synthesised assembly."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.templates = {
            path.name.removesuffix(".template.json"): json.loads(path.read_text(encoding="utf-8"))
            for path in sorted(folder.glob("*.template.json"))
        }

    @property
    def resources(self) -> dict[str, dict[str, Any]]:
        return {
            name: resource
            for template in self.templates.values()
            for name, resource in template["Resources"].items()
        }

    @property
    def outputs(self) -> dict[str, Any]:
        return self.templates["parlor-app"]["Outputs"]

    def of(self, resource_type: str) -> dict[str, dict[str, Any]]:
        """The properties of all resources of a type, by logical id."""
        return {
            name: resource.get("Properties", {})
            for name, resource in self.resources.items()
            if resource["Type"] == resource_type
        }

    def the(self, resource_type: str, **properties: Any) -> tuple[str, dict[str, Any]]:
        """The one resource of a type that has these properties."""
        found = [
            (name, has)
            for name, has in self.of(resource_type).items()
            if all(has.get(key) == value for key, value in properties.items())
        ]
        assert len(found) == 1, f"{len(found)} of {resource_type} with {properties}"
        return found[0]


def run_app(
    outdir: Path,
    context: dict[str, Any],
    *prefix: str,
    validate: bool = False,
    script: Path = ROOT / "app.py",
    **environment: str,
) -> subprocess.CompletedProcess[str]:
    """Run app.py as the Makefile does."""
    return subprocess.run(
        [*prefix, sys.executable, str(script)],
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "CDK_OUTDIR": str(outdir),
            "CDK_CONTEXT_JSON": json.dumps(context),
            "CDK_VALIDATION": "true" if validate else "false",
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Assembly]:
    """The assembly of a profile, without building packages. Test processes side by side share it."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent

    @cache
    def synthesised(profile: str) -> Assembly:
        outdir = shared / f"assembly-{profile}"
        with (shared / f"{outdir.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (outdir / "manifest.json").exists():
                done = run_app(outdir, {"profile": profile, "aws:cdk:bundling-stacks": []})
                assert done.returncode == 0, done.stderr
        return Assembly(outdir)

    return synthesised
