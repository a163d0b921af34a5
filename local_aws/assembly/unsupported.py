"""Says what of an assembly doesn't run here, and what that means; and what needn't, with the reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from local_aws.assembly.apis import integration_of, websocket_integration
from local_aws.assembly.attributes import physical_name
from local_aws.assembly.aws_calls import SUBSCRIBERS, is_table_stream
from local_aws.assembly.distributions import unknown_origins
from local_aws.assembly.lambdas import function_name, reason_not_to_run, unknown_layers
from local_aws.assembly.messaging import why_never_due, why_refused
from local_aws.assembly.resource_types import MEANINGS, NETWORK, RUN, SKIPPED
from local_aws.assembly.resources import Resource, Resources
from local_aws.assembly.scopes import NESTED_STACK
from local_aws.assembly.storage import postgres_resources
from local_aws.gateway.mapping import directives
from local_aws.model import Function, Skipped, Unsupported


def unsupported(resources: Resources, functions: Mapping[str, Function]) -> tuple[Unsupported, ...]:
    """What doesn't run, and will be missed."""
    missed = (
        Unsupported(logical_id=resource.logical_id, type=resource.type, meaning=meaning)
        for resource in resources
        for meaning in _meanings(resource, functions)
    )
    return (*missed, *_elsewhere(resources))


def _elsewhere(resources: Resources) -> Iterator[Unsupported]:
    """Stacks of another region than the one in which everything runs here."""
    for scope in resources.scopes:
        region = scope.stack.region
        if region is not None and region != resources.region:
            yield Unsupported(
                logical_id=scope.stack.name,
                type=NESTED_STACK,
                meaning=f"it is for {region}, and everything runs as if in {resources.region} here",
            )


def skipped(resources: Resources, functions: Mapping[str, Function]) -> tuple[Skipped, ...]:
    """What has no part in a stack on one machine."""
    return tuple(
        Skipped(logical_id=resource.logical_id, type=resource.type, reason=reason)
        for resource in resources
        if (reason := _reason(resource)) is not None
    )


def _reason(resource: Resource) -> str | None:
    if resource.type == "AWS::Lambda::Function":
        reason = reason_not_to_run(resource)
        return reason if reason is not None and "custom resources" in reason else None
    if resource.type == "AWS::Lambda::LayerVersion" and not _layer_users(resource):
        return "only functions use it that don't run here"
    if resource.type.startswith("AWS::EC2::"):
        return NETWORK
    return SKIPPED.get(resource.type)


def _meanings(resource: Resource, functions: Mapping[str, Function]) -> Iterator[str]:
    if _reason(resource) is not None:
        return
    match resource.type:
        case "AWS::Lambda::Function" if (reason := reason_not_to_run(resource)) is not None:
            yield f"invocations of {physical_name(resource)} fail: {reason}"
        case "AWS::Lambda::Function":
            for layer in unknown_layers(resource):
                yield f"its layer {layer} isn't in the assembly: what it brings must be installed here"
        case "AWS::ApiGatewayV2::Route":
            yield from _of_route(resource, functions)
        case "AWS::ApiGatewayV2::Authorizer" if (kind := resource.get("AuthorizerType")) != "REQUEST":
            yield f"{kind} authorizers aren't run: its routes are open to everyone here"
        case "AWS::Lambda::EventSourceMapping" if not _is_run(resource):
            yield "only queues and tables invoke functions here: this source's events don't arrive"
        case "AWS::Lambda::EventSourceMapping" if (reason := why_refused(resource, functions)) is not None:
            yield f"AWS refuses it: {reason}"
        case "AWS::SNS::Subscription":
            yield from _of_subscriber(str(resource.get("Protocol")), str(resource.get("Endpoint")))
        case "AWS::SNS::Topic":
            for item in resource.get("Subscription", ()):
                yield from _of_subscriber(item["Protocol"], str(item["Endpoint"]))
        case "AWS::Events::Rule" if resource.get("ScheduleExpression") is None:
            yield "only rules on a clock run: events never match this one"
        case "AWS::Events::Rule" | "AWS::Scheduler::Schedule":
            yield from _of_targets(resource, functions)
        case "AWS::ApiGatewayV2::Integration" | "AWS::ApiGatewayV2::IntegrationResponse":
            yield from _of_templates(resource)
        case "AWS::CloudFormation::Stack" if resource.logical_id not in resource.scope.nested:
            yield "nothing of it runs: its template isn't in the assembly"
        case "AWS::CloudFront::Distribution":
            for host in unknown_origins(resource):
                yield f"its origin {host} is no API or bucket of the assembly: its paths answer 404"
        case "AWS::RDS::DBInstance" | "AWS::RDS::DBCluster":
            engine = str(resource.get("Engine", ""))
            if resource not in postgres_resources(resource.scope.all) and "postgres" not in engine:
                yield f"only PostgreSQL runs here, and its engine is {engine}"
        case kind if kind not in RUN:
            default = "its provider isn't called" if kind.startswith("Custom::") else "what uses it fails"
            yield MEANINGS.get(kind, default)


