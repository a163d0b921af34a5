"""Runs a command with the environment variables of a function of the running stack."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from local_aws.data_folder import running_stack
from local_aws.errors import StackError

# Those would have a library believe that it runs inside the Lambda service.
_OF_THE_SERVICE = {"_HANDLER", "AWS_EXECUTION_ENV", "AWS_LAMBDA_INITIALIZATION_TYPE"}
_OF_THE_CALLER = {"PATH", "HOME", "LANG", "TZ", "TMPDIR"}


def main(arguments: list[str] | None = None) -> int:
    """Replace this process by the command. Returns only where that isn't possible."""
    parser = argparse.ArgumentParser(
        prog="python -m local_aws.exec",
        description="Run a command with the environment variables of a function of the running stack.",
    )
    parser.add_argument("--data-dir", type=Path, default=Path(".local"), help="the stack's data folder")
    parser.add_argument("function", help="the function's name")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="the command, after --")
    options = parser.parse_args(arguments)
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        parser.error("give a command after --")
    try:
        environments = running_stack(options.data_dir).environments
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    if options.function not in environments:
        names = ", ".join(sorted(environments))
        print(f"The running stack has no function {options.function}. It has: {names}.", file=sys.stderr)
        return 1
    left_out = _OF_THE_SERVICE | _OF_THE_CALLER
    variables = {
        name: value for name, value in environments[options.function].items() if name not in left_out
    }
    program = sys.executable if command[0] == "python" else command[0]
    try:
        os.execvpe(program, [program, *command[1:]], os.environ | variables)  # noqa: S606
    except OSError as error:
        print(f"{program} can't be run: {error.strerror}.", file=sys.stderr)
        return 127


if __name__ == "__main__":
    sys.exit(main())
