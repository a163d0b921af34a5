"""Linux tells of changes in folders: costs nothing while nothing changes, and no thread.

`watchfiles`, used on other systems, looks 20 times a second whether something has come.
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import os
import struct
import sys
from collections.abc import Callable
from pathlib import Path

_CLOSE_WRITE, _MOVED_FROM, _MOVED_TO, _CREATE, _DELETE = 0x8, 0x40, 0x80, 0x100, 0x200
_OVERFLOW, _IGNORED, _ONLY_DIRECTORIES, _IS_FOLDER = 0x4000, 0x8000, 0x0100_0000, 0x4000_0000
_CHANGES = _CLOSE_WRITE | _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE
_EVENT = struct.Struct("iIII")
_READ_BYTES = 65_536


def available() -> bool:
    """Whether this system has it."""
    return sys.platform == "linux"


class Inotify:
    """Watches folders, not what is below them. Must be made on an event loop.

    `on_change` gets the path of a file that was saved, moved or removed, or of a folder that has come, and
    `on_told` is called once all are told that there are now; `on_overflow` when there were too many to tell.
    """

    def __init__(
        self,
        on_change: Callable[[Path, bool], None],
        on_told: Callable[[], None],
        on_overflow: Callable[[], None],
    ) -> None:
        self._on_change = on_change
        self._on_told = on_told
        self._on_overflow = on_overflow
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._descriptor < 0:
            raise _last_error(None)
        self._folders: dict[int, Path] = {}
        self._watches: dict[Path, int] = {}
        asyncio.get_running_loop().add_reader(self._descriptor, self._read)

    @property
    def folders(self) -> set[Path]:
        return set(self._watches)

    def watch(self, folder: Path) -> None:
        """Watch a folder; one that is gone or may not be read is passed over. Raises OSError at the limit."""
        watch = self._libc.inotify_add_watch(
            self._descriptor, os.fsencode(folder), _CHANGES | _ONLY_DIRECTORIES
        )
        if watch >= 0:
            self._folders[watch] = folder
            self._watches[folder] = watch
            return
        error = _last_error(folder)
        if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.EACCES):
            raise error

    def forget(self, folder: Path) -> None:
        """Watch a folder no longer."""
        watch = self._watches.pop(folder, None)
        if watch is not None:
            self._folders.pop(watch, None)
            self._libc.inotify_rm_watch(self._descriptor, watch)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._descriptor)
        os.close(self._descriptor)

    def _read(self) -> None:
        try:
            data = os.read(self._descriptor, _READ_BYTES)
        except BlockingIOError:
            return
        at = 0
        while at < len(data):
            watch, mask, _, length = _EVENT.unpack_from(data, at)
            at += _EVENT.size
            name = data[at : at + length].rstrip(b"\0")
            at += length
            self._tell(watch, mask, name)
        self._on_told()

    def _tell(self, watch: int, mask: int, name: bytes) -> None:
        if mask & _OVERFLOW:
            self._on_overflow()
            return
        folder = self._folders.get(watch)
        if folder is None:
            return
        if mask & _IGNORED:  # it was removed
            del self._folders[watch]
            if self._watches.get(folder) == watch:
                del self._watches[folder]
            return
        path = folder / os.fsdecode(name)
        is_folder = bool(mask & _IS_FOLDER)
        if is_folder and mask & (_MOVED_FROM | _DELETE):
            for below in [other for other in self._watches if other.is_relative_to(path)]:
                self.forget(below)
        # A file that is only just created has nothing in it yet, unless it came as a link.
        if is_folder or not mask & _CREATE or path.is_symlink():
            self._on_change(path, is_folder and not mask & (_MOVED_FROM | _DELETE))


def _last_error(folder: Path | None) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number), None if folder is None else str(folder))
