"""Starts a stack in its order, watches over it, and stops it in the opposite order."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import resource
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from local_aws import http
from local_aws.access import Entrance
from local_aws.addresses import addresses
from local_aws.assembly import Site, read
from local_aws.aws_endpoint import AwsEndpoint
from local_aws.data_folder import DataFolder, RunningStack
from local_aws.databases import Databases
from local_aws.deployment import run_triggers
from local_aws.edge import Edge
from local_aws.errors import StackError
from local_aws.functions.background import EventInvocations
from local_aws.functions.debugging import debug_ports
from local_aws.functions.service import Functions
from local_aws.gateway import Chaos, Faults, Gateway, Integrations, Limits
from local_aws.logs import Logs
from local_aws.model import Assembly
from local_aws.packages import Packages
from local_aws.polling import Polling
from local_aws.ports import HOST, check_usable, free_port
from local_aws.queues.protocol import SqsProtocol
from local_aws.queues.service import Queues
from local_aws.reloading.apply import Parts, apply
from local_aws.reloading.reload import Reloading, Watched
from local_aws.secrets_file import SecretsFile
from local_aws.services import Deliveries, Services
from local_aws.status import Sources, StatusPage
from local_aws.stopping import Stopping
from local_aws.warming import kept_warm, warm_up

# What a bucket takes in one request: SDKs send larger objects in parts.
_MAX_OBJECT_BYTES = 100 * 1024 * 1024
# With what PostgreSQL may take these stay below the 10 s that a stop has.
_CLOSE_CONNECTIONS_SECONDS = 2.5
_DRAIN_QUEUES_SECONDS = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to run an assembly. The end of the process `stop_with` stops the stack too.

    `watch` says what takes effect while the stack runs, None that nothing does.
    """

    assembly: Path
    port: int
    data_dir: Path
    on_ready: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    stacks: tuple[str, ...] = ()
    strict: bool = False
    stop_with: int | None = None
    explain: bool = False
    debug: tuple[str, ...] = ()
    watch: Watched | None = None
    limits: Limits = field(default_factory=Limits)
    faults: Faults | None = None


