"""What asks a stack to stop: a signal, or the end of the process that it belongs to."""

from __future__ import annotations

import asyncio
import os
import signal


class Stopping:
    """Set once somebody asks for the stop. `stop_with` is a process that isn't our child."""

    def __init__(self, stop_with: int | None) -> None:
        self._asked = asyncio.Event()
        self._watch: asyncio.Task[None] | None = None
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._asked.set)
        if stop_with is not None:
            self._watch = loop.create_task(_set_when_gone(stop_with, self._asked))

    async def asked(self) -> None:
        """Wait until somebody asks."""
        await self._asked.wait()

    def close(self) -> None:
        """Watch no longer. Signals are still taken, so that an impatient second one harms nothing."""
        if self._watch is not None:
            self._watch.cancel()


async def _set_when_gone(pid: int, stop: asyncio.Event) -> None:
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        stop.set()
    except (AttributeError, OSError):
        while _alive(pid):  # noqa: ASYNC110 - other systems have no event for it
            await asyncio.sleep(0.5)
        stop.set()
    else:
        asyncio.get_running_loop().add_reader(descriptor, stop.set)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
