"""How long a message takes to its acknowledgement and to the other person, against a bare `ping`."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

from websockets import Origin
from websockets.sync.client import ClientConnection, connect

from benchmarks.results import Bars, Cell, Result
from tests.stack.running import running

_MESSAGES = 500
# A guest may send 10 messages in 10 seconds on one connection: then a new pair goes on.
_PER_CONNECTION = 10


def measure() -> Result:
    """Start the chat, and let one guest talk to another."""
    pings: list[float] = []
    acknowledged: list[float] = []
    arrived: list[float] = []
    with tempfile.TemporaryDirectory() as folder, running(Path(folder, "data")) as stack:
        while len(acknowledged) < _MESSAGES:
            with _guest(stack.port) as sender, _guest(stack.port) as reader:
                _ask(sender, "pong", {"action": "ping"})
                for _ in range(_PER_CONNECTION):
                    pings.append(_ask(sender, "pong", {"action": "ping"}))
                    text = str(uuid.uuid4())
                    started = time.perf_counter()
                    acknowledged.append(
                        _ask(sender, "message_accepted", {"action": "chat_message", "message": text})
                    )
                    while _next(reader).get("message") != text:
                        pass
                    arrived.append(time.perf_counter() - started)
    baseline = statistics.median(pings)
    measured = {
        "ping": pings,
        "send to acknowledgement": acknowledged,
        "send to the other's socket": arrived,
    }
    return Result(
        title="One message",
        measures=f"{_MESSAGES} messages of one guest to another in an idle room, one after another.",
        baseline="`ping`, which the gateway answers itself: the client's and the socket's own share.",
        columns=["", "p50 (ms)", "p95 (ms)", "p99 (ms)", "p50 / ping"],
        rows=[_row(name, seconds, baseline) for name, seconds in measured.items()],
        plots=[
            Bars(
                title="One message, p50",
                unit="ms",
                bars=[(name, statistics.median(seconds) * 1e3) for name, seconds in measured.items()],
            )
        ],
    )


def _guest(port: int) -> ClientConnection:
    return connect(
        f"ws://127.0.0.1:{port}/ws?channel=random",
        origin=Origin(f"http://127.0.0.1:{port}"),
        proxy=None,
    )


def _ask(connection: ClientConnection, kind: str, frame: dict[str, str]) -> float:
    started = time.perf_counter()
    connection.send(json.dumps(frame))
    while (answer := _next(connection))["type"] != kind:
        assert answer["type"] != "error", answer
    return time.perf_counter() - started


def _next(connection: ClientConnection) -> dict[str, object]:
    frame: dict[str, object] = json.loads(connection.recv(timeout=30))
    return frame


def _row(name: str, seconds: Sequence[float], baseline: float) -> list[Cell]:
    cuts = statistics.quantiles(seconds, n=100)
    p50, p95, p99 = cuts[49], cuts[94], cuts[98]
    return [name, p50 * 1e3, p95 * 1e3, p99 * 1e3, p50 / baseline]
