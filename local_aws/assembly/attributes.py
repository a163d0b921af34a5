"""What `Ref` and `Fn::GetAtt` of each type of resource come to on this machine."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from local_aws.assembly.site import stable_id
from local_aws.assembly.unresolved import Unresolved

if TYPE_CHECKING:
    from local_aws.assembly.resources import Resource

_Value = Callable[["Resource"], str]


def ref(resource: Resource) -> str:
    """The value of `Ref`."""
    special = _REFS.get(resource.type)
    return special(resource) if special is not None else physical_name(resource)


def attribute(resource: Resource, name: str) -> str:
    """The value of `Fn::GetAtt`. Types that don't run here have made-up ones, so that references resolve."""
    special = _ATTRIBUTES.get((resource.type, name))
    if special is not None:
        return special(resource)
    if name.endswith("Arn"):
        return arn(resource)
    if name in ("Id", "Name") or name.endswith(("Id", "Name")):
        return physical_name(resource)
    if resource.type in _EXACT:
        raise Unresolved(f"{resource.type} {resource.logical_id} has no attribute {name} here")
    return f"{physical_name(resource)}.{name}"


def physical_name(resource: Resource) -> str:
    """The name that the template gives, or one as CloudFormation would make it."""
    named = _NAME_PROPERTIES.get(resource.type)
    if named is not None and (name := resource.get(named)) is not None:
        return str(name)
    stack, logical_id = resource.scope.stack.name, resource.logical_id
    unique = stable_id(stack, logical_id, length=12)
    if resource.type == "AWS::S3::Bucket":
        return f"{stack}-{logical_id}".lower()[:50] + f"-{unique}"
    suffix = ".fifo" if resource.type == "AWS::SQS::Queue" and resource.get("FifoQueue") else ""
    return f"{stack[:24].rstrip('-')}-{logical_id[:24]}-{unique}{suffix}"


def arn(resource: Resource) -> str:
    """An ARN of the right shape."""
    _, service, kind = (
        resource.type.split("::", 2) if resource.type.count("::") == 2 else ("", "custom", "resource")
    )
    prefix = f"arn:aws:{service.lower()}:{resource.scope.all.region}:{resource.scope.all.account}"
    return f"{prefix}:{kind.lower()}/{physical_name(resource)}"


def api_id(resource: Resource) -> str:
    return stable_id(resource.scope.stack.name, resource.logical_id)


def api_host(resource: Resource) -> str:
    return f"{api_id(resource)}.execute-api.{resource.scope.all.region}.amazonaws.com"


def secret_string(resource: Resource) -> str:
    """A Secret's string, with what an attachment adds to it."""
    literal = resource.get("SecretString")
    value = str(literal) if literal is not None else _generated(resource)
    for attachment in resource.scope.all.of_type("AWS::SecretsManager::SecretTargetAttachment"):
        if attachment.get("SecretId") != resource.ref:
            continue
        for target in resource.scope.all.of_type("AWS::RDS::DBInstance", "AWS::RDS::DBCluster"):
            if attachment.get("TargetId") == target.ref:
                connection = {
                    "engine": "postgres",
                    "host": "127.0.0.1",
                    "port": resource.scope.all.site.database_port,
                    "dbname": target.get("DBName") or target.get("DatabaseName") or "postgres",
                    "dbInstanceIdentifier": target.ref,
                }
                value = json.dumps(json.loads(value) | connection)
    return value


def master_secret_arn(resource: Resource) -> str:
    region, account = resource.scope.all.region, resource.scope.all.account
    return (
        f"arn:aws:secretsmanager:{region}:{account}:secret:rds!db-{_key(resource).replace('/', '-')}-local1"
    )


def master_secret_string(resource: Resource) -> str:
    """What RDS keeps for a master user whose password it manages."""
    template = json.dumps({"username": str(resource.get("MasterUsername"))})
    options = {
        "SecretStringTemplate": template,
        "GenerateStringKey": "password",
        "ExcludeCharacters": "/@\"' \\",
        "PasswordLength": 28,
    }
    return resource.scope.all.site.secrets.generated(f"{_key(resource)}/master", options)


def _generated(resource: Resource) -> str:
    options = resource.get("GenerateSecretString", {})
    return resource.scope.all.site.secrets.generated(_key(resource), options)


def _key(resource: Resource) -> str:
    return f"{resource.scope.stack.name}/{resource.logical_id}"


def _account_arn(service: str, kind: str) -> _Value:
    def make(resource: Resource) -> str:
        region, account = resource.scope.all.region, resource.scope.all.account
        return f"arn:aws:{service}:{region}:{account}:{kind}{physical_name(resource)}"

    return make


