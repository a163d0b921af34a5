"""What `make run` has watched."""

import ast
import itertools
import shlex
from pathlib import Path

import pytest

from dev import stack
from dev.__main__ import COMMANDS
from dev.paths import ROOT


@pytest.fixture
def options(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.delenv("RELOAD", raising=False)
    return stack._reload_options()


def given(options: list[str], name: str) -> list[str]:
    return [value for option, value in itertools.pairwise(options) if option == name]


def imported_from(folder: Path) -> set[str]:
    """Our own packages that something in a folder imports."""
    ours = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    found: set[str] = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.partition(".")[0])
    return found & ours


def test_all_that_functions_run_is_watched(options: list[str]) -> None:
    watched = given(options, "--watch")

    assert "lambda_handlers" in watched
    assert set().union(*(imported_from(ROOT / folder) for folder in watched)) <= set(watched)


def test_the_client_and_the_definition_are_built_again_by_targets_that_there_are(options: list[str]) -> None:
    rules = [rule.partition("=") for rule in given(options, "--rebuild")]
    targets = [shlex.split(command)[-1] for _, _, command in rules]
    paths = [set(paths.split(",")) for paths, _, _ in rules]

    assert set(targets) <= set(COMMANDS)
    assert {"frontend/src", "frontend/index.html"} <= paths[targets.index("rebuild-client")]
    assert paths[targets.index("rebuild-template")] == {"infra", "app.py", "cdk.json"}
    # What a build writes would have it run for ever.
    assert not any((ROOT / "frontend" / "dist").is_relative_to(ROOT / path) for path in set().union(*paths))


def test_it_can_be_turned_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELOAD", "no")

    assert stack._reload_options() == ["--no-reload"]
