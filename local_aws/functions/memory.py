"""How much memory a function's process has had at most: what the service says as `Max Memory Used`."""

from __future__ import annotations

import re
import time
from pathlib import Path

_HOLDS_SECONDS = 1.0
"""A figure is read again when it is older: reading costs more than a small event."""
_STARTERS = frozenset({"setpriv", "sh", "unshare"})
"""What `processes.spawn` puts before a command, as Linux names it."""
_HIGH_WATER = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)


class PeakMemory:
    """Of the process that `pid` is, or started in a namespace. What that one starts itself isn't counted."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._read_at = float("-inf")
        self._mebibytes: int | None = None

    def mebibytes(self) -> int | None:
        """Rounded up, as the service does. None where the system doesn't tell: on anything but Linux."""
        now = time.monotonic()
        if now - self._read_at >= _HOLDS_SECONDS:
            self._read_at = now
            self._mebibytes = self._read() or self._mebibytes
        return self._mebibytes

    def _read(self) -> int | None:
        try:
            while (folder := Path("/proc", str(self._pid))).joinpath("comm").read_text().strip() in _STARTERS:
                self._pid = int(folder.joinpath("task", str(self._pid), "children").read_text().split()[0])
            found = _HIGH_WATER.search(folder.joinpath("status").read_text())
        except (OSError, IndexError):  # it has just ended, or the system has no such files
            return None
        return -(-int(found[1]) // 1024) if found else None