def _secret_arn(resource: Resource) -> str:
    region, account = resource.scope.all.region, resource.scope.all.account
    return f"arn:aws:secretsmanager:{region}:{account}:secret:{physical_name(resource)}-local1"


def stream_arn(resource: Resource) -> str:
    """The ARN of a table's stream. Its label is a time, here always the same."""
    return f"{_account_arn('dynamodb', 'table/')(resource)}/stream/2026-01-01T00:00:00.000"


def _version_arn(resource: Resource) -> str:
    return f"{function_arn(resource)}:1"


def _alias_arn(resource: Resource) -> str:
    return f"{function_arn(resource)}:{resource.get('Name')}"


def function_arn(resource: Resource) -> str:
    """The ARN of the function that a Version, Alias or other resource belongs to."""
    given = str(resource.get("FunctionName"))
    if given.startswith("arn:"):
        return given
    return f"arn:aws:lambda:{resource.scope.all.region}:{resource.scope.all.account}:function:{given}"


def _queue_url(resource: Resource) -> str:
    every = resource.scope.all
    return f"http://127.0.0.1:{every.site.endpoint_port}/{every.account}/{physical_name(resource)}"


def _api_endpoint(resource: Resource) -> str:
    scheme = "wss" if resource.get("ProtocolType") == "WEBSOCKET" else "https"
    return f"{scheme}://{api_host(resource)}"


def _bucket_host(regional: bool) -> _Value:
    def make(resource: Resource) -> str:
        region = f".{resource.scope.all.region}" if regional else ""
        return f"{physical_name(resource)}.s3{region}.amazonaws.com"

    return make


def _dual_stack_host(resource: Resource) -> str:
    return f"{physical_name(resource)}.s3.dualstack.{resource.scope.all.region}.amazonaws.com"


def _website(resource: Resource) -> str:
    return f"http://{physical_name(resource)}.s3-website-{resource.scope.all.region}.amazonaws.com"


def _role_arn(resource: Resource) -> str:
    path = str(resource.get("Path", "/"))
    return f"arn:aws:iam::{resource.scope.all.account}:role{path}{physical_name(resource)}"


def _managed_policy_arn(resource: Resource) -> str:
    path = str(resource.get("Path", "/"))
    return f"arn:aws:iam::{resource.scope.all.account}:policy{path}{physical_name(resource)}"


def _rule_arn(resource: Resource) -> str:
    bus = resource.get("EventBusName")
    middle = "" if bus in (None, "default") else f"{bus}/"
    return (
        f"arn:aws:events:{resource.scope.all.region}:{resource.scope.all.account}"
        f":rule/{middle}{physical_name(resource)}"
    )


def _schedule_arn(resource: Resource) -> str:
    group = resource.get("GroupName", "default")
    return (
        f"arn:aws:scheduler:{resource.scope.all.region}:{resource.scope.all.account}"
        f":schedule/{group}/{physical_name(resource)}"
    )


def _distribution_id(resource: Resource) -> str:
    return "E" + stable_id(resource.scope.stack.name, resource.logical_id, length=13).upper()


def _distribution_domain(resource: Resource) -> str:
    return f"127.0.0.1:{resource.scope.all.site.port}"


def _constant(value: str) -> _Value:
    return lambda _: value


def _database_port(resource: Resource) -> str:
    return str(resource.scope.all.site.database_port)


def _database_id(resource: Resource) -> str:
    return "db-" + stable_id(_key(resource), length=26).upper()


def _attached_secret(resource: Resource) -> str:
    return str(resource.get("SecretId"))


def _parameter_value(resource: Resource) -> str:
    return str(resource.get("Value"))


def _short_id(resource: Resource) -> str:
    return stable_id(_key(resource), length=7)


_NAME_PROPERTIES = {
    "AWS::CloudFormation::CustomResource": "PhysicalResourceId",
    "AWS::DynamoDB::GlobalTable": "TableName",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::Events::EventBus": "Name",
    "AWS::Events::Rule": "Name",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::RDS::DBCluster": "DBClusterIdentifier",
    "AWS::RDS::DBInstance": "DBInstanceIdentifier",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::SSM::Parameter": "Name",
    "AWS::Scheduler::Schedule": "Name",
    "AWS::SecretsManager::Secret": "Name",
}

