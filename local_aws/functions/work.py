"""An invocation on its way: waiting for an environment, or in one."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from local_aws.functions import Invocation


@dataclass(slots=True, eq=False)
class Work:
    """`trigger` says on whose behalf it runs, `version` is the one that its qualifier stands for."""

    payload: bytes
    request_id: str
    invoked_arn: str
    trigger: str
    answer: asyncio.Future[Invocation]
    client_context: str | None = None
    version: str = "$LATEST"
    arrived: float = field(default_factory=time.monotonic)

    def finish(self, payload: bytes, error: str | None, log: bytes = b"") -> None:
        if not self.answer.done():
            self.answer.set_result(Invocation(payload, error, self.request_id, log))

    def abandon(self) -> None:
        """Go on without the one who waited: as on AWS, what was accepted runs."""
        if self.answer.cancelled():
            self.answer = self.answer.get_loop().create_future()
            self.answer.add_done_callback(lambda answer: answer.exception())

    def refuse(self, reason: Exception) -> None:
        """Answer that it never ran."""
        if not self.answer.done():
            self.answer.set_exception(reason)
