"""What of the types that run here isn't run, and what that means: a check for each type."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from local_aws.assembly.apis import integration_of, websocket_integration
from local_aws.assembly.attributes import physical_name
from local_aws.assembly.aws_calls import BUCKET_NOTIFICATIONS, SUBSCRIBERS, is_table_stream
from local_aws.assembly.distributions import unknown_origins
from local_aws.assembly.lambdas import function_name, reason_not_to_run, unknown_layers
from local_aws.assembly.messaging import why_never_due, why_refused
from local_aws.assembly.resources import Resource, Resources
from local_aws.assembly.scopes import NESTED_STACK
from local_aws.assembly.storage import BUCKET_DEPLOYMENT, postgres_resources
from local_aws.gateway.mapping import directives
from local_aws.model import Function

Functions = Mapping[str, Function]
Check = Callable[[Resource, Functions], Iterator[str]]


def missing_parts(resource: Resource, functions: Functions) -> Iterator[str]:
    """The meanings of what isn't run of a resource whose type is. `functions` are those that run."""
    check = _CHECKS.get(resource.type)
    return iter(()) if check is None else check(resource, functions)


def _api(resource: Resource, _: Functions) -> Iterator[str]:
    if resource.get("Body") or resource.get("BodyS3Location"):
        yield "the routes of its OpenAPI definition aren't served"


def _authorizer(resource: Resource, _: Functions) -> Iterator[str]:
    if (kind := resource.get("AuthorizerType")) != "REQUEST":
        yield f"{kind} authorizers aren't run: its routes are open to everyone here"


def _route(route: Resource, functions: Functions) -> Iterator[str]:
    key = route.get("RouteKey")
    integration = integration_of(route.scope.all, route)
    if integration is None:
        yield f"the route {key} has no integration"
    elif (kind := integration.get("IntegrationType")) == "AWS_PROXY":
        name = function_name(str(integration.get("IntegrationUri")))
        if name in functions and not _may_be_invoked(route.scope.all, functions[name]):
            yield f"nothing permits API Gateway to invoke {name}: its route {key} answers 500, as on AWS"
        if integration.get("IntegrationSubtype") is not None:
            yield f"its route {key} calls {integration.get('IntegrationSubtype')} itself, which isn't run"
    elif websocket_integration(route.scope.all, integration) is None:
        yield f"its route {key} has an integration of type {kind}, which isn't run: requests to it fail"
    if route.get("AuthorizationType") == "AWS_IAM":
        yield f"its route {key} asks for signed requests, which isn't checked: everyone gets in"
    if str(route.get("ApiKeyRequired", False)).lower() == "true":
        yield f"its route {key} asks for an API key, which isn't checked: everyone gets in"
    if route.get("RequestModels"):
        yield f"the models of its route {key} aren't checked: every message gets through"


def _may_be_invoked(resources: Resources, function: Function) -> bool:
    return any(
        permission.get("Principal") == "apigateway.amazonaws.com"
        and function_name(str(permission.get("FunctionName"))) == function.name
        for permission in resources.of_type("AWS::Lambda::Permission")
    )


def _templates(resource: Resource, _: Functions) -> Iterator[str]:
    for name in ("RequestTemplates", "ResponseTemplates"):
        for template in resource.get(name, {}).values():
            if found := directives(str(template)):
                yield f"one of its {name} uses {', '.join(found)}: directives aren't followed"


def _function(resource: Resource, _: Functions) -> Iterator[str]:
    if (reason := reason_not_to_run(resource)) is not None:
        yield f"invocations of {physical_name(resource)} fail: {reason}"
        return
    for layer in unknown_layers(resource):
        yield f"its layer {layer} isn't in the assembly: what it brings must be installed here"


def _event_source_mapping(resource: Resource, functions: Functions) -> Iterator[str]:
    if ":sqs:" not in str(resource.get("EventSourceArn")) and not is_table_stream(resource):
        yield "only queues and tables invoke functions here: this source's events don't arrive"
    elif (reason := why_refused(resource, functions)) is not None:
        yield f"AWS refuses it: {reason}"