async def run(options: Options) -> None:
    """Run a stack until a stop is asked for. Raises `StackError` where it can't start."""
    loop = asyncio.get_running_loop()
    stopping = Stopping(options.stop_with)
    _raise_file_limit()
    stack = Stack(options)
    starting, asked = loop.create_task(stack.start()), loop.create_task(stopping.asked())
    try:
        await asyncio.wait((starting, asked), return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            await asked
    finally:
        for task in (starting, asked):
            task.cancel()
        stopping.close()
        with contextlib.suppress(asyncio.CancelledError, StackError):
            await starting
        await stack.stop()


class Stack:
    """One running assembly.

    Whatever is started leaves a step behind that ends it: the stop takes these in the opposite order.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._ends: list[Callable[[], Awaitable[None] | None]] = []
        self._servers: list[http.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._say: Callable[[str], None] = print

    async def start(self) -> None:
        """Start everything: what others need goes first. Raises `StackError`."""
        check_usable(self._options.port)
        folder = DataFolder(self._options.data_dir)
        self._ends.append(folder.close)
        try:
            await self._start(folder)
        except OSError as error:
            named = f" ({error.filename})" if error.filename else ""
            raise StackError(f"The stack can't start: {error.strerror or error}{named}.") from error

    async def stop(self) -> None:
        """Stop everything, whatever of it has been started."""
        for task in self._tasks:
            task.cancel()
        while self._ends:
            end = self._ends.pop()
            try:
                ended = end()
                if ended is not None:
                    await ended
            except Exception as error:
                # What is left must be stopped all the same.
                self._say(f"While stopping: {type(error).__name__}: {error}")

    async def _start(self, folder: DataFolder) -> None:
        options = self._options
        site = Site(
            port=options.port,
            endpoint_port=options.port + 1,
            database_port=free_port(),
            secrets=SecretsFile(folder.secrets),
            workspace=folder.code,
            parameters=options.parameters,
            stacks=options.stacks,
            strict=options.strict,
        )
        assembly = self._assembly = read(options.assembly, site)
        logs = Logs(folder.logs)
        self._say = logs.say
        self._ends.append(logs.close)
        packages = Packages(folder.packages, logs.say)
        assembly = self._assembly = await packages.provided(assembly)
        databases = Databases(assembly.databases, folder, port=site.database_port, say=logs.say)
        self._ends.append(databases.close)
        databases.launch()
        self._explain(assembly)
        parts = await self._parts(folder, site, assembly, logs)
        await asyncio.gather(databases.prepare(), parts.services.start(parts.deliveries.take))
        parts.deliveries.start()
        await run_triggers(assembly.triggers, parts.functions, logs)
        parts.background.resume()
        await self._open(parts, site, assembly)
        self._announce(folder, site, assembly, parts)
        if options.watch is not None:
            self._follow(options.watch, folder, site, assembly, parts, packages)
        self._say_ready(assembly, site)

    async def _parts(self, folder: DataFolder, site: Site, assembly: Assembly, logs: Logs) -> Parts:
        """What runs the assembly, with the AWS endpoint open and all else still closed."""
        options = self._options
        queues = Queues(assembly.queues, folder.queues)
        self._ends += [queues.close, self._end_servers]
        if queues.left_over:
            logs.say(f"{queues.left_over} messages are kept of queues that the template no longer has.")
        services = Services(assembly, folder.services, logs)
        self._ends.append(services.close)
        entrance = Entrance(
            assembly,
            folder.authority,
            lambda request: endpoint.handle(request),
            logs.say,
            page=lambda request: status.answer(request),
        )
        self._ends.append(entrance.close)
        await entrance.start()
        functions = Functions(
            assembly.functions,
            region=assembly.region,
            endpoint_url=f"http://{HOST}:{site.endpoint_port}",
            logs=logs,
            kept_warm=kept_warm(assembly),
            identity=entrance.identity,
            debug=debug_ports(options.debug, assembly.functions),
        )
        self._ends.append(functions.close)
        background = EventInvocations(functions, folder.events, queues.send, logs.say)
        self._ends.append(background.close)
        deliveries = Deliveries(
            functions=assembly.functions,
            invoker=functions.triggered_by("DynamoDB"),
            background=background,
            send=queues.send,
            sources=assembly.stream_sources,
            permitted=entrance.roles.service_may_invoke,
            say=logs.say,
        )
        self._ends.append(deliveries.close)
        polling = Polling(
            queues,
            functions,
            background,
            region=assembly.region,
            account=assembly.account,
            permitted=entrance.may_run,
        )
        self._ends += [polling.close, lambda: polling.drain(_DRAIN_QUEUES_SECONDS)]
        integrations = Integrations(
            invoker=functions.triggered_by("WebSocket API"),
            region=assembly.region,
            may_invoke=entrance.may_invoke,
            services=entrance.as_role,
        )
        gateway = Gateway(
            assembly.websocket_apis,
            integrations,
            account=assembly.account,
            ledger=folder.connections,
            limits=options.limits,
            chaos=None if options.faults is None else Chaos(options.faults),
        )
        self._ends.append(lambda: gateway.close_all(within=_CLOSE_CONNECTIONS_SECONDS))
        edge = Edge(
            assembly,
            gateway,
            replace(integrations, invoker=functions.triggered_by("HTTP API")),
            port=site.port,
            connections=entrance.gate.to_connection,
            stored=services.stored_object,
        )
        endpoint = AwsEndpoint(
            functions,
            background,
            SqsProtocol(queues, assembly.account),
            gateway.management,
            services.forward,
        )
        status = StatusPage(
            Sources(
                functions=functions,
                queues=queues,
                gateway=gateway,
                assembly=lambda: self._assembly,
                port=site.port,
                started=time.time(),
            )
        )
        self._servers.append(
            await http.serve(
                entrance.gate.handle, host=HOST, port=site.endpoint_port, max_body=_MAX_OBJECT_BYTES
            )
        )
        return Parts(
            queues=queues,
            services=services,
            entrance=entrance,
            functions=functions,
            background=background,
            deliveries=deliveries,
            polling=polling,
            gateway=gateway,
            edge=edge,
            logs=logs,
        )

    async def _open(self, parts: Parts, site: Site, assembly: Assembly) -> None:
        """Let people, queues and the clock in."""
        edge = parts.entrance.edge = parts.edge
        server = await http.serve(edge.handle, host=HOST, port=site.port, upgrade=edge.upgrade)
        self._servers.append(server)
        self._ends.append(server.close)
        parts.polling.run(assembly.event_sources, assembly.schedules)
        self._ends.append(parts.polling.stop_clocks)
        self._go_on(parts.gateway.disconnect_left_behind())
        self._go_on(warm_up(assembly, parts.functions))
        for name, port in debug_ports(self._options.debug, assembly.functions).items():
            self._go_on(parts.functions.warm(name))
            self._say(f"A debugger can be attached to {name} at {HOST}:{port}.")

    def _follow(
        self,
        watched: Watched,
        folder: DataFolder,
        site: Site,
        assembly: Assembly,
        parts: Parts,
        packages: Packages,
    ) -> None:
        """Have what is saved take effect from now on."""

        async def apply_changed(old: Assembly, new: Assembly) -> None:
            old, new = await packages.provided(old), await packages.provided(new)
            self._assembly = new
            await apply(parts, old, new)
            self._announce(folder, site, new, parts)

        reloading = Reloading(
            watched,
            site,
            assembly,
            code_changed=parts.functions.code_changed,
            apply=apply_changed,
            logs=parts.logs,
        )
        reloading.start()
        self._ends.append(reloading.close)

    @staticmethod
    def _announce(folder: DataFolder, site: Site, assembly: Assembly, parts: Parts) -> None:
        folder.announce(
            RunningStack(
                pid=os.getpid(),
                port=site.port,
                endpoint_port=site.endpoint_port,
                database_port=site.database_port if assembly.databases else None,
                environments=parts.functions.variables(),
                developer=parts.entrance.developer(),
            )
        )

    async def _end_servers(self) -> None:
        for server in self._servers:
            server.close()
            await server.wait_closed(0.2)

    def _go_on(self, work: Coroutine[object, object, None]) -> None:
        """Have this done while the stack runs."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _explain(self, assembly: Assembly) -> None:
        if self._options.faults is not None:
            self._say(f"Chaos: {self._options.faults}. The same run again: --chaos {self._options.faults}")
        for unsupported in assembly.unsupported:
            self._say(f"Not run here: {unsupported.type} {unsupported.logical_id}: {unsupported.meaning}.")
        if any(skipped.type == "AWS::EC2::VPC" for skipped in assembly.skipped):
            self._say(
                "What ignores HTTPS_PROXY reaches the internet here, also where the VPC has no way to it."
            )
        if self._options.explain:
            self._say(
                f"The developer's credentials are in {self._options.data_dir / 'stack.json'}; any key that "
                "is no function's will do as well."
            )
            for skipped in assembly.skipped:
                self._say(f"Left out: {skipped.type} {skipped.logical_id}: {skipped.reason}.")

    def _say_ready(self, assembly: Assembly, site: Site) -> None:
        self._say(f"Status: http://{HOST}:{site.endpoint_port}/")
        for name, address in addresses(assembly, site.port):
            self._say(f"{name}: {address}")
        # What is there now stays. Looking through it for garbage would hold up a message every now and then.
        gc.freeze()
        self._say("Ready")
        if self._options.on_ready is not None:
            self._say(self._options.on_ready.replace("{url}", f"http://{HOST}:{site.port}/"))


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
