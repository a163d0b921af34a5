"""What a stack is doing at one moment, gathered from its parts."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from local_aws.addresses import addresses
from local_aws.functions.service import Functions
from local_aws.functions.status import FunctionStatus, InvocationRecord
from local_aws.gateway import Gateway
from local_aws.gateway.status import GatewayStatus
from local_aws.model import Assembly, Unsupported
from local_aws.ports import HOST
from local_aws.queues.service import Queues, QueueStatus

SHOWN_INVOCATIONS = 150


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Whom to ask. `port` is the edge's, `started` in seconds since the epoch."""

    functions: Functions
    queues: Queues
    gateway: Gateway
    assembly: Callable[[], Assembly]
    port: int
    started: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Times are seconds since the epoch. `addresses` are by what is there; the latest invocation is first."""

    now: float
    started: float
    addresses: dict[str, str]
    functions: tuple[FunctionStatus, ...]
    queues: tuple[QueueStatus, ...]
    gateway: GatewayStatus
    invocations: tuple[InvocationRecord, ...]
    unsupported: tuple[Unsupported, ...]

    @property
    def connections(self) -> int:
        return sum(len(api.connections) for api in self.gateway.apis)

    def as_json(self) -> dict[str, Any]:
        """The same for tools; what functions wrote is a list of lines."""
        found = asdict(self)
        for plain, record in zip(found["invocations"], self.invocations, strict=True):
            del plain["log"]
            plain["log_lines"] = record.log_lines
        for plain, function in zip(found["functions"], self.functions, strict=True):
            if function.last_error is not None:
                del plain["last_error"]["log"]
                plain["last_error"]["log_lines"] = function.last_error.log_lines
        return found


def snapshot(sources: Sources) -> Snapshot:
    """Ask all of them now."""
    assembly = sources.assembly()
    return Snapshot(
        now=time.time(),
        started=sources.started,
        addresses=_addresses(assembly, sources.port),
        functions=sources.functions.status(),
        queues=sources.queues.status(),
        gateway=sources.gateway.status(),
        invocations=tuple(islice(reversed(sources.functions.invocations), SHOWN_INVOCATIONS)),
        unsupported=assembly.unsupported,
    )


def _addresses(assembly: Assembly, port: int) -> dict[str, str]:
    front = {"Distribution": f"http://{HOST}:{port}/"} if assembly.distributions else {}
    return front | dict(addresses(assembly, port))
