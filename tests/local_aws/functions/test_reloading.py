"""Saved code and replaced functions take effect at the next invocation; what is busy finishes first."""

import asyncio
import dataclasses
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local_aws.functions import FunctionNotFound, Invocation
from local_aws.functions.service import Functions
from local_aws.model import Function

ONE = "def handler(event, context): return 1"
TWO = "def handler(event, context): return 2"
SLOW = "import time\ndef handler(event, context): time.sleep(event); return 1"


def save(function: Function, source: str) -> Path:
    path = function.code / "app.py"
    path.write_text(source)
    return path


async def result(functions: Functions, payload: bytes = b"0", name: str = "target") -> Any:
    return json.loads((await functions.invoke(name, payload)).payload)


async def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def states(functions: Functions) -> list[str]:
    [status] = functions.status()
    return sorted(environment.state for environment in status.environments)


async def begun(functions: Functions, payload: bytes) -> asyncio.Task[Any]:
    """An invocation that a process is busy with."""
    await until(lambda: states(functions) == ["idle"])
    task = asyncio.create_task(result(functions, payload))
    await until(lambda: states(functions) == ["busy"])
    return task


@pytest.mark.parametrize("own_bytecode", [None, "elsewhere"])
async def test_saved_code_runs_at_the_next_invocation_also_with_the_same_size_and_time(
    function, start, monkeypatch, tmp_path, own_bytecode
):
    # Where this process keeps its bytecode says nothing of the functions'.
    monkeypatch.setattr(sys, "pycache_prefix", own_bytecode and str(tmp_path / own_bytecode))
    target = function(ONE)
    functions = start(target)
    assert await result(functions) == 1
    before = (target.code / "app.py").stat()

    path = save(target, TWO)
    os.utime(path, (before.st_atime, before.st_mtime))  # as if saved within the second of the last save

    assert functions.code_changed([path]) == ("target",)
    assert await result(functions) == 2


async def test_a_process_with_the_saved_code_is_ready_before_somebody_asks_for_it(function, start):
    target = function(ONE)
    functions = start(target)
    await result(functions)

    functions.code_changed([save(target, TWO)])

    await until(lambda: states(functions) == ["idle"])
    assert await result(functions) == 2
    assert functions.status()[0].invocations == 2


async def test_what_is_busy_finishes_with_the_code_that_it_has(function, start):
    target = function(SLOW)
    functions = start(target)
    await result(functions)
    under_way = await begun(functions, b"0.7")

    functions.code_changed([save(target, TWO)])

    assert await result(functions) == 2
    assert not under_way.done()
    assert await under_way == 1
    await until(lambda: states(functions) == ["idle"])
    assert await result(functions) == 2


async def test_work_that_waits_for_a_process_with_old_code_gets_one_with_the_new_code(function, start):
    target = function(ONE)
    functions = start(target)
    waiting = asyncio.create_task(result(functions))
    await asyncio.sleep(0)

    functions.code_changed([save(target, TWO)])

    assert await waiting == 2


async def test_a_syntax_error_is_the_services_own_and_the_next_save_heals_it(function, start):
    target = function(ONE)
    functions = start(target)
    assert await result(functions) == 1

    functions.code_changed([save(target, "def handler(:")])
    assert (await result(functions))["errorType"] == "Runtime.UserCodeSyntaxError"
    functions.code_changed([save(target, TWO)])

    await until(lambda: states(functions) == ["idle"])
    assert await result(functions) == 2


async def test_files_that_are_no_functions_change_nothing(function, start, tmp_path):
    target = function("import os\ndef handler(event, context): return os.environ['AWS_LAMBDA_RUNTIME_API']")
    functions = start(target)
    before = await result(functions)

    bytecode = target.code / "__pycache__" / "app.cpython-311.pyc"
    assert functions.code_changed([tmp_path / "elsewhere.py", bytecode]) == ()

    assert await result(functions) == before


async def test_a_saved_layer_is_code_too(function, start, tmp_path):
    module = tmp_path / "layer" / "python" / "shared.py"
    module.parent.mkdir(parents=True)
    module.write_text("VALUE = 1")
    source = "import shared\ndef handler(event, context): return shared.VALUE"
    functions = start(function(source, layers=(tmp_path / "layer",)))
    assert await result(functions) == 1

    module.write_text("VALUE = 22")

    assert functions.code_changed([module]) == ("target",)
    assert await result(functions) == 22


async def test_a_replaced_function_runs_anew_and_others_keep_their_process(function, start):
    source = "import os\ndef handler(event, context): return [os.environ.get('A'), os.environ['_HANDLER']]"
    pid = "import os\ndef handler(event, context): return os.environ['AWS_LAMBDA_RUNTIME_API']"
    changing, staying = function(source), function(pid, name="staying")
    functions = start(changing, staying)
    await result(functions)
    before = await result(functions, name="staying")

    changed = dataclasses.replace(changing, environment={"A": "new"})
    assert functions.replace({"target": changed, "staying": staying}) == ("target",)

    assert await result(functions) == ["new", "app.handler"]
    assert await result(functions, name="staying") == before


async def test_a_removed_function_is_gone_and_its_last_event_finishes(function, start):
    functions = start(function(SLOW))
    await result(functions)
    under_way = await begun(functions, b"0.4")

    functions.replace({})

    with pytest.raises(FunctionNotFound):
        await functions.invoke("target", b"0")
    assert await under_way == 1


async def test_what_waits_for_a_replaced_function_goes_over_to_its_successor(function, start):
    target = function(ONE)
    functions = start(target)
    waiting: asyncio.Task[Invocation] = asyncio.create_task(functions.invoke("target", b"0"))
    await asyncio.sleep(0)

    save(target, TWO)
    functions.replace({"target": dataclasses.replace(target, memory_mb=256)})

    assert (await waiting).payload == b"2"
