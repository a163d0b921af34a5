"""Starting the stack here, and talking to the running one."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shlex
import shutil
import socket
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

from dev.failure import Failure
from dev.paths import ROOT, VENV_PYTHON, data_dir, port

READY = "Chat is ready at {url}"
# The synthesised assembly, a new database and its log of changes.
_LEAST_FREE = 150_000_000


def check_before_start() -> None:
    """Say at once what would stop the start only a minute later: a taken port, a useless data folder."""
    for number in (port(), port() + 1):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", number))
            except OSError as error:
                reason = "taken by another program" if error.errno == errno.EADDRINUSE else error.strerror
                raise Failure(
                    f"Port {number} is {reason}. Stop what uses it, or choose another: make run PORT=9000"
                ) from error
    _check_folder(data_dir())


def _check_folder(folder: Path) -> None:
    probe = folder / ".written"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"x" * 65_536)
        probe.unlink()
    except OSError as error:
        with contextlib.suppress(OSError):
            probe.unlink()
        raise Failure(
            f"The data folder {folder} can't be used: {error.strerror}. "
            "Mend it, or choose another: make run DATA_DIR=…"
        ) from error
    free = shutil.disk_usage(folder).free
    if free < _LEAST_FREE:
        raise Failure(
            f"The disk of the data folder {folder} has {free / 1e6:.0f} MB left, and the stack takes "
            f"{_LEAST_FREE / 1e6:.0f}. Make room, or choose another folder: make run DATA_DIR=…"
        )


# What the functions run, what the web client is made of, and what defines the stack.
_CODE = ("chat", "delivery", "django_project", "lambda_handlers")
_CLIENT = ("src", "public", "index.html", "vite.config.ts", "tsconfig.json", "package-lock.json")
_DEFINITION = ("infra", "app.py", "cdk.json")


def start() -> NoReturn:
    """Become the stack: this process goes on as it, so that a signal to either is a signal to the stack.

    From then on saved files take effect by themselves, unless RELOAD is `no`. OPTIONS are further ones of
    `python -m local_aws`.
    """
    folder = data_dir()
    command = [
        str(VENV_PYTHON), "-m", "local_aws",
        "--assembly", str(folder / "cdk.out"),
        "--port", str(port()),
        "--data-dir", str(folder),
        "--on-ready", READY,
        "--stop-with", str(os.getppid()),
        *_reload_options(),
        *_more_options(),
    ]  # fmt: skip
    os.chdir(ROOT)
    sys.stdout.flush()
    os.execv(command[0], command)


def _more_options() -> list[str]:
    try:
        return shlex.split(os.environ.get("OPTIONS", ""))
    except ValueError as error:
        raise Failure(f"OPTIONS can't be read ({error}): {os.environ['OPTIONS']}") from None


def _reload_options() -> list[str]:
    if os.environ.get("RELOAD") == "no":
        return ["--no-reload"]
    return [
        *(option for folder in _CODE for option in ("--watch", folder)),
        "--rebuild", _rebuild([f"frontend/{name}" for name in _CLIENT], "rebuild-client"),
        "--rebuild", _rebuild(_DEFINITION, "rebuild-template"),
    ]  # fmt: skip


def _rebuild(paths: Iterable[str], target: str) -> str:
    command = shlex.join([str(VENV_PYTHON), "-m", "dev", target])
    return f"{','.join(path for path in paths if (ROOT / path).exists())}={command}"


def become(function: str, *command: str, **variables: str) -> NoReturn:
    """Become a program in the environment of one of the running stack's functions, with `variables`."""
    os.chdir(ROOT)
    python = str(VENV_PYTHON)
    os.execv(
        python,
        [
            python,
            "-m",
            "local_aws.exec",
            "--data-dir",
            str(data_dir()),
            function,
            "--",
            "env",
            *(f"{name}={value}" for name, value in variables.items()),
            python,
            "manage.py",
            *command,
        ],
    )


def shell() -> NoReturn:
    """Django's shell, with the database and the queue of the running stack.

    It signs in as the database's owner: the function's own user may do only what the function does.
    """
    become("parlor-broadcast", "shell", DATABASE_USER="parlor_master")


def admin() -> NoReturn:
    """Make or promote the superuser that USERNAME names."""
    username = _required("USERNAME", 'make admin USERNAME=ada [PASSWORD="…"]')
    password = os.environ.get("PASSWORD", "")
    become("parlor-http", "promote", *(["--password", password] if password else []), "--", username)


def broadcast() -> NoReturn:
    """Invoke the broadcast function and print its answer."""
    event = {
        "message": _required("MESSAGE", 'make broadcast MESSAGE="Maintenance in 5 minutes." [ROOM=general]')
    }
    for field in ("room", "level", "until"):
        if value := os.environ.get(field.upper()):
            event[field] = value
    os.chdir(ROOT)
    python, endpoint = str(VENV_PYTHON), f"http://127.0.0.1:{port() + 1}"
    os.execv(
        python,
        [python, "-m", "local_aws.invoke", "--endpoint", endpoint, "parlor-broadcast", json.dumps(event)],
    )


def _required(variable: str, example: str) -> str:
    value = os.environ.get(variable, "")
    if not value:
        raise Failure(f"{variable} is missing: {example}")
    return value
