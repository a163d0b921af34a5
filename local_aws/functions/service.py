"""The functions of an assembly, by name: whoever invokes one comes here."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from pathlib import Path

from local_aws.functions import FunctionNotFound, Invocation, Invoker, TakenBy
from local_aws.functions.configuration import function_environment, nobody
from local_aws.functions.pool import Limits, Pool
from local_aws.functions.status import FunctionStatus, InvocationRecord
from local_aws.functions.work import Work
from local_aws.logs import Logs
from local_aws.model import Function
from local_aws.request_ids import new_request_id

# More processes than this for one function gain nothing on the same cores.
MOST_ENVIRONMENTS = 2 * (os.cpu_count() or 1)
_IDLE_SECONDS = 60.0
_REMEMBERED_INVOCATIONS = 500


class Functions:
    """An `Invoker`. Functions in `kept_warm` keep one idle environment for ever, the others none.

    `debug` has the ports of functions that a debugger is to be attached to. `identity` gives a function's
    credentials as variables. `invocations` are the last ones that ended, the latest last.
    """

    def __init__(
        self,
        functions: Mapping[str, Function],
        *,
        region: str,
        endpoint_url: str,
        logs: Logs,
        kept_warm: Collection[str] = (),
        most_environments: int = MOST_ENVIRONMENTS,
        idle_seconds: float = _IDLE_SECONDS,
        debug: Mapping[str, int] | None = None,
        identity: Callable[[Function], Mapping[str, str]] = nobody,
    ) -> None:
        self.invocations: deque[InvocationRecord] = deque(maxlen=_REMEMBERED_INVOCATIONS)
        self._region = region
        self._endpoint_url = endpoint_url
        self._logs = logs
        self._kept_warm = frozenset(kept_warm)
        self._most = most_environments
        self._idle_seconds = idle_seconds
        self._debug = dict(debug or {})
        self._identity = identity
        self._pools = {name: self._new_pool(function) for name, function in functions.items()}
        # Pools of functions that were replaced, until the last environment has ended.
        self._leaving: list[Pool] = []

    async def invoke(
        self,
        function: str,
        payload: bytes,
        *,
        request_id: str | None = None,
        qualifier: str | None = None,
        client_context: str | None = None,
        trigger: str = "Invoke",
    ) -> Invocation:
        """Invoke and wait for the answer. Raises `FunctionNotFound`, `Throttled`.

        `trigger` says on whose behalf, for those who look at `invocations`.
        """
        answer: asyncio.Future[Invocation] = asyncio.get_running_loop().create_future()
        self.start(
            function,
            payload,
            partial(_settle, answer),
            request_id=request_id,
            qualifier=qualifier,
            client_context=client_context,
            trigger=trigger,
        )
        return await answer

    def start(
        self,
        function: str,
        payload: bytes,
        taken_by: TakenBy,
        *,
        request_id: str | None = None,
        qualifier: str | None = None,
        client_context: str | None = None,
        trigger: str = "Invoke",
    ) -> None:
        """Invoke without waiting: `taken_by` gets what `invoke` returns or raises, maybe at once."""
        try:
            pool = self._pool(function)
            arn, version = pool.function.arn, "$LATEST"
            if qualifier is not None:
                version = self.version(function, qualifier)
                arn = f"{arn}:{qualifier}"
        except FunctionNotFound as missing:
            taken_by(missing)
            return
        request_id = request_id or new_request_id()
        pool.run(Work(payload, request_id, arn, trigger, taken_by, client_context, version))

    def triggered_by(self, trigger: str) -> Invoker:
        """These functions, for one who invokes them."""
        return _Triggered(self, trigger)

    def version(self, function: str, qualifier: str) -> str:
        """The version that a qualifier stands for. Raises `FunctionNotFound`."""
        versions = self._pool(function).function.qualifiers
        if qualifier == "$LATEST":
            return qualifier
        try:
            return versions[qualifier]
        except KeyError:
            raise FunctionNotFound(f"{function}:{qualifier}") from None

    def __contains__(self, function: str) -> bool:
        return function in self._pools

    def definition(self, function: str) -> Function:
        """What the assembly says of a function. Raises `FunctionNotFound`."""
        return self._pool(function).function

    async def warm(self, function: str) -> None:
        """Start an environment if there is none, and wait until it has come up (or failed to)."""
        await self._pool(function).warm()

    def retire(self, function: str) -> None:
        """End the environments of a function that isn't expected to run again soon, once they are idle."""
        self._pool(function).retire()

    def code_changed(self, paths: Iterable[Path]) -> tuple[str, ...]:
        """Have saved files take effect at the next invocation. Returns the names of the functions concerned.

        Environments that are busy finish their event with the code that they have.
        """
        changed = [path.resolve() for path in paths if _is_code(path)]
        for path in changed:
            # Python trusts bytecode whose source has the same size and the same second of change.
            if path.suffix == ".py":
                _bytecode_of(path).unlink(missing_ok=True)
        concerned = [
            pool
            for pool in self._pools.values()
            if any(
                path.is_relative_to(folder.resolve())
                for folder in (pool.function.code, *pool.function.layers)
                for path in changed
            )
        ]
        for pool in concerned:
            pool.refresh()
        return tuple(pool.function.name for pool in concerned)

    def replace(
        self, functions: Mapping[str, Function], *, kept_warm: Collection[str] = ()
    ) -> tuple[str, ...]:
        """Run these functions from now on. Returns the names of those that are new or changed.

        Environments of unchanged ones stay; those of others end once they are done. What waits for an
        environment goes over to the changed function.
        """
        self._kept_warm = frozenset(kept_warm)
        changed: list[str] = []
        old, self._pools = self._pools, {}
        for name, function in functions.items():
            pool = old.pop(name, None)
            if pool is not None and pool.function == function and pool.limits == self._limits(name):
                self._pools[name] = pool
                continue
            new = self._pools[name] = self._new_pool(function)
            changed.append(name)
            if pool is not None:
                for work in pool.hand_over():
                    new.take(work)
                self._leaving.append(pool)
            new.refresh()
        for pool in old.values():
            for work in pool.hand_over():
                work.refuse(FunctionNotFound(pool.function.name))
            self._leaving.append(pool)
        self._leaving = [pool for pool in self._leaving if not pool.ended]
        return tuple(changed)

    def status(self) -> tuple[FunctionStatus, ...]:
        """What each function is doing."""
        return tuple(pool.status() for pool in self._pools.values())

    def variables(self) -> dict[str, dict[str, str]]:
        """The environment variables of each function's processes."""
        return {name: pool.variables for name, pool in self._pools.items()}

    async def close(self) -> None:
        """End every environment at once."""
        await asyncio.gather(*(pool.close() for pool in (*self._pools.values(), *self._leaving)))

    def _new_pool(self, function: Function) -> Pool:
        return Pool(
            function,
            function_environment(
                function,
                region=self._region,
                endpoint_url=self._endpoint_url,
                identity=self._identity(function),
            ),
            self._logs,
            self._limits(function.name),
            self.invocations.append,
            debug_port=self._debug.get(function.name),
        )

    def _limits(self, function: str) -> Limits:
        keep = int(function in self._kept_warm or function in self._debug)
        return Limits(most=self._most, keep=keep, idle_seconds=self._idle_seconds)

    def _pool(self, function: str) -> Pool:
        try:
            return self._pools[function]
        except KeyError:
            raise FunctionNotFound(function) from None


class _Triggered(Invoker):
    """Functions as one of those sees them who invoke them."""

    def __init__(self, functions: Functions, trigger: str) -> None:
        self._functions = functions
        self._trigger = trigger

    async def invoke(self, function: str, payload: bytes, *, request_id: str | None = None) -> Invocation:
        return await self._functions.invoke(function, payload, request_id=request_id, trigger=self._trigger)

    def start(self, function: str, payload: bytes, taken_by: TakenBy) -> None:
        self._functions.start(function, payload, taken_by, trigger=self._trigger)


def _settle(answer: asyncio.Future[Invocation], outcome: Invocation | BaseException) -> None:
    if answer.done():  # nobody waits any more
        return
    if isinstance(outcome, Invocation):
        answer.set_result(outcome)
    else:
        answer.set_exception(outcome)


def _is_code(path: Path) -> bool:
    return "__pycache__" not in path.parts and path.suffix != ".pyc"


def _bytecode_of(source: Path) -> Path:
    """Where a function's process keeps it: beside the source, wherever this process keeps its own."""
    return source.parent / "__pycache__" / f"{source.stem}.{sys.implementation.cache_tag}.pyc"
