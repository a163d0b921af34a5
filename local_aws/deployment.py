"""Runs the functions that the template runs at each deployment (CDK's Triggers)."""

from __future__ import annotations

import json
from collections.abc import Iterable

from local_aws.errors import StackError
from local_aws.functions.service import Functions
from local_aws.logs import Logs
from local_aws.model import Trigger


async def run_triggers(triggers: Iterable[Trigger], functions: Functions, logs: Logs) -> None:
    """Run them one after another. Raises `StackError` for the first that fails."""
    for trigger in triggers:
        invocation = await functions.invoke(trigger.function, b"{}", trigger="Deployment")
        if invocation.error is not None:
            raise StackError(
                f"{trigger.function}, which the template runs at each deployment, failed: "
                f"{_failure(invocation.payload)}. All it said is in {logs.path(trigger.function)}."
            )
        functions.retire(trigger.function)


def _failure(payload: bytes) -> str:
    """The message of a function error."""
    try:
        error = json.loads(payload)
        return f"{error['errorType']}: {error['errorMessage']}"
    except (ValueError, KeyError, TypeError):
        return payload.decode(errors="replace")
