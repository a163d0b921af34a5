"""The two APIs: the WebSocket API with a route for each action, and the HTTP API in front of Django."""

from __future__ import annotations

import json

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.access_logs import ApiAccessLogs
from infra.configuration import Configuration, Throttle

STAGE = "ws"
"""Named like the distribution's path, so that CloudFront reaches the stage by the path as it is."""

ACTIONS = (
    "chat_message",
    "edit_message",
    "delete_message",
    "fetch_history",
    "change_channel",
    "report_message",
    "restrict_person",
    "lift_restriction",
    "fetch_unread",
    "who_is_here",
    "typing",
)


class WebSocketApi(Construct):
    """The WebSocket API. Routes and stage come later: the function must know the id."""

    def __init__(self, scope: Construct, construct_id: str, *, name: str) -> None:
        super().__init__(scope, construct_id)
        self.api = apigateway.WebSocketApi(
            self, "Api", api_name=name, route_selection_expression="$request.body.action"
        )
        self._ping = _answer_pings(self, self.api)

    @property
    def host(self) -> str:
        """The API's own host, behind the distribution."""
        return _host(self, self.api.api_id)

    @property
    def connections_url(self) -> str:
        """Under which `/@connections` is."""
        return f"https://{self.host}/{STAGE}"

    def let_post(self, function: lambda_.IFunction) -> None:
        """Let a function post to connections and close them, and not ask about them."""
        function.add_to_role_policy(
            iam.PolicyStatement(
                actions=["execute-api:ManageConnections"],
                resources=[
                    Stack.of(self).format_arn(
                        service="execute-api",
                        resource=self.api.api_id,
                        resource_name=f"{STAGE}/{method}/@connections/*",
                        arn_format=ArnFormat.SLASH_RESOURCE_NAME,
                    )
                    for method in ("DELETE", "POST")
                ],
            )
        )

    def route_to(
        self, function: lambda_.IFunction, *, configuration: Configuration, logs: ApiAccessLogs
    ) -> None:
        """Send connections and actions to the function; its answers to actions go to the client."""
        routes = [
            self.api.add_route(
                key,
                integration=integrations.WebSocketLambdaIntegration(
                    f"{key.strip('$')}-integration", function
                ),
                return_response=True if key not in ("$connect", "$disconnect") else None,
            )
            for key in ("$connect", "$disconnect", "$default", *ACTIONS)
        ]
        stage = apigateway.CfnStage(
            self,
            "Stage",
            api_id=self.api.api_id,
            stage_name=STAGE,
            auto_deploy=True,
            default_route_settings=_limited(configuration.messages),
            route_settings={"$connect": _rendered(configuration.connects)},
            access_log_settings=logs.of_stage(
                "WebSocket", key="routeKey", event="eventType", connection="connectionId"
            ),
        )
        # Settings of a route that isn't there yet are refused.
        stage.node.add_dependency(*routes, self._ping, logs)


class HttpApi(Construct):
    """The HTTP API: everything goes to Django."""

    def __init__(self, scope: Construct, construct_id: str, *, name: str) -> None:
        super().__init__(scope, construct_id)
        self.api = apigateway.HttpApi(self, "Api", api_name=name, create_default_stage=False)

    @property
    def host(self) -> str:
        """The API's own host, behind the distribution."""
        return _host(self, self.api.api_id)

    def route_to(
        self, function: lambda_.IFunction, *, configuration: Configuration, logs: ApiAccessLogs
    ) -> None:
        """Send every method and path to the function."""
        apigateway.HttpRoute(
            self,
            "Default",
            http_api=self.api,
            route_key=apigateway.HttpRouteKey.DEFAULT,
            integration=integrations.HttpLambdaIntegration("default-integration", function),
        )
        stage = apigateway.CfnStage(
            self,
            "Stage",
            api_id=self.api.api_id,
            stage_name="$default",
            auto_deploy=True,
            default_route_settings=_limited(configuration.requests),
            access_log_settings=logs.of_stage("Http", method="httpMethod", path="path"),
        )
        stage.node.add_dependency(logs)


def _limited(throttle: Throttle) -> apigateway.CfnStage.RouteSettingsProperty:
    return apigateway.CfnStage.RouteSettingsProperty(
        throttling_rate_limit=throttle.rate, throttling_burst_limit=throttle.burst
    )


def _rendered(throttle: Throttle) -> dict[str, int]:
    """As `_limited`, where CloudFormation has a map of them, which the CDK takes as it is."""
    return {"ThrottlingRateLimit": throttle.rate, "ThrottlingBurstLimit": throttle.burst}


def _host(scope: Construct, api_id: str) -> str:
    stack = Stack.of(scope)
    return f"{api_id}.execute-api.{stack.region}.{stack.url_suffix}"


def _answer_pings(scope: Construct, api: apigateway.WebSocketApi) -> apigateway.CfnRoute:
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
    return route
