"""Synthesis: the assembly that `cdk deploy` would send, and the one that runs here."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from dev import node
from dev.failure import Failure
from dev.paths import CLIENT, DJANGO_STATIC, ROOT, STATE, VENV_PYTHON
from dev.processes import run
from dev.steps import Step

_DEFINITION = [ROOT / "infra", ROOT / "app.py", ROOT / "cdk.json"]
_STAMP = ".synthesised-from"


def synthesise_for(data_dir: Path) -> None:
    """Have the laptop profile's assembly in a data folder, synthesised once for all of a checkout's."""
    made = _laptop_step()
    made.ensure()
    synthesised, wanted = made.makes.parent, data_dir / "cdk.out"
    if (wanted / made.makes.name).exists() and _stamp(wanted) == _stamp(synthesised):
        return
    shutil.rmtree(wanted, ignore_errors=True)
    shutil.copytree(synthesised, wanted, ignore=shutil.ignore_patterns(_STAMP))
    # At last: what a start that was cut short has copied isn't taken for the whole.
    shutil.copy(synthesised / _STAMP, wanted)


def _stamp(assembly: Path) -> str | None:
    try:
        return (assembly / _STAMP).read_text(encoding="utf-8")
    except OSError:
        return None


def _laptop_step() -> Step:
    """Function code is no input: it is used in place."""
    limits = {name: limit for name in ("CONNECT_LIMIT", "LOGIN_LIMIT") if (limit := os.environ.get(name, ""))}
    for name, limit in limits.items():
        if not re.fullmatch(r"[1-9][0-9]{0,6}/[1-9][0-9]{0,6}", limit):
            raise Failure(f"{name} is {limit!r}: it must be two whole numbers of 1 or more, such as 20/600.")
    context: dict[str, object] = {"profile": "laptop", "aws:cdk:bundling-stacks": []}
    context |= {name.lower(): limit for name, limit in limits.items()}
    named = "-".join(f"{name}-{limit}" for name, limit in limits.items()).lower().replace("/", "-")
    assembly = STATE / "laptop" / (named or "as-it-is")
    return Step(
        name="Template",
        doing="synthesising",
        work=lambda: _synthesise(assembly, context=context, validate=False),
        inputs=[*_DEFINITION, CLIENT, DJANGO_STATIC, ROOT / "requirements-dev.txt"],
        makes=assembly / "manifest.json",
        facts=[json.dumps(context)],
        stamp=assembly / _STAMP,
    )


def synthesise_for_deployment(context: Mapping[str, str], *, validate: bool) -> None:
    """Synthesise what is deployed into cdk.out, packages built and judged by our rules.

    `validate` has the CDK check it against CloudFormation's own rules as well, which takes longer than
    all else.
    """
    _synthesise(ROOT / "cdk.out", context=context, validate=validate)


def synthesise_without_packages(assembly: Path, context: Mapping[str, str]) -> None:
    """Synthesise the templates that would be deployed, and no more: in seconds."""
    _synthesise(assembly, context={**context, "aws:cdk:bundling-stacks": []}, validate=False)


def _synthesise(assembly: Path, *, context: Mapping[str, object], validate: bool) -> None:
    run(
        [VENV_PYTHON, "app.py"],
        what="The template could not be synthesised",
        hint="`.venv/bin/python app.py` shows why.",
        env={
            **node.environment(),
            "CDK_OUTDIR": str(assembly),
            "CDK_CONTEXT_JSON": json.dumps(dict(context)),
            "CDK_VALIDATION": "true" if validate else "false",
        },
    )
