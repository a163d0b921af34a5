"""The app's stack: APIs, functions, queues and the site, in the order that leaves no cycle."""

from __future__ import annotations

from aws_cdk import Stack
from constructs import Construct

from infra.access_logs import ApiAccessLogs
from infra.alarms import Alarms
from infra.api import HttpApi, WebSocketApi
from infra.configuration import Configuration
from infra.data import DataStack
from infra.firewall import FirewallStack
from infra.functions import Functions
from infra.operation import Operation, tell
from infra.secrets import Secrets
from infra.web import Web


class AppStack(Stack):
    """APIs, then the distribution over them, then the functions that know its address, then the routes."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        configuration: Configuration,
        data_stack: DataStack,
        firewall: FirewallStack | None,
    ) -> None:
        super().__init__(scope, construct_id, description="Parlor: APIs, functions and site")
        if firewall:
            self.add_stack_dependency(firewall)
        secrets = Secrets(self, "Secrets", configuration=configuration)
        websocket_api = WebSocketApi(self, "WebSocket", name=configuration.prefix)
        http_api = HttpApi(self, "Http", name=f"{configuration.prefix}-http")
        web = Web(
            self,
            "Web",
            configuration=configuration,
            websocket_host=websocket_api.host,
            http_host=http_api.host,
            gateway_secret=secrets.gateway_secrets[0],
            firewall_arn=firewall.arn if firewall else None,
        )
        functions = Functions(
            self,
            "Functions",
            configuration=configuration,
            data_stack=data_stack,
            secrets=secrets,
            websocket_api=websocket_api,
            public_origin=web.origin,
        )
        logs = ApiAccessLogs(self, "AccessLogs", configuration=configuration)
        websocket_api.route_to(functions.websocket_entry, configuration=configuration, logs=logs)
        http_api.route_to(functions.http, configuration=configuration, logs=logs)
        operation = Operation(self, "Operation", functions=functions)
        web.publish(after=operation.migration)
        Alarms(
            self,
            "Alarms",
            configuration=configuration,
            data_stack=data_stack,
            functions=functions,
            websocket_api=websocket_api,
            http_api=http_api,
        )
        tell(self, web=web, functions=functions)
