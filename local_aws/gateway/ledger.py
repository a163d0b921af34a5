"""A gateway's connections in a file, so that the next start can disconnect those that a kill left behind."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

from local_aws.gateway.events import ConnectionRecord

logger = logging.getLogger(__name__)

# A file is written anew once it has this many lines more than it needs.
_SLACK = 1_000


class Ledger:
    """One line when a connection opens, one when its `$disconnect` is done.

    A line is written, not synced: it has to survive this process, not the machine. Where the file can't be
    written any more the gateway goes on without it, and says so once.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open = _read(path)
        self._file: BinaryIO | None = None
        self._lines = 0
        self.left_behind = tuple(self._open.values())
        self._rewrite()

    def opened(self, record: ConnectionRecord) -> None:
        """Note a connection."""
        self._open[record.connection_id] = record
        self._append({"opened": asdict(record)})

    def closed(self, connection_id: str) -> None:
        """Forget a connection, one of those left behind too."""
        self._open.pop(connection_id, None)
        self._append({"closed": connection_id})

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _append(self, entry: dict[str, object]) -> None:
        if self._file is None:
            return
        try:
            self._file.write(json.dumps(entry).encode() + b"\n")
        except OSError as error:
            self._give_up(error)
            return
        self._lines += 1
        if self._lines > 2 * len(self._open) + _SLACK:
            self._rewrite()

    def _rewrite(self) -> None:
        self.close()
        temporary = self._path.with_name(self._path.name + ".new")
        try:
            with temporary.open("wb") as file:
                for record in self._open.values():
                    file.write(json.dumps({"opened": asdict(record)}).encode() + b"\n")
            temporary.replace(self._path)
            self._file = self._path.open("ab", buffering=0)
        except OSError as error:
            self._give_up(error)
        self._lines = len(self._open)

    def _give_up(self, error: OSError) -> None:
        self.close()
        logger.warning("Connections are no longer kept in %s: %s", self._path, error.strerror)


def _read(path: Path) -> dict[str, ConnectionRecord]:
    """The connections that a file names as open. Lines that can't be read are passed over."""
    left: dict[str, ConnectionRecord] = {}
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return left
    for line in lines:
        try:
            entry = json.loads(line)
            if (closed := entry.get("closed")) is not None:
                left.pop(closed, None)
            else:
                record = ConnectionRecord(**entry["opened"])
                left[record.connection_id] = record
        except (ValueError, TypeError, KeyError, AttributeError):
            continue
    return left
