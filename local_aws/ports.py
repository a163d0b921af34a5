"""The ports of this machine that a stack takes: all on the loopback address."""

from __future__ import annotations

import socket

from local_aws.errors import StackError

HOST = "127.0.0.1"


def check_usable(port: int) -> None:
    """Raise `StackError` where a stack can't serve at `port` and the one after it."""
    if not 1 <= port <= 65_534:
        raise StackError(f"{port} is no usable port: take one from 1 to 65534.")
    for number in (port, port + 1):
        _check_free(number)


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _check_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError as error:
            raise StackError(
                f"Port {port} may not be used by this user: choose another one with --port."
            ) from error
        except OSError as error:
            raise StackError(
                f"Port {port} is taken by another program: stop it, or choose another port with --port; "
                "the stack needs that port and the next one."
            ) from error
