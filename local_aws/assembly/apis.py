"""WebSocket and HTTP APIs: stages, routes and what each route runs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from local_aws.assembly.attributes import api_id
from local_aws.assembly.lambdas import function_name
from local_aws.assembly.resources import Resource, Resources
from local_aws.model import (
    HttpApi,
    HttpRoute,
    LambdaIntegration,
    MockIntegration,
    Throttle,
    WebSocketApi,
    WebSocketRoute,
)


def websocket_apis(resources: Resources) -> tuple[WebSocketApi, ...]:
    """Every stage of every WebSocket API."""
    return tuple(
        WebSocketApi(
            id=api_id(api),
            name=str(api.get("Name", api.logical_id)),
            stage=str(stage.get("StageName")),
            routes={route.key: route for route in _websocket_routes(resources, api)},
            route_selection_expression=str(api.get("RouteSelectionExpression", "$request.body.action")),
            throttle=_throttle(stage),
        )
        for api in _apis(resources, "WEBSOCKET")
        for stage in _of_api(resources, "AWS::ApiGatewayV2::Stage", api)
    )


def http_apis(resources: Resources) -> tuple[HttpApi, ...]:
    """Every stage of every HTTP API."""
    return tuple(
        HttpApi(
            id=api_id(api),
            name=str(api.get("Name", api.logical_id)),
            stage=str(stage.get("StageName")),
            routes=tuple(_http_routes(resources, api)),
        )
        for api in _apis(resources, "HTTP")
        for stage in _of_api(resources, "AWS::ApiGatewayV2::Stage", api)
    )


def integration_of(resources: Resources, route: Resource) -> Resource | None:
    """The integration that a route targets."""
    target = str(route.get("Target", "")).removeprefix("integrations/")
    for integration in resources.of_type("AWS::ApiGatewayV2::Integration"):
        if integration.ref == target and integration.get("ApiId") == route.get("ApiId"):
            return integration
    return None


def _apis(resources: Resources, protocol: str) -> Iterator[Resource]:
    for api in resources.of_type("AWS::ApiGatewayV2::Api"):
        if api.get("ProtocolType") == protocol:
            yield api


def _of_api(resources: Resources, kind: str, api: Resource) -> Iterator[Resource]:
    for resource in resources.of_type(kind):
        if resource.get("ApiId") == api.ref:
            yield resource


def _throttle(stage: Resource) -> Throttle | None:
    settings = stage.get("DefaultRouteSettings", {})
    rate, burst = settings.get("ThrottlingRateLimit"), settings.get("ThrottlingBurstLimit")
    if rate is None and burst is None:
        return None
    # Either alone leaves the other at the account's own limit.
    return Throttle(
        rate=float(rate if rate is not None else 10_000), burst=int(burst if burst is not None else 5_000)
    )


def _websocket_routes(resources: Resources, api: Resource) -> Iterator[WebSocketRoute]:
    answering = {
        response.get("RouteId")
        for response in _of_api(resources, "AWS::ApiGatewayV2::RouteResponse", api)
        if response.get("RouteResponseKey") == "$default"
    }
    for route in _of_api(resources, "AWS::ApiGatewayV2::Route", api):
        integration = integration_of(resources, route)
        yield WebSocketRoute(
            key=str(route.get("RouteKey")),
            integration=None if integration is None else _websocket_integration(resources, integration),
            answers=route.ref in answering and route.get("RouteResponseSelectionExpression") is not None,
        )


def _websocket_integration(
    resources: Resources, integration: Resource
) -> LambdaIntegration | MockIntegration | None:
    kind = integration.get("IntegrationType")
    if kind == "AWS_PROXY":
        return LambdaIntegration(
            function=function_name(str(integration.get("IntegrationUri"))),
            timeout_ms=int(integration.get("TimeoutInMillis", 29_000)),
        )
    if kind == "MOCK":
        selection = integration.get("TemplateSelectionExpression")
        requests = integration.get("RequestTemplates", {})
        return MockIntegration(
            request_templates=requests,
            response_templates=_response_templates(resources, integration, requests),
            template_selection=selection,
        )
    return None


def _response_templates(
    resources: Resources, integration: Resource, requests: Mapping[str, str]
) -> Mapping[str, str]:
    """The templates of the integration response that the MOCK's status code selects."""
    responses = {
        str(response.get("IntegrationResponseKey")): response
        for response in resources.of_type("AWS::ApiGatewayV2::IntegrationResponse")
        if response.get("IntegrationId") == integration.ref
    }
    chosen = responses.get(f"/{_mock_status(requests)}/") or responses.get("$default")
    templates: Mapping[str, str] = {} if chosen is None else chosen.get("ResponseTemplates", {})
    return templates


def _mock_status(requests: Mapping[str, str]) -> int:
    for template in requests.values():
        try:
            request: Any = json.loads(template)
            return int(request["statusCode"])
        except (ValueError, KeyError, TypeError):
            continue
    return 200


def _http_routes(resources: Resources, api: Resource) -> Iterator[HttpRoute]:
    if (target := api.get("Target")) is not None:
        yield HttpRoute(key=str(api.get("RouteKey", "$default")), function=function_name(str(target)))
    for route in _of_api(resources, "AWS::ApiGatewayV2::Route", api):
        integration = integration_of(resources, route)
        if integration is None or integration.get("IntegrationType") != "AWS_PROXY":
            continue
        yield HttpRoute(
            key=str(route.get("RouteKey")),
            function=function_name(str(integration.get("IntegrationUri"))),
            payload_format=str(integration.get("PayloadFormatVersion", "1.0")),
            timeout_ms=int(integration.get("TimeoutInMillis", 30_000)),
        )
