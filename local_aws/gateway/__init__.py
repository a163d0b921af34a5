"""API Gateway's WebSocket APIs: events, routes, connections, and the management API `@connections`."""

from local_aws.gateway.chaos import Chaos, Faults
from local_aws.gateway.gateway import Gateway, Limits
from local_aws.gateway.integrations import Integrations

__all__ = ["Chaos", "Faults", "Gateway", "Integrations", "Limits"]
