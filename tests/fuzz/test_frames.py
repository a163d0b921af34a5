"""Hostile frames over real connections: answered one by one, nobody fails, nobody else notices.

FUZZ_INPUTS says how many; the same FUZZ_SEED gives the same ones.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.fuzz.frames import FRAMES, altered, spoilt, written
from tests.fuzz.party import Bystanders, answers_to, level_memory, prepared
from tests.stack.person import Person
from tests.stack.running import Stack, running

pytestmark = pytest.mark.stack

INPUTS = int(os.environ.get("FUZZ_INPUTS", "1500")) * 49 // 50
SEED = int(os.environ.get("FUZZ_SEED", "20261201"))
# Of each frame of the grammar, so many variants are sent beside it.
VARIANTS = 10
FRAMES_A_BATCH = 10
GROWTH = 60_000_000


def batches(count: int) -> list[list[str]]:
    """Batches of frames: the same for the same seed."""
    made: list[list[str]] = []

    @seed(SEED)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(FRAMES, min_size=FRAMES_A_BATCH, max_size=FRAMES_A_BATCH), st.integers(0, 2**32))
    def make(frames: list[dict[str, object]], number: int) -> None:
        how = random.Random(number)
        batch = [written(frame) for frame in frames]
        for frame in frames:
            others = [altered(frame, how) for _ in range(VARIANTS // 2)]
            batch += [written(other) for other in others] + [spoilt(written(other), how) for other in others]
        how.shuffle(batch)
        made.append(batch)

    make()
    return made


def test_the_same_seed_gives_the_same_frames() -> None:
    assert batches(3) == batches(3)


def test_hostile_frames(tmp_path: Path) -> None:
    started = time.monotonic()
    # Each batch on a connection of its own: a guest's allowances are the connection's.
    made = batches(max(1, INPUTS // (FRAMES_A_BATCH * (1 + VARIANTS))))
    total = sum(map(len, made))
    print(f"\n{total:,} frames made in {time.monotonic() - started:.0f} s", flush=True)
    kinds: Counter[str] = Counter()
    with running(tmp_path / "data") as stack:
        people = prepared(stack)
        # Mostly guests; others now and then, as often as their allowances let them.
        signed_in = [*people["people"], *people["moderators"]]
        with (
            Bystanders(people["bystanders"]) as bystanders,
            level_memory(stack, growth=GROWTH) as all_is_warm,
            ThreadPoolExecutor(3) as pool,
        ):

            def send(number: int) -> Counter[str]:
                sender = signed_in[number // 5 % len(signed_in)] if number % 5 == 0 else Person(stack)
                with sender.connect(("general", "random", "support")[number % 3]) as socket:
                    return answers_to(socket, made[number])

            for number, answered in enumerate(pool.map(send, range(len(made))), 1):
                kinds += answered
                if number == max(1, len(made) // 5):
                    all_is_warm()
                if number % max(1, len(made) // 20) == 0:
                    print(
                        f"{kinds.total():,} of {total:,} frames, {time.monotonic() - started:.0f} s",
                        flush=True,
                    )
            bystanders.check()
        said = len(bystanders.said)
        print(f"{dict(kinds.most_common())}; bystanders: {said} messages, slowest {bystanders.slowest:.2f} s")
        _check_the_log(stack)
    assert kinds.total() == total
    assert kinds["rate_limited"] < 0.2 * total, kinds
    # The grammar reaches through to what actions do, and not only to what refuses them.
    for reached in ("message_accepted", "history", "channel_changed", "unread", "pong", "presence"):
        assert kinds[reached], (reached, kinds)


def _check_the_log(stack: Stack) -> None:
    for sign in ("Traceback", "event failed", "Unhandled exception", "was cut"):
        assert sign not in stack.output, stack.output[stack.output.index(sign) - 500 :][:2000]
