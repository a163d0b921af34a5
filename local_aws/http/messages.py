"""Requests and responses, and a response's bytes. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from urllib.parse import unquote

_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_WITHOUT_BODY = frozenset({204, 304})
_OWN_HEADERS = frozenset({"connection", "keep-alive", "transfer-encoding"})


@lru_cache(maxsize=8192)
def decoded(path: str) -> str:
    """A path with its percent signs resolved. Some are asked for again and again."""
    return unquote(path)


@dataclass(slots=True)
class Request:
    """A request with its headers in received order and casing, and its path and query still encoded."""

    method: str
    target: str
    path: str
    query: str
    headers: list[tuple[str, str]]
    body: bytes
    peer: str

    def header(self, name: str) -> str | None:
        """The first header of that name, in any casing."""
        wanted = name.lower()
        for key, value in self.headers:
            if key.lower() == wanted:
                return value
        return None


@dataclass(slots=True)
class Response:
    """A response. Content-Length is added, and the body left out where the protocol wants none."""

    status: int
    headers: Iterable[tuple[str, str]] = ()
    body: bytes = b""


def serialise(response: Response, method: str, keep_alive: bool) -> bytes:
    """The bytes of a response. Raises ValueError for headers that would break out of their line."""
    status, body = response.status, response.body
    length = str(len(body))
    lines = [f"HTTP/1.1 {status} {_PHRASES.get(status, '')}"]
    for name, value in response.headers:
        lowered = name.lower()
        if lowered == "content-length":
            if method == "HEAD":
                length = value
        elif lowered not in _OWN_HEADERS:
            lines.append(f"{name}: {value}")
    if status not in _WITHOUT_BODY:
        lines.append(f"Content-Length: {length}")
    if not keep_alive:
        lines.append("Connection: close")
    head = "\r\n".join(lines)
    breaks = len(lines) - 1
    if head.count("\n") != breaks or head.count("\r") != breaks or "\0" in head:
        raise ValueError(f"control characters in the headers {list(response.headers)!r}")
    try:
        encoded = head.encode("latin-1")
    except UnicodeEncodeError:
        encoded = head.encode()
    if method == "HEAD" or status in _WITHOUT_BODY:
        body = b""
    return b"%b\r\n\r\n%b" % (encoded, body)