def _is_run(mapping: Resource) -> bool:
    return ":sqs:" in str(mapping.get("EventSourceArn")) or is_table_stream(mapping)


def _of_subscriber(protocol: str, endpoint: str) -> Iterator[str]:
    if protocol not in SUBSCRIBERS:
        yield f"nothing is sent to its subscriber {endpoint}: no {protocol} leaves this machine"


def _of_route(route: Resource, functions: Mapping[str, Function]) -> Iterator[str]:
    key = route.get("RouteKey")
    integration = integration_of(route.scope.all, route)
    if integration is None:
        yield f"the route {key} has no integration"
    elif (kind := integration.get("IntegrationType")) == "AWS_PROXY":
        name = function_name(str(integration.get("IntegrationUri")))
        if name in functions and not _may_be_invoked(route.scope.all, functions[name]):
            yield f"nothing permits API Gateway to invoke {name}: on AWS its route {key} answers 500"
        if integration.get("IntegrationSubtype") is not None:
            yield f"its route {key} calls {integration.get('IntegrationSubtype')} itself, which isn't run"
    elif websocket_integration(route.scope.all, integration) is None:
        yield f"its route {key} has an integration of type {kind}, which isn't run: requests to it fail"
    if route.get("AuthorizationType") == "AWS_IAM":
        yield f"its route {key} asks for signed requests, which isn't checked: everyone gets in"


def _of_templates(resource: Resource) -> Iterator[str]:
    for name in ("RequestTemplates", "ResponseTemplates"):
        for template in resource.get(name, {}).values():
            if found := directives(str(template)):
                yield f"one of its {name} uses {', '.join(found)}: directives aren't followed"


def _may_be_invoked(resources: Resources, function: Function) -> bool:
    return any(
        permission.get("Principal") == "apigateway.amazonaws.com"
        and function_name(str(permission.get("FunctionName"))) == function.name
        for permission in resources.of_type("AWS::Lambda::Permission")
    )


def _of_targets(resource: Resource, functions: Mapping[str, Function]) -> Iterator[str]:
    timezone = str(resource.get("ScheduleExpressionTimezone", "UTC"))
    if reason := why_never_due(str(resource.get("ScheduleExpression")), timezone):
        yield f"it never runs: {reason}"
    targets = resource.get("Targets") or [resource.get("Target")]
    for target in targets:
        if ":sqs:" not in str(target["Arn"]) and function_name(str(target["Arn"])) not in functions:
            yield f"its target {target['Arn']} is no function or queue that runs here"


def _layer_users(layer: Resource) -> bool:
    return any(
        layer.ref in function.get("Layers", ())
        for function in layer.scope.all.of_type("AWS::Lambda::Function")
        if reason_not_to_run(function) is None
    )
