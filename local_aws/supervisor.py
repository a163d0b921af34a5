"""Starts a stack in its order, watches over it, and stops it in the opposite order."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import signal
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local_aws import http, processes
from local_aws.addresses import Addresses
from local_aws.assembly import Site, read
from local_aws.aws_endpoint import AwsEndpoint
from local_aws.data_folder import DataFolder, RunningStack
from local_aws.database import Postgres
from local_aws.edge import Edge
from local_aws.errors import StackError
from local_aws.functions.background import EventInvocations
from local_aws.functions.pool import MOST_ENVIRONMENTS, Functions
from local_aws.gateway import Gateway, Integrations
from local_aws.logs import Logs
from local_aws.model import Assembly, LambdaIntegration
from local_aws.queues.event_source import EventSourcePoller
from local_aws.queues.protocol import SqsProtocol
from local_aws.queues.service import Queues
from local_aws.schedules import Clock
from local_aws.secrets_file import SecretsFile

_HOST = "127.0.0.1"
# With what PostgreSQL may take these stay below the 10 s that a stop has.
_CLOSE_CONNECTIONS_SECONDS = 2.5
_DRAIN_QUEUES_SECONDS = 1.5
_LONGEST_RESTART_PAUSE = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to run an assembly. The end of the process `stop_with` stops the stack too."""

    assembly: Path
    port: int
    data_dir: Path
    on_ready: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    stop_with: int | None = None
    explain: bool = False


