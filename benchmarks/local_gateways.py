"""This project's local gateway next to serverless-offline and ministack, with the same Python function."""

from __future__ import annotations

import asyncio
import resource
import tempfile
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path

from websockets.exceptions import WebSocketException

from benchmarks.figures import cell
from benchmarks.gateways import questions
from benchmarks.gateways.contestants import CONTESTANTS, Contestant
from benchmarks.results import Bars, Cell, Result


def measure() -> Result:
    """Ask one gateway after another; each stops before the next one starts."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65_536), hard))
    with tempfile.TemporaryDirectory() as folder:
        found = {kind.name: _ask(kind, Path(folder, kind.name)) for kind in CONTESTANTS}
    rows: list[list[Cell]] = [
        [question, *(answers[question] for answers in found.values())] for question in _ORDER
    ]
    return Result(
        title="Local WebSocket gateways",
        measures=(
            "The same Python function behind `$connect`, `$disconnect` and `$default`, and the same clients, "
            "all on the same cores."
        ),
        baseline="serverless-offline, the fastest that there was.",
        columns=["", *found],
        rows=rows,
        plots=[_plot(found, title, unit) for title, unit in _PLOTS.items()],
        notes=[
            "What is sent at once is bounded to 10 s; what wasn't answered by then doesn't count.",
            "ministack invokes a function once at a time, which bounds its figures for many connections.",
            "Posts are signed one by one. local_aws checks each signature, and the role that it belongs to.",
            "At the stop 100 sockets are open and a function is asleep for 30 s. A client should see code "
            "1001; the function that was under way should be named in what is printed.",
        ],
        versions={kind.name: kind.version() for kind in CONTESTANTS},
    )


_ECHO = "echo, one connection, p50 (ms)"
_BURST = "100 connections × 20 messages, all 2,000 sent at once (a second)"
_TALK = "100 connections × 20 messages, each after the last answer (a second)"
_BURST_ANSWERED = "of those 2,000 answered within 10 s"
_TALK_ANSWERED = "of those answered within 10 s"
_COLD = "100 connects at once, all cold (s)"
_IDLE = "2,000 idle connections (MB on top)"
_ANSWERED = "of which are answered afterwards"
_POSTS = "posts to @connections taken (a second)"
_FORGED = "a post with a wrong signature"
_STOP = "SIGTERM, 100 sockets, a call under way: ended after (s)"
_CLOSED = "sockets that get 1001"
_NAMED = "the call under way is named"
_LEFT = "processes left"
_ORDER = (
    *(_ECHO, _BURST, _BURST_ANSWERED, _TALK, _TALK_ANSWERED, _COLD, _IDLE, _ANSWERED),
    *(_POSTS, _FORGED, _STOP, _CLOSED, _NAMED, _LEFT),
)
_PLOTS = {
    _ECHO: "less is better",
    _BURST: "more is better",
    _TALK: "more is better",
    _COLD: "less is better",
    _POSTS: "more is better",
}


def _ask(kind: type[Contestant], folder: Path) -> dict[str, Cell]:
    """All answers of one gateway.

    What idle connections take, and what an unbridled burst comes to, is each asked of one that has
    done nothing else.
    """
    print(f"   {kind.name}", flush=True)
    _started(kind, folder / "first", _runs)
    found = _started(kind, folder / "busy", _when_busy)
    at_rest = _started(kind, folder / "at rest", _at_rest)
    at_once = _started(kind, folder / "at once", _at_once)
    return {**dict.fromkeys(_ORDER), **found, **at_rest, **at_once}


def _started(
    kind: type[Contestant],
    folder: Path,
    questions: Callable[[Contestant], Coroutine[None, None, dict[str, Cell]]],
) -> dict[str, Cell]:
    folder.mkdir(parents=True)
    contestant = kind(folder)
    try:
        contestant.start()
        return asyncio.run(questions(contestant))
    finally:
        contestant.clean_up()


async def _runs(contestant: Contestant) -> dict[str, Cell]:
    if not await questions.works(contestant):
        raise RuntimeError(f"{contestant.name} doesn't answer:\n{''.join(contestant.lines[-20:])}")
    return {}


async def _when_busy(contestant: Contestant) -> dict[str, Cell]:
    return {
        **await _answers((_COLD,), questions.cold_connects(contestant)),
        **await _answers((_ECHO,), questions.echo(contestant)),
        **await _answers((_TALK, _TALK_ANSWERED), questions.burst(contestant, waiting=True)),
        **await _answers((_POSTS, _FORGED), questions.posts(contestant)),
        **await _answers((_STOP, _CLOSED, _NAMED, _LEFT), questions.stop(contestant)),
    }


async def _at_rest(contestant: Contestant) -> dict[str, Cell]:
    return await _answers((_IDLE, _ANSWERED), questions.idle(contestant))


async def _at_once(contestant: Contestant) -> dict[str, Cell]:
    return await _answers((_BURST, _BURST_ANSWERED), questions.burst(contestant, waiting=False))


async def _answers(
    names: tuple[str, ...], question: Coroutine[None, None, tuple[Cell, ...]]
) -> dict[str, Cell]:
    """The answers to one question by their names: that a gateway failed at it is one too."""
    try:
        answers = await question
    except (OSError, TimeoutError, WebSocketException) as failure:
        answers = (f"failed ({type(failure).__name__})", *(None for _ in names[1:]))
    for name, answer in zip(names, answers, strict=True):
        print(f"      {name}: {cell(answer)}", flush=True)
    return dict(zip(names, answers, strict=True))


def _plot(found: Mapping[str, Mapping[str, Cell]], question: str, unit: str) -> Bars:
    bars = [(name, answers[question]) for name, answers in found.items()]
    return Bars(title=question, unit=unit, bars=bars)
