"""Commands that saving a file runs."""

import asyncio
import io
import shlex
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from local_aws.errors import StackError
from local_aws.logs import Logs
from local_aws.reloading.rebuild import Rebuilds, Rule


@pytest.fixture
def terminal() -> io.BytesIO:
    return io.BytesIO()


@pytest.fixture
def logs(tmp_path: Path, terminal: io.BytesIO) -> Logs:
    return Logs(tmp_path / "logs", terminal)


def said(logs: Logs, terminal: io.BytesIO) -> list[str]:
    logs.close()
    return terminal.getvalue().decode().splitlines()


def rule(source: Path, script: str) -> Rule:
    return Rule.parsed(f"{source}=sh -c {shlex.quote(script)}")


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def test_a_saved_source_runs_its_command_and_others_are_handed_back(
    tmp_path: Path, logs: Logs, terminal: io.BytesIO
) -> None:
    source = tmp_path / "söurce"
    source.mkdir()
    rebuilds = Rebuilds([rule(source, "echo built")], logs)

    left = rebuilds.saved({source / "a.ts", tmp_path / "other.py"})
    await rebuilds.idle()

    assert left == {tmp_path / "other.py"}
    lines = said(logs, terminal)
    assert lines[1] == "rebuild | built"
    assert lines[-1].startswith("Rebuilt in ")


async def test_a_failed_command_is_told_with_what_it_said(
    tmp_path: Path, logs: Logs, terminal: io.BytesIO
) -> None:
    rebuilds = Rebuilds([rule(tmp_path, "echo no such colour >&2; exit 3")], logs)

    rebuilds.saved({tmp_path / "a.css"})
    await rebuilds.idle()

    _, reason, verdict = said(logs, terminal)
    assert reason == "rebuild | no such colour"
    assert "failed (status 3)" in verdict


async def test_what_is_saved_while_it_runs_has_it_run_once_more(tmp_path: Path, logs: Logs) -> None:
    runs = tmp_path / "runs"
    source = tmp_path / "source"
    source.mkdir()
    rebuilds = Rebuilds([rule(source, f"echo run >> {shlex.quote(str(runs))}; sleep 0.3")], logs)

    rebuilds.saved({source / "a"})
    await until(runs.exists)
    for name in "bcd":
        rebuilds.saved({source / name})
    await rebuilds.idle()
    logs.close()

    assert runs.read_text() == "run\nrun\n"


async def test_closing_ends_a_command_with_all_that_it_started(tmp_path: Path, logs: Logs) -> None:
    beat = tmp_path / "beat"
    script = f"while sleep 0.02; do echo x >> {shlex.quote(str(beat))}; done & wait"
    rebuilds = Rebuilds([rule(tmp_path, script)], logs)
    rebuilds.saved({tmp_path / "a"})
    await until(beat.exists)

    await rebuilds.close()
    logs.close()

    size = beat.stat().st_size
    await asyncio.sleep(0.15)
    assert beat.stat().st_size == size


@pytest.mark.parametrize("text", ["", "src", "=make", "src=", "src=it's", "missing=make"])
def test_a_rule_that_makes_no_sense_is_refused(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "src").mkdir()
    monkeypatch.chdir(tmp_path)

    with pytest.raises(StackError, match="--rebuild"):
        Rule.parsed(text)
