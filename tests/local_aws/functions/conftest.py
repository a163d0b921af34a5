"""Functions whose code is written by the test, run by real processes under awslambdaric."""

from __future__ import annotations

import io
import textwrap
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from local_aws.functions.service import Functions
from local_aws.logs import Logs
from local_aws.model import Function


@pytest.fixture
def terminal() -> io.BytesIO:
    return io.BytesIO()


@pytest.fixture
def logs(tmp_path: Path, terminal: io.BytesIO) -> Logs:
    return Logs(tmp_path / "logs", terminal, coloured=False)


@pytest.fixture
def function(tmp_path: Path) -> Callable[..., Function]:
    """Makes a function of source code."""

    def make(source: str, *, name: str = "target", **options: Any) -> Function:
        code = tmp_path / "code" / name
        code.mkdir(parents=True)
        (code / "app.py").write_text(textwrap.dedent(source))
        defaults: dict[str, Any] = {"handler": "app.handler", "environment": {}, "timeout_seconds": 10}
        arn = f"arn:aws:lambda:us-east-1:123456789012:function:{name}"
        return Function(name=name, arn=arn, code=code, **defaults | options)

    return make


@pytest.fixture
async def start(logs: Logs) -> AsyncIterator[Callable[..., Functions]]:
    """Starts a pool of functions that ends with the test."""
    running: list[Functions] = []

    def begin(*functions: Function, **options: Any) -> Functions:
        pool = Functions(
            {function.name: function for function in functions},
            region="us-east-1",
            endpoint_url="http://127.0.0.1:9",
            logs=logs,
            **options,
        )
        running.append(pool)
        return pool

    yield begin
    for pool in running:
        await pool.close()
    logs.close()
