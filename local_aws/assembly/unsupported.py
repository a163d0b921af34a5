"""Says what of an assembly doesn't run here, and what that means; and what needn't, with the reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from local_aws.assembly.apis import integration_of, websocket_integration
from local_aws.assembly.attributes import physical_name
from local_aws.assembly.distributions import unknown_origins
from local_aws.assembly.lambdas import function_name, reason_not_to_run, unknown_layers
from local_aws.assembly.messaging import is_fifo, why_never_due, why_refused
from local_aws.assembly.resources import Resource, Resources
from local_aws.assembly.storage import BUCKET_DEPLOYMENT, postgres_resources
from local_aws.gateway.mapping import directives
from local_aws.model import Function, Skipped, Unsupported

_RUN = {
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Authorizer",
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::IntegrationResponse",
    "AWS::ApiGatewayV2::Route",
    "AWS::ApiGatewayV2::RouteResponse",
    "AWS::ApiGatewayV2::Stage",
    "AWS::CloudFront::Distribution",
    "AWS::CloudFront::OriginRequestPolicy",
    "AWS::CloudFront::ResponseHeadersPolicy",
    "AWS::Events::Rule",
    "AWS::Lambda::Alias",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::Function",
    "AWS::Lambda::LayerVersion",
    "AWS::Lambda::Version",
    "AWS::RDS::DBCluster",
    "AWS::RDS::DBInstance",
    "AWS::S3::Bucket",
    "AWS::SQS::Queue",
    "AWS::Scheduler::Schedule",
    "AWS::SecretsManager::Secret",
    "AWS::SecretsManager::SecretTargetAttachment",
    BUCKET_DEPLOYMENT,
    "Custom::Trigger",
}

_NETWORK = "functions share this machine's network: they reach the internet here even where they can't on AWS"
_SKIPPED = {
    "AWS::ApiGateway::Account": "the role that lets API Gateway log; logs are files here",
    "AWS::ApiGatewayV2::Deployment": "stages serve what the template says at once",
    "AWS::CDK::Metadata": "statistics of the CDK",
    "AWS::CloudFront::CachePolicy": "nothing is cached here",
    "AWS::CloudFront::OriginAccessControl": "the edge reads the bucket's files itself",
    "AWS::CloudWatch::Alarm": "there are no metrics here to watch",
    "AWS::CloudWatch::Dashboard": "there are no metrics here to show",
    "AWS::IAM::ManagedPolicy": "functions aren't held to their permissions here",
    "AWS::IAM::Policy": "functions aren't held to their permissions here",
    "AWS::IAM::Role": "functions aren't held to their permissions here",
    "AWS::Lambda::Permission": "who may invoke a function isn't checked here",
    "AWS::Logs::LogGroup": "logs are files here, and kept until they are deleted",
    "AWS::Logs::MetricFilter": "there are no metrics here",
    "AWS::Logs::RetentionPolicy": "logs are files here, and kept until they are deleted",
    "AWS::RDS::DBParameterGroup": "PostgreSQL runs with settings for a laptop",
    "AWS::RDS::DBClusterParameterGroup": "PostgreSQL runs with settings for a laptop",
    "AWS::RDS::DBSubnetGroup": _NETWORK,
    "AWS::S3::BucketPolicy": "who may read a bucket isn't checked here",
    "AWS::SQS::QueuePolicy": "who may use a queue isn't checked here",
    "AWS::SecretsManager::ResourcePolicy": "who may read a secret isn't checked here",
    "AWS::SecretsManager::RotationSchedule": "secrets aren't rotated here",
    "Custom::LogRetention": "logs are files here, and kept until they are deleted",
    "Custom::S3AutoDeleteObjects": "buckets are folders here, and never deleted",
    "Custom::VpcRestrictDefaultSG": _NETWORK,
}

_MEANINGS = {
    "AWS::ApiGateway::RestApi": "REST APIs aren't served; requests to this one fail",
    "AWS::CloudFront::Function": "the edge doesn't run it: requests pass unchanged",
    "AWS::DynamoDB::Table": "calls to it fail",
    "AWS::DynamoDB::GlobalTable": "calls to it fail",
    "AWS::Lambda::Url": "the function can't be reached by this URL",
    "AWS::SNS::Topic": "calls to it fail",
    "AWS::SSM::Parameter": "references in the template resolve; calls to read it fail",
    "AWS::StepFunctions::StateMachine": "it can't be started",
    "AWS::CloudFormation::Stack": "nothing of this nested stack runs",
    "AWS::CloudFormation::CustomResource": "its provider isn't called",
}


def unsupported(resources: Resources, functions: Mapping[str, Function]) -> tuple[Unsupported, ...]:
    """What doesn't run, and will be missed."""
    return tuple(
        Unsupported(logical_id=resource.logical_id, type=resource.type, meaning=meaning)
        for resource in resources
        for meaning in _meanings(resource, functions)
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
        return _NETWORK
    return _SKIPPED.get(resource.type)


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
        case "AWS::Lambda::EventSourceMapping" if ":sqs:" not in str(resource.get("EventSourceArn")):
            yield "only queues invoke functions here: this source's events don't arrive"
        case "AWS::Lambda::EventSourceMapping" if (reason := why_refused(resource, functions)) is not None:
            yield f"AWS refuses it: {reason}"
        case "AWS::SQS::Queue" if is_fifo(resource):
            yield "FIFO queues aren't run: calls to this one fail"
        case "AWS::Events::Rule" if resource.get("ScheduleExpression") is None:
            yield "only rules on a clock run: events never match this one"
        case "AWS::Events::Rule" | "AWS::Scheduler::Schedule":
            yield from _of_targets(resource, functions)
        case "AWS::ApiGatewayV2::Integration" | "AWS::ApiGatewayV2::IntegrationResponse":
            yield from _of_templates(resource)
        case "AWS::CloudFront::Distribution":
            for host in unknown_origins(resource):
                yield f"its origin {host} is no API or bucket of the assembly: its paths answer 404"
        case "AWS::RDS::DBInstance" | "AWS::RDS::DBCluster":
            engine = str(resource.get("Engine", ""))
            if resource not in postgres_resources(resource.scope.all) and "postgres" not in engine:
                yield f"only PostgreSQL runs here, and its engine is {engine}"
        case kind if kind not in _RUN:
            default = "its provider isn't called" if kind.startswith("Custom::") else "what uses it fails"
            yield _MEANINGS.get(kind, default)


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
