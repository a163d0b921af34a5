"""An invocation on its way: waiting for an environment, or in one."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from local_aws.functions import Invocation, TakenBy


@dataclass(slots=True, eq=False)
class Work:
    """`trigger` says on whose behalf it runs, `version` is the one that its qualifier stands for.

    `taken_by` is told once what it came to. As on AWS what was accepted runs, whether anybody waits or not.
    """

    payload: bytes
    request_id: str
    invoked_arn: str
    trigger: str
    taken_by: TakenBy
    client_context: str | None = None
    version: str = "$LATEST"
    arrived: float = field(default_factory=time.monotonic)

    def finish(self, payload: bytes, error: str | None, log: bytes = b"") -> None:
        self.taken_by(Invocation(payload, error, self.request_id, log))

    def refuse(self, reason: Exception) -> None:
        """Answer that it never ran."""
        self.taken_by(reason)
