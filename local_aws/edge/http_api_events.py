"""The events of an HTTP API, in both payload formats, and what a function's answer to them means. No I/O."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from local_aws.gateway import answers
from local_aws.gateway.answers import MalformedAnswer
from local_aws.gateway.events import common_log_time, new_trace_id
from local_aws.http import Request, Response

Event = dict[str, Any]

# Never part of an event; API Gateway writes some of them itself.
_LEFT_OUT = frozenset({"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"})
_TEXT_TYPES = ("text/", "application/json", "application/javascript", "application/xml")
_DEFAULT_TYPE = ("content-type", "text/plain;charset=UTF-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What an event says beside the request itself. `path_parameters` are decoded."""

    account: str
    api_id: str
    domain_name: str
    stage: str
    route_key: str
    path_parameters: Mapping[str, str]
    request_id: str
    now: float
    variables: Mapping[str, str] = field(default_factory=dict)
    authorizer: Mapping[str, Any] | None = None


def event_v2(call: Call, request: Request) -> Event:
    """The event in payload format 2.0.

    `rawPath` is exact; `requestContext.http.path` comes without the slash at the end, as on AWS.
    """
    headers = _headers(call, request)
    cookies = [cookie.strip() for value in headers.pop("cookie", []) for cookie in value.split(";")]
    body, is_base64 = _body(request)
    event: Event = {
        "version": "2.0",
        "routeKey": call.route_key,
        "rawPath": _staged(call, request.path),
        "rawQueryString": request.query,
    }
    if cookies := [cookie for cookie in cookies if cookie]:
        event["cookies"] = cookies
    event["headers"] = {name: ",".join(values) for name, values in headers.items()}
    if parameters := _parameters(request.query):
        event["queryStringParameters"] = {name: ",".join(values) for name, values in parameters.items()}
    event["requestContext"] = {
        "accountId": call.account,
        "apiId": call.api_id,
        "domainName": call.domain_name,
        "domainPrefix": call.domain_name.partition(".")[0],
        "http": {
            "method": request.method,
            "path": _staged(call, request.path).rstrip("/") or "/",
            "protocol": "HTTP/1.1",
            "sourceIp": request.peer,
            "userAgent": request.header("User-Agent") or "",
        },
        "requestId": call.request_id,
        "routeKey": call.route_key,
        "stage": call.stage,
        "time": common_log_time(int(call.now)),
        "timeEpoch": int(call.now * 1000),
    }
    if call.authorizer is not None:
        event["requestContext"]["authorizer"] = {"lambda": call.authorizer}
    if call.variables:
        event["stageVariables"] = dict(call.variables)
    if body is not None:
        event["body"] = body
    if call.path_parameters:
        event["pathParameters"] = dict(call.path_parameters)
    event["isBase64Encoded"] = is_base64
    return event


def event_v1(call: Call, request: Request) -> Event:
    """The event in payload format 1.0."""
    headers = _headers(call, request)
    parameters = _parameters(request.query)
    body, is_base64 = _body(request)
    resource = call.route_key.partition(" ")[2] or call.route_key
    authorizer = {} if call.authorizer is None else {"authorizer": call.authorizer}
    return {
        "version": "1.0",
        "resource": resource,
        "path": _staged(call, request.path),
        "httpMethod": request.method,
        "headers": {name: values[-1] for name, values in headers.items()},
        "multiValueHeaders": headers,
        "queryStringParameters": {name: values[-1] for name, values in parameters.items()} or None,
        "multiValueQueryStringParameters": parameters or None,
        "requestContext": {
            "accountId": call.account,
            "apiId": call.api_id,
            **authorizer,
            "domainName": call.domain_name,
            "domainPrefix": call.domain_name.partition(".")[0],
            "extendedRequestId": call.request_id,
            "httpMethod": request.method,
            "identity": {"sourceIp": request.peer, "userAgent": request.header("User-Agent") or ""},
            "path": _staged(call, request.path),
            "protocol": "HTTP/1.1",
            "requestId": call.request_id,
            "requestTime": common_log_time(int(call.now)),
            "requestTimeEpoch": int(call.now * 1000),
            "resourceId": call.route_key,
            "resourcePath": resource,
            "stage": call.stage,
        },
        "pathParameters": dict(call.path_parameters) or None,
        "stageVariables": dict(call.variables) or None,
        "body": body,
        "isBase64Encoded": is_base64,
    }


def response(payload: bytes, *, payload_format: str) -> Response:
    """What a function's answer is as a response. Raises `MalformedAnswer`.

    In format 2.0 anything without a statusCode is the body of a 200 in JSON.
    """
    try:
        answer = json.loads(payload)
    except (ValueError, RecursionError):
        raise MalformedAnswer("not JSON") from None
    if not isinstance(answer, dict) or answer.get("statusCode") is None:
        if payload_format != "2.0":
            raise MalformedAnswer("no statusCode")
        body = answer.encode() if isinstance(answer, str) else payload
        return Response(200, [("content-type", "application/json")], body)
    headers = list(_answer_headers(answer, payload_format))
    body = answers.body(answer)
    if body and not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(_DEFAULT_TYPE)
    return Response(answers.status_code(answer["statusCode"]), headers, body)


def _staged(call: Call, path: str) -> str:
    return path if call.stage == "$default" else f"/{call.stage}{path}"


def _headers(call: Call, request: Request) -> dict[str, list[str]]:
    """The headers by lower-case name, with those that the API adds."""
    headers: dict[str, list[str]] = {}
    for name, value in request.headers:
        if (lowered := name.lower()) not in _LEFT_OUT:
            headers.setdefault(lowered, []).append(value)
    headers["host"] = [call.domain_name]
    headers["content-length"] = [str(len(request.body))]
    headers.setdefault("x-amzn-trace-id", [new_trace_id()])
    headers["x-forwarded-for"] = [", ".join([*headers.get("x-forwarded-for", []), request.peer])]
    headers["x-forwarded-port"] = ["443"]
    headers["x-forwarded-proto"] = ["https"]
    return dict(sorted(headers.items()))


def _parameters(query: str) -> dict[str, list[str]]:
    parameters: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        parameters.setdefault(name, []).append(value)
    return parameters


def _body(request: Request) -> tuple[str | None, bool]:
    if not request.body:
        return None, False
    content_type = (request.header("Content-Type") or "text/plain").lower()
    if content_type.startswith(_TEXT_TYPES):
        try:
            return request.body.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(request.body).decode(), True


def _answer_headers(answer: Mapping[str, Any], payload_format: str) -> Iterator[tuple[str, str]]:
    single = answer.get("headers") or {}
    multiple = (answer.get("multiValueHeaders") or {}) if payload_format == "1.0" else {}
    cookies = (answer.get("cookies") or []) if payload_format == "2.0" else []
    if not isinstance(single, dict) or not isinstance(multiple, dict) or not isinstance(cookies, list):
        raise MalformedAnswer("headers or cookies of the wrong type")
    repeated = {name.lower() for name in multiple}
    for name, value in single.items():
        if name.lower() not in repeated:
            yield name, answers.header_value(value)
    for name, values in multiple.items():
        for value in values if isinstance(values, list) else [values]:
            yield name, answers.header_value(value)
    for cookie in cookies:
        yield "set-cookie", answers.header_value(cookie)
