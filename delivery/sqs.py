"""Sending messages to one SQS queue over a kept connection, by SQS's JSON protocol."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from collections.abc import Iterator, Sequence
from functools import cache
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from delivery.environment import signer_for
from delivery.signing import Signer, payload_hash

BATCH_ENTRIES = 10
# As a batch; queues that were made since August 2025 take 1 MiB unless MaximumMessageSize says less.
BATCH_BYTES = 262_144

_CONNECT_TIMEOUT = 2.0
_ANSWER_TIMEOUT = 4.0
_LEAST_TIMEOUT = 0.1
_PAUSE_BEFORE_RETRY = 0.1
# Unused for longer, a connection may have been dropped without a word while the environment was frozen.
_KEPT_SECONDS = 15.0
_ATTEMPTS = 2


class QueueError(Exception):
    """The queue didn't take every message. The text says why, and how many it took."""


class QueueSender:
    """Sends to one queue. Threads may share it: each takes a kept connection for itself or opens another.

    The request is signed for, and goes to, the host of the queue's URL. A batch that fails for a reason that
    may pass (no connection, no answer, 429, 5xx) is tried once more, so that it ends within 13 seconds.
    """

    def __init__(self, queue_url: str, signer: Signer | None = None) -> None:
        parts = urlsplit(queue_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise QueueError(f"{queue_url!r} is no queue URL.")
        self._url = queue_url
        self._secure = parts.scheme == "https"
        self._hostname = parts.hostname
        self._port = parts.port or (443 if self._secure else 80)
        default_port = self._port == (443 if self._secure else 80)
        self._host = parts.hostname if default_port else f"{parts.hostname}:{self._port}"
        self._signer = signer
        self._idle: list[tuple[http.client.HTTPConnection, float]] = []

    def send(
        self,
        bodies: Sequence[str],
        *,
        delay_seconds: int = 0,
        group: str | None = None,
        deadline: float | None = None,
    ) -> None:
        """Send messages, in batches within SQS's limits of count and bytes. Returns once all are stored.

        A message may be stored twice when an answer was lost. SQS is fair among messages of different groups:
        what waits of one doesn't delay the others. `deadline` is a time of the monotonic clock.

        :raises QueueError: Not all were stored.
        """
        every: dict[str, Any] = {}
        if delay_seconds:
            every["DelaySeconds"] = delay_seconds
        if group is not None:
            every["MessageGroupId"] = group
        stored = 0
        for batch in batches(bodies):
            entries = [{"Id": str(number), "MessageBody": body, **every} for number, body in enumerate(batch)]
            try:
                self._call_batch("SendMessageBatch", entries, deadline)
            except QueueError as error:
                raise QueueError(f"{error} {stored} of {len(bodies)} messages were queued before.") from error
            stored += len(batch)

    def hide(self, receipts: Sequence[tuple[str, int]], *, deadline: float | None = None) -> None:
        """Have messages that were received come again after some seconds each.

        :raises QueueError: Not all will: the others come when the queue's own visibility timeout is over.
        """
        for start in range(0, len(receipts), BATCH_ENTRIES):
            entries = [
                {"Id": str(number), "ReceiptHandle": receipt, "VisibilityTimeout": seconds}
                for number, (receipt, seconds) in enumerate(receipts[start : start + BATCH_ENTRIES])
            ]
            self._call_batch("ChangeMessageVisibilityBatch", entries, deadline)

    def close(self) -> None:
        """Close the kept connections."""
        while self._idle:
            self._idle.pop()[0].close()

    def _call_batch(self, action: str, entries: list[dict[str, Any]], deadline: float | None) -> None:
        ends = float("inf") if deadline is None else deadline
        for attempt in range(1, _ATTEMPTS + 1):
            last = attempt == _ATTEMPTS or time.monotonic() + _PAUSE_BEFORE_RETRY >= ends
            try:
                answer = self._call(action, {"QueueUrl": self._url, "Entries": entries}, ends)
            except _MayPass as error:
                if last:
                    raise QueueError(f"The queue {self._url} can't be reached: {error}.") from error
            else:
                refused = answer.get("Failed", [])
                if not refused:
                    return
                if last or any(entry.get("SenderFault") for entry in refused):
                    raise QueueError(
                        f"The queue {self._url} refused {len(refused)} of {len(entries)} messages: "
                        f"{refused[0].get('Code')}: {refused[0].get('Message', '')}."
                    )
                again = {entry["Id"] for entry in refused}
                entries = [entry for entry in entries if entry["Id"] in again]
            time.sleep(_PAUSE_BEFORE_RETRY)

    def _call(self, action: str, content: dict[str, Any], ends: float) -> dict[str, Any]:
        body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
        headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"AmazonSQS.{action}"}
        signer = self._signer or signer_for("sqs")
        headers |= signer.headers("POST", self._host, "/", headers=headers, body_hash=payload_hash(body))
        connection = self._take()
        try:
            remaining = max(_LEAST_TIMEOUT, ends - time.monotonic())
            if connection.sock is None:
                connection.timeout = min(_CONNECT_TIMEOUT, remaining)
                connection.connect()
            connection.sock.settimeout(min(_ANSWER_TIMEOUT, remaining))
            connection.request("POST", "/", body, {"Host": self._host, **headers})
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            self.close()  # what ended this one has likely ended the others
            raise _MayPass(str(error) or type(error).__name__) from error
        if answer.will_close:
            connection.close()
        else:
            self._idle.append((connection, time.time()))
        return _understood(answer.status, text)

    def _take(self) -> http.client.HTTPConnection:
        while self._idle:
            try:
                connection, since = self._idle.pop()
            except IndexError:  # another thread was faster
                break
            # Wall-clock time: the monotonic clock may stand still while an environment is frozen.
            if 0 <= time.time() - since < _KEPT_SECONDS:
                return connection
            connection.close()
        if self._secure:
            return http.client.HTTPSConnection(
                self._hostname, self._port, timeout=_CONNECT_TIMEOUT, context=_tls_context()
            )
        return http.client.HTTPConnection(self._hostname, self._port, timeout=_CONNECT_TIMEOUT)


def batches(bodies: Sequence[str]) -> Iterator[list[str]]:
    """Split messages, in order, into batches of at most 10 and of 262,144 bytes together."""
    batch: list[str] = []
    size = 0
    for body in bodies:
        length = len(body.encode())
        if batch and (len(batch) == BATCH_ENTRIES or size + length > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(body)
        size += length
    if batch:
        yield batch


class _MayPass(Exception):
    """A failure after which trying again makes sense."""


def _understood(status: int, text: bytes) -> dict[str, Any]:
    try:
        content = json.loads(text) if text else {}
    except ValueError:
        content = {}
    if not isinstance(content, dict):
        content = {}
    if status == HTTPStatus.OK:
        return content
    name = str(content.get("__type", "")).rpartition("#")[2]
    said = f"status {status} {name} {content.get('message') or content.get('Message') or ''}".strip()
    if status >= 500 or status == HTTPStatus.TOO_MANY_REQUESTS or "Throttl" in name:
        raise _MayPass(said)
    raise QueueError(f"SQS refused the request: {said}.")


@cache
def _tls_context() -> ssl.SSLContext:
    return ssl.create_default_context()
