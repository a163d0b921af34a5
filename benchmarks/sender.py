"""How much CPU a post to a connection takes, and how many go out a second, against other ways to post."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.environment import PYTHON, ROOT
from benchmarks.results import Bars, Cell, Result
from benchmarks.senders.contestants import MEMBERS
from tests.delivery.management_api import certificate

_LATENCY = 0.02
_ROUNDS = 3
_LIBRARY = "the library's send_message"


@dataclass(frozen=True)
class _Contestant:
    """Who posts: `messages` to 1,000 members each a round, so many at once, plain and over TLS."""

    name: str
    shown: str
    at_once: tuple[int, int]
    messages: tuple[int, int]


_CONTESTANTS = (
    _Contestant("ours", "ours", (64, 256), (20, 20)),
    _Contestant("library", _LIBRARY, (10, 10), (3, 1)),
    _Contestant("boto3_alone", "boto3, one thread", (1, 1), (3, 0)),
    _Contestant("aiobotocore", "aiobotocore", (64, 256), (3, 3)),
    _Contestant("aiohttp_signed", "aiohttp + our signature", (64, 256), (10, 10)),
)


def measure() -> Result:
    """Let each post to the same server, in turn, and take the median of its rounds."""
    with tempfile.TemporaryDirectory() as folder:
        plain = _measure_all(0, None)
        over_tls = _measure_all(1, certificate(Path(folder)))
    library_plain, library_tls = plain["library"], over_tls["library"]
    assert library_plain is not None
    assert library_tls is not None
    rows: list[list[Cell]] = []
    for contestant in _CONTESTANTS:
        row: list[Cell] = [contestant.shown]
        for measured, library in ((plain, library_plain), (over_tls, library_tls)):
            figures = measured[contestant.name]
            if figures is None:
                row += [None, None, None]
            else:
                row += [figures.rate, figures.cpu, library.cpu / figures.cpu]
        rows.append(row)
    return Result(
        title="Posting to connections",
        measures=f"One frame of 300 bytes to {MEMBERS:,} connections, again and again, to a server that "
        f"takes each at once (plain) or after {_LATENCY * 1e3:.0f} ms (TLS). CPU is the sender's alone.",
        baseline=f"{_LIBRARY}, which posts by boto3 in ten threads.",
        columns=[
            "",
            "plain: posts/s",
            "CPU s per 1,000",
            "posts per CPU s / the library's",
            "TLS, 20 ms: posts/s",
            "CPU s per 1,000",
            "posts per CPU s / the library's",
        ],
        rows=rows,
        plots=[
            Bars(
                title=f"CPU of 1,000 posts, {name}",
                unit="ms",
                bars=[(str(row[0]), _in_ms(row[column])) for row in rows],
            )
            for name, column in (("plain", 2), ("TLS with 20 ms", 5))
        ],
        notes=[
            "At once: 64 plain and 256 over TLS, ten for the library (its own default), one for boto3 alone, "
            "which with 20 ms would post 45 a second.",
            "Ours is the delivery function's own code: it reads shards of 100 connections, and notes what "
            "became of each.",
        ],
    )


def _in_ms(seconds: Cell) -> Cell:
    return seconds * 1e3 if isinstance(seconds, float) else None


@dataclass(frozen=True)
class _Figures:
    rate: float
    cpu: float


def _measure_all(case: int, tls: tuple[Path, Path] | None) -> dict[str, _Figures | None]:
    rounds: dict[str, list[_Figures]] = {each.name: [] for each in _CONTESTANTS}
    for _ in range(_ROUNDS):
        for contestant in _CONTESTANTS:
            if messages := contestant.messages[case]:
                with _server(tls) as url:
                    figures = _post(contestant.name, url, messages, contestant.at_once[case], tls)
                rounds[contestant.name].append(figures)
    return {name: _median(figures) if figures else None for name, figures in rounds.items()}


def _median(figures: list[_Figures]) -> _Figures:
    return _Figures(
        statistics.median(each.rate for each in figures), statistics.median(each.cpu for each in figures)
    )


def _post(name: str, url: str, messages: int, at_once: int, tls: tuple[Path, Path] | None) -> _Figures:
    command = [PYTHON, "-m", "benchmarks.senders.contestants", name, url, str(messages), str(at_once)]
    done = subprocess.run(
        [*map(str, command), *([str(tls[0])] if tls else [])],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=180,
    )
    took = json.loads(done.stdout)
    posts = messages * MEMBERS
    return _Figures(rate=posts / took["seconds"], cpu=took["cpu"] / posts * 1000)


@contextmanager
def _server(tls: tuple[Path, Path] | None) -> Iterator[str]:
    options = ["--latency", str(_LATENCY), "--tls", *map(str, tls)] if tls else []
    command = [sys.executable, "-m", "benchmarks.senders.management_api", *options]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        yield f"{'https' if tls else 'http'}://127.0.0.1:{port}/ws"
    finally:
        process.terminate()
        process.communicate()
