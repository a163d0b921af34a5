"""The two APIs: the WebSocket API with a route for each action, and the HTTP API in front of Django."""

from __future__ import annotations

import json

from aws_cdk import Stack
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

STAGE = "ws"
"""Named like the distribution's path, so that CloudFront reaches the stage by the path as it is."""

ACTIONS = ("chat_message", "fetch_history", "change_channel")


class WebSocketApi(Construct):
    """The WebSocket API and its stage. Routes come later: the function must know the id."""

    def __init__(self, scope: Construct, construct_id: str, *, name: str) -> None:
        super().__init__(scope, construct_id)
        self.api = apigateway.WebSocketApi(
            self, "Api", api_name=name, route_selection_expression="$request.body.action"
        )
        self.stage = apigateway.WebSocketStage(
            self, "Stage", web_socket_api=self.api, stage_name=STAGE, auto_deploy=True
        )
        _answer_pings(self, self.api)

    @property
    def host(self) -> str:
        """The API's own host, behind the distribution."""
        return _host(self, self.api.api_id)

    def route_to(self, function: lambda_.IFunction) -> None:
        """Send connections and actions to the function; its answers to actions go to the client."""
        for key in ("$connect", "$disconnect", "$default", *ACTIONS):
            self.api.add_route(
                key,
                integration=integrations.WebSocketLambdaIntegration(
                    f"{key.strip('$')}-integration", function
                ),
                return_response=True if key not in ("$connect", "$disconnect") else None,
            )


class HttpApi(Construct):
    """The HTTP API: everything goes to Django."""

    def __init__(self, scope: Construct, construct_id: str, *, name: str) -> None:
        super().__init__(scope, construct_id)
        self.api = apigateway.HttpApi(self, "Api", api_name=name)

    @property
    def host(self) -> str:
        """The API's own host, behind the distribution."""
        return _host(self, self.api.api_id)

    def route_to(self, function: lambda_.IFunction) -> None:
        """Send every method and path to the function."""
        apigateway.HttpRoute(
            self,
            "Default",
            http_api=self.api,
            route_key=apigateway.HttpRouteKey.DEFAULT,
            integration=integrations.HttpLambdaIntegration("default-integration", function),
        )


def _host(scope: Construct, api_id: str) -> str:
    stack = Stack.of(scope)
    return f"{api_id}.execute-api.{stack.region}.{stack.url_suffix}"


def _answer_pings(scope: Construct, api: apigateway.WebSocketApi) -> None:
    """Have the gateway answer `ping` itself: CloudFront's idle timer wants bytes, not a function's time."""
    only = "200"  # template selection by a fixed value: there is one template
    integration = apigateway.CfnIntegration(
        scope,
        "PingIntegration",
        api_id=api.api_id,
        integration_type="MOCK",
        passthrough_behavior="WHEN_NO_MATCH",
        request_templates={only: json.dumps({"statusCode": 200})},
        template_selection_expression=only,
    )
    apigateway.CfnIntegrationResponse(
        scope,
        "PingIntegrationResponse",
        api_id=api.api_id,
        integration_id=integration.ref,
        integration_response_key="$default",
        response_templates={only: json.dumps({"type": "pong"})},
        template_selection_expression=only,
    )
    route = apigateway.CfnRoute(
        scope,
        "PingRoute",
        api_id=api.api_id,
        route_key="ping",
        authorization_type="NONE",
        route_response_selection_expression="$default",
        target=f"integrations/{integration.ref}",
    )
    apigateway.CfnRouteResponse(
        scope, "PingRouteResponse", api_id=api.api_id, route_id=route.ref, route_response_key="$default"
    )
