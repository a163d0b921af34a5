"""Tables, buckets, topics, parameters and secrets, as the calls to AWS's APIs that make them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from local_aws.assembly import attributes
from local_aws.assembly.attributes import physical_name
from local_aws.assembly.lambdas import function_name
from local_aws.assembly.resources import Resource, Resources
from local_aws.model import AwsCall, Function, StreamSource

TABLES = ("AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable")
BUCKET_NOTIFICATIONS = "Custom::S3BucketNotifications"
# To whom a topic's messages go on this machine.
SUBSCRIBERS = ("lambda", "sqs")

_INDEX = ("IndexName", "KeySchema", "Projection")


def aws_calls(resources: Resources) -> tuple[AwsCall, ...]:
    """The calls, in an order in which each finds what it needs."""
    return (
        *(call for table in resources.of_type(*TABLES) for call in _table(table)),
        *(call for topic in resources.of_type("AWS::SNS::Topic") for call in _topic(topic, resources)),
        *(_subscription(item) for item in resources.of_type("AWS::SNS::Subscription")),
        *(call for bucket in resources.of_type("AWS::S3::Bucket") for call in _bucket(bucket)),
        *(_bucket_notifications(item) for item in resources.of_type(BUCKET_NOTIFICATIONS)),
        *(_parameter(parameter) for parameter in resources.of_type("AWS::SSM::Parameter")),
        *(_secret(secret) for secret in resources.of_type("AWS::SecretsManager::Secret")),
        *_master_secrets(resources),
    )


def stream_sources(resources: Resources, functions: Mapping[str, Function]) -> tuple[StreamSource, ...]:
    """The enabled mappings from tables' streams to functions that run here."""
    return tuple(
        _stream_source(resource)
        for resource in resources.of_type("AWS::Lambda::EventSourceMapping")
        if is_table_stream(resource)
        and function_name(str(resource.get("FunctionName"))) in functions
        and resource.get("Enabled", True) not in (False, "false")
    )


def is_table_stream(mapping: Resource) -> bool:
    """Whether an event source mapping's source is a DynamoDB stream."""
    source = str(mapping.get("EventSourceArn"))
    return ":dynamodb:" in source and "/stream/" in source


def _call(
    resource: Resource,
    service: str,
    operation: str,
    *,
    arn: str | None = None,
    eager: bool = False,
    **parameters: Any,
) -> AwsCall:
    return AwsCall(
        resource=f"{resource.type} {resource.logical_id}",
        service=service,
        operation=operation,
        parameters={name: value for name, value in parameters.items() if value is not None},
        arn=arn,
        eager=eager,
    )


def _tags(resource: Resource) -> list[dict[str, str]] | None:
    tags = resource.get("Tags")
    if isinstance(tags, Mapping):
        return [{"Key": key, "Value": value} for key, value in tags.items()]
    return [{"Key": tag["Key"], "Value": tag["Value"]} for tag in tags] if tags else None


def _table(resource: Resource) -> Iterator[AwsCall]:
    name = physical_name(resource)
    capacity = resource.get("ProvisionedThroughput")
    # A GlobalTable's capacity is its autoscaling's, which has nothing to do here.
    on_demand = capacity is None or resource.get("BillingMode") == "PAY_PER_REQUEST"
    view = resource.get("StreamSpecification", {}).get("StreamViewType")

    def index(given: Mapping[str, Any], *, has_capacity: bool) -> dict[str, Any]:
        made = {member: given[member] for member in _INDEX if member in given}
        return (
            made | {"ProvisionedThroughput": given.get("ProvisionedThroughput", capacity)}
            if has_capacity
            else made
        )

    local = [index(given, has_capacity=False) for given in resource.get("LocalSecondaryIndexes", ())]
    everywhere = [
        index(given, has_capacity=not on_demand) for given in resource.get("GlobalSecondaryIndexes", ())
    ]
    yield _call(
        resource,
        "dynamodb",
        "CreateTable",
        arn=attributes.stream_arn(resource) if view else None,
        eager=True,
        TableName=name,
        AttributeDefinitions=resource.get("AttributeDefinitions"),
        KeySchema=resource.get("KeySchema"),
        LocalSecondaryIndexes=local or None,
        GlobalSecondaryIndexes=everywhere or None,
        BillingMode="PAY_PER_REQUEST" if on_demand else "PROVISIONED",
        ProvisionedThroughput=None if on_demand else capacity,
        StreamSpecification={"StreamEnabled": True, "StreamViewType": view} if view else None,
        DeletionProtectionEnabled=resource.get("DeletionProtectionEnabled"),
    )
    if (ttl := resource.get("TimeToLiveSpecification")) and ttl.get("Enabled") in (True, "true"):
        yield _call(
            resource,
            "dynamodb",
            "UpdateTimeToLive",
            TableName=name,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": ttl["AttributeName"]},
        )


