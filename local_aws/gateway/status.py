"""What a gateway says of itself, for a page that shows it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionStatus:
    """An open connection. Times are seconds since the epoch, `unsent` the bytes that wait for the client."""

    connection_id: str
    connected_at: float
    last_active: float
    source_ip: str
    user_agent: str | None
    events_in_flight: int
    unsent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiStatus:
    """A stage of an API with its open connections, the oldest first."""

    api_id: str
    name: str
    stage: str
    routes: tuple[str, ...]
    connections: tuple[ConnectionStatus, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayStatus:
    """All APIs, and how many clients were let in or refused, messages came and posts went since the start."""

    apis: tuple[ApiStatus, ...]
    connecting: int
    accepted: int
    refused: int
    messages: int
    posts: int
