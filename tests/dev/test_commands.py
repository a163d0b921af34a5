"""The commands behind make, where a machine or a setting isn't as they need it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def make(*arguments: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_help_names_every_target() -> None:
    answer = make("help")
    assert answer.returncode == 0
    for target in ("run", "test", "fuzz", "audit", "synth", "shell", "admin", "broadcast"):
        assert f"make {target} " in answer.stdout


def test_a_machine_without_a_python_that_does_is_told_so(tmp_path: Path) -> None:
    for program in ("sh", "make", "sed"):
        (tmp_path / program).symlink_to(shutil.which(program) or "")
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\n[ \"$1\" = --version ] && echo 'Python 3.9.2' && exit 0\nexit 1\n")
    old.chmod(0o755)
    answer = make("run", PATH=str(tmp_path))
    assert answer.returncode != 0
    assert "needs Python 3.11 to 3.14, and the PATH has Python 3.9.2" in answer.stderr


@pytest.mark.parametrize("port", ["abc", "0", "65535", "-1", "80 80"])
def test_a_port_that_is_none_is_told_so(port: str) -> None:
    answer = make("run", f"PORT={port}")
    assert answer.returncode != 0
    assert f"PORT is {port!r}" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_first_install_without_a_network_says_what_it_takes(tmp_path: Path) -> None:
    if subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this machine lets nobody leave the network")
    clone = tmp_path / "a clone with spaces and ümlauts"
    shutil.copytree(ROOT / "dev", clone / "dev")
    for name in ("Makefile", "requirements-dev.txt"):
        shutil.copy(ROOT / name, clone / name)
    answer = subprocess.run(
        ["unshare", "-rn", "make", "install"],
        cwd=clone,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PIP_RETRIES": "0", "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert answer.returncode != 0
    assert "takes a connection to PyPI" in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize("name", ["CONNECT_LIMIT", "LOGIN_LIMIT"])
@pytest.mark.parametrize("limit", ["many", "20", "0/5", "20/600/1"])
def test_a_limit_that_is_none_is_told_so(monkeypatch: pytest.MonkeyPatch, name: str, limit: str) -> None:
    from dev.failure import Failure
    from dev.synthesis import synthesise_for

    monkeypatch.setenv(name, limit)
    with pytest.raises(Failure, match=name):
        synthesise_for(Path("data"))
