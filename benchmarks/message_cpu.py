"""What a message costs the WebSocket function in CPU, next to the websockets library as it is."""

from __future__ import annotations

import json
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.environment import ROOT
from benchmarks.functions import database
from benchmarks.results import Bars, Result

_ROUNDS = 20
_MESSAGES = 100
_MEMBERS = 10
_PARLOR, _LIBRARY = "Parlor", "the library as it is"


def measure() -> Result:
    """Let both handle the same events in this process, in turns."""
    with database.server() as postgres, _queues() as endpoint:
        database.make(postgres, "parlor")
        handlers = _handlers(endpoint)
        cpu: dict[str, list[float]] = {name: [] for name in handlers}
        wall: dict[str, list[float]] = {name: [] for name in handlers}
        for handle in handlers.values():
            _send(handle, _MESSAGES)
        for _ in range(_ROUNDS):
            for name, handle in handlers.items():
                busy, passed = _send(handle, _MESSAGES)
                cpu[name].append(busy * 1e3)
                wall[name].append(passed * 1e3)
    rows = [
        [
            name,
            statistics.median(cpu[name]),
            statistics.median(wall[name]),
            statistics.median(cpu[_LIBRARY]) / statistics.median(cpu[name]),
        ]
        for name in handlers
    ]
    return Result(
        title="CPU of a message",
        measures=f"{_ROUNDS * _MESSAGES} messages of one guest to a room of {_MEMBERS}, handled in this "
        "process: the event, Django, the database, the queue, the answer. Medians of rounds.",
        baseline="The websockets library's own dispatch, the ORM, and boto3 for the queue. "
        "It checks no login, no limit and no repetition.",
        columns=["", "CPU a message (ms)", "wall (ms)", "times less CPU"],
        rows=rows,
        plots=[
            Bars(
                title="The function's CPU for a message",
                unit="ms",
                bars=[(str(row[0]), row[1]) for row in rows],
            )
        ],
        notes=[
            "Of this process alone: PostgreSQL and a stub of the queue run beside it.",
        ],
    )


@contextmanager
def _queues() -> Iterator[str]:
    """The address of a process that answers as SQS does."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.functions.queue_server", str(port)], cwd=ROOT
    )
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=10)


def _handlers(endpoint: str) -> dict[str, Callable[[], None]]:
    from apig_wsgi import make_lambda_handler
    from django.conf import settings

    # First the chat's function, as it starts by itself: without boto3.
    from lambda_handlers import websocket  # isort: skip
    from benchmarks.functions import library_view  # isort: skip
    from tests.chat.gateway import new_connection_id
    from tests.lambda_handlers.events import Context, connect_event, message_event

    settings.CHAT_SEND_LIMIT = settings.CHAT_CONNECTS_PER_ADDRESS = 1_000_000
    settings.CHAT_DELIVERY_QUEUE_URL = url = f"{endpoint}/000000000000/deliveries"
    library_view.use_queue(url, endpoint)
    library = make_lambda_handler(library_view.LibraryHandler())
    ids = [new_connection_id() for _ in range(_MEMBERS)]
    for connection_id in ids:
        assert websocket.handler(connect_event(connection_id=connection_id), Context())["statusCode"] == 200
    frame = json.dumps({"action": "chat_message", "message": "What somebody says, of a usual length"})
    event: dict[str, Any] = message_event(frame, connection_id=ids[0])

    def ours() -> None:
        answer = websocket.handler(event, Context())
        assert '"ok":true' in answer["body"], answer

    def theirs() -> None:
        answer = library(websocket.as_http_event(event), Context())
        assert '"ok": true' in answer["body"], answer

    return {_PARLOR: ours, _LIBRARY: theirs}


def _send(handle: Callable[[], None], count: int) -> tuple[float, float]:
    """CPU and wall seconds of one of so many messages."""
    busy, passed = time.process_time(), time.perf_counter()
    for _ in range(count):
        handle()
    return (time.process_time() - busy) / count, (time.perf_counter() - passed) / count
