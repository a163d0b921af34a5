"""How long messages take to all members of a room, and how many get through, next to Django Channels."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager

from benchmarks.chats.channels import redis_server, strongest, usual
from benchmarks.chats.parlor import parlor
from benchmarks.chats.scenarios import SCENARIOS
from benchmarks.environment import PYTHON, ROOT
from benchmarks.results import Bars, Cell, Result

Figures = Mapping[str, float]

_LONGEST_SECONDS = 120
_BESIDE = "2 beside 1,000 at 15 a second"
_PARLOR = "Parlor"
_STRONGEST = "Channels: uvicorn × 2, pub/sub layer"
_USUAL = "Channels: daphne, core layer"
_SERVERS: Mapping[str, Callable[[], AbstractContextManager[str]]] = {
    _PARLOR: parlor,
    _STRONGEST: strongest,
    _USUAL: usual,
}


def measure() -> Result:
    """Let the same crowd do the same in each chat, one chat after the other."""
    if redis_server() is None:
        # Figures without the baseline would replace those with it.
        raise RuntimeError(
            "Channels needs redis-server, which is not installed (Debian: apt install redis-server)."
        )
    measured: dict[tuple[str, str], Figures | None] = {}
    for name, server in _SERVERS.items():
        print(name, flush=True)
        with server() as url:
            for scenario in SCENARIOS:
                measured[scenario, name] = _play(url, scenario)
    rows = [
        [scenario, name, *_cells(measured[scenario, name])] for scenario in SCENARIOS for name in _SERVERS
    ]
    notes = [
        "p50, p95, p99: from sending to the arrival at the last member. Where everybody sends the next "
        "message as soon as the last is acknowledged, it is from the acknowledgement to an arrival.",
        "Lost: frames that never came, of those that acknowledged messages owed to the members. All store "
        "messages in PostgreSQL. Channels numbers them by one count; Parlor by one for each room, without "
        "holes, and checks login, right and limit for each message.",
        *_beside_notes(measured),
        "Parlor's limit of ten messages in ten seconds is lifted; all else is as `make run` starts it.",
    ]
    return Result(
        title="Rooms",
        measures="One process with all members' sockets on the same machine.",
        baseline=f"{_STRONGEST}, its strongest, and daphne with the core layer, its usual set-up.",
        columns=[
            "",
            "chat",
            "p50 (ms)",
            "p95 (ms)",
            "p99 (ms)",
            "all done (s)",
            "messages/s",
            "lost",
            "of frames",
        ],
        rows=rows,
        plots=[
            Bars(
                title=f"{scenario}: p99 until all have a message",
                unit="ms",
                bars=[(name, _cells(measured[scenario, name])[2]) for name in _SERVERS],
            )
            for scenario in ("room of 100", "room of 1,000", _BESIDE)
        ],
        notes=notes,
        versions=_versions(),
    )


def _beside_notes(measured: Mapping[tuple[str, str], Figures | None]) -> Iterator[str]:
    """How the large room fared while two people talked beside it."""
    for name in _SERVERS:
        figures = measured[_BESIDE, name]
        if figures is None:
            continue
        yield (
            f"{name}, while two talked beside it: the room of 1,000 got "
            f"{figures['frames a second to the large room']:,.0f} frames a second of the 15,000 that were "
            f"meant for it, and {figures['late in the large room']:,.0f} had not come half a minute after "
            "the last message."
        )


def _cells(figures: Figures | None) -> list[Cell]:
    if figures is None:
        return [f"not done within {_LONGEST_SECONDS} s"] * 7
    times: list[Cell] = [figures[name] * 1e3 if name in figures else None for name in ("p50", "p95", "p99")]
    return [*times, figures.get("seconds"), figures.get("rate"), int(figures["lost"]), int(figures["frames"])]


def _play(url: str, scenario: str) -> Figures | None:
    """What the crowd measured, or None where it wasn't done in time."""
    try:
        done = subprocess.run(
            [str(PYTHON), "-m", "benchmarks.chats.scenarios", url, scenario],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=_LONGEST_SECONDS,
        )
    except subprocess.TimeoutExpired:
        print(f"{scenario}: not done within {_LONGEST_SECONDS} s", flush=True)
        return None
    figures: Figures = json.loads(done.stdout)
    print(f"{scenario}: {figures}", flush=True)
    return figures


def _versions() -> dict[str, str]:
    code = "from importlib.metadata import version; print(*map(version, {!r}))"
    names = ("channels", "channels-redis", "daphne", "uvicorn")
    done = subprocess.run(
        [str(PYTHON), "-c", code.format(names)], stdout=subprocess.PIPE, text=True, check=True
    )
    said = subprocess.run(["redis-server", "--version"], stdout=subprocess.PIPE, text=True, check=True)
    redis = said.stdout.partition("v=")[2].split()[0]
    return {**dict(zip(names, done.stdout.split(), strict=True)), "Redis": redis}
