"""The app's stack: APIs, functions, queues and the site, in the order that leaves no cycle."""

from __future__ import annotations

from aws_cdk import Stack
from constructs import Construct

from infra.api import HttpApi, WebSocketApi
from infra.configuration import Configuration
from infra.data import DataStack
from infra.functions import Functions
from infra.operation import Operation, tell
from infra.secrets import Secrets
from infra.web import Web


class AppStack(Stack):
    """APIs, then the distribution over them, then the functions that know its address, then the routes."""

    def __init__(
        self, scope: Construct, construct_id: str, *, configuration: Configuration, data_stack: DataStack
    ) -> None:
        super().__init__(scope, construct_id, description="Parlor: APIs, functions and site")
        secrets = Secrets(self, "Secrets")
        websocket_api = WebSocketApi(self, "WebSocket", name=configuration.prefix)
        http_api = HttpApi(self, "Http", name=f"{configuration.prefix}-http")
        web = Web(
            self,
            "Web",
            configuration=configuration,
            websocket_host=websocket_api.host,
            http_host=http_api.host,
            gateway_secret=secrets.gateway_secret,
        )
        functions = Functions(
            self,
            "Functions",
            configuration=configuration,
            data_stack=data_stack,
            secrets=secrets,
            websocket_api_id=websocket_api.api.api_id,
            websocket_stage=websocket_api.stage,
            public_origin=web.origin,
        )
        websocket_api.route_to(functions.websocket)
        http_api.route_to(functions.http)
        operation = Operation(self, "Operation", functions=functions)
        web.publish(after=operation.migration)
        tell(self, web=web, functions=functions)