async def run(options: Options) -> None:
    """Run a stack until a stop signal comes. Raises `StackError` where it can't start."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    watch = None
    if options.stop_with is not None:
        watch = loop.create_task(_set_when_gone(options.stop_with, stop))
    _raise_file_limit()
    stack = Stack(options)
    starting, stopping = loop.create_task(stack.start()), loop.create_task(stop.wait())
    try:
        await asyncio.wait((starting, stopping), return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            await stopping
    finally:
        for task in (starting, stopping, watch):
            if task is not None:
                task.cancel()
        with contextlib.suppress(asyncio.CancelledError, StackError):
            await starting
        await stack.stop()


class Stack:
    """One running assembly."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._folder: DataFolder | None = None
        self._logs: Logs | None = None
        self._postgres: Postgres | None = None
        self._functions: Functions | None = None
        self._background: EventInvocations | None = None
        self._queues: Queues | None = None
        self._gateway: Gateway | None = None
        self._pollers: list[EventSourcePoller] = []
        self._polls: list[asyncio.Task[None]] = []
        self._watches: list[asyncio.Task[None]] = []
        self._edge_server: http.Server | None = None
        self._endpoint_server: http.Server | None = None

    async def start(self) -> None:
        """Start everything: what others need goes first. Raises `StackError`."""
        options = self._options
        if not 1 <= options.port <= 65_534:
            raise StackError(f"{options.port} is no usable port: take one from 1 to 65534.")
        for port in (options.port, options.port + 1):
            _check_free(port)
        folder = self._folder = DataFolder(options.data_dir)
        try:
            await self._start(folder)
        except OSError as error:
            named = f" ({error.filename})" if error.filename else ""
            raise StackError(f"The stack can't start: {error.strerror or error}{named}.") from error

    async def stop(self) -> None:
        """Stop everything, whatever of it has been started."""
        for step in (
            self._close_connections,
            self._drain_queues,
            self._end_functions,
            self._close_files,
            self._stop_database,
        ):
            try:
                await step()
            except Exception as error:
                # What is left must be stopped all the same.
                self._say(f"While stopping: {type(error).__name__}: {error}")
        if self._logs is not None:
            self._logs.close()
        if self._folder is not None:
            self._folder.close()

    async def _close_connections(self) -> None:
        for watch in self._watches:
            watch.cancel()
        if self._edge_server is not None:
            self._edge_server.close()
        if self._gateway is not None:
            await self._gateway.close_all(within=_CLOSE_CONNECTIONS_SECONDS)

    async def _end_functions(self) -> None:
        if self._background is not None:
            await self._background.close()
        if self._functions is not None:
            await self._functions.close()
        for server in (self._edge_server, self._endpoint_server):
            if server is not None:
                server.close()
                await server.wait_closed(0.2)

    async def _close_files(self) -> None:
        if self._queues is not None:
            self._queues.close()

    async def _stop_database(self) -> None:
        if self._postgres is not None:
            await asyncio.to_thread(self._postgres.stop)

    def _say(self, sentence: str) -> None:
        if self._logs is not None:
            self._logs.say(sentence)

    async def _start(self, folder: DataFolder) -> None:
        options = self._options
        site = Site(
            port=options.port,
            endpoint_port=options.port + 1,
            database_port=_free_port(),
            secrets=SecretsFile(folder.secrets),
            workspace=folder.code,
            parameters=options.parameters,
        )
        assembly = read(options.assembly, site)
        logs = self._logs = Logs(folder.logs)
        if assembly.databases:
            self._postgres = Postgres(folder.postgres, site.database_port, log=folder.logs / "postgres.log")
            self._postgres.launch()
        self._explain(assembly, logs)
        endpoint_url = f"http://{_HOST}:{site.endpoint_port}"
        functions = self._functions = Functions(
            assembly.functions,
            region=assembly.region,
            endpoint_url=endpoint_url,
            logs=logs,
            kept_warm=_kept_warm(assembly),
        )
        self._background = EventInvocations(functions)
        queues = self._queues = Queues(assembly.queues, folder.queues)
        if queues.left_over:
            logs.say(f"{queues.left_over} messages are kept of queues that the template no longer has.")
        gateway = Gateway(
            assembly.websocket_apis,
            Integrations(invoker=functions, region=assembly.region),
            account=assembly.account,
            ledger=folder.connections,
        )
        endpoint = AwsEndpoint(
            functions, self._background, SqsProtocol(queues, assembly.account), gateway.management
        )
        self._endpoint_server = await http.serve(endpoint.handle, host=_HOST, port=site.endpoint_port)
        if self._postgres is not None:
            await self._prepare_databases(self._postgres, assembly)
        await self._run_triggers(assembly, functions, logs)
        self._gateway = gateway
        edge = Edge(assembly, gateway, functions, port=site.port)
        self._edge_server = await http.serve(edge.handle, host=_HOST, port=site.port, upgrade=edge.upgrade)
        self._start_polling(assembly, queues, functions)
        self._watches.append(asyncio.create_task(gateway.disconnect_left_behind()))
        self._watches.append(asyncio.create_task(_warm_up(assembly, functions)))
        folder.announce(
            RunningStack(
                pid=os.getpid(),
                port=site.port,
                endpoint_port=site.endpoint_port,
                database_port=site.database_port if assembly.databases else None,
                environments=functions.variables(),
            )
        )
        self._say_ready(assembly, site, logs)

    def _explain(self, assembly: Assembly, logs: Logs) -> None:
        for unsupported in assembly.unsupported:
            logs.say(f"Not run here: {unsupported.type} {unsupported.logical_id}: {unsupported.meaning}.")
        if any(skipped.type == "AWS::EC2::VPC" for skipped in assembly.skipped):
            logs.say("Functions reach the internet here, also where the template's VPC has no way to it.")
        if self._options.explain:
            for skipped in assembly.skipped:
                logs.say(f"Left out: {skipped.type} {skipped.logical_id}: {skipped.reason}.")

    async def _prepare_databases(self, postgres: Postgres, assembly: Assembly) -> None:
        await _until_ready(postgres)
        for database in assembly.databases:
            postgres.ensure(database)
        self._watches.append(asyncio.create_task(self._keep_running(postgres)))

    async def _keep_running(self, postgres: Postgres) -> None:
        """Start the database again whenever it ends: functions connect anew, as after a failover."""
        pause = 0.1
        while True:
            started = time.monotonic()
            await processes.ended(postgres.process)
            self._say("PostgreSQL has ended; starting it again.")
            if time.monotonic() - started > 10 * _LONGEST_RESTART_PAUSE:
                pause = 0.1
            while True:
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_RESTART_PAUSE)
                try:
                    postgres.launch()
                    await _until_ready(postgres)
                    break
                except StackError as error:
                    self._say(str(error))

    async def _run_triggers(self, assembly: Assembly, functions: Functions, logs: Logs) -> None:
        for trigger in assembly.triggers:
            invocation = await functions.invoke(trigger.function, b"{}")
            if invocation.error is not None:
                raise StackError(
                    f"{trigger.function}, which the template runs at each deployment, failed: "
                    f"{_failure(invocation.payload)}. All it said is in {logs.path(trigger.function)}."
                )
            functions.retire(trigger.function)

    def _start_polling(self, assembly: Assembly, queues: Queues, functions: Functions) -> None:
        for source in assembly.event_sources:
            queue = queues.by_arn(source.queue_arn)
            if queue is None:
                continue
            poller = EventSourcePoller(
                source,
                queue,
                queues,
                functions,
                region=assembly.region,
                account=assembly.account,
                most_at_once=MOST_ENVIRONMENTS,
            )
            self._pollers.append(poller)
            self._polls.append(asyncio.create_task(poller.run()))
        clock = Clock(assembly.schedules, functions, region=assembly.region, account=assembly.account)
        self._watches.append(asyncio.create_task(clock.run()))

    async def _drain_queues(self) -> None:
        """Let what is queued be worked on for a moment. The rest stays in the journal."""
        deadline = time.monotonic() + _DRAIN_QUEUES_SECONDS
        while time.monotonic() < deadline and not all(poller.idle() for poller in self._pollers):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        for poll in self._polls:
            poll.cancel()
        await asyncio.gather(*self._polls, return_exceptions=True)
        for poller in self._pollers:
            poller.cancel_batches()

    def _say_ready(self, assembly: Assembly, site: Site, logs: Logs) -> None:
        sockets, sites = assembly.websocket_apis, assembly.http_apis
        addresses = Addresses(sockets, sites, assembly.distributions, site.port)
        for api in sockets:
            logs.say(f"WebSocket API {api.name}: {addresses.of(api)}")
        for site_api in sites:
            logs.say(f"HTTP API {site_api.name}: {addresses.of(site_api)}")
        logs.say("Ready")
        if self._options.on_ready is not None:
            logs.say(self._options.on_ready.replace("{url}", f"http://{_HOST}:{site.port}/"))


