"""The events that a WebSocket API sends to its integrations, built without I/O.

Fields and their order are those of events recorded on AWS. Where the service's documentation and recordings
say nothing, the docstring says "unconfirmed".
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl

Headers = Iterable[tuple[str, str]]
Event = dict[str, Any]
Variables = Mapping[str, str]

_NO_VARIABLES: Variables = MappingProxyType({})
_NONE_MORE: Mapping[str, tuple[str, list[str]]] = MappingProxyType({})

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ENCODER = json.JSONEncoder(separators=(",", ":"))
# Never part of an event, whatever the client sends; the last ones are set by the gateway itself.
_LEFT_OUT = frozenset(
    {
        "connection",
        "content-length",
        "host",
        "upgrade",
        "x-amzn-trace-id",
        "x-forwarded-for",
        "x-forwarded-port",
        "x-forwarded-proto",
        "x-real-ip",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionRecord:
    """What every event of a connection says about it. `connected_at` is in milliseconds."""

    connection_id: str
    api_id: str
    stage: str
    domain_name: str
    connected_at: int
    source_ip: str
    user_agent: str | None = None
    authorizer: Mapping[str, str] | None = None


def connect_event(
    record: ConnectionRecord,
    *,
    headers: Headers,
    query: str,
    request_id: str,
    now: float,
    variables: Variables = _NO_VARIABLES,
) -> Event:
    """The event of `$connect`, of the headers and the (still encoded) query that the client sent."""
    multi_value_headers = _headers(record, headers)
    event: Event = {
        "headers": {name: values[-1] for name, values in multi_value_headers.items()},
        "multiValueHeaders": multi_value_headers,
    }
    if parameters := _parameters(query):
        event["queryStringParameters"] = {name: values[-1] for name, values in parameters.items()}
        event["multiValueQueryStringParameters"] = parameters
    if variables:
        event["stageVariables"] = dict(variables)  # its place in WebSocket events is unconfirmed
    event["requestContext"] = _context(
        record, route_key="$connect", event_type="CONNECT", request_id=request_id, now=now
    )
    event["isBase64Encoded"] = False
    return event


def authorizer_event(
    record: ConnectionRecord,
    *,
    method_arn: str,
    headers: Headers,
    query: str,
    request_id: str,
    now: float,
    variables: Variables = _NO_VARIABLES,
) -> Event:
    """The event of the authorizer on `$connect`: another shape, which has the handshake's own headers too."""
    handshake = {"connection": ("Connection", ["upgrade"]), "content-length": ("content-length", ["0"])}
    handshake["upgrade"] = ("Upgrade", ["websocket"])
    multi_value_headers = _headers(record, headers, handshake)
    parameters = _parameters(query)
    return {
        "type": "REQUEST",
        "methodArn": method_arn,
        "headers": {name: values[-1] for name, values in multi_value_headers.items()},
        "multiValueHeaders": multi_value_headers,
        "queryStringParameters": {name: values[-1] for name, values in parameters.items()},
        "multiValueQueryStringParameters": parameters,
        "stageVariables": dict(variables),
        "requestContext": _context(
            record, route_key="$connect", event_type="CONNECT", request_id=request_id, now=now
        ),
    }


def message_event(
    record: ConnectionRecord,
    *,
    route_key: str,
    body: str,
    message_id: str,
    request_id: str,
    now: float,
    variables: Variables = _NO_VARIABLES,
) -> Event:
    """The event of a text frame. An empty one has no `body`."""
    event: Event = {"stageVariables": dict(variables)} if variables else {}
    event["requestContext"] = _context(
        record,
        route_key=route_key,
        event_type="MESSAGE",
        request_id=request_id,
        now=now,
        message_id=message_id,
    )
    if body:
        event["body"] = body
    event["isBase64Encoded"] = False
    return event


def disconnect_event(
    record: ConnectionRecord,
    *,
    status_code: int,
    reason: str,
    request_id: str,
    now: float,
    variables: Variables = _NO_VARIABLES,
) -> Event:
    """The event of `$disconnect`, with the close code and reason."""
    headers = {"Host": record.domain_name, "x-api-key": "", "X-Forwarded-For": "", "x-restapi": ""}
    event: Event = {
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
    }
    if variables:
        event["stageVariables"] = dict(variables)
    event["requestContext"] = _context(
        record,
        route_key="$disconnect",
        event_type="DISCONNECT",
        request_id=request_id,
        now=now,
        disconnect=(status_code, reason),
    )
    event["isBase64Encoded"] = False
    return event


def encode(event: Event) -> bytes:
    """The payload of an event."""
    return _ENCODER.encode(event).encode()


def _context(
    record: ConnectionRecord,
    *,
    route_key: str,
    event_type: str,
    request_id: str,
    now: float,
    message_id: str | None = None,
    disconnect: tuple[int, str] | None = None,
) -> Event:
    context: Event = {"routeKey": route_key}
    if record.authorizer is not None:
        context["authorizer"] = record.authorizer  # its place is unconfirmed
    if message_id is not None:
        context["messageId"] = message_id
    if disconnect is not None:
        context["disconnectStatusCode"] = disconnect[0]
    context["eventType"] = event_type
    context["extendedRequestId"] = request_id
    context["requestTime"] = common_log_time(int(now))
    context["messageDirection"] = "IN"
    if disconnect is not None:
        context["disconnectReason"] = disconnect[1]
    context["stage"] = record.stage
    context["connectedAt"] = record.connected_at
    context["requestTimeEpoch"] = int(now * 1000)
    context["identity"] = (
        {"sourceIp": record.source_ip}
        if record.user_agent is None
        else {"userAgent": record.user_agent, "sourceIp": record.source_ip}
    )
    context["requestId"] = request_id
    context["domainName"] = record.domain_name
    context["connectionId"] = record.connection_id
    context["apiId"] = record.api_id
    return context


@lru_cache(maxsize=2)
def common_log_time(seconds: int) -> str:
    """A moment as access logs write it: `25/Nov/2026:10:00:00 +0000`."""
    moment = time.gmtime(seconds)
    return (
        f"{moment.tm_mday:02}/{_MONTHS[moment.tm_mon - 1]}/{moment.tm_year}"
        f":{moment.tm_hour:02}:{moment.tm_min:02}:{moment.tm_sec:02} +0000"
    )


def _headers(
    record: ConnectionRecord, headers: Headers, more: Mapping[str, tuple[str, list[str]]] = _NONE_MORE
) -> dict[str, list[str]]:
    """What the client sent, in its casing, and what the gateway adds, sorted without regard to case."""
    received: dict[str, tuple[str, list[str]]] = dict(more)
    forwarded_for: list[str] = []
    trace_id = None
    for name, value in headers:
        lowered = name.lower()
        if lowered == "x-forwarded-for":
            forwarded_for.append(value)
        elif lowered == "x-amzn-trace-id":
            trace_id = value
        if lowered not in _LEFT_OUT:
            received.setdefault(lowered, (name, []))[1].append(value)
    for name, value in (
        ("Host", record.domain_name),
        ("X-Amzn-Trace-Id", trace_id or new_trace_id()),
        ("X-Forwarded-For", ", ".join([*forwarded_for, record.source_ip])),
        ("X-Forwarded-Port", "443"),
        ("X-Forwarded-Proto", "https"),
    ):
        received[name.lower()] = (name, [value])
    return {name: values for _, (name, values) in sorted(received.items())}


def new_trace_id() -> str:
    """The root of a trace, as X-Ray writes it."""
    return f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}"


def _parameters(query: str) -> dict[str, list[str]]:
    parameters: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        parameters.setdefault(name, []).append(value)
    return parameters
