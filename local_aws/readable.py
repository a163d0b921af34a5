"""Shows a function's structured log lines (one JSON object each) in the terminal as a person reads them."""

from __future__ import annotations

import json


def readable(line: bytes) -> bytes:
    """The level, message and failure of a line in awslambdaric's JSON format; other lines as they are."""
    if not line.startswith(b"{"):
        return line
    try:
        record = json.loads(line)
    except ValueError:
        return line
    if not isinstance(record, dict) or not {"level", "requestId"} <= record.keys():
        return line
    if "message" not in record and "errorMessage" not in record:
        return line
    text = f"{record['level']:<7} {record.get('message', 'Unhandled exception')}"
    if record.get("errorType"):
        trace = record.get("stackTrace")
        text += "".join(f"\n{entry.rstrip()}" for entry in trace) if isinstance(trace, list) else ""
        text += f"\n{record['errorType']}: {record.get('errorMessage', '')}"
    if record["level"] in ("ERROR", "CRITICAL"):
        text += f"\nrequest {record['requestId']}"
    return text.encode(errors="replace") + b"\n"
