"""A stack that can't watch files says so, and runs all the same."""

import errno
import io
import os
from pathlib import Path

import pytest

from local_aws.logs import Logs
from local_aws.model import Assembly
from local_aws.reloading import saved_files
from local_aws.reloading.reload import Reloading, Watched
from tests.local_aws.assembly_files import site


async def nothing(old: Assembly, new: Assembly) -> None:
    """Apply nothing."""


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENOSPC])
async def test_where_the_system_lets_nobody_watch_more_it_says_so(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    kernel = saved_files.inotify.Inotify
    monkeypatch.setattr(kernel, "__init__" if number == errno.EMFILE else "watch", refuse)
    terminal = io.BytesIO()
    logs = Logs(tmp_path / "logs", terminal)
    reloading = Reloading(
        Watched(assembly=tmp_path, data_dir=tmp_path / "data"),
        site(tmp_path),
        Assembly(region="us-east-1", account="1", functions={}),
        code_changed=lambda paths: (),
        apply=nothing,
        logs=logs,
    )

    reloading.start()
    await reloading.close()
    logs.close()

    assert f"take effect by themselves: {os.strerror(number)}" in terminal.getvalue().decode()
