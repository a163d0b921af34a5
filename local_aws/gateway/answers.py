"""What an integration answers, and the frames in which the gateway itself answers a client. No I/O."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# An answer with any other key is malformed for the service.
_KEYS = frozenset({"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"})

FORBIDDEN = "Forbidden"
INTERNAL_SERVER_ERROR = "Internal server error"
TIMED_OUT = "Endpoint request timed out"
TOO_MANY_REQUESTS = "Too Many Requests"


class MalformedAnswer(Exception):
    """The function returned something else than a proxy answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A proxy answer."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    @property
    def accepts(self) -> bool:
        """Whether, as the answer to `$connect`, it lets the client in."""
        return 200 <= self.status < 300

    @property
    def subprotocol(self) -> str | None:
        """The only header of a `$connect` answer that reaches the client."""
        for name, value in self.headers:
            if name.lower() == "sec-websocket-protocol" and value.isprintable() and value.isascii():
                return value
        return None


def parse(payload: bytes) -> Answer:
    """Read a function's answer. Raises `MalformedAnswer`."""
    try:
        answer = json.loads(payload.decode())  # of bytes the encoding would be guessed each time
    except (ValueError, RecursionError):
        raise MalformedAnswer("not JSON") from None
    if not isinstance(answer, dict):
        raise MalformedAnswer(f"{_kind(answer)} instead of an object with a statusCode")
    if unknown := answer.keys() - _KEYS:
        raise MalformedAnswer(f"unknown keys: {', '.join(sorted(unknown))}")
    return Answer(status_code(answer.get("statusCode")), tuple(_headers(answer)), body(answer))


def gateway_frame(message: str, *, connection_id: str, request_id: str) -> bytes:
    """The text frame that the gateway sends where no integration answers, spaced as on AWS."""
    return (
        f'{{"message": "{message}", "connectionId":"{connection_id}", "requestId":"{request_id}"}}'.encode()
    )


def _kind(value: Any) -> str:
    return "null" if value is None else f"a {type(value).__name__}"


def status_code(value: Any) -> int:
    """The status that an answer names. Raises `MalformedAnswer`."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 200 <= value <= 599:
        raise MalformedAnswer("no statusCode" if value is None else f"statusCode {value!r}")
    return value


def _headers(answer: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    single, multiple = answer.get("headers") or {}, answer.get("multiValueHeaders") or {}
    if not isinstance(single, dict) or not isinstance(multiple, dict):
        raise MalformedAnswer("headers that aren't an object")
    repeated = {name.lower() for name in multiple}
    for name, value in single.items():
        if name.lower() not in repeated:
            yield name, header_value(value)
    for name, values in multiple.items():
        if not isinstance(values, list):
            raise MalformedAnswer("multiValueHeaders that aren't lists")
        for value in values:
            yield name, header_value(value)


def header_value(value: Any) -> str:
    """A header's value as text. Raises `MalformedAnswer`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise MalformedAnswer("a header that is no text")


def body(answer: Mapping[str, Any]) -> bytes:
    """The body of an answer, decoded where it is base64. Raises `MalformedAnswer`."""
    content = answer.get("body")
    if content is None:
        return b""
    if not isinstance(content, str):
        raise MalformedAnswer(f"a body that is {_kind(content)}")
    if answer.get("isBase64Encoded") is True:
        try:
            return base64.b64decode(content, validate=True)
        except (binascii.Error, ValueError):
            raise MalformedAnswer("a body that isn't base64") from None
    return content.encode("utf-8", "replace")
