"""Which functions a debugger is to be attached to, and where: `--debug FUNCTION[:PORT]`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from importlib.util import find_spec

from local_aws.errors import StackError

# The port that debugpy's clients offer by themselves.
_FIRST_PORT = 5678


def debug_ports(given: Sequence[str], functions: Collection[str]) -> dict[str, int]:
    """The port for each function. Raises `StackError` where that can't be done."""
    if given and find_spec("debugpy") is None:
        raise StackError(
            "--debug needs debugpy where this runs, and it isn't installed: `python -m pip install debugpy`."
        )
    ports: dict[str, int] = {}
    for number, option in enumerate(given):
        name, colon, port = option.partition(":")
        if name not in functions:
            names = ", ".join(sorted(functions))
            raise StackError(f"There is no function {name} to debug. There are: {names}.")
        if colon and not (port.isdigit() and 1 <= int(port) <= 65_535):
            raise StackError(f"{port} is no port for a debugger: take one from 1 to 65535.")
        ports[name] = int(port) if colon else _FIRST_PORT + number
    if len(set(ports.values())) < len(ports):
        raise StackError("Two functions can't be debugged at the same port.")
    return ports
