"""Applies a changed assembly to the parts of a running stack, as far as they can change while they run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from local_aws.access import Entrance
from local_aws.deployment import run_triggers
from local_aws.edge import Edge
from local_aws.errors import StackError
from local_aws.functions.background import EventInvocations
from local_aws.functions.service import Functions
from local_aws.gateway import Gateway
from local_aws.logs import Logs
from local_aws.model import Assembly
from local_aws.polling import Polling
from local_aws.queues.service import Queues
from local_aws.reloading.changes import Change, changes
from local_aws.services import Deliveries, Services
from local_aws.warming import kept_warm

# The parts of an assembly that `apply` brings up to date. Any other needs a restart.
_WHILE_RUNNING = frozenset(
    {
        "functions",
        "websocket_apis",
        "http_apis",
        "queues",
        "event_sources",
        "stream_sources",
        "aws_calls",
        "schedules",
        "buckets",
        "distributions",
        "triggers",
        "roles",
        "resource_policies",
        "invoke_permissions",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What runs an assembly, and follows it when it changes."""

    queues: Queues
    services: Services
    entrance: Entrance
    functions: Functions
    background: EventInvocations
    deliveries: Deliveries
    gateway: Gateway
    edge: Edge
    polling: Polling
    logs: Logs


async def apply(parts: Parts, old: Assembly, new: Assembly) -> None:
    """Have the new assembly take effect, and say what did and what needs a restart.

    Open sockets stay, and so do processes of functions that haven't changed.
    """
    found = changes(old, new)
    parts.entrance.replace(new)
    parts.queues.replace(new.queues)
    parts.deliveries.replace(new.functions, new.stream_sources)
    await parts.services.replace(new)
    parts.functions.replace(new.functions, kept_warm=kept_warm(new))
    parts.gateway.replace(new.websocket_apis)
    parts.edge.replace(new)
    parts.polling.run(new.event_sources, new.schedules)
    applied = [change for change in found if change.part in _WHILE_RUNNING]
    waiting = [change for change in found if change.part not in _WHILE_RUNNING]
    parts.logs.say(f"The assembly has changed. Applied: {_listed(applied)}.")
    if waiting:
        parts.logs.say(f"This takes a restart to have effect: {_listed(waiting)}.")
    for unsupported in new.unsupported:
        if unsupported not in old.unsupported:
            parts.logs.say(
                f"Not run here: {unsupported.type} {unsupported.logical_id}: {unsupported.meaning}."
            )
    touched = {change.name for change in applied if change.part in ("functions", "triggers")}
    due = [trigger for trigger in new.triggers if touched & {trigger.name, trigger.function}]
    try:
        await run_triggers(due, parts.functions, parts.logs)
    except StackError as error:
        parts.logs.say(str(error))


def _listed(found: Sequence[Change]) -> str:
    return "; ".join(map(str, found)) or "nothing that runs here"
