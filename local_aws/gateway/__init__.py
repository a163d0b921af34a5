"""API Gateway's WebSocket APIs: events, routes, connections, and the management API `@connections`."""

from local_aws.gateway.gateway import Gateway, Limits

__all__ = ["Gateway", "Limits"]
