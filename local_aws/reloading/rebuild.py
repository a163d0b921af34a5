"""Commands that are run when certain files are saved: a bundler, a synthesis."""

from __future__ import annotations

import asyncio
import os
import shlex
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from local_aws import processes
from local_aws.errors import StackError
from local_aws.functions.output import Output
from local_aws.logs import Logs
from local_aws.reloading.saved_files import Root, named

# An editor that saves everything saves one file after another.
_SETTLED_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Rule:
    """When something in `paths` is saved, `command` is run."""

    paths: tuple[Path, ...]
    command: tuple[str, ...]

    @classmethod
    def parsed(cls, text: str) -> Rule:
        """Read `PATH[,PATH…]=COMMAND`. Raises `StackError`."""
        paths, _, command = text.partition("=")
        try:
            words = tuple(shlex.split(command))
        except ValueError as error:
            raise StackError(f"--rebuild {text}: the command can't be read ({error}).") from error
        if not paths or not words:
            raise StackError(f"--rebuild takes PATH[,PATH…]=COMMAND, and {text!r} isn't that.")
        found = tuple(Path(path) for path in paths.split(","))
        if missing := [str(path) for path in found if not path.exists()]:
            raise StackError(f"--rebuild: there is no {missing[0]} in {Path.cwd()}.")
        return cls(tuple(path.absolute() for path in found), words)

    @property
    def roots(self) -> tuple[Root, ...]:
        return tuple(Root(path) for path in self.paths)


class Rebuilds:
    """Runs the commands, each of them once at a time: what is saved meanwhile has it run again."""

    def __init__(self, rules: Iterable[Rule], logs: Logs) -> None:
        self.rules = tuple(rules)
        self._logs = logs
        self._wanted: dict[Rule, set[Path]] = {}
        self._running: dict[Rule, asyncio.Task[None]] = {}

    def saved(self, paths: Iterable[Path]) -> set[Path]:
        """Run what these call for. Returns the paths that concern no command."""
        left = set(paths)
        for rule in self.rules:
            mine = {path for path in left if any(root.holds(path) for root in rule.roots)}
            left -= mine
            if mine:
                self._wanted.setdefault(rule, set()).update(mine)
                if rule not in self._running:
                    task = asyncio.get_running_loop().create_task(self._run(rule))
                    self._running[rule] = task
                    task.add_done_callback(partial(self._ended, rule))
        return left

    async def idle(self) -> None:
        """Wait until nothing runs."""
        while self._running:
            await asyncio.wait(self._running.values())

    async def close(self) -> None:
        """End what runs, with all that it started."""
        running = tuple(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _ended(self, rule: Rule, _: asyncio.Task[None]) -> None:
        del self._running[rule]

    async def _run(self, rule: Rule) -> None:
        while rule in self._wanted:
            await asyncio.sleep(_SETTLED_SECONDS)
            shown = shlex.join(rule.command)
            self._logs.say(f"Saved {named(self._wanted.pop(rule))}: running {shown}")
            started = time.monotonic()
            try:
                status = await self._status(rule.command)
            except OSError as error:
                self._logs.say(f"{shown} can't be run ({error.strerror}): all goes on as it is.")
                continue
            if status == 0:
                self._logs.say(f"Rebuilt in {time.monotonic() - started:.1f} s.")
            else:
                self._logs.say(
                    f"{shown} failed (status {status}), its reasons are above. All goes on as it is."
                )

    async def _status(self, command: tuple[str, ...]) -> int:
        output = Output("rebuild", self._logs)
        child: subprocess.Popen[bytes] | None = None
        try:
            child = processes.spawn(command, env=os.environ, output=output.open(), contain=True)
            output.opened()
            return await processes.ended(child)
        except asyncio.CancelledError:
            if child is not None:
                processes.kill(child)
                await processes.ended(child)
            raise
        finally:
            output.close()
