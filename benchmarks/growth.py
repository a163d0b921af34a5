"""Whether a chat that is full is as fast as one that is empty: 10 million stored messages, and none."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import psycopg

from benchmarks.functions import database
from benchmarks.results import Bars, Cell, Result
from local_aws.database import Postgres

MESSAGES = 10_000_000
ROOMS = 20
_ROUNDS = 6
_CALLS = 60
_WARM = 12
_EMPTY, _FULL = "empty", "full"
_MIDDLE = MESSAGES // ROOMS // 2


def measure() -> Result:
    """Fill a database, and ask it and an empty one on the same server in turns."""
    with database.server() as postgres:
        for name in (_EMPTY, _FULL):
            database.make(postgres, name)
        filled = _fill(postgres)
        seconds: dict[tuple[str, str], list[float]] = {}
        for _ in range(_ROUNDS):
            for name in (_EMPTY, _FULL):
                database.use(name)
                for what, call in _calls(empty=name == _EMPTY).items():
                    seconds.setdefault((what, name), []).extend(_time(call))
        plans, size = _plans(), _size(postgres)
    rows = [_row(what, seconds) for what in dict.fromkeys(what for what, _ in seconds)]
    return Result(
        title="Growth",
        measures=f"{_ROUNDS * _CALLS} calls of each kind in a database with {MESSAGES:,} messages in "
        f"{ROOMS} rooms, 2% of them edited, and in one with none.",
        baseline="The same code and calls on the empty database, on the same server, in turns.",
        columns=["", "empty, p50 (ms)", "full, p50 (ms)", "full / empty", "full, p99 (ms)"],
        rows=rows,
        plots=[
            Bars(
                title="Full / empty, p50 (the bound is 1.5)",
                unit="×",
                bars=[(str(row[0]), row[3]) for row in rows],
            )
        ],
        notes=[
            "Send is the whole of the WebSocket function for a message, without the queue. The pages of the "
            "empty database are of a room with 60 messages, and have as many as those of the full one.",
            f"Filling took {filled:.0f} s; {size}.",
            *plans,
        ],
    )


def _fill(postgres: Postgres) -> float:
    started = time.monotonic()
    with psycopg.connect(postgres.url(_FULL, "rdsadmin"), autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET synchronous_commit = off")
        connection.execute("SET maintenance_work_mem = '1GB'")
        connection.execute("ALTER SYSTEM SET max_wal_size = '8GB'")
        connection.execute("SELECT pg_reload_conf()")
        indexes = connection.execute(
            "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid), "
            "conname, pg_get_constraintdef(pg_constraint.oid) "
            "FROM pg_index LEFT JOIN pg_constraint ON conindid = indexrelid AND contype IN ('p', 'u') "
            "WHERE indrelid = 'chat_chatmessage'::regclass"
        ).fetchall()
        # Built at the end, in a tenth of the time.
        for name, _, constraint, _ in indexes:
            connection.execute(
                f"ALTER TABLE chat_chatmessage DROP CONSTRAINT {constraint}"
                if constraint
                else f"DROP INDEX {name}"
            )
        connection.execute(
            "INSERT INTO auth_user (id, username, password, is_superuser, is_staff, is_active, date_joined, "
            "first_name, last_name, email) "
            "SELECT n, 'person' || n, '!', false, false, true, now(), '', '', '' "
            "FROM generate_series(1, 1000) n"
        )
        connection.execute(
            "INSERT INTO chat_room (name, title, guests, position, last_sequence, created_at, read_only, "
            "slow_mode_seconds) "
            "SELECT 'room' || n, 'Room', true, 100, 0, now(), false, 0 FROM generate_series(0, %s) n",
            [ROOMS - 1],
        )
        connection.execute(
            "INSERT INTO django_aws_api_gateway_websockets_channelpermission "
            "(channel_name, access, description, created_on, updated_on) "
            "SELECT name, 'allow_all', '', now(), now() FROM chat_room WHERE name LIKE 'room%'"
        )
        connection.execute(
            "INSERT INTO chat_chatmessage (room, sequence, user_id, guest, username, message, client_id, "
            "created_at) SELECT 'room' || n %% %(rooms)s, n / %(rooms)s + 1, 1 + n %% 1000, false, "
            "'person' || 1 + n %% 1000, 'What somebody says, of a usual length, number ' || n, "
            "gen_random_uuid(), now() - make_interval(secs => (%(count)s - n) * 0.1) "
            "FROM generate_series(0, %(count)s - 1) n",
            {"rooms": ROOMS, "count": MESSAGES},
        )
        connection.execute(
            "INSERT INTO chat_messagechange (room, sequence, target, kind, by_moderator, created_at) "
            "SELECT room, sequence + 10, sequence, 'message_edited', false, now() FROM chat_chatmessage "
            "WHERE sequence % 51 = 7"
        )
        connection.execute(
            "DELETE FROM chat_chatmessage message USING chat_messagechange event "
            "WHERE message.room = event.room AND message.sequence = event.sequence"
        )
        connection.execute(
            "UPDATE chat_room SET last_sequence = %s WHERE name LIKE 'room%%'", [MESSAGES // ROOMS + 10]
        )
        for _, definition, constraint, constrains in indexes:
            connection.execute(
                f"ALTER TABLE chat_chatmessage ADD CONSTRAINT {constraint} {constrains}"
                if constraint
                else definition
            )
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")
    return time.monotonic() - started


def _calls(*, empty: bool) -> dict[str, Callable[[], object]]:
    from django.conf import settings

    from chat import sending
    from chat.history import history_page
    from chat.models import ChatMessage, Room
    from lambda_handlers import websocket
    from tests.chat.gateway import new_connection_id
    from tests.lambda_handlers.events import Context, connect_event, message_event

    class NoQueue:
        def send(self, *arguments: Any, **options: Any) -> None:
            pass

    settings.CHAT_SEND_LIMIT = settings.CHAT_CONNECTS_PER_ADDRESS = 1_000_000
    sending._queue = lambda url: NoQueue()
    room, middle = ("general", 5) if empty else ("room7", _MIDDLE)
    if empty:
        ChatMessage.objects.all().delete()
        ChatMessage.objects.bulk_create(
            ChatMessage(room=room, sequence=n, username="person1", message=f"What somebody says, number {n}")
            for n in range(1, 61)
        )
        Room.objects.filter(name=room).update(last_sequence=60)
    connection_id = new_connection_id()
    event = connect_event(connection_id=connection_id, channel="support" if empty else "room8")
    assert websocket.handler(event, Context())["statusCode"] == 200

    def send() -> None:
        frame = json.dumps({"action": "chat_message", "message": "hello"})
        answer = websocket.handler(message_event(frame, connection_id=connection_id), Context())
        assert '"ok":true' in answer["body"], answer

    return {
        "the last page": lambda: history_page(room, limit=50),
        "an older page": lambda: history_page(room, before=60 if empty else middle, limit=50),
        "what was missed": lambda: history_page(room, after=middle, limit=50),
        "send": send,
    }


def _time(call: Callable[[], object]) -> list[float]:
    for _ in range(_WARM):
        call()
    seconds = []
    for _ in range(_CALLS):
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    return seconds


def _row(what: str, seconds: dict[tuple[str, str], list[float]]) -> list[Cell]:
    empty, full = statistics.median(seconds[what, _EMPTY]), statistics.median(seconds[what, _FULL])
    worst = statistics.quantiles(seconds[what, _FULL], n=100)[98]
    return [what, empty * 1e3, full * 1e3, full / empty, worst * 1e3]


def _plans() -> list[str]:
    """What EXPLAIN says of the pages in the full database, a sentence each."""
    from django.db import connection

    from chat import history

    sentences = []
    database.use(_FULL)
    for what, statement in (("an older page", history._OLDER), ("what was missed", history._NEWER)):
        with connection.cursor() as cursor:
            cursor.execute(
                f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}",
                {"room": "room7", "position": _MIDDLE, "rows": 51},
            )
            [plan] = cursor.fetchone()[0]
        scans = ", ".join(dict.fromkeys(_scans(plan["Plan"])))
        touched = plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"]
        sentences.append(f"EXPLAIN of {what}: {scans}; {touched} pages of 8 KB touched.")
    return sentences


def _scans(node: dict[str, Any]) -> list[str]:
    own = (
        [f"{node['Node Type']} by {node.get('Index Name') or node['Relation Name']}"]
        if "Relation Name" in node
        else []
    )
    return own + [scan for child in node.get("Plans", []) for scan in _scans(child)]


def _size(postgres: Postgres) -> str:
    with psycopg.connect(postgres.url(_FULL, "rdsadmin")) as connection:
        row = connection.execute("SELECT pg_size_pretty(pg_database_size(current_database()))").fetchone()
    assert row is not None
    return f"the database has {row[0]}"
