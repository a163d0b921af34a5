"""`python -m dev.cost ASSEMBLY [PEOPLE]`: what a synthesised template costs a month, idle and in use."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

_HERE = Path(__file__).resolve().parent
PRICES = _HERE / "prices.json"
TRAFFIC = _HERE / "traffic.json"
_MINUTES_A_MONTH = 730 * 60
_GIB_MIB = 1024
_SMALL_ROOM = 20
"""Connections up to which a room is told who is writing: `chat.actions.presence`."""

Numbers = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the bill. What is fixed is paid without anybody using it."""

    kind: Literal["fixed", "use"]
    what: str
    dollars: float


def monthly(
    resources: Sequence[Mapping[str, Any]], prices: Numbers, traffic: Numbers, people: int
) -> list[Line]:
    """The bill of a month with so many people, as `traffic` says what each does."""
    return [
        *_fixed(resources, prices, traffic),
        *(_in_use(resources, prices, traffic, people) if people else ()),
    ]


def total(lines: Sequence[Line], kind: str | None = None) -> float:
    return sum(line.dollars for line in lines if kind in (None, line.kind))


def resources_of(assembly: Path) -> list[Mapping[str, Any]]:
    """All resources of an assembly's stacks. Templates of an earlier synthesis may lie beside them."""
    artifacts = read(assembly / "manifest.json")["artifacts"].values()
    return [
        resource
        for artifact in artifacts
        if artifact["type"] == "aws:cloudformation:stack"
        for resource in read(assembly / artifact["properties"]["templateFile"])["Resources"].values()
    ]


@dataclass(frozen=True, slots=True)
class Usage:
    """What is sent in a month, and what that comes to for the others."""

    messages: float
    typing: float
    pushes: float
    deliveries: float


