"""Tells which files were saved, moved or removed below some folders."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from local_aws.reloading import inotify

# Saving one file is several changes, and a checkout is many files.
_QUIET_SECONDS = 0.03
_LONGEST_SECONDS = 0.5
_NEVER_SOURCES = frozenset({"__pycache__", "cdk.out", "node_modules", "site-packages"})
_NEVER_ENDINGS = ("~", ".pyc", ".swp", ".swx", ".tmp")


@dataclass(frozen=True, slots=True)
class Root:
    """A folder with all below it, or without `deep` only the files in it; or a single file."""

    path: Path
    deep: bool = True

    def holds(self, path: Path) -> bool:
        return path == self.path or (self.path in path.parents if self.deep else path.parent == self.path)


class SavedFiles:
    """Calls `on_saved` with the files that have changed: with a first one at once, so that what is asked for
    next is answered by it, with those that follow a moment after the last of them.

    Hidden files, editors' own and installed packages are no sources, and neither is what `without` holds.
    """

    def __init__(self, on_saved: Callable[[frozenset[Path]], None], *, without: Iterable[Path] = ()) -> None:
        self._on_saved = on_saved
        self._without = tuple(path.absolute() for path in without)
        self._roots: tuple[Root, ...] = ()
        self._changed: set[Path] = set()
        self._first = self._told = 0.0
        self._at_once = False
        self._timer: asyncio.TimerHandle | None = None
        self._watcher: _Inotify | _Watchfiles
        if inotify.available():
            self._watcher = _Inotify(self._on_change, self._on_told, self._on_overflow)
        else:
            self._watcher = _Watchfiles(self._on_change, self._on_told)

    def watch(self, roots: Iterable[Root]) -> None:
        """Watch these from now on. Raises OSError where the system lets nobody watch so much."""
        self._roots = tuple({Root(root.path.absolute(), root.deep): None for root in roots})
        folders: set[Path] = set()
        for root in self._roots:
            # The folder above as well: a saved file may be a new one in the old one's place.
            folders.add(root.path.parent)
            if root.path.is_dir():
                folders.update(self._below(root.path) if root.deep else [root.path])
        self._watcher.watch(folders)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._watcher.close()

    def _on_change(self, path: Path, new_folder: bool) -> None:
        if not any(self._concerns(root, path) for root in self._roots):
            return
        if new_folder:
            folders = set(self._below(path))
            self._watcher.watch(self._watcher.folders | folders)
            self._changed.update(
                entry for folder in folders for entry in folder.iterdir() if _is_source(entry.name)
            )
        else:
            self._changed.add(path)
        # One that is just being replaced (moved away, then written anew) must not be told of meanwhile.
        self._at_once = self._at_once or path.exists()

    def _on_overflow(self) -> None:
        self._changed.update(root.path for root in self._roots)

    def _on_told(self) -> None:
        if not self._changed:
            return
        loop = asyncio.get_running_loop()
        now = loop.time()
        if self._timer is not None:
            self._timer.cancel()
        elif self._at_once and now - self._told >= _QUIET_SECONDS:
            # Not even a turn of the loop later: an event may be waiting to be handled in this one.
            self._tell()
            return
        else:
            self._first = now
        self._timer = loop.call_at(min(now + _QUIET_SECONDS, self._first + _LONGEST_SECONDS), self._tell)

    def _tell(self) -> None:
        self._timer = None
        self._at_once = False
        self._told = asyncio.get_running_loop().time()
        changed, self._changed = frozenset(self._changed), set()
        self._on_saved(changed)

    def _concerns(self, root: Root, path: Path) -> bool:
        return (
            root.holds(path)
            and all(map(_is_source, path.relative_to(root.path).parts))
            and not any(root.path in other.parents and path.is_relative_to(other) for other in self._without)
        )

    def _below(self, root: Path) -> Iterator[Path]:
        """A folder and those below it that may hold sources."""
        for folder, folders, files in os.walk(root):
            if "pyvenv.cfg" in files:
                folders.clear()
                continue
            path = Path(folder)
            folders[:] = [name for name in folders if _is_source(name) and path / name not in self._without]
            yield path


def named(paths: Iterable[Path]) -> str:
    """The files in a few words, from the current folder if they lie there."""
    first, *others = sorted(paths)
    name = os.path.relpath(first)
    if name.startswith(".."):
        name = str(first)
    return f"{name} and {len(others)} more" if others else name


class _Inotify:
    def __init__(
        self,
        on_change: Callable[[Path, bool], None],
        on_told: Callable[[], None],
        on_overflow: Callable[[], None],
    ) -> None:
        self._kernel = inotify.Inotify(on_change, on_told, on_overflow)

    @property
    def folders(self) -> set[Path]:
        return self._kernel.folders

    def watch(self, folders: Collection[Path]) -> None:
        for folder in self._kernel.folders - set(folders):
            self._kernel.forget(folder)
        for folder in set(folders) - self._kernel.folders:
            self._kernel.watch(folder)

    def close(self) -> None:
        self._kernel.close()


class _Watchfiles:
    """Where the kernel has nothing that an event loop can wait for."""

    def __init__(self, on_change: Callable[[Path, bool], None], on_told: Callable[[], None]) -> None:
        self._on_change = on_change
        self._on_told = on_told
        self._task: asyncio.Task[None] | None = None
        self.folders: set[Path] = set()

    def watch(self, folders: Collection[Path]) -> None:
        self.folders = set(folders)
        self.close()
        self._task = asyncio.get_running_loop().create_task(self._run())

    def close(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        from watchfiles import Change, awatch

        existing = filter(Path.is_dir, self.folders)
        async for changes in awatch(*existing, recursive=False, debounce=100, watch_filter=None):
            for change, name in changes:
                self._tell(Path(name), change is Change.added)
            self._on_told()

    def _tell(self, path: Path, is_new: bool) -> None:
        self._on_change(path, is_new and path.is_dir())


def _is_source(name: str) -> bool:
    return not name.startswith(".") and name not in _NEVER_SOURCES and not name.endswith(_NEVER_ENDINGS)
