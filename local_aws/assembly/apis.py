"""WebSocket and HTTP APIs: stages, routes, who may pass, and what each route runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from local_aws.assembly.attributes import api_id
from local_aws.assembly.lambdas import function_name
from local_aws.assembly.resources import Resource, Resources
from local_aws.model import (
    Cors,
    HttpApi,
    HttpRoute,
    Integration,
    IntegrationResponse,
    LambdaAuthorizer,
    LambdaIntegration,
    MockIntegration,
    ServiceIntegration,
    Throttle,
    WebSocketApi,
    WebSocketRoute,
)

_SERVICE_URI = re.compile(
    r"arn:[^:]*:apigateway:[^:]*:(?:[^:.]+\.)?(?P<service>[^:]+):(?P<path>(?:path|action)/.*)"
)
# The account's own limits, for a stage that names one of the two.
_RATE, _BURST = 10_000.0, 5_000


def websocket_apis(resources: Resources) -> tuple[WebSocketApi, ...]:
    """Every stage of every WebSocket API."""
    return tuple(
        WebSocketApi(
            id=api_id(api),
            name=str(api.get("Name", api.logical_id)),
            stage=str(stage.get("StageName")),
            routes={route.key: route for route in _websocket_routes(resources, api, stage)},
            route_selection_expression=str(api.get("RouteSelectionExpression", "$request.body.action")),
            throttle=_throttle(stage.get("DefaultRouteSettings", {})),
            variables=_strings(stage.get("StageVariables", {})),
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
            cors=_cors(api.get("CorsConfiguration")),
            variables=_strings(stage.get("StageVariables", {})),
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


def authorizer_of(resources: Resources, route: Resource) -> Resource | None:
    """The authorizer that a route names, of whatever type."""
    for authorizer in resources.of_type("AWS::ApiGatewayV2::Authorizer"):
        if authorizer.ref == route.get("AuthorizerId") and authorizer.get("ApiId") == route.get("ApiId"):
            return authorizer
    return None


def websocket_integration(resources: Resources, integration: Resource) -> Integration | None:
    """What an integration of a WebSocket API runs. None for a type that isn't run here."""
    match integration.get("IntegrationType"):
        case "AWS_PROXY":
            return LambdaIntegration(
                function=function_name(str(integration.get("IntegrationUri"))),
                timeout_ms=int(integration.get("TimeoutInMillis", 29_000)),
                role_arn=integration.get("CredentialsArn"),
            )
        case "MOCK":
            return MockIntegration(
                request_templates=_strings(integration.get("RequestTemplates", {})),
                responses=_responses(resources, integration),
                template_selection=integration.get("TemplateSelectionExpression"),
            )
        case "AWS":
            return _service_integration(resources, integration)
    return None


def _apis(resources: Resources, protocol: str) -> Iterator[Resource]:
    for api in resources.of_type("AWS::ApiGatewayV2::Api"):
        if api.get("ProtocolType") == protocol:
            yield api


def _of_api(resources: Resources, kind: str, api: Resource) -> Iterator[Resource]:
    for resource in resources.of_type(kind):
        if resource.get("ApiId") == api.ref:
            yield resource


def _strings(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in values.items()}


def _throttle(settings: Mapping[str, Any]) -> Throttle | None:
    rate, burst = settings.get("ThrottlingRateLimit"), settings.get("ThrottlingBurstLimit")
    if rate is None and burst is None:
        return None
    return Throttle(
        rate=float(_RATE if rate is None else rate), burst=int(_BURST if burst is None else burst)
    )


def _websocket_routes(resources: Resources, api: Resource, stage: Resource) -> Iterator[WebSocketRoute]:
    answering = {
        response.get("RouteId")
        for response in _of_api(resources, "AWS::ApiGatewayV2::RouteResponse", api)
        if response.get("RouteResponseKey") == "$default"
    }
    settings = stage.get("RouteSettings", {})
    for route in _of_api(resources, "AWS::ApiGatewayV2::Route", api):
        integration = integration_of(resources, route)
        key = str(route.get("RouteKey"))
        yield WebSocketRoute(
            key=key,
            integration=None if integration is None else websocket_integration(resources, integration),
            answers=route.ref in answering and route.get("RouteResponseSelectionExpression") is not None,
            authorizer=_authorizer(resources, route),
            throttle=_throttle(settings.get(key, {})),
        )


