"""How the service words what a process can't say any more: that it ended, timed out or never came up."""

from __future__ import annotations

import json
import signal
from dataclasses import dataclass

# The names that the service's messages have for signals.
_SIGNALS = {
    signal.SIGKILL: "killed",
    signal.SIGSEGV: "segmentation fault",
    signal.SIGABRT: "aborted",
    signal.SIGTERM: "terminated",
    signal.SIGBUS: "bus error",
    signal.SIGFPE: "floating point exception",
    signal.SIGILL: "illegal instruction",
}


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure of a process. `body` is what its initialisation said of it itself, if it did."""

    error_type: str
    message: str
    body: bytes | None = None

    @classmethod
    def of_initialisation(cls, body: bytes) -> Failure:
        """What a runtime posts to the init error path."""
        try:
            error = json.loads(body)
            return cls(str(error["errorType"]), str(error["errorMessage"]), body)
        except (ValueError, KeyError, TypeError):
            return cls("Runtime.Unknown", "", body)

    def payload(self, request_id: str) -> bytes:
        if self.body is not None:
            return self.body
        message = f"RequestId: {request_id} Error: {self.message}"
        return json.dumps({"errorType": self.error_type, "errorMessage": message}).encode()


def exit_message(status: int) -> str:
    """What the service says of a process that ended with this status (negative for a signal)."""
    if status == 0:
        return "Runtime exited without providing a reason"
    if status > 0:
        return f"Runtime exited with error: exit status {status}"
    try:
        name = _SIGNALS.get(signal.Signals(-status)) or signal.strsignal(-status)
    except ValueError:
        name = None
    return f"Runtime exited with error: signal: {(name or str(-status)).lower()}"
