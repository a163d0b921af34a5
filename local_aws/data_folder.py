"""The folder that holds a stack's data: made, locked for one stack, and what a running one leaves there."""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from local_aws.errors import StackError


@dataclass(frozen=True, slots=True)
class RunningStack:
    """What others on this machine may know of a running stack: ports, and each function's environment.

    `developer` are the variables that make a process the developer's, who may do everything.
    """

    pid: int
    port: int
    endpoint_port: int
    database_port: int | None
    environments: dict[str, dict[str, str]]
    developer: dict[str, str] = field(default_factory=dict)


class DataFolder:
    """A stack's folder, locked until `close` (or the process's end)."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self._check_room()
        except OSError as error:
            raise StackError(
                f"The data folder {self.path} can't be used ({error.strerror}): make it writable, make room "
                "there, or choose another one with --data-dir."
            ) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise StackError(
                f"Another stack runs on the data folder {self.path}: stop it, or choose another folder with "
                "--data-dir."
            ) from None

    @property
    def postgres(self) -> Path:
        return self.path / "postgres"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def code(self) -> Path:
        """Code that the assembly holds only packed or inline."""
        return self.path / "code"

    @property
    def secrets(self) -> Path:
        return self.path / "secrets.json"

    @property
    def queues(self) -> Path:
        return self.path / "queues.journal"

    @property
    def packages(self) -> Path:
        """What functions require and don't bring along."""
        return self.path / "packages"

    @property
    def services(self) -> Path:
        """What moto's process needs and keeps."""
        return self.path / "services"

    @property
    def events(self) -> Path:
        """Asynchronous invocations that aren't done."""
        return self.path / "events.journal"

    @property
    def authority(self) -> Path:
        """The certificate authority that functions trust."""
        return self.path / "authority"

    @property
    def connections(self) -> Path:
        return self.path / "connections"

    def announce(self, stack: RunningStack) -> None:
        """Write down how to reach the running stack, for its owner only: there are secrets in it."""
        new = _announcement(self.path).with_suffix(".new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(asdict(stack), file, indent=1)
        new.replace(_announcement(self.path))

    def close(self) -> None:
        """Take the announcement back and let go of the folder."""
        _announcement(self.path).unlink(missing_ok=True)
        os.close(self._lock)

    def _check_room(self) -> None:
        probe = self.path / ".probe"
        try:
            probe.write_bytes(bytes(65_536))
        finally:
            probe.unlink(missing_ok=True)


def running_stack(path: Path) -> RunningStack:
    """The stack that runs on a data folder. Raises `StackError` where none does."""
    nothing = StackError(f"No stack runs on {path.absolute()}: start it first (make run).")
    try:
        announced = json.loads(_announcement(path).read_text())
        with (path / "lock").open("rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return RunningStack(**announced)
    except (OSError, ValueError, TypeError):
        raise nothing from None
    raise nothing  # nobody holds the lock: what announced itself was killed


def _announcement(path: Path) -> Path:
    return path / "stack.json"
