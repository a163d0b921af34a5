"""Runs a command with the environment variables of a function of the running stack, as the developer."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from local_aws.data_folder import RunningStack, running_stack
from local_aws.errors import StackError

# Those would have a library believe that it runs inside the Lambda service.
_OF_THE_SERVICE = {"_HANDLER", "AWS_EXECUTION_ENV", "AWS_LAMBDA_INITIALIZATION_TYPE"}
_OF_THE_CALLER = {"PATH", "HOME", "LANG", "TZ", "TMPDIR"}
# Whatever else would have an SDK take another identity than the stack's developer.
_OTHER_IDENTITIES = {"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"}


def main(arguments: list[str] | None = None) -> int:
    """Replace this process by the command. Returns only where that isn't possible."""
    parser = argparse.ArgumentParser(
        prog="python -m local_aws.exec",
        description=(
            "Run a command with the environment variables of a function of the running stack. It may do "
            "everything there: it is the developer's, not the function's role's."
        ),
    )
    parser.add_argument("--data-dir", type=Path, default=Path(".local"), help="the stack's data folder")
    parser.add_argument("function", help="the function's name")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="the command, after --")
    options = parser.parse_args(arguments)
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        parser.error("give a command after --")
    try:
        stack = running_stack(options.data_dir)
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    if options.function not in stack.environments:
        names = ", ".join(sorted(stack.environments))
        print(f"The running stack has no function {options.function}. It has: {names}.", file=sys.stderr)
        return 1
    variables = _variables(stack, options.function)
    program = sys.executable if command[0] == "python" else command[0]
    try:
        os.execvpe(program, [program, *command[1:]], variables)  # noqa: S606
    except OSError as error:
        print(f"{program} can't be run: {error.strerror}.", file=sys.stderr)
        return 127


def _variables(stack: RunningStack, function: str) -> dict[str, str]:
    left_out = _OF_THE_SERVICE | _OF_THE_CALLER | _OTHER_IDENTITIES
    own = {name: value for name, value in os.environ.items() if name not in _OTHER_IDENTITIES}
    of_function = {
        name: value for name, value in stack.environments[function].items() if name not in left_out
    }
    return own | of_function | stack.developer


if __name__ == "__main__":
    sys.exit(main())
