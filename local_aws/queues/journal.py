"""Queued messages on disk, so that neither a stop nor a killed process loses any.

One file for all queues, a JSON line for each thing that happened. A line is with the operating system
before its message is acknowledged: it survives any end of the process, though not a power failure. Receive
counts and visibility aren't kept: after a restart every message is ready, and counts from zero.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from local_aws.queues.queue import Attribute, Message

_COMPACT_ABOVE_BYTES = 4_000_000


class QueueJournal:
    """The file and what of it is still alive."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._alive: dict[tuple[str, str], bytes] = {}
        self._alive_bytes = 0
        self._size = 0
        self._file = -1
        self.restored: dict[str, list[Message]] = {}
        if path.exists():
            self._read()
        self._rewrite()

    def sent(self, queue: str, messages: list[Message]) -> None:
        """Write messages down. Raises OSError where that fails, and then none of them counts."""
        lines = {(queue, message.id): _sent_line(queue, message) for message in messages}
        self._append(b"".join(lines.values()))
        for key, line in lines.items():
            self._alive[key] = line
            self._alive_bytes += len(line)

    def deleted(self, queue: str, messages: list[Message]) -> None:
        """Write down that messages are done with. Where that fails they come back at the next start."""
        lines = []
        for message in messages:
            line = self._alive.pop((queue, message.id), None)
            if line is not None:
                self._alive_bytes -= len(line)
                lines.append(json.dumps({"queue": queue, "deleted": message.id}).encode() + b"\n")
        if not lines:
            return
        try:
            self._append(b"".join(lines))
            if self._size > _COMPACT_ABOVE_BYTES and self._size > 4 * self._alive_bytes:
                self._rewrite()
        except OSError:
            pass

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _append(self, data: bytes) -> None:
        written = os.write(self._file, data)
        if written != len(data):
            # A disk that fills up takes half a line: it must not run into the next one.
            os.ftruncate(self._file, self._size)
            raise OSError(28, os.strerror(28))
        self._size += written

    def _read(self) -> None:
        for line in self._path.read_bytes().splitlines(keepends=True):
            try:
                entry = json.loads(line)
                queue = entry["queue"]
                if "deleted" in entry:
                    self._alive.pop((queue, entry["deleted"]), None)
                else:
                    self._alive[queue, entry["id"]] = line if line.endswith(b"\n") else line + b"\n"
            except (ValueError, KeyError, TypeError):
                continue  # half a line, written while the process was killed: never acknowledged
        for (queue, _), line in self._alive.items():
            try:
                message = _message(json.loads(line))
            except (ValueError, KeyError, TypeError, binascii.Error):
                continue
            self.restored.setdefault(queue, []).append(message)

    def _rewrite(self) -> None:
        """Leave only what is alive in the file."""
        new = self._path.with_name(f"{self._path.name}.new")
        data = b"".join(self._alive.values())
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
            new.replace(self._path)
        except OSError:
            os.close(descriptor)
            raise
        self.close()
        self._file, self._size, self._alive_bytes = descriptor, len(data), len(data)


def _sent_line(queue: str, message: Message) -> bytes:
    entry: dict[str, object] = {"queue": queue, "id": message.id, "body": message.body, "sent": message.sent}
    if message.visible_from:
        entry["visible_from"] = message.visible_from
    if message.trace_header:
        entry["trace_header"] = message.trace_header
    if message.group is not None:
        entry["fifo"] = [message.group, message.deduplication_id, message.sequence]
    if message.attributes:
        entry["attributes"] = {
            name: [value.data_type, value.string, _encoded(value.binary)]
            for name, value in message.attributes.items()
        }
    return json.dumps(entry).encode() + b"\n"


def _message(entry: Mapping[str, object]) -> Message:
    attributes = entry.get("attributes", {})
    assert isinstance(attributes, Mapping)
    visible_from, sent, trace_header = (
        entry.get("visible_from", 0.0),
        entry["sent"],
        entry.get("trace_header"),
    )
    assert isinstance(visible_from, float | int)
    assert isinstance(sent, float | int)
    message = Message(
        str(entry["id"]),
        str(entry["body"]),
        sent,
        {name: _attribute(value) for name, value in attributes.items()},
        None if trace_header is None else str(trace_header),
        visible_from=visible_from,
    )
    if (fifo := entry.get("fifo")) is not None:
        assert isinstance(fifo, list)
        message.group, message.deduplication_id, message.sequence = fifo
    return message


def _attribute(value: Iterable[str | None]) -> Attribute:
    data_type, string, binary = value
    assert data_type is not None
    return Attribute(data_type, string, None if binary is None else base64.b64decode(binary))


def _encoded(binary: bytes | None) -> str | None:
    return None if binary is None else base64.b64encode(binary).decode()
