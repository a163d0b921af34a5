"""The workflow on GitHub signs in without a stored key, where it must, and runs what the Makefile has."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from infra.paths import ROOT

WORKFLOW = ROOT / ".github" / "workflows" / "deploy.yml"


@pytest.fixture(scope="module")
def jobs() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"]
    return found


def test_no_key_is_stored() -> None:
    assert "secrets." not in WORKFLOW.read_text(encoding="utf-8")


def test_only_jobs_that_sign_in_get_a_token(jobs: dict[str, Any]) -> None:
    for name, job in jobs.items():
        signs_in = [
            step for step in job["steps"] if "aws-actions/configure-aws-credentials" in step.get("uses", "")
        ]
        assert bool(signs_in) == (job.get("permissions", {}).get("id-token") == "write"), name
        assert all("role-to-assume" in step["with"] for step in signs_in)
    assert [name for name, job in jobs.items() if "permissions" in job] == ["diff", "deploy"]


def test_nothing_is_deployed_that_is_not_on_main_and_tested(jobs: dict[str, Any]) -> None:
    deploy = jobs["deploy"]
    assert "github.ref == 'refs/heads/main'" in deploy["if"]
    assert set(deploy["needs"]) == {"test", "synthesise"}
    assert deploy["environment"]
    # A fork's pull request runs the fork's code: it gets no credentials.
    assert "!github.event.pull_request.head.repo.fork" in jobs["diff"]["if"]


def test_it_runs_what_the_makefile_has(jobs: dict[str, Any]) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    run = " ".join(step.get("run", "") for job in jobs.values() for step in job["steps"])
    used = set(re.findall(r"\bmake ([a-z]+)", run))
    assert {"test", "synth", "cost", "diff", "deploy"} == used
    assert used <= targets