def _topic(resource: Resource, resources: Resources) -> Iterator[AwsCall]:
    inline = resource.get("Subscription", ())
    protocols = {item["Protocol"] for item in inline} | {
        item.get("Protocol")
        for item in resources.of_type("AWS::SNS::Subscription")
        if item.get("TopicArn") == resource.ref
    }
    given = {
        attribute: _attribute(resource.get(attribute))
        for attribute in ("DisplayName", "FifoTopic", "ContentBasedDeduplication")
        if resource.get(attribute) is not None
    }
    yield _call(
        resource,
        "sns",
        "CreateTopic",
        # One that only people hear of, such as an alarm's, can wait.
        eager=bool(protocols & set(SUBSCRIBERS)),
        Name=physical_name(resource),
        Attributes=given or None,
        Tags=_tags(resource),
    )
    for subscription in inline:
        yield _call(
            resource,
            "sns",
            "Subscribe",
            TopicArn=resource.ref,
            Protocol=subscription["Protocol"],
            Endpoint=subscription["Endpoint"],
        )


def _subscription(resource: Resource) -> AwsCall:
    given = {
        attribute: _attribute(value)
        for attribute in ("FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy")
        if (value := resource.get(attribute)) is not None
    }
    return _call(
        resource,
        "sns",
        "Subscribe",
        TopicArn=resource.get("TopicArn"),
        Protocol=resource.get("Protocol"),
        Endpoint=resource.get("Endpoint"),
        Attributes=given or None,
    )


def _attribute(value: Any) -> str:
    """As SNS takes its attributes: all of them strings."""
    return value if isinstance(value, str) else json.dumps(value)


def _bucket(resource: Resource) -> Iterator[AwsCall]:
    name, region = physical_name(resource), resource.scope.all.region
    elsewhere = {"LocationConstraint": region} if region != "us-east-1" else None
    yield _call(resource, "s3", "CreateBucket", Bucket=name, CreateBucketConfiguration=elsewhere)
    if status := resource.get("VersioningConfiguration", {}).get("Status"):
        yield _call(
            resource, "s3", "PutBucketVersioning", Bucket=name, VersioningConfiguration={"Status": status}
        )
    if rules := resource.get("CorsConfiguration", {}).get("CorsRules"):
        yield _call(
            resource,
            "s3",
            "PutBucketCors",
            Bucket=name,
            CORSConfiguration={"CORSRules": [_cors_rule(rule) for rule in rules]},
        )
    if (configuration := resource.get("NotificationConfiguration")) is not None:
        yield _notifications(resource, name, _notification_configuration(configuration))


def _cors_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    renamed = {"ExposedHeaders": "ExposeHeaders", "Id": "ID", "MaxAge": "MaxAgeSeconds"}
    return {renamed.get(name, name): value for name, value in rule.items()}


