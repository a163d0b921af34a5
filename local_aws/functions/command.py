"""The command line that a function's process is started with."""

from __future__ import annotations

import sys
from pathlib import Path

# No invocation times out while somebody looks at it step by step.
DEBUGGED_SECONDS = 86_400.0

# For Python 3.12 and later awslambdaric makes a thread for each event that it waits for, so that its main
# thread can take signals. That doubles what an invocation costs, and nobody sends signals here.
# Its HTTP client is ours. The function's own imports must not see more of this package than that.
_RUNTIME = """\
import os, sys
sys.path[0] = sys.argv.pop(1)
import runtime_client
sys.path[0] = os.getcwd()
from awslambdaric.lambda_config import LambdaConfigProvider
LambdaConfigProvider.SUPPORTED_THREADPOLLING_ENVS = frozenset()
from awslambdaric.__main__ import main
main(sys.argv)
"""
_CLIENT = str(Path(__file__).with_name("runtime"))


def runtime_command(handler: str, debug_port: int | None = None) -> list[str]:
    """awslambdaric, under debugpy where debuggers are to attach at a port."""
    if debug_port is None:
        return [sys.executable, "-c", _RUNTIME, _CLIENT, handler]
    # Breakpoints in the standard library's frozen modules would be missed.
    debugger = ["-X", "frozen_modules=off", "-m", "debugpy", "--listen", f"127.0.0.1:{debug_port}"]
    return [sys.executable, *debugger, "-m", "awslambdaric", handler]
