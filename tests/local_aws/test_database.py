"""PostgreSQL from its bare binaries: what it starts on, what it refuses in a sentence, and how it ends."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from local_aws import processes
from local_aws.database import Postgres
from local_aws.errors import StackError
from local_aws.model import Database


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Postgres]:
    # A home as root's: nobody else may pass. And a path that quoting must survive.
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    server = Postgres(home / "with spaces é" / "postgres", free_port())
    yield server
    server.stop()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the database in it, of a server that was stopped."""
    server = Postgres(tmp_path_factory.mktemp("made") / "postgres", free_port())
    server.start()
    server.ensure(database(server))
    server.stop()
    return server.folder


@pytest.fixture
def used(server: Postgres, made: Path) -> Postgres:
    """A server that ran before, and isn't running."""
    shutil.copytree(made, server.folder)
    return server


def database(server: Postgres, **changes: str) -> Database:
    names = {
        "database": "chat",
        "master_username": "master",
        "master_password": 'it\'s \\ "quoted"',
    } | changes
    return Database(name="db", host="127.0.0.1", port=server.port, **names)


def test_the_master_is_no_superuser_and_may_make_roles_that_sign_in_by_iam(server):
    server.start()
    server.ensure(database(server))

    with psycopg.connect(server.url("chat", "master"), autocommit=True) as connection:
        connection.execute("CREATE ROLE app LOGIN")
        connection.execute("GRANT rds_iam TO app")
        [superuser] = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = 'master'").fetchone()
        [commit] = connection.execute("SHOW synchronous_commit").fetchone()
    assert (superuser, commit) == (False, "on")


def test_odd_names_are_names_and_doing_it_again_changes_nothing(server):
    odd = database(server, database='da"ta; base', master_username="mas'ter")
    server.start()

    server.ensure(odd)
    server.ensure(odd)

    with psycopg.connect(server.url('da"ta; base', "mas'ter")) as connection:
        assert connection.execute("SELECT current_database(), current_user").fetchone() == (
            'da"ta; base',
            "mas'ter",
        )


def test_data_is_there_after_a_stop_and_after_a_kill(used):
    used.start()
    with psycopg.connect(used.url("chat", "master")) as connection:
        connection.execute("CREATE TABLE kept (n int)")
    used.stop()

    used.start()
    with psycopg.connect(used.url("chat", "master")) as connection:
        connection.execute("INSERT INTO kept VALUES (1)")
    used.process.kill()
    used.process.wait()
    used.start()

    with psycopg.connect(used.url("chat", "master")) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (1,)


def test_a_stop_ends_every_process_at_once_while_clients_are_connected(used):
    used.start()
    connection = psycopg.connect(used.url())
    pid = used.process.pid

    began = time.monotonic()
    used.stop()

    assert time.monotonic() - began < 2
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    connection.close()


def test_a_stop_ends_what_was_stopped_under_a_debugger_too(used):
    used.start()
    children = Path(f"/proc/{used.process.pid}/task/{used.process.pid}/children").read_text().split()
    pids = [used.process.pid, *map(int, children)]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)

    began = time.monotonic()
    used.stop()

    assert time.monotonic() - began < 6
    deadline = time.monotonic() + 2
    while any(Path(f"/proc/{pid}/cwd").exists() for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_it_listens_on_loopback_only_and_on_no_unix_socket(used):
    used.start()

    with psycopg.connect(used.url()) as connection:
        names = "listen_addresses", "unix_socket_directories"
        assert [connection.execute(f"SHOW {name}").fetchone()[0] for name in names] == ["127.0.0.1", ""]


@pytest.mark.parametrize("way", ["namespace", "capability"])
@pytest.mark.skipif(os.geteuid() != 0, reason="ways for root to run it")
def test_root_can_run_it_in_either_way_on_the_same_data(used, monkeypatch, way):
    if way == "capability":
        available = processes.available
        monkeypatch.setattr(
            processes, "available", lambda *command: command[0] != "unshare" and available(*command)
        )

    used.start()

    with psycopg.connect(used.url("chat", "master")) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.skipif(os.geteuid() != 0, reason="root's own trouble")
def test_root_without_any_way_is_told_so(server, monkeypatch):
    monkeypatch.setattr(processes, "available", lambda *command: False)

    with pytest.raises(StackError, match="start this as an ordinary user"):
        server.start()


def test_a_taken_port_is_one_sentence(used):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", used.port))
        taken.listen()
        with pytest.raises(StackError, match=rf"^Port {used.port} is taken by another program"):
            used.start()


def test_data_of_another_major_version_is_left_alone(server):
    server.folder.mkdir(parents=True)
    (server.folder / "PG_VERSION").write_text("14\n")

    with pytest.raises(StackError, match="was made by PostgreSQL 14, and this is PostgreSQL 18"):
        server.start()
    assert (server.folder / "PG_VERSION").read_text() == "14\n"


def test_a_folder_with_something_else_in_it_is_left_alone(server):
    server.folder.mkdir(parents=True)
    (server.folder / "diary.txt").write_text("mine")

    with pytest.raises(StackError, match="move it away to start with a new database"):
        server.start()
    assert (server.folder / "diary.txt").read_text() == "mine"


@pytest.mark.parametrize("lost", ["global/pg_control", "global", "pg_wal"])
def test_a_damaged_folder_is_one_sentence(used, lost):
    (used.folder / lost).rename(used.folder.parent / "lost")

    with pytest.raises(StackError) as refused:
        used.start()

    assert str(used.folder) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_start_that_was_cut_off_while_making_the_folder_begins_anew(server):
    (server.folder.parent / "postgres.unfinished").mkdir(parents=True)
    (server.folder.parent / "postgres.unfinished" / "half").write_text("")

    server.start()

    assert not (server.folder.parent / "postgres.unfinished").exists()


def test_a_lock_file_that_names_another_program_doesnt_keep_it_from_starting(used):
    used.start()
    used.process.kill()
    used.process.wait()
    lock = used.folder / "postmaster.pid"
    # Process numbers come again, after a reboot or in a container.
    lock.write_text("\n".join([str(os.getpid()), *lock.read_text().split("\n")[1:]]))

    used.start()

    with psycopg.connect(used.url()) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_it_ends_when_the_process_that_started_it_is_killed(used):
    script = (
        "import sys, time; from pathlib import Path; from local_aws.database import Postgres\n"
        "server = Postgres(Path(sys.argv[1]), int(sys.argv[2])); server.start()\n"
        "print(server.process.pid, flush=True); time.sleep(60)"
    )
    starter = subprocess.Popen(
        [sys.executable, "-c", script, str(used.folder), str(used.port)], stdout=subprocess.PIPE
    )
    assert starter.stdout is not None
    with starter.stdout as output:
        pid = int(output.readline())

    starter.send_signal(signal.SIGKILL)
    starter.wait()

    deadline = time.monotonic() + 5
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    used.start()  # and its data is free again