def _notification_configuration(given: Mapping[str, Any]) -> dict[str, Any]:
    """A bucket's own property in the words of the API."""
    kinds = {
        "LambdaConfigurations": ("LambdaFunctionConfigurations", "Function", "LambdaFunctionArn"),
        "QueueConfigurations": ("QueueConfigurations", "Queue", "QueueArn"),
        "TopicConfigurations": ("TopicConfigurations", "Topic", "TopicArn"),
    }
    made: dict[str, Any] = {}
    for kind, (name, target, arn) in kinds.items():
        for item in given.get(kind, ()):
            configuration: dict[str, Any] = {arn: item[target], "Events": [item["Event"]]}
            if rules := item.get("Filter", {}).get("S3Key", {}).get("Rules"):
                configuration["Filter"] = {"Key": {"FilterRules": rules}}
            made.setdefault(name, []).append(configuration)
    return made


def _bucket_notifications(resource: Resource) -> AwsCall:
    """The custom resource by which the CDK gives buckets their notifications."""
    return _notifications(
        resource, str(resource.get("BucketName")), resource.get("NotificationConfiguration", {})
    )


def _notifications(resource: Resource, bucket: str, configuration: Mapping[str, Any]) -> AwsCall:
    kept = {
        kind: [_with_lower_case_rules(item) for item in items]
        for kind, items in configuration.items()
        if kind != "EventBridgeConfiguration"
    }
    return _call(
        resource,
        "s3",
        "PutBucketNotificationConfiguration",
        eager=True,
        Bucket=bucket,
        NotificationConfiguration=kept,
    )


def _with_lower_case_rules(configuration: Mapping[str, Any]) -> dict[str, Any]:
    rules = configuration.get("Filter", {}).get("Key", {}).get("FilterRules")
    if not rules:
        return dict(configuration)
    lowered = [{"Name": rule["Name"].lower(), "Value": rule["Value"]} for rule in rules]
    return {**configuration, "Filter": {"Key": {"FilterRules": lowered}}}


def _parameter(resource: Resource) -> AwsCall:
    return _call(
        resource,
        "ssm",
        "PutParameter",
        Name=physical_name(resource),
        Type=resource.get("Type", "String"),
        Value=str(resource.get("Value")),
        Description=resource.get("Description"),
    )


def _secret(resource: Resource) -> AwsCall:
    return _call(
        resource,
        "secretsmanager",
        "CreateSecret",
        arn=attributes.ref(resource),
        Name=physical_name(resource),
        SecretString=attributes.secret_string(resource),
    )


def _master_secrets(resources: Resources) -> Iterator[AwsCall]:
    """What RDS keeps for master users, which no resource declares."""
    for resource in resources.of_type("AWS::RDS::DBInstance", "AWS::RDS::DBCluster"):
        if resource.get("ManageMasterUserPassword") in (True, "true"):
            arn = attributes.master_secret_arn(resource)
            yield _call(
                resource,
                "secretsmanager",
                "CreateSecret",
                arn=arn,
                Name=arn.split(":secret:")[1].rpartition("-")[0],
                SecretString=attributes.master_secret_string(resource),
            )


def _stream_source(resource: Resource) -> StreamSource:
    def limit(name: str) -> int | None:
        value = int(resource.get(name, -1))
        return None if value < 0 else value

    filters = resource.get("FilterCriteria", {}).get("Filters", ())
    return StreamSource(
        stream_arn=str(resource.get("EventSourceArn")),
        function=function_name(str(resource.get("FunctionName"))),
        batch_size=int(resource.get("BatchSize", 100)),
        window_seconds=int(resource.get("MaximumBatchingWindowInSeconds", 0)),
        bisects=resource.get("BisectBatchOnFunctionError") in (True, "true"),
        maximum_retries=limit("MaximumRetryAttempts"),
        maximum_age=limit("MaximumRecordAgeInSeconds"),
        on_failure=resource.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination"),
        reports_batch_item_failures="ReportBatchItemFailures" in resource.get("FunctionResponseTypes", ()),
        patterns=tuple(json.loads(item["Pattern"]) for item in filters if item.get("Pattern")),
    )
