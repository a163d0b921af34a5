"""The lines that the Lambda service itself adds to a function's log, in the format that it asks for."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime

from local_aws.functions.output import Output
from local_aws.model import Function


class PlatformLog:
    """START, END and REPORT of each invocation, and what the service says of failures.

    With JSON logs and a system log level above INFO only the failures are left, as on AWS.
    """

    def __init__(self, function: Function, output: Output) -> None:
        self._output = output
        self._memory_mb = function.memory_mb
        self._json = function.log_format == "JSON"
        self._detailed = not self._json or function.system_log_level in ("INFO", "DEBUG")

    def start(self, request_id: str) -> None:
        if not self._detailed:
            return
        if self._json:
            self._record("platform.start", {"requestId": request_id, "version": "$LATEST"})
        else:
            self._output.line(f"START RequestId: {request_id} Version: $LATEST")

    def end(self, request_id: str, seconds: float, status: str, *, init_seconds: float) -> None:
        """`init_seconds` is 0 where the environment was warm."""
        if not self._detailed:
            return
        milliseconds = seconds * 1000
        if self._json:
            metrics: dict[str, float] = {
                "durationMs": round(milliseconds, 3),
                "billedDurationMs": math.ceil(milliseconds),
                "memorySizeMB": self._memory_mb,
            }
            if init_seconds:
                metrics["initDurationMs"] = round(init_seconds * 1000, 3)
            self._record("platform.report", {"requestId": request_id, "status": status, "metrics": metrics})
            return
        init = f"\tInit Duration: {init_seconds * 1000:.2f} ms" if init_seconds else ""
        self._output.line(
            f"END RequestId: {request_id}\n"
            f"REPORT RequestId: {request_id}\tDuration: {milliseconds:.2f} ms\t"
            f"Billed Duration: {math.ceil(milliseconds)} ms\tMemory Size: {self._memory_mb} MB{init}"
        )

    def problem(self, request_id: str, message: str, error_type: str | None = None) -> None:
        """A timeout or a crash: logged at every level."""
        if self._json:
            self._record("platform.runtimeDone", {"requestId": request_id, "errorMessage": message})
        elif error_type is None:
            self._output.line(f"{_now()} {request_id} {message}")
        else:
            self._output.line(f"RequestId: {request_id} {message}\n{error_type}")

    def _record(self, kind: str, record: dict[str, object]) -> None:
        self._output.line(json.dumps({"time": _now(), "type": kind, "record": record}))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