_REFS: dict[str, _Value] = {
    "AWS::ApiGatewayV2::Api": api_id,
    "AWS::ApiGatewayV2::Integration": _short_id,
    "AWS::ApiGatewayV2::IntegrationResponse": _short_id,
    "AWS::ApiGatewayV2::Route": _short_id,
    "AWS::ApiGatewayV2::RouteResponse": _short_id,
    "AWS::ApiGatewayV2::Stage": lambda resource: str(resource.get("StageName")),
    "AWS::CloudFront::Distribution": _distribution_id,
    "AWS::IAM::ManagedPolicy": _managed_policy_arn,
    "AWS::Lambda::Alias": _alias_arn,
    "AWS::Lambda::Version": _version_arn,
    "AWS::SNS::Topic": _account_arn("sns", ""),
    "AWS::SQS::Queue": _queue_url,
    "AWS::SecretsManager::Secret": _secret_arn,
    "AWS::SecretsManager::SecretTargetAttachment": _attached_secret,
}

_ATTRIBUTES: dict[tuple[str, str], _Value] = {
    ("AWS::ApiGatewayV2::Api", "ApiEndpoint"): _api_endpoint,
    ("AWS::ApiGatewayV2::Api", "ApiId"): api_id,
    ("AWS::CloudFront::Distribution", "DomainName"): _distribution_domain,
    ("AWS::CloudFront::Distribution", "Id"): _distribution_id,
    ("AWS::DynamoDB::GlobalTable", "Arn"): _account_arn("dynamodb", "table/"),
    ("AWS::DynamoDB::GlobalTable", "StreamArn"): stream_arn,
    ("AWS::DynamoDB::Table", "Arn"): _account_arn("dynamodb", "table/"),
    ("AWS::DynamoDB::Table", "StreamArn"): stream_arn,
    ("AWS::Events::Rule", "Arn"): _rule_arn,
    ("AWS::IAM::Role", "Arn"): _role_arn,
    ("AWS::IAM::Role", "RoleId"): lambda resource: "AROA" + _short_id(resource).upper(),
    ("AWS::Lambda::Alias", "AliasArn"): _alias_arn,
    ("AWS::Lambda::Function", "Arn"): _account_arn("lambda", "function:"),
    ("AWS::Lambda::Version", "FunctionArn"): _version_arn,
    ("AWS::Lambda::Version", "Version"): _constant("1"),
    ("AWS::Logs::LogGroup", "Arn"): lambda resource: _account_arn("logs", "log-group:")(resource) + ":*",
    ("AWS::RDS::DBCluster", "DBClusterResourceId"): _database_id,
    ("AWS::RDS::DBCluster", "Endpoint.Address"): _constant("127.0.0.1"),
    ("AWS::RDS::DBCluster", "Endpoint.Port"): _database_port,
    ("AWS::RDS::DBCluster", "MasterUserSecret.SecretArn"): master_secret_arn,
    ("AWS::RDS::DBCluster", "ReadEndpoint.Address"): _constant("127.0.0.1"),
    ("AWS::RDS::DBInstance", "DbiResourceId"): _database_id,
    ("AWS::RDS::DBInstance", "Endpoint.Address"): _constant("127.0.0.1"),
    ("AWS::RDS::DBInstance", "Endpoint.Port"): _database_port,
    ("AWS::RDS::DBInstance", "MasterUserSecret.SecretArn"): master_secret_arn,
    ("AWS::S3::Bucket", "Arn"): lambda resource: f"arn:aws:s3:::{physical_name(resource)}",
    ("AWS::S3::Bucket", "DomainName"): _bucket_host(regional=False),
    ("AWS::S3::Bucket", "RegionalDomainName"): _bucket_host(regional=True),
    ("AWS::SQS::Queue", "Arn"): _account_arn("sqs", ""),
    ("AWS::SQS::Queue", "QueueName"): physical_name,
    ("AWS::SQS::Queue", "QueueUrl"): _queue_url,
    ("AWS::S3::Bucket", "DualStackDomainName"): _dual_stack_host,
    ("AWS::S3::Bucket", "WebsiteURL"): _website,
    ("AWS::SNS::Topic", "TopicName"): physical_name,
    ("AWS::SNS::Topic", "TopicArn"): _account_arn("sns", ""),
    ("AWS::SSM::Parameter", "Value"): _parameter_value,
    ("AWS::Scheduler::Schedule", "Arn"): _schedule_arn,
    ("AWS::SecretsManager::Secret", "Id"): _secret_arn,
}

# What runs here: an attribute that we don't know of would be a wrong value for somebody's function.
_EXACT = {"AWS::ApiGatewayV2::Api", "AWS::RDS::DBInstance", "AWS::RDS::DBCluster", "AWS::SQS::Queue"}
