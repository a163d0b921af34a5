"""The HTTP client that awslambdaric finds as its `runtime_client`, instead of its own one around libcurl.

Runs in a function's process, so it needs nothing but the standard library. What an invocation came to waits
for the next call and goes out with it as one request: the Runtime API answers that with the next event. That
saves an exchange for each invocation, which costs more than all else that awslambdaric does. Failures come to
light one call later, which makes no difference: both calls are awslambdaric's, and both end the process.
"""

from __future__ import annotations

import os
import socket

_PATH = "/2018-06-01/runtime/invocation/"
_NAMES = {
    name.lower().encode(): name
    for name in (
        "Lambda-Runtime-Aws-Request-Id",
        "Lambda-Runtime-Trace-Id",
        "Lambda-Runtime-Invoked-Function-Arn",
        "Lambda-Runtime-Deadline-Ms",
        "Lambda-Runtime-Client-Context",
        "Lambda-Runtime-Cognito-Identity",
        "Lambda-Runtime-Aws-Tenant-Id",
        "Lambda-Runtime-Invocation-Id",
        "Content-Type",
    )
}
_NUMBERS = frozenset({"Lambda-Runtime-Deadline-Ms"})

_socket: socket.socket | None = None
_address = ""
_head = ""
_answer: bytes | None = None


def initialize_client(user_agent: str) -> None:
    """Called by awslambdaric before anything else."""
    global _address, _head
    _address = os.environ["AWS_LAMBDA_RUNTIME_API"]
    _head = f"Host: {_address}\r\nUser-Agent: {user_agent}\r\n"


def next() -> tuple[bytes, dict[str, str | int | None]]:  # noqa: A001 - the name that it is called by
    """Send what the last event came to, and wait for the next one."""
    global _answer
    request = _answer or f"GET {_PATH}next HTTP/1.1\r\n{_head}\r\n".encode()
    _answer = None
    status, head, body = _exchange(request)
    if status != 200:
        raise RuntimeError(f"Failed to get next: {body.decode(errors='replace') or status}")
    headers: dict[str, str | int | None] = dict.fromkeys(_NAMES.values())
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b": ")
        known = _NAMES.get(name.lower())
        if known is not None:
            headers[known] = int(value) if known in _NUMBERS else value.decode("latin-1")
    return body, headers


def post_invocation_result(
    invoke_id: str, result: bytes, content_type: str = "application/json", *_: object
) -> None:
    _post(f"{invoke_id}/response", result, content_type)


def post_error(invoke_id: str, error: str, xray_fault: str = "", *_: object) -> None:
    _post(f"{invoke_id}/error", error.encode(), "application/json")


def _post(path: str, body: bytes, content_type: str) -> None:
    global _answer
    head = (
        f"POST {_PATH}{path}?next HTTP/1.1\r\n{_head}Content-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    _answer = head.encode() + body


def _exchange(request: bytes) -> tuple[int, bytes, bytes]:
    """Status, head and body of the answer to a request."""
    global _socket
    if _socket is None:
        host, _, port = _address.rpartition(":")
        _socket = socket.create_connection((host, int(port)))
        _socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    _socket.sendall(request)
    received = _receive(_socket)
    while (end := received.find(b"\r\n\r\n")) < 0:
        received += _receive(_socket)
    head = received[:end]
    at = head.lower().find(b"\r\ncontent-length:")
    length = int(head[at + 17 :].partition(b"\r\n")[0]) if at >= 0 else 0
    chunks, missing = [received[end + 4 :]], length - (len(received) - end - 4)
    while missing > 0:
        chunk = _receive(_socket)
        chunks.append(chunk)
        missing -= len(chunk)
    return int(head[9:12]), head, chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _receive(connection: socket.socket) -> bytes:
    data = connection.recv(262_144)
    if not data:
        raise RuntimeError("The Runtime API has ended the connection")
    return data
