"""Stops a function at an exact step of its work, by locks of the database: no hook in what runs is needed.

The function waits for the lock, so that what it has done and what it hasn't is known when it is killed. A
statement that waits in the database goes on when the lock is released, whether or not its client still lives.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

import psutil
import psycopg

from tests.stack.running import Stack

WEBSOCKET = "lambda_handlers.websocket.handler"
DELIVERY = "lambda_handlers.delivery.handler"
_SESSIONS = "django_aws_api_gateway_websockets_websocketsession"


def workers(stack: Stack, handler: str) -> list[psutil.Process]:
    """The environments of a function."""
    found = []
    for process in stack.processes():
        with contextlib.suppress(psutil.Error):
            if handler in process.cmdline() and any("awslambdaric" in part for part in process.cmdline()):
                found.append(process)
    return found


def postmasters(stack: Stack) -> list[psutil.Process]:
    """The database's first process, with which all of it ends."""
    found = []
    for process in stack.processes():
        with contextlib.suppress(psutil.Error):
            if process.name() == "postgres" and "-D" in process.cmdline():
                found.append(process)
    return found


def kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, timeout=5)


def database(stack: Stack) -> psycopg.Connection[tuple[object, ...]]:
    """A connection as the database's administrator, each statement for itself."""
    port = (stack.data_dir / "postgres" / "postmaster.pid").read_text().splitlines()[3]
    return psycopg.connect(f"postgresql://rdsadmin@127.0.0.1:{port}/parlor", autocommit=True)


@contextlib.contextmanager
def while_it_stores(stack: Stack, room: str) -> Iterator[Callable[[], int]]:
    """A function that stores a message in the room waits before it, until the block ends.

    Yields what waits until one does, and returns the id of its process in the database.
    """
    with database(stack) as holder, database(stack) as observer:
        with holder.transaction():
            holder.execute("SELECT FROM chat_room WHERE name = %s FOR UPDATE", [room])
            yield lambda: _waiting(observer, "%INSERT INTO chat_chatmessage%")
        _until(lambda: not _find_waiting(observer, "%INSERT INTO chat_chatmessage%"))


@contextlib.contextmanager
def after_the_commit(stack: Stack, room: str) -> Iterator[Callable[[], int]]:
    """A function that has stored a message waits before it reads who is to get it, until the block ends."""
    with _behind_the_commit(stack, room, _SESSIONS, "%session.channel_name =%") as wait:
        yield wait


@contextlib.contextmanager
def after_the_queue(stack: Stack, room: str) -> Iterator[Callable[[], int]]:
    """A function that has queued a message waits before it says so, until the block ends."""
    with _behind_the_commit(stack, room, "chat_undelivered", "%DELETE FROM chat_undelivered%") as wait:
        yield wait


@contextlib.contextmanager
def _behind_the_commit(stack: Stack, room: str, table: str, statement: str) -> Iterator[Callable[[], int]]:
    # The table's lock is asked for while the message's statement holds its own on it. Given in order, it
    # comes right after the commit, and before the function's next statement.
    with database(stack) as holder, database(stack) as locker, database(stack) as observer:
        released = threading.Event()

        def lock() -> None:
            with locker.transaction():
                locker.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
                released.wait(30)

        thread = threading.Thread(target=lock)

        def wait() -> int:
            _waiting(observer, "%INSERT INTO chat_chatmessage%")
            thread.start()
            _waiting(observer, "LOCK TABLE%")
            holder.rollback()
            return _waiting(observer, statement)

        holder.autocommit = False
        holder.execute("SELECT FROM chat_room WHERE name = %s FOR UPDATE", [room])
        try:
            yield wait
        finally:
            holder.rollback()
            released.set()
            thread.join()
        _until(lambda: not _find_waiting(observer, statement))


def _waiting(observer: psycopg.Connection[tuple[object, ...]], statement: str) -> int:
    _until(lambda: bool(_find_waiting(observer, statement)))
    return _find_waiting(observer, statement)[0]


def _find_waiting(observer: psycopg.Connection[tuple[object, ...]], statement: str) -> list[int]:
    rows = observer.execute(
        "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE %s", [statement]
    )
    return [int(str(row[0])) for row in rows]


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.01)