def _serving(assembly: Assembly) -> set[str]:
    """Functions that answer somebody who waits."""
    integrations = [route.integration for api in assembly.websocket_apis for route in api.routes.values()]
    names = {item.function for item in integrations if isinstance(item, LambdaIntegration)}
    names.update(route.function for api in assembly.http_apis for route in api.routes)
    return names & set(assembly.functions)


async def _warm_up(assembly: Assembly, functions: Functions) -> None:
    """Have functions ready before they are needed: first those that people wait for, one after another."""
    serving = _serving(assembly)
    await asyncio.gather(*(functions.warm(name) for name in serving))
    for name in sorted(_kept_warm(assembly) - serving):
        await functions.warm(name)


def _kept_warm(assembly: Assembly) -> set[str]:
    return _serving(assembly) | {source.function for source in assembly.event_sources}


def _failure(payload: bytes) -> str:
    """The message of a function error."""
    try:
        error = json.loads(payload)
        return f"{error['errorType']}: {error['errorMessage']}"
    except (ValueError, KeyError, TypeError):
        return payload.decode(errors="replace")


async def _until_ready(postgres: Postgres) -> None:
    while not postgres.ready():  # noqa: ASYNC110 - its lock file says it, there is no event
        await asyncio.sleep(0.004)


async def _set_when_gone(pid: int, stop: asyncio.Event) -> None:
    """Set `stop` once a process, which isn't our child, has ended."""
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


def _check_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except PermissionError as error:
            raise StackError(
                f"Port {port} may not be used by this user: choose another one with --port."
            ) from error
        except OSError as error:
            raise StackError(
                f"Port {port} is taken by another program: stop it, or choose another port with --port "
                f"(make: PORT); the stack needs that port and the next one."
            ) from error


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])


def _raise_file_limit() -> None:
    """Every connection takes a file descriptor, and the usual limit is 1024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in (65_536, 10_240):  # the latter is macOS's own bound
        within = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
        if soft >= within:
            return
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (within, hard))
        except (ValueError, OSError):
            continue
        return
