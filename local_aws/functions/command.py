"""The command line that a function's process is started with."""

from __future__ import annotations

import sys

# No invocation times out while somebody looks at it step by step.
DEBUGGED_SECONDS = 86_400.0


def runtime_command(handler: str, debug_port: int | None = None) -> list[str]:
    """awslambdaric, under debugpy where debuggers are to attach at a port."""
    debugger: list[str] = []
    if debug_port is not None:
        # Breakpoints in the standard library's frozen modules would be missed.
        debugger = ["-X", "frozen_modules=off", "-m", "debugpy", "--listen", f"127.0.0.1:{debug_port}"]
    return [sys.executable, *debugger, "-m", "awslambdaric", handler]
