"""One stream of everything that functions say, in the terminal and in a file for each of them.

A thread writes, so that a paused terminal or a slow disk never holds up the message path.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from pathlib import Path
from typing import BinaryIO

from local_aws.readable import readable

_COLOURS = (36, 33, 35, 32, 34, 96, 93, 95, 92, 94)
_MOST_WAITING = 20_000
# What is written within this time after a line goes along with it: waking a thread for each line costs more
# than an invocation's other lines together.
_GATHER_SECONDS = 0.005


class Logs:
    """Takes lines by source (a function's name) and passes them on in order.

    Where the terminal takes nothing for long, the oldest lines are dropped there, and their number is said.
    """

    def __init__(
        self, folder: Path, terminal: BinaryIO | None = None, *, coloured: bool | None = None
    ) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._terminal = terminal or sys.stdout.buffer
        self._coloured = _is_terminal(self._terminal) if coloured is None else coloured
        self._files: dict[str, BinaryIO | None] = {}
        self._prefixes: dict[str, bytes] = {}
        self._waiting: deque[tuple[str | None, bytes]] = deque(maxlen=_MOST_WAITING)
        self._dropped = 0
        self._wake = threading.Condition()
        self._idle = False
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="logs", daemon=True)
        self._thread.start()

    def write(self, source: str, lines: bytes) -> None:
        """Pass on whole lines (ending in a newline) of one source."""
        self._put(source, lines)

    def say(self, sentence: str) -> None:
        """Say something of the stack itself, in the terminal only."""
        self._put(None, sentence.encode(errors="replace") + b"\n")

    def path(self, source: str) -> Path:
        """The file that holds a source's lines."""
        return self.folder / f"{source}.log"

    def close(self) -> None:
        """Write what is left, waiting at most a second for it."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._thread.join(1)

    def _put(self, source: str | None, lines: bytes) -> None:
        if len(self._waiting) == _MOST_WAITING:
            self._dropped += 1
        self._waiting.append((source, lines))
        # The thread says that it is idle before it looks for the last time.
        if self._idle:
            with self._wake:
                self._wake.notify()

    def _run(self) -> None:
        while True:
            with self._wake:
                self._idle = True
                while not self._waiting and not self._closed:
                    self._wake.wait()
                self._idle = False
                closed = self._closed
            if not closed:
                time.sleep(_GATHER_SECONDS)
            dropped, self._dropped = self._dropped, 0
            batch = [self._waiting.popleft() for _ in range(len(self._waiting))]
            self._pass_on(batch, dropped)
            if closed:
                for file in self._files.values():
                    if file is not None:
                        file.close()
                return

    def _pass_on(self, batch: list[tuple[str | None, bytes]], dropped: int) -> None:
        shown: list[bytes] = [b"(%d log entries left out)\n" % dropped] if dropped else []
        by_source: dict[str, list[bytes]] = {}
        for source, lines in batch:
            if source is None:
                shown.append(lines)
            else:
                by_source.setdefault(source, []).append(lines)
                prefix = self._prefix(source)
                for line in lines.splitlines(keepends=True):
                    shown += [prefix + part for part in readable(line).splitlines(keepends=True)]
        # The files first: a terminal that takes nothing must not keep them from being written.
        for source, chunks in by_source.items():
            _write(self._file(source), b"".join(chunks))
        _write(self._terminal, b"".join(shown))

    def _prefix(self, source: str) -> bytes:
        if (prefix := self._prefixes.get(source)) is None:
            name = f"{source} | "
            if self._coloured:
                colour = _COLOURS[len(self._prefixes) % len(_COLOURS)]
                name = f"\x1b[{colour}m{name}\x1b[0m"
            prefix = self._prefixes[source] = name.encode()
        return prefix

    def _file(self, source: str) -> BinaryIO | None:
        if source not in self._files:
            try:
                self._files[source] = self.path(source).open("ab", buffering=0)
            except OSError:
                self._files[source] = None
        return self._files[source]


def _write(file: BinaryIO | None, data: bytes) -> None:
    """Write as far as it goes: a full disk or a closed terminal is no reason to stop serving."""
    if file is None:
        return
    try:
        file.write(data)
        file.flush()
    except (OSError, ValueError):
        pass


def _is_terminal(stream: BinaryIO) -> bool:
    import os

    return stream.isatty() and "NO_COLOR" not in os.environ
