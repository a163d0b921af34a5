"""How long one message takes to N connections under AWS's quotas: a simulation, calibrated by `sender`.

It is fluid: in each step as many posts go out as the tightest of four bounds lets through. What the
bounds are stands in docs/scaling.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from benchmarks.results import Cell, Lines, Result, kept
from delivery.shards import write_shards
from delivery.sqs import BATCH_ENTRIES

SIZES = (100, 1_000, 10_000, 100_000, 1_000_000)
_STEP = 0.002
_LIBRARY = "the library, in the websocket function"


@dataclass(frozen=True, kw_only=True)
class Quotas:
    """What AWS allows an account in a region, by default. Rates are by second."""

    posts: float = 10_000
    posts_burst: float = 5_000
    first_pollers: int = 5
    pollers_growth: float = 5
    """An SQS event source mapping adds 300 concurrent batches a minute."""
    environments_growth: float = 100
    """A function's environments: 1,000 every ten seconds."""


@dataclass(frozen=True, kw_only=True)
class Design:
    """How a message is sent. Times are in seconds."""

    environments: int
    """The most batches at once (the event source's maximum concurrency)."""
    posts_per_environment: float
    batch_call: float = 0.010
    """One SendMessageBatch of ten shards, which the websocket function makes one after another."""
    commit: float = 0.010
    poll: float = 0.020
    """From a message's arrival in the queue to the function's first line."""
    post: float = 0.020


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """When how many had the message, in seconds after it was sent, and what held it up for the longest."""

    acknowledged: float
    half: float
    last: float
    wall: str


def deliver(connections: int, quotas: Quotas, design: Design) -> Delivery:
    """Deliver one message to so many connections in an account where nothing else happens."""
    shards = len(write_shards([""] * connections, ""))
    batches = -(-shards // BATCH_ENTRIES)
    acknowledged = design.commit + batches * design.batch_call
    begin = design.commit + design.batch_call + design.poll
    in_shard = connections / shards
    tokens, posted, now, half = quotas.posts_burst, 0.0, 0.0, 0.0
    walls: Counter[str] = Counter()
    while posted < connections:
        queued = min(shards, BATCH_ENTRIES * (1 + int(now / design.batch_call))) * in_shard
        pollers = min(
            design.environments,
            quotas.first_pollers + now * quotas.pollers_growth,
            quotas.first_pollers + now * quotas.environments_growth,
        )
        # A batch has up to ten shards, and what isn't there can't be worked on.
        bounds = {
            "the queueing": queued - posted,
            "the environments": pollers * design.posts_per_environment * _STEP,
            "the account's posts": tokens,
        }
        wall = min(bounds, key=lambda name: bounds[name])
        walls[wall] += 1
        step = min(bounds[wall], connections - posted)
        posted += step
        tokens = min(quotas.posts_burst, tokens - step + quotas.posts * _STEP)
        now += _STEP
        if not half and posted >= connections / 2:
            half = now
    return Delivery(
        acknowledged=acknowledged,
        half=begin + half + design.post,
        last=begin + now + design.post,
        wall=walls.most_common(1)[0][0],
    )


def posts_per_environment(
    cpu_seconds_per_1000: float, *, memory_mib: int = 512, bound: float = 5000
) -> float:
    """What one environment posts a second: its share of a processor, or the bound that it is given."""
    share = min(1.0, memory_mib / 1769)  # Lambda gives one processor for 1,769 MB
    return min(bound, share / (cpu_seconds_per_1000 / 1000))


def measure() -> Result:
    """Deliver to 10² to 10⁶ connections: as the profiles do, with more quota, as the library does."""
    cpu, library = _measured()
    each = posts_per_environment(cpu)
    quotas = Quotas()
    cases = {
        "try: 5 at once": (quotas, Design(environments=5, posts_per_environment=each)),
        "production: 20 at once": (quotas, Design(environments=20, posts_per_environment=each)),
        "production, quota raised to 100,000": (
            replace(quotas, posts=100_000, posts_burst=50_000),
            Design(environments=20, posts_per_environment=each),
        ),
        _LIBRARY: (
            quotas,
            Design(environments=1, posts_per_environment=library, batch_call=0.0001, poll=0.0),
        ),
    }
    delivered = {name: [(size, deliver(size, *case)) for size in SIZES] for name, case in cases.items()}
    rows: list[Sequence[Cell]] = [
        # The library sends before the function answers.
        [
            f"{size:,}",
            name,
            found.last if name == _LIBRARY else found.acknowledged,
            found.half,
            found.last,
            found.wall,
        ]
        for name, found_all in delivered.items()
        for size, found in found_all
    ]
    return Result(
        title="One message to N connections on AWS (a simulation)",
        measures=f"Seconds by the model of docs/scaling.md, with {cpu:.3f} CPU s per 1,000 posts: "
        f"{each:,.0f} posts a second in an environment of 512 MB.",
        baseline=f"the library in the websocket function, {library:,.0f} posts a second.",
        columns=["connections", "", "acknowledged (s)", "half have it (s)", "all have it (s)", "held up by"],
        rows=rows,
        plots=[
            Lines(
                title="One message: until all have it",
                x="connections",
                y="s",
                logarithmic=True,
                series={
                    name: [(size, found.last) for size, found in found_all]
                    for name, found_all in delivered.items()
                },
            )
        ],
    )


def _measured() -> tuple[float, float]:
    """Over TLS with 20 ms, as the benchmark of the sender found it on this machine.

    The CPU seconds of 1,000 of our posts, and the library's posts a second.
    """
    for result in kept():
        if result.name == "sender":
            ours, library = result.result.rows[0][5], result.result.rows[1][4]
            assert isinstance(ours, float)
            assert isinstance(library, float)
            return ours, library
    raise RuntimeError("The simulation is calibrated by the benchmark of the sender: make bench ONLY=sender.")
