"""Watches what a running stack is made of, and has what is saved take effect."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from local_aws.assembly import Site, read
from local_aws.errors import StackError
from local_aws.logs import Logs
from local_aws.model import Assembly
from local_aws.reloading.rebuild import Rebuilds, Rule
from local_aws.reloading.saved_files import Root, SavedFiles, named

# A synthesis writes its templates and the manifest one after another.
_SETTLED_SECONDS = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What to watch. Without `code` that is where the functions' code lies."""

    assembly: Path
    data_dir: Path
    code: tuple[Path, ...] = ()
    rules: tuple[Rule, ...] = ()


class Reloading:
    """From `start` to `close`.

    Saved code goes to `code_changed`, saved sources run their command, and a changed assembly is read again
    and handed to `apply` with the one before it.
    """

    def __init__(
        self,
        watched: Watched,
        site: Site,
        assembly: Assembly,
        *,
        code_changed: Callable[[Iterable[Path]], tuple[str, ...]],
        apply: Callable[[Assembly, Assembly], Awaitable[None]],
        logs: Logs,
    ) -> None:
        self._watched = watched
        self._site = site
        self._assembly = assembly
        self._code_changed = code_changed
        self._apply = apply
        self._logs = logs
        self._rebuilds = Rebuilds(watched.rules, logs)
        self._files: SavedFiles | None = None
        self._assembly_root = Root(watched.assembly.absolute(), deep=False)
        self._assembly_changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Watch from now on."""
        self._watch()
        self._task = asyncio.get_running_loop().create_task(self._follow_assembly())

    async def close(self) -> None:
        """Watch no longer, and end the commands that run."""
        if self._files is not None:
            self._files.close()
        if self._task is not None:
            self._task.cancel()
        await self._rebuilds.close()

    def _watch(self) -> None:
        code = self._watched.code or _code_folders(self._assembly)
        roots = [self._assembly_root, *(Root(folder) for folder in code)]
        roots += [root for rule in self._watched.rules for root in rule.roots]
        try:
            if self._files is None:
                self._files = SavedFiles(self._on_saved, without=[self._watched.data_dir])
            self._files.watch(roots)
        except OSError as error:
            self._logs.say(
                f"Not all saved files will take effect by themselves: {error.strerror} "
                "(on Linux raise fs.inotify.max_user_watches and max_user_instances)."
            )

    def _on_saved(self, paths: frozenset[Path]) -> None:
        left = self._rebuilds.saved(paths)
        assembly = {path for path in left if self._assembly_root.holds(path)}
        if any(path.suffix == ".json" or path == self._assembly_root.path for path in assembly):
            self._assembly_changed.set()
        code = left - assembly
        if functions := self._code_changed(code):
            self._logs.say(f"Saved {named(code)}: {_counted(functions)} from the next event on.")

    async def _follow_assembly(self) -> None:
        while True:
            await self._assembly_changed.wait()
            await asyncio.sleep(_SETTLED_SECONDS)
            await self._rebuilds.idle()
            self._assembly_changed.clear()
            try:
                new = await asyncio.to_thread(read, self._watched.assembly, self._site)
            except StackError as error:
                self._logs.say(f"The changed assembly isn't applied, all goes on as it is. {error}")
                continue
            if new == self._assembly:
                continue
            old, self._assembly = self._assembly, new
            try:
                await self._apply(old, new)
            except Exception as error:
                self._logs.say(
                    f"The changed assembly is applied only in part: {type(error).__name__}: {error}"
                )
            self._watch()


def _code_folders(assembly: Assembly) -> set[Path]:
    return {
        folder for function in assembly.functions.values() for folder in (function.code, *function.layers)
    }


def _counted(functions: tuple[str, ...]) -> str:
    if len(functions) <= 3:
        return f"{' and '.join(functions)} run{'s' if len(functions) == 1 else ''} it"
    return f"{len(functions)} functions run it"
