"""Steps: work that holds isn't done again, work that failed is."""

from __future__ import annotations

from pathlib import Path

import pytest

from dev.failure import Failure
from dev.steps import Step


class Work:
    """Counts how often it is done, and makes its output."""

    def __init__(self, output: Path) -> None:
        self.output = output
        self.done = 0
        self.fails = False

    def __call__(self) -> None:
        if self.fails:
            raise Failure("it failed")
        self.done += 1
        self.output.write_text("made")


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return Work(tmp_path / "output")


def step(folder: Path, work: Work, *, facts: tuple[str, ...] = ()) -> Step:
    (folder / "in").mkdir(exist_ok=True)
    return Step(
        name="Thing",
        doing="making",
        work=work,
        inputs=[folder / "in"],
        makes=work.output,
        facts=facts,
        stamp=folder / "stamp",
    )


def test_work_is_done_once(tmp_path: Path, work: Work, capsys: pytest.CaptureFixture[str]) -> None:
    step(tmp_path, work).ensure()
    said = capsys.readouterr().out
    assert "Thing: making …" in said
    assert "Thing: done in" in said
    step(tmp_path, work).ensure()
    assert work.done == 1
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("change", ["content", "new file", "fact", "output gone"])
def test_work_is_done_again_after_a_change(tmp_path: Path, work: Work, change: str) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (source / "a").write_text("1")
    step(tmp_path, work).ensure()
    if change == "content":
        (source / "a").write_text("2")
    if change == "new file":
        (source / "b").write_text("1")
    if change == "output gone":
        work.output.unlink()
    step(tmp_path, work, facts=("changed",) if change == "fact" else ()).ensure()
    assert work.done == 2


def test_work_that_failed_is_tried_again(tmp_path: Path, work: Work) -> None:
    work.fails = True
    with pytest.raises(Failure):
        step(tmp_path, work).ensure()
    work.fails = False
    step(tmp_path, work).ensure()
    assert work.done == 1
