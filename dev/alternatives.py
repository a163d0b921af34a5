"""`python -m dev.alternatives ASSEMBLY`: what the same costs on its nearest alternatives: docs/cost.md."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dev import cost
from dev.cost import Numbers

PEOPLE = (0, 100, 10_000)
# What a design takes away of the bill, by how its lines begin.
_NETWORK_WAY = ("interface endpoint", "delivery function", "queue", "Lambda asking the queues")
_PUSHING = ("WebSocket messages", "connection minutes", "delivery function", "queue", "Lambda asking")
_SERVERLESS = (
    *_NETWORK_WAY,
    "WebSocket",
    "connection minutes",
    "pages",
    "the schedule",
    "its log",
    "access logs",
)
_TASKS = 2
_SMALL_TASK, _LARGE_TASK = (0.25, 0.5), (1.0, 2.0)
"""Processors and GB of memory of a task, for up to a thousand people and for more."""


@dataclass(frozen=True, slots=True)
class _Month:
    """The bill as it is, and what happens in the month."""

    lines: Sequence[cost.Line]
    prices: Numbers
    people: int
    minutes: float
    sent: float
    pushed: float
    bytes_a_frame: int

    def without(self, *beginnings: str) -> float:
        return sum(line.dollars for line in self.lines if not line.what.startswith(beginnings))

    def hourly(self, *names: str) -> float:
        return sum(float(self.prices[name]) for name in names) * float(self.prices["hours_a_month"])

    def millions(self, name: str, amount: float) -> float:
        return float(self.prices[name]) * amount / 1e6


def table(resources: Sequence[Mapping[str, Any]], prices: Numbers, traffic: Numbers) -> Iterator[str]:
    """The rows as docs/cost.md has them: a name, and dollars for each number of people."""
    months = [_month(resources, prices, traffic, people) for people in PEOPLE]
    for name, dollars in (
        ("this", _this),
        ("a NAT gateway instead of endpoint, queues and a function to post", _nat_gateway),
        ("Channels, Redis and a load balancer, always on", _channels),
        ("AppSync Events instead of the WebSocket API", _appsync),
        ("a hosted push service: PubNub", _pubnub),
        ("a hosted push service: Ably, for accounts from before it charged by people", _ably),
    ):
        yield f"| {name} | {' | '.join(f'{dollars(month):.0f}' for month in months)} |"


def _month(resources: Sequence[Mapping[str, Any]], prices: Numbers, traffic: Numbers, people: int) -> _Month:
    days = traffic["days"] * people
    used = cost.usage(traffic, people)
    return _Month(
        lines=cost.monthly(resources, prices, traffic, people),
        prices=prices,
        people=people,
        minutes=days * traffic["hours_connected_a_day"] * 60,
        sent=used.messages + used.typing,
        pushed=used.pushes,
        bytes_a_frame=traffic["bytes_a_frame"],
    )


def _this(month: _Month) -> float:
    return month.without("nothing")


def _nat_gateway(month: _Month) -> float:
    posted = month.pushed * month.bytes_a_frame / 1e9
    return (
        month.without(*_NETWORK_WAY)
        + month.hourly("nat_hour", "address_hour")
        + float(month.prices["nat_gb"]) * posted
    )


def _channels(month: _Month) -> float:
    processors, memory = _LARGE_TASK if month.people > 1_000 else _SMALL_TASK
    task = processors * month.hourly("task_cpu_hour") + memory * month.hourly("task_gb_hour")
    return (
        month.without(*_SERVERLESS)
        + _TASKS * task
        + month.hourly("cache_hour", "balancer_hour", *["address_hour"] * _TASKS)
    )


def _appsync(month: _Month) -> float:
    return (
        month.without(*_PUSHING)
        + month.millions("appsync_million_operations", month.sent + month.pushed)
        + month.millions("appsync_million_minutes", month.minutes)
        # What people send comes as a request.
        + month.millions("http_million_requests", month.sent)
    )


def _pubnub(month: _Month) -> float:
    plan = next(price for most, price in month.prices["pubnub_month"].items() if month.people <= int(most))
    return month.without(*_PUSHING) + float(plan) + month.millions("http_million_requests", month.sent)


def _ably(month: _Month) -> float:
    return (
        month.without(*_PUSHING)
        + float(month.prices["ably_month"])
        + month.millions("ably_million_messages", month.sent + month.pushed)
        + month.millions("ably_million_minutes", month.minutes)
        + month.millions("http_million_requests", month.sent)
    )


if __name__ == "__main__":
    found = cost.resources_of(Path(sys.argv[1]))
    print("\n".join(table(found, cost.read(cost.PRICES), cost.read(cost.TRAFFIC))))