def _subscription(resource: Resource, functions: Functions) -> Iterator[str]:
    yield from _subscriber(str(resource.get("Protocol")), str(resource.get("Endpoint")), functions)


def _topic(resource: Resource, functions: Functions) -> Iterator[str]:
    for item in resource.get("Subscription", ()):
        yield from _subscriber(item["Protocol"], str(item["Endpoint"]), functions)


def _subscriber(protocol: str, endpoint: str, functions: Functions) -> Iterator[str]:
    if protocol not in SUBSCRIBERS:
        yield f"nothing is sent to its subscriber {endpoint}: no {protocol} leaves this machine"
    elif protocol == "lambda" and function_name(endpoint) not in functions:
        yield f"its subscriber {endpoint} is no function that runs here"


def _table(resource: Resource, _: Functions) -> Iterator[str]:
    if resource.get("KinesisStreamSpecification"):
        yield "its changes aren't sent to Kinesis"
    if resource.get("ImportSourceSpecification"):
        yield "nothing is imported into it: it begins empty"


def _bucket(resource: Resource, _: Functions) -> Iterator[str]:
    if "EventBridgeConfiguration" in resource.get("NotificationConfiguration", {}):
        yield "its events aren't sent to EventBridge"
    if resource.get("ReplicationConfiguration"):
        yield "its objects aren't replicated"


def _bucket_deployment(resource: Resource, _: Functions) -> Iterator[str]:
    if resource.get("Extract") in (False, "false"):
        yield "its archives are unpacked here, though it says that they shouldn't be"


def _rule(resource: Resource, functions: Functions) -> Iterator[str]:
    if resource.get("ScheduleExpression") is None:
        yield "only rules on a clock run: events never match this one"
    else:
        yield from _schedule(resource, functions)


def _schedule(resource: Resource, functions: Functions) -> Iterator[str]:
    timezone = str(resource.get("ScheduleExpressionTimezone", "UTC"))
    if reason := why_never_due(str(resource.get("ScheduleExpression")), timezone):
        yield f"it never runs: {reason}"
    targets = resource.get("Targets") or [resource.get("Target")]
    for target in targets:
        if ":sqs:" not in str(target["Arn"]) and function_name(str(target["Arn"])) not in functions:
            yield f"its target {target['Arn']} is no function or queue that runs here"


def _nested_stack(resource: Resource, _: Functions) -> Iterator[str]:
    if resource.logical_id not in resource.scope.nested:
        yield "nothing of it runs: its template isn't in the assembly"


def _distribution(resource: Resource, _: Functions) -> Iterator[str]:
    for host in unknown_origins(resource):
        yield f"its origin {host} is no API or bucket of the assembly: its paths answer 404"


def _database(resource: Resource, _: Functions) -> Iterator[str]:
    engine = str(resource.get("Engine", ""))
    if resource not in postgres_resources(resource.scope.all) and "postgres" not in engine:
        yield f"only PostgreSQL runs here, and its engine is {engine}"


_CHECKS: dict[str, Check] = {
    "AWS::ApiGatewayV2::Api": _api,
    "AWS::ApiGatewayV2::Authorizer": _authorizer,
    "AWS::ApiGatewayV2::Integration": _templates,
    "AWS::ApiGatewayV2::IntegrationResponse": _templates,
    "AWS::ApiGatewayV2::Route": _route,
    "AWS::CloudFront::Distribution": _distribution,
    "AWS::DynamoDB::GlobalTable": _table,
    "AWS::DynamoDB::Table": _table,
    "AWS::Events::Rule": _rule,
    "AWS::Lambda::EventSourceMapping": _event_source_mapping,
    "AWS::Lambda::Function": _function,
    "AWS::RDS::DBCluster": _database,
    "AWS::RDS::DBInstance": _database,
    "AWS::S3::Bucket": _bucket,
    "AWS::SNS::Subscription": _subscription,
    "AWS::SNS::Topic": _topic,
    "AWS::Scheduler::Schedule": _schedule,
    BUCKET_DEPLOYMENT: _bucket_deployment,
    BUCKET_NOTIFICATIONS: _bucket,
    NESTED_STACK: _nested_stack,
}
