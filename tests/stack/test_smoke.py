"""`make smoke` passes here, and says what is wrong where something is."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.stack.running import ROOT, Stack

pytestmark = pytest.mark.stack


def smoke(url: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dev.smoke", url],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_passes_on_the_running_stack(stack: Stack) -> None:
    done = smoke(f"{stack.url}/")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert [line[:6] for line in lines[:-1]] == ["ok    "] * 10
    assert lines[-1].startswith("Everything works")


def test_it_ends_at_the_first_thing_that_is_wrong(stack: Stack) -> None:
    done = smoke(f"{stack.url}/", USERNAME="nobody", PASSWORD="wrong")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "FAIL  A person signs in.",
        "      Wrong: who is signed in is None, not {'username': 'nobody'}.",
    ]


def test_nobody_there_is_said() -> None:
    done = smoke("http://127.0.0.1:9/")
    assert done.returncode == 1
    assert "can't be reached" in done.stderr
