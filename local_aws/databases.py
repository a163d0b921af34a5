"""The databases of an assembly: one PostgreSQL server for them all, started again whenever it ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from local_aws import processes
from local_aws.data_folder import DataFolder
from local_aws.database import Postgres
from local_aws.errors import StackError
from local_aws.model import Database

_LONGEST_RESTART_PAUSE = 5.0


class Databases:
    """Runs the server from `launch` to `close`; without databases there is none."""

    def __init__(
        self, databases: Sequence[Database], folder: DataFolder, *, port: int, say: Callable[[str], None]
    ) -> None:
        self._databases = databases
        self._say = say
        self._watch: asyncio.Task[None] | None = None
        self._server: Postgres | None = None
        if databases:
            self._server = Postgres(folder.postgres, port, log=folder.logs / "postgres.log")

    def launch(self) -> None:
        """Start the server without waiting for it."""
        if self._server is not None:
            self._server.launch()

    async def prepare(self) -> None:
        """Wait for the server, make the databases that it lacks, and watch over it from now on."""
        if self._server is None:
            return
        await _until_ready(self._server)
        for database in self._databases:
            self._server.ensure(database)
        self._watch = asyncio.create_task(self._keep_running(self._server))

    async def close(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
        if self._server is not None:
            await asyncio.to_thread(self._server.stop)

    async def _keep_running(self, server: Postgres) -> None:
        """Start the server again whenever it ends: functions connect anew, as after a failover."""
        pause = 0.1
        while True:
            started = time.monotonic()
            await processes.ended(server.process)
            self._say("PostgreSQL has ended; starting it again.")
            if time.monotonic() - started > 10 * _LONGEST_RESTART_PAUSE:
                pause = 0.1
            while True:
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_RESTART_PAUSE)
                try:
                    server.launch()
                    await _until_ready(server)
                    break
                except StackError as error:
                    self._say(str(error))


async def _until_ready(server: Postgres) -> None:
    while not server.ready():  # noqa: ASYNC110 - its lock file says it, there is no event
        await asyncio.sleep(0.004)
