"""The lines that the Lambda service itself adds to a function's log, in the format that it asks for."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime

from local_aws.functions.failures import Failure
from local_aws.functions.memory import PeakMemory
from local_aws.functions.output import Output
from local_aws.functions.status import Outcome
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

    def start(self, request_id: str, version: str) -> None:
        if not self._detailed:
            return
        if self._json:
            self._record("platform.start", {"requestId": request_id, "version": version})
        else:
            self._output.line(f"START RequestId: {request_id} Version: {version}")

    def end(
        self,
        request_id: str,
        seconds: float,
        status: Outcome,
        *,
        init_seconds: float,
        memory: PeakMemory | None = None,
        error_type: str | None = None,
    ) -> None:
        """`init_seconds` is 0 where the environment was warm: an initialisation is billed with its event.

        `error_type` is given where the service itself found the failure: a timeout, a process that ended.
        """
        if not self._detailed:
            return
        milliseconds = seconds * 1000
        billed = math.ceil(milliseconds + init_seconds * 1000)
        used = memory.mebibytes() if memory else None
        if self._json:
            metrics: dict[str, float] = {
                "durationMs": round(milliseconds, 3),
                "billedDurationMs": billed,
                "memorySizeMB": self._memory_mb,
            }
            if used is not None:
                metrics["maxMemoryUsedMB"] = used
            if init_seconds:
                metrics["initDurationMs"] = round(init_seconds * 1000, 3)
            record: dict[str, object] = {"requestId": request_id, "status": status, "metrics": metrics}
            if error_type is not None:
                record["errorType"] = error_type
            self._record("platform.report", record)
            return
        init = f"\tInit Duration: {init_seconds * 1000:.2f} ms" if init_seconds else ""
        peak = f"\tMax Memory Used: {used} MB" if used is not None else ""
        how = ""
        if status == "timeout":
            how = "\tStatus: timeout"
        elif error_type is not None:
            how = f"\tStatus: error\tError Type: {error_type}"
        self._output.line(
            f"END RequestId: {request_id}\n"
            f"REPORT RequestId: {request_id}\tDuration: {milliseconds:.2f} ms\t"
            f"Billed Duration: {billed} ms\tMemory Size: {self._memory_mb} MB{peak}{init}{how}"
        )

    def problem(self, request_id: str, failure: Failure) -> None:
        """A timeout or a crash: logged at every level."""
        if self._json:
            self._record("platform.runtimeDone", {"requestId": request_id, "errorMessage": failure.message})
        elif failure.error_type == "Sandbox.Timedout":
            self._output.line(f"{_now()} {request_id} {failure.message}")
        else:
            self._output.line(f"RequestId: {request_id} Error: {failure.message}\n{failure.error_type}")

    def failed_start(self, seconds: float, failure: Failure, status: Outcome) -> None:
        """An initialisation that failed: logged at every level."""
        milliseconds = seconds * 1000
        if self._json:
            record: dict[str, object] = {
                "initializationType": "on-demand",
                "phase": "init",
                "status": status,
                "errorType": failure.error_type,
                "metrics": {"durationMs": round(milliseconds, 3)},
            }
            self._record("platform.initReport", record)
            return
        error = "" if status == "timeout" else f"\tError Type: {failure.error_type}"
        self._output.line(
            f"INIT_REPORT Init Duration: {milliseconds:.2f} ms\tPhase: init\tStatus: {status}{error}"
        )

    def _record(self, kind: str, record: dict[str, object]) -> None:
        self._output.line(json.dumps({"time": _now(), "type": kind, "record": record}))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