def usage(traffic: Numbers, people: int) -> Usage:
    """What so many people send, each as `traffic` says."""
    messages = traffic["days"] * people * traffic["messages_a_day"]
    in_a_room = min(traffic["people_in_a_room"], people)
    # That somebody writes is told to the others of a small room, by the same way.
    typing = messages * traffic["typing_a_message"] if in_a_room <= _SMALL_ROOM else 0
    return Usage(
        messages=messages,
        typing=typing,
        pushes=messages * in_a_room + typing * max(in_a_room - 1, 0),
        deliveries=(messages + typing) * -(-in_a_room // traffic["connections_a_delivery"]),
    )


def _of(resources: Sequence[Mapping[str, Any]], kind: str) -> list[Mapping[str, Any]]:
    return [each.get("Properties", {}) for each in resources if each["Type"] == kind]


def _fixed(resources: Sequence[Mapping[str, Any]], prices: Numbers, traffic: Numbers) -> Iterator[Line]:
    hours = prices["hours_a_month"]
    for has in _of(resources, "AWS::RDS::DBInstance"):
        zones = 2 if has.get("MultiAZ") else 1
        size, storage = has["DBInstanceClass"], int(has["AllocatedStorage"])
        where = "two zones" if zones == 2 else "one zone"
        yield Line("fixed", f"database {size}, {where}", prices["database_hour"][size] * hours * zones)
        disk = prices["database_gib_month"][has["StorageType"]] * storage * zones
        yield Line("fixed", f"its {storage} GB {has['StorageType']}, backups of that size included", disk)
    for has in _of(resources, "AWS::EC2::VPCEndpoint"):
        if has.get("VpcEndpointType") == "Interface":
            zones = len(has["SubnetIds"])
            yield Line(
                "fixed", f"interface endpoint, zones: {zones}", prices["endpoint_hour"] * hours * zones
            )
    if gateways := len(_of(resources, "AWS::EC2::NatGateway")):
        yield Line("fixed", f"NAT gateways: {gateways}", prices["nat_hour"] * hours * gateways)
    managed = sum(bool(has.get("ManageMasterUserPassword")) for has in _of(resources, "AWS::RDS::DBInstance"))
    secrets = len(_of(resources, "AWS::SecretsManager::Secret")) + managed
    yield Line("fixed", f"secrets: {secrets}", prices["secret_month"] * secrets)
    alarms = len(_of(resources, "AWS::CloudWatch::Alarm"))
    yield Line("fixed", f"alarms: {alarms}", prices["alarm_month"] * alarms)
    for has in _of(resources, "AWS::WAFv2::WebACL"):
        rules = prices["firewall_rule_month"] * len(has["Rules"])
        yield Line("fixed", f"firewall with {len(has['Rules'])} rules", prices["firewall_month"] + rules)
    polls = len(_of(resources, "AWS::Lambda::EventSourceMapping")) * traffic["idle_queue_requests_a_month"]
    yield Line("fixed", "Lambda asking the queues", prices["sqs_million_requests"] * polls / 1e6)
    runs = sum(_runs_a_month(has["ScheduleExpression"]) for has in _of(resources, "AWS::Events::Rule"))
    memory = _memory(resources, "sessions")
    yield Line("fixed", "the schedule", _lambda(prices, runs, traffic["schedule_ms"], memory))
    yield Line("fixed", "its log lines", prices["logs_gb"] * runs * traffic["bytes_a_log_line"] / 1e9)
    for has in _of(resources, "AWS::Lambda::Function"):
        if has.get("SnapStart", {}).get("ApplyOn") == "PublishedVersions":
            seconds = hours * 3600 * has["MemorySize"] / _GIB_MIB
            yield Line(
                "fixed", "a snapshot of the WebSocket function", prices["snapshot_gb_second"] * seconds
            )


def _in_use(
    resources: Sequence[Mapping[str, Any]], prices: Numbers, traffic: Numbers, people: int
) -> Iterator[Line]:
    days = traffic["days"] * people
    minutes = days * traffic["hours_connected_a_day"] * 60
    used = usage(traffic, people)
    pings = minutes / traffic["minutes_between_pings"]
    connects = days * traffic["connects_a_day"]
    pages = days * traffic["pages_a_day"]
    requests = pages * traffic["requests_a_page"]
    # A connect and a disconnect; in between a page of history, and at times who is here and what is unread.
    asked = (
        connects * traffic["questions_a_connect"]
        + minutes / traffic["minutes_between_presences"]
        + minutes / traffic["minutes_between_unreads"]
        + used.messages
        + used.typing
    )
    events = connects * 2 + asked
    frames = 2 * asked + 2 * pings + used.pushes
    yield Line(
        "use", f"WebSocket messages: {frames:,.0f}", prices["websocket_million_messages"] * frames / 1e6
    )
    yield Line(
        "use", f"connection minutes: {minutes:,.0f}", prices["websocket_million_minutes"] * minutes / 1e6
    )
    websocket = _lambda(prices, events, traffic["websocket_ms"], _memory(resources, "websocket"))
    yield Line("use", f"WebSocket function: {events:,.0f} events", websocket)
    delivery = _lambda(prices, used.deliveries, traffic["delivery_ms"], _memory(resources, "delivery"))
    yield Line("use", f"delivery function: {used.deliveries:,.0f} batches", delivery)
    # Sent, received, deleted.
    yield Line("use", "queue", prices["sqs_million_requests"] * 3 * used.deliveries / 1e6)
    # A third of a page's requests are Django's: who am I, a token, a form.
    dynamic = requests / 3
    http = _lambda(prices, dynamic, traffic["http_ms"], _memory(resources, "http"))
    yield Line(
        "use",
        f"pages: {dynamic:,.0f} requests to Django",
        http + prices["http_million_requests"] * dynamic / 1e6,
    )
    sent = pages * traffic["kilobytes_a_page"] * 1e3 + frames * traffic["bytes_a_frame"]
    edge = (
        prices["cloudfront_million_requests"] * (requests + connects) / 1e6
        + prices["cloudfront_gb"] * sent / 1e9
    )
    yield Line("use", f"distribution: {sent / 1e9:,.1f} GB", edge)
    if _of(resources, "AWS::WAFv2::WebACL"):
        judged = prices["firewall_million_requests"] * (requests + connects) / 1e6
        yield Line("use", "firewall", judged)
    lines = events + dynamic
    yield Line("use", "access logs", prices["logs_gb"] * lines * traffic["bytes_a_log_line"] / 1e9)


def _runs_a_month(expression: str) -> float:
    found = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", expression)
    if found is None:
        raise ValueError(f"How often {expression} is due isn't known here.")
    return _MINUTES_A_MONTH / (int(found[1]) * {"minute": 1, "hour": 60, "day": 1440}[found[2]])


def _memory(resources: Sequence[Mapping[str, Any]], function: str) -> int:
    return next(
        int(has["MemorySize"])
        for has in _of(resources, "AWS::Lambda::Function")
        if str(has.get("FunctionName", "")).endswith(f"-{function}")
    )


def _lambda(prices: Numbers, invocations: float, milliseconds: float, mebibytes: int) -> float:
    gb_seconds = invocations * milliseconds / 1000 * mebibytes / _GIB_MIB
    dollars: float = prices["lambda_million_requests"] * invocations / 1e6
    return dollars + float(prices["lambda_gb_second"]) * gb_seconds


def table(lines: Sequence[Line], people: int, date: str) -> str:
    """The bill for a terminal."""
    rows: list[str] = []
    row: Callable[[str, float], str] = lambda what, dollars: f"  {what:<58}{dollars:>10.2f}"  # noqa: E731
    rows.append("Every month")
    rows += [row(line.what, line.dollars) for line in lines if line.kind == "fixed"]
    if people:
        rows.append(f"With {people:,} people")
        rows += [row(line.what, line.dollars) for line in lines if line.kind == "use"]
        rows.append(row("together", total(lines)))
    rows.append(f"Idle month: ${total(lines, 'fixed'):.2f}")
    rows.append(f"Prices of {date}, us-east-1, without free tiers, taxes and support: dev/prices.json.")
    return "\n".join(rows)


def read(path: Path) -> Numbers:
    found: Numbers = json.loads(path.read_text(encoding="utf-8"))
    return found


def main(arguments: Sequence[str]) -> int:
    """Print the bill of the assembly for so many people, 100 unless told."""
    assembly, people = Path(arguments[0]), int(arguments[1]) if len(arguments) > 1 else 100
    prices = read(PRICES)
    print(table(monthly(resources_of(assembly), prices, read(TRAFFIC), people), people, prices["date"]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
