"""How long a message takes to its acknowledgement and to the other person, against a bare `ping`.

Start the stack (`make run`), then: `.venv/bin/python -m benchmarks.message_latency`.
A guest may send 10 messages in 10 seconds on one connection, so every tenth message comes from a new pair.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import uuid
from collections.abc import Sequence

from websockets.sync.client import ClientConnection, connect

_PER_CONNECTION = 10


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", type=int, default=8000, help="the chat's port (default 8000)")
    parser.add_argument("--messages", type=int, default=500, help="how many to send (default 500)")
    arguments = parser.parse_args()
    pings: list[float] = []
    acknowledged: list[float] = []
    arrived: list[float] = []
    while len(acknowledged) < arguments.messages:
        with _guest(arguments.port) as sender, _guest(arguments.port) as reader:
            _ask(sender, "pong", {"action": "ping"})
            for _ in range(min(_PER_CONNECTION, arguments.messages - len(acknowledged))):
                pings.append(_ask(sender, "pong", {"action": "ping"}))
                text = str(uuid.uuid4())
                started = time.perf_counter()
                acknowledged.append(
                    _ask(sender, "message_accepted", {"action": "chat_message", "message": text})
                )
                _wait(reader, lambda frame, text=text: frame.get("message") == text)
                arrived.append(time.perf_counter() - started)
    baseline = statistics.median(pings)
    print(f"{'ms':28}{'p50':>8}{'p95':>8}{'p99':>8}{'p50 / ping':>12}")
    _row("ping (baseline)", pings, baseline)
    _row("send to acknowledgement", acknowledged, baseline)
    _row("send to the other's socket", arrived, baseline)


def _guest(port: int) -> ClientConnection:
    return connect(
        f"ws://127.0.0.1:{port}/ws?channel=random",
        origin=f"http://127.0.0.1:{port}",  # type: ignore[arg-type]
        proxy=None,
    )


def _ask(connection: ClientConnection, kind: str, frame: dict[str, str]) -> float:
    started = time.perf_counter()
    connection.send(json.dumps(frame))
    answer = _wait(connection, lambda came: came.get("type") in (kind, "error"))
    assert answer["type"] == kind, answer
    return time.perf_counter() - started


def _wait(connection: ClientConnection, wanted: object) -> dict[str, object]:
    assert callable(wanted)
    while True:
        frame: dict[str, object] = json.loads(connection.recv(timeout=30))
        if wanted(frame):
            return frame


def _row(name: str, seconds: Sequence[float], baseline: float) -> None:
    cuts = statistics.quantiles(seconds, n=100)
    p50, p95, p99 = cuts[49], cuts[94], cuts[98]
    print(f"{name:28}{p50 * 1e3:8.2f}{p95 * 1e3:8.2f}{p99 * 1e3:8.2f}{p50 / baseline:11.1f}×")


if __name__ == "__main__":
    main()