def _authorizer(resources: Resources, route: Resource) -> LambdaAuthorizer | None:
    authorizer = authorizer_of(resources, route)
    if authorizer is None or authorizer.get("AuthorizerType") != "REQUEST":
        return None
    given = authorizer.get("IdentitySource", ())
    listed = (given,) if isinstance(given, str) else tuple(given)
    sources = tuple(source.strip() for each in listed for source in str(each).split(",") if source.strip())
    return LambdaAuthorizer(
        id=authorizer.ref,
        name=str(authorizer.get("Name", authorizer.logical_id)),
        function=function_name(str(authorizer.get("AuthorizerUri"))),
        identity_sources=sources,
        role_arn=authorizer.get("AuthorizerCredentialsArn"),
        payload_format=str(authorizer.get("AuthorizerPayloadFormatVersion", "1.0")),
        simple_responses=_is_true(authorizer.get("EnableSimpleResponses", False)),
        ttl_seconds=int(authorizer.get("AuthorizerResultTtlInSeconds", 300 if sources else 0)),
    )


def _service_integration(resources: Resources, integration: Resource) -> ServiceIntegration | None:
    uri = _SERVICE_URI.fullmatch(str(integration.get("IntegrationUri")))
    if uri is None:
        return None
    parameters = _strings(integration.get("RequestParameters", {}))
    return ServiceIntegration(
        service=uri["service"],
        path=uri["path"],
        method=str(integration.get("IntegrationMethod", "POST")),
        role_arn=integration.get("CredentialsArn"),
        headers=dict(_mapped(parameters, "integration.request.header.")),
        query=dict(_mapped(parameters, "integration.request.querystring.")),
        request_templates=_strings(integration.get("RequestTemplates", {})),
        template_selection=integration.get("TemplateSelectionExpression"),
        passes_through=integration.get("PassthroughBehavior") != "NEVER",
        responses=_responses(resources, integration),
        timeout_ms=int(integration.get("TimeoutInMillis", 29_000)),
    )


def _mapped(parameters: Mapping[str, str], prefix: str) -> Iterator[tuple[str, str]]:
    for name, value in parameters.items():
        if name.startswith(prefix):
            yield name.removeprefix(prefix), value


def _responses(resources: Resources, integration: Resource) -> dict[str, IntegrationResponse]:
    return {
        str(response.get("IntegrationResponseKey")): IntegrationResponse(
            templates=_strings(response.get("ResponseTemplates", {})),
            template_selection=(
                response.get("TemplateSelectionExpression") or integration.get("TemplateSelectionExpression")
            ),
        )
        for response in resources.of_type("AWS::ApiGatewayV2::IntegrationResponse")
        if response.get("IntegrationId") == integration.ref
    }


def _http_routes(resources: Resources, api: Resource) -> Iterator[HttpRoute]:
    if (target := api.get("Target")) is not None:
        yield HttpRoute(
            key=str(api.get("RouteKey", "$default")),
            function=function_name(str(target)),
            role_arn=api.get("CredentialsArn"),
        )
    for route in _of_api(resources, "AWS::ApiGatewayV2::Route", api):
        integration = integration_of(resources, route)
        if not is_lambda_proxy(integration):
            continue
        assert integration is not None
        yield HttpRoute(
            key=str(route.get("RouteKey")),
            function=function_name(str(integration.get("IntegrationUri"))),
            payload_format=str(integration.get("PayloadFormatVersion", "1.0")),
            timeout_ms=int(integration.get("TimeoutInMillis", 30_000)),
            role_arn=integration.get("CredentialsArn"),
            authorizer=_authorizer(resources, route),
        )


def is_lambda_proxy(integration: Resource | None) -> bool:
    """Whether an integration hands whole requests to a function, which alone HTTP APIs do here."""
    return (
        integration is not None
        and integration.get("IntegrationType") == "AWS_PROXY"
        and integration.get("IntegrationSubtype") is None
    )


def _cors(configuration: Mapping[str, Any] | None) -> Cors | None:
    if not configuration:
        return None
    max_age = configuration.get("MaxAge")
    return Cors(
        origins=tuple(configuration.get("AllowOrigins", ())),
        methods=tuple(configuration.get("AllowMethods", ())),
        headers=tuple(configuration.get("AllowHeaders", ())),
        exposed=tuple(configuration.get("ExposeHeaders", ())),
        credentials=_is_true(configuration.get("AllowCredentials", False)),
        max_age=None if max_age is None else int(max_age),
    )


def _is_true(value: Any) -> bool:
    return value is True or str(value).lower() == "true"
