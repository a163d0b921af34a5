"""A stop with all in flight, and each process killed in turn: nothing hangs, nothing is left."""

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.local_aws.assembly_files import function
from tests.local_aws.running_stack import Stack, said_back, until

SLEEPER = "import time\ndef handler(event, context): time.sleep(20)"
SOCKETS = 100

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="looks for processes in /proc"
)


@pytest.fixture
def busy_stack(tmp_path):
    stack = Stack(tmp_path, Sleeper=function(SLEEPER, FunctionName="sleeper", Timeout=60))
    yield stack
    if stack.process is not None and stack.process.poll() is None:
        stack.process.kill()
        stack.ended()


def of_function(stack: Stack, name: str) -> list[int]:
    """The processes of a function, those around them included."""
    mark = f"AWS_LAMBDA_FUNCTION_NAME={name}\0".encode()
    return [pid for pid in stack.processes() if mark in Path(f"/proc/{pid}/environ").read_bytes()]


async def close_codes(stack: Stack, number: signal.Signals) -> list[int | None]:
    """What each of many sockets is closed with when the stack is sent a signal."""
    url = f"ws://127.0.0.1:{stack.port}/prod"
    sockets = await asyncio.gather(*(connect(url) for _ in range(SOCKETS)))
    assert stack.process is not None
    stack.process.send_signal(number)

    async def closed(socket) -> int | None:
        with pytest.raises(ConnectionClosed) as error:
            await asyncio.wait_for(socket.recv(), 10)
        return error.value.rcvd and error.value.rcvd.code

    return await asyncio.gather(*map(closed, sockets))


def test_a_stop_with_sockets_open_a_call_under_way_and_a_process_that_is_stopped(busy_stack):
    stack = busy_stack
    stack.start()
    until(lambda: bool(of_function(stack, "worker")))
    for pid in of_function(stack, "worker"):
        os.kill(pid, signal.SIGSTOP)
    stack.send("for the process that is stopped")
    stack.invoke_in_background("sleeper", "{}")
    until(lambda: b"START" in log_of(stack, "sleeper"))

    began = time.monotonic()
    codes = asyncio.run(close_codes(stack, signal.SIGTERM))

    assert stack.ended() == 0
    assert time.monotonic() - began < 10
    assert codes == [1001] * SOCKETS
    assert b"Interrupted after" in log_of(stack, "sleeper")
    assert stack.processes() == []


def test_each_process_may_be_killed_and_the_stack_goes_on_and_leaves_nothing(busy_stack):
    stack = busy_stack
    stack.start()
    assert stack.process is not None
    until(lambda: bool(of_function(stack, "echo")))
    for pid in set(stack.processes()) - {stack.process.pid}:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:  # it went with one of the others
            continue
        # Its event would be lost with a process that is being killed at that moment.
        until(lambda killed=pid: not Path(f"/proc/{killed}").exists())
        time.sleep(0.1)

        assert asyncio.run(said_back(stack, "still here")) == "still here"

    assert stack.stop() == 0
    assert stack.processes() == []


def log_of(stack: Stack, name: str) -> bytes:
    path = stack.data / "logs" / f"{name}.log"
    return path.read_bytes() if path.exists() else b""
