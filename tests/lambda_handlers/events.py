"""One factory for each shape of event that a function gets, after events recorded on AWS."""

from __future__ import annotations

from typing import Any

API_ID = "api4567890"
SECRET = "a-secret-of-the-gateway-with-enough-characters"
HOST = f"{API_ID}.execute-api.eu-west-1.amazonaws.com"
EDGE_IP = "130.176.1.1"
VIEWER_IP = "203.0.113.7"


class Context:
    """Lambda's context, as far as handlers look at it."""

    aws_request_id = "5a1b7c1e-0000-4000-8000-000000000000"


def _websocket_context(event_type: str, route_key: str, connection_id: str, **more: Any) -> dict[str, Any]:
    return {
        "routeKey": route_key,
        **more,
        "eventType": event_type,
        "extendedRequestId": "UzJ4bFZQRWlzRkE=",
        "requestTime": "25/Nov/2026:10:00:00 +0000",
        "messageDirection": "IN",
        "stage": "ws",
        "connectedAt": 1795600800000,
        "requestTimeEpoch": 1795600800123,
        "identity": {"userAgent": "a browser", "sourceIp": EDGE_IP},
        "requestId": "UzJ4bFZQRWlzRkE=",
        "domainName": HOST,
        "connectionId": connection_id,
        "apiId": API_ID,
    }


def connect_event(
    *,
    connection_id: str = "UzJ4bFZQRWlzRkE=",
    channel: str | None = "general",
    headers: dict[str, str] | None = None,
    secret: str | None = SECRET,
    origin: str | None = "http://127.0.0.1:8000",
    query: dict[str, list[str]] | None = None,
) -> dict[str, Any]:
    """`$connect`, after a handshake that came through CloudFront."""
    sent = {
        "Accept-Encoding": "gzip, deflate, br",
        "Host": HOST,
        **({"Origin": origin} if origin else {}),
        "Sec-WebSocket-Extensions": "permessage-deflate",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
        "User-Agent": "a browser",
        "X-Amzn-Trace-Id": "Root=1-67890abc-0123456789abcdef01234567",
        "X-Forwarded-For": f"{VIEWER_IP}, {EDGE_IP}",
        "X-Forwarded-Port": "443",
        "X-Forwarded-Proto": "https",
        **({"X-Ws-Gateway-Secret": secret} if secret else {}),
        **(headers or {}),
    }
    event: dict[str, Any] = {
        "headers": sent,
        "multiValueHeaders": {name: [value] for name, value in sent.items()},
        "requestContext": _websocket_context("CONNECT", "$connect", connection_id),
        "isBase64Encoded": False,
    }
    parameters = query if query is not None else ({"channel": [channel]} if channel is not None else {})
    if parameters:
        event["queryStringParameters"] = {name: values[-1] for name, values in parameters.items()}
        event["multiValueQueryStringParameters"] = parameters
    return event


def message_event(
    body: str | None, *, connection_id: str = "UzJ4bFZQRWlzRkE=", route_key: str = "chat_message"
) -> dict[str, Any]:
    """A text frame. An empty one has no `body`."""
    event: dict[str, Any] = {
        "requestContext": _websocket_context(
            "MESSAGE", route_key, connection_id, messageId="UzJ4bGRlT1NzRkE="
        ),
        "isBase64Encoded": False,
    }
    return event if body is None else {**event, "body": body}


def disconnect_event(*, connection_id: str = "UzJ4bFZQRWlzRkE=") -> dict[str, Any]:
    headers = {"Host": HOST, "x-api-key": "", "X-Forwarded-For": "", "x-restapi": ""}
    return {
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "requestContext": _websocket_context(
            "DISCONNECT",
            "$disconnect",
            connection_id,
            disconnectStatusCode=1001,
            disconnectReason="",
        ),
        "isBase64Encoded": False,
    }


def http_event(
    path: str,
    *,
    method: str = "GET",
    query: str = "",
    headers: dict[str, str] | None = None,
    cookies: list[str] | None = None,
    body: str | None = None,
    is_base64: bool = False,
    secret: str | None = SECRET,
) -> dict[str, Any]:
    """A request to the HTTP API, payload version 2.0. AWS drops the slash at the end of `http.path`."""
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {
            "accept": "*/*",
            "content-length": str(len(body or "")),
            "host": HOST,
            "user-agent": "a browser",
            "x-amzn-trace-id": "Root=1-67890abc-0123456789abcdef01234567",
            "x-forwarded-for": f"{VIEWER_IP}, {EDGE_IP}",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
            **({"x-ws-gateway-secret": secret} if secret else {}),
            **(headers or {}),
        },
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "http567890",
            "domainName": "http567890.execute-api.eu-west-1.amazonaws.com",
            "domainPrefix": "http567890",
            "http": {
                "method": method,
                "path": path.rstrip("/") or "/",
                "protocol": "HTTP/1.1",
                "sourceIp": EDGE_IP,
                "userAgent": "a browser",
            },
            "requestId": "UzJ4bGRlT1NzRkE=",
            "routeKey": "$default",
            "stage": "$default",
            "time": "25/Nov/2026:10:00:00 +0000",
            "timeEpoch": 1795600800123,
        },
        "isBase64Encoded": is_base64,
    }
    if cookies:
        event["cookies"] = cookies
    if body is not None:
        event["body"] = body
    return event


def sqs_event(*bodies: str, queue: str = "parlor-gone") -> dict[str, Any]:
    return {
        "Records": [
            {
                "messageId": f"00000000-0000-4000-8000-{number:012}",
                "receiptHandle": "AQEB",
                "body": body,
                "attributes": {
                    "ApproximateReceiveCount": "1",
                    "SentTimestamp": "1795600800123",
                    "SenderId": "AROAEXAMPLE",
                    "ApproximateFirstReceiveTimestamp": "1795600800124",
                },
                "messageAttributes": {},
                "md5OfBody": "",
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:eu-west-1:123456789012:{queue}",
                "awsRegion": "eu-west-1",
            }
            for number, body in enumerate(bodies)
        ]
    }


def schedule_event() -> dict[str, Any]:
    return {
        "version": "0",
        "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": "2026-11-25T10:00:00Z",
        "region": "eu-west-1",
        "resources": ["arn:aws:events:eu-west-1:123456789012:rule/parlor-cleanup"],
        "detail": {},
    }
