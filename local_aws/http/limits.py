"""What a client of the HTTP server may send, and how long it may take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Limits:
    """Sizes are bytes, times seconds."""

    max_body: int
    max_head: int
    head_timeout: float
    idle_timeout: float
