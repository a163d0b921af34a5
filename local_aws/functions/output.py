"""What a function's process writes, cut into lines for the logs."""

from __future__ import annotations

import asyncio
import os

from local_aws.logs import Logs

_LONGEST_LINE = 262_144  # CloudWatch's largest event
_TAIL_BYTES = 4_096  # as X-Amz-Log-Result
_READ_BYTES = 65_536


class Output:
    """The read end of a process's stdout and stderr."""

    def __init__(self, source: str, logs: Logs) -> None:
        self._source = source
        self._logs = logs
        self._reader: int | None = None
        self._writer: int | None = None
        self._partial = b""
        self._tail = b""

    def open(self) -> int:
        """Make the pipe, and return the end that the process gets."""
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        asyncio.get_running_loop().add_reader(self._reader, self._read)
        return self._writer

    def opened(self) -> None:
        """The process has its end now: ours is closed."""
        if self._writer is not None:
            os.close(self._writer)
            self._writer = None

    def line(self, text: str) -> None:
        """Add a line of the platform's own."""
        self._emit(text.encode() + b"\n")

    def drain(self) -> None:
        """Take what has been written so far, an unfinished last line included."""
        while self._reader is not None and self._read():
            pass
        if self._partial:
            self._emit(self._partial + b"\n")
            self._partial = b""

    def tail(self) -> bytes:
        """The end of what was written since the last call."""
        tail, self._tail = self._tail, b""
        return tail

    def close(self) -> None:
        self.opened()
        if self._reader is not None:
            self.drain()
        if self._reader is not None:
            self._close_reader(self._reader)

    def _read(self) -> bool:
        assert self._reader is not None
        try:
            data = os.read(self._reader, _READ_BYTES)
        except BlockingIOError:
            return False
        if not data:
            self._close_reader(self._reader)
            return False
        lines, newline, rest = (self._partial + data).rpartition(b"\n")
        if newline:
            self._emit(lines + newline)
        if len(rest) > _LONGEST_LINE:
            self._emit(rest + b"\n")
            rest = b""
        self._partial = rest
        return len(data) == _READ_BYTES

    def _close_reader(self, reader: int) -> None:
        asyncio.get_running_loop().remove_reader(reader)
        os.close(reader)
        self._reader = None

    def _emit(self, lines: bytes) -> None:
        self._tail = (self._tail + lines)[-_TAIL_BYTES:]
        self._logs.write(self._source, lines)
