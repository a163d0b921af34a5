"""What the crowd does: `python -m benchmarks.chats.scenarios URL SCENARIO`. Prints its figures as JSON."""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from benchmarks.chats.crowd import Crowd, Member, Message

Figures = dict[str, float]

PATIENCE = 5.0
"""Without an arrival for so many seconds, what is missing is lost."""
_SATURATED_SECONDS = 10.0
_LONGEST_SECONDS = 25.0
"""After which no more messages are sent one by one: those that are lost cost the whole patience each."""
_BACKLOG_SECONDS = 30.0
"""After the last message: what a busy room has not got by then counts as late."""
_WARM_UP = 30


async def one_by_one(crowd: Crowd, members: int, messages: int, pause: float) -> Figures:
    """One message after another into a room, from other members in turn: until all have it."""
    room = await crowd.join("room-0", members)
    await _warm_up(crowd, room)
    sent: list[Message] = []
    begun = time.perf_counter()
    for number in range(messages):
        message = crowd.say(room[(5 + number * 7) % members], members)
        sent.append(message)
        await crowd.settle([message], patience=PATIENCE, at_most=PATIENCE)
        if time.perf_counter() - begun > _LONGEST_SECONDS:
            break
        await asyncio.sleep(pause)
    return {**_percentiles([_until_all(message) for message in sent]), **_faults(sent)}


async def _warm_up(crowd: Crowd, room: Sequence[Member]) -> None:
    """Send messages that aren't measured, so that every process of the server has done it once."""
    until = time.perf_counter() + PATIENCE
    for number in range(_WARM_UP):
        message = crowd.say(room[number % len(room)], len(room))
        await crowd.settle([message], patience=PATIENCE, at_most=PATIENCE)
        if time.perf_counter() > until:
            return


async def at_once(crowd: Crowd, members: int, messages: int) -> Figures:
    """Many messages in one moment, each from another member: until all have all."""
    room = await crowd.join("room-0", members)
    await _warm_up(crowd, room)
    started = time.perf_counter()
    sent = [crowd.say(sender, members) for sender in room[:messages]]
    await crowd.settle(sent, patience=PATIENCE)
    last = max(message.last or started for message in sent)
    return {"seconds": last - started, **_faults(sent)}


async def saturated(crowd: Crowd, rooms: int, members: int) -> Figures:
    """Everybody sends the next message as soon as the one before is acknowledged."""
    everyone = [await crowd.join(f"room-{number}", members) for number in range(rooms)]
    await _warm_up(crowd, everyone[0])
    warm = len(crowd.messages)
    until = time.perf_counter() + _SATURATED_SECONDS

    def go_on(member: Any) -> Callable[[], None]:
        def say() -> None:
            if time.perf_counter() < until:
                crowd.say(member, members)

        return say

    for room in everyone:
        for member in room:
            member.on_acknowledged = go_on(member)
            member.on_acknowledged()
    await asyncio.sleep(_SATURATED_SECONDS)
    sent = crowd.messages[warm:]
    await crowd.settle(sent, patience=PATIENCE)
    acknowledged = [message for message in sent if message.acknowledged is not None]
    in_time = sum((message.acknowledged or 0) <= until for message in acknowledged)
    after = [
        arrival - message.acknowledged
        for message in acknowledged
        if message.acknowledged is not None
        for arrival in message.arrivals
    ]
    return {
        "rate": in_time / _SATURATED_SECONDS,
        **_percentiles(after),
        **_faults(acknowledged),
    }


async def beside(crowd: Crowd, members: int, per_second: float, messages: int) -> Figures:
    """Two people talk while a large room is busy: until both have a message."""
    large = await crowd.join("room-0", members)
    pair = await crowd.join("room-1", 2)
    await _warm_up(crowd, pair)
    busy: list[Message] = []

    async def keep_busy() -> None:
        begun = time.perf_counter()
        while True:
            busy.append(crowd.say(large[len(busy) * 7 % members], members))
            await asyncio.sleep(max(0.0, begun + len(busy) / per_second - time.perf_counter()))

    task = asyncio.create_task(keep_busy())
    await asyncio.sleep(2)
    sent: list[Message] = []
    begun = time.perf_counter()
    for number in range(messages):
        message = crowd.say(pair[number % 2], 2)
        sent.append(message)
        await crowd.settle([message], patience=PATIENCE, at_most=PATIENCE)
        if time.perf_counter() - begun > _LONGEST_SECONDS:
            break
        await asyncio.sleep(0.1)
    task.cancel()
    arrived = sum(len(message.reached) for message in busy) / (time.perf_counter() - begun + 2)
    await crowd.settle(busy, patience=PATIENCE, at_most=_BACKLOG_SECONDS)
    return {
        **_percentiles([_until_all(message) for message in sent]),
        **_faults(sent),
        "frames a second to the large room": arrived,
        "late in the large room": sum(message.missing for message in busy),
    }


SCENARIOS: dict[str, Callable[[Crowd], Awaitable[Figures]]] = {
    "room of 10": lambda crowd: one_by_one(crowd, 10, 200, 0.02),
    "room of 100": lambda crowd: one_by_one(crowd, 100, 200, 0.02),
    "room of 1,000": lambda crowd: one_by_one(crowd, 1000, 100, 0.05),
    "100 at once to 1,000": lambda crowd: at_once(crowd, 1000, 100),
    "20 rooms of 5, saturated": lambda crowd: saturated(crowd, 20, 5),
    "2 beside 1,000 at 15 a second": lambda crowd: beside(crowd, 1000, 15, 100),
}


def _until_all(message: Message) -> float:
    """Seconds until the last member had it; until the end of patience where somebody never did."""
    if message.missing or message.last is None:
        return PATIENCE
    return message.last - message.sent


def _percentiles(seconds: Sequence[float]) -> Figures:
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return {"p50": cuts[49], "p95": cuts[94], "p99": cuts[98]}


def _faults(messages: Sequence[Message]) -> Figures:
    frames = sum(message.recipients for message in messages)
    return {
        "messages": len(messages),
        "frames": frames,
        "lost": sum(message.missing for message in messages),
        "doubled": sum(message.doubled for message in messages),
        "unacknowledged": sum(message.acknowledged is None for message in messages),
        "refused": sum(message.refused for message in messages),
    }


async def _play(url: str, scenario: str) -> Figures:
    crowd = Crowd(url)
    try:
        return await SCENARIOS[scenario](crowd)
    finally:
        if crowd.refusals:
            print(crowd.refusals[0][:300].decode(), file=sys.stderr)
        await crowd.leave()


if __name__ == "__main__":
    import uvloop

    print(json.dumps(uvloop.run(_play(sys.argv[1], sys.argv[2]))))
