"""Which functions have a process ready before they are needed."""

from __future__ import annotations

import asyncio

from local_aws.functions.service import Functions
from local_aws.model import Assembly, LambdaIntegration


def kept_warm(assembly: Assembly) -> set[str]:
    """Functions that an API or a queue invokes."""
    return _serving(assembly) | {source.function for source in assembly.event_sources}


async def warm_up(assembly: Assembly, functions: Functions) -> None:
    """Start processes: first of the functions that people wait for, then of the others, one after another."""
    serving = _serving(assembly)
    await asyncio.gather(*(functions.warm(name) for name in serving))
    for name in sorted(kept_warm(assembly) - serving):
        await functions.warm(name)


def _serving(assembly: Assembly) -> set[str]:
    """Functions that answer somebody who waits."""
    integrations = [route.integration for api in assembly.websocket_apis for route in api.routes.values()]
    names = {item.function for item in integrations if isinstance(item, LambdaIntegration)}
    names.update(route.function for api in assembly.http_apis for route in api.routes)
    return names & set(assembly.functions)
