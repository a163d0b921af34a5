"""Roles with all their policies, the policies of resources, and who may invoke functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from local_aws.assembly.attributes import physical_name
from local_aws.assembly.resources import Resource, Resources
from local_aws.model import InvokePermission, Role, Statement
from local_aws.roles.documents import statements
from local_aws.roles.managed import managed_policy

# What a policy of its own type is attached to, by the properties that name the resource.
_RESOURCE_POLICIES = {
    "AWS::SQS::QueuePolicy": ("Queues", "PolicyDocument"),
    "AWS::SQS::QueueInlinePolicy": ("Queue", "PolicyDocument"),
    "AWS::SNS::TopicPolicy": ("Topics", "PolicyDocument"),
    "AWS::S3::BucketPolicy": ("Bucket", "PolicyDocument"),
    "AWS::SecretsManager::ResourcePolicy": ("SecretId", "ResourcePolicy"),
}
_OWNERS = ("AWS::SQS::Queue", "AWS::SNS::Topic", "AWS::S3::Bucket", "AWS::SecretsManager::Secret")
_INVOKE_ACTIONS = ("lambda:InvokeFunction", "lambda:*", "*")


def roles(resources: Resources) -> dict[str, Role]:
    """Every role by its ARN."""
    return {
        role.arn: role
        for role in (_role(resource, resources) for resource in resources.of_type("AWS::IAM::Role"))
    }


def resource_policies(resources: Resources) -> dict[str, tuple[Statement, ...]]:
    """The policies that say who may use a resource, by the resource's ARN."""
    arns = {resource.ref: _arn(resource) for resource in resources.of_type(*_OWNERS)}
    found: dict[str, tuple[Statement, ...]] = {}
    for resource in resources.of_type(*_RESOURCE_POLICIES):
        attached, document = _RESOURCE_POLICIES[resource.type]
        for name in _list(resource.get(attached)):
            arn = arns.get(str(name), str(name))
            found[arn] = found.get(arn, ()) + statements(resource.get(document))
    for permission in _permissions(resources):
        if not _is_service(permission.principal):
            found[permission.function] = (*found.get(permission.function, ()), _as_statement(permission))
    return found


def invoke_permissions(resources: Resources) -> tuple[InvokePermission, ...]:
    """What lets services invoke functions."""
    return tuple(permission for permission in _permissions(resources) if _is_service(permission.principal))


def _role(resource: Resource, resources: Resources) -> Role:
    inline = [policy["PolicyDocument"] for policy in resource.get("Policies", ())]
    inline += [
        policy.get("PolicyDocument")
        for policy in resources.of_type("AWS::IAM::Policy", "AWS::IAM::RolePolicy")
        if resource.ref in _attached_roles(policy)
    ]
    found = [statement for document in inline for statement in statements(document)]
    managed = dict.fromkeys(str(arn) for arn in resource.get("ManagedPolicyArns", ()))
    managed |= {
        policy.ref: None
        for policy in resources.of_type("AWS::IAM::ManagedPolicy")
        if resource.ref in _attached_roles(policy)
    }
    unknown = []
    for arn in managed:
        known = _managed_policy(arn, resources)
        if known is None:
            unknown.append(arn)
        found += known or ()
    boundary = resource.get("PermissionsBoundary")
    limits = None if boundary is None else _managed_policy(str(boundary), resources)
    if boundary is not None and limits is None:
        unknown.append(str(boundary))
    return Role(
        arn=resource.attribute("Arn"),
        name=physical_name(resource),
        statements=tuple(found),
        boundary=limits,
        trust=statements(resource.get("AssumeRolePolicyDocument", {})),
        unknown_policies=tuple(unknown),
    )


def _attached_roles(policy: Resource) -> list[Any]:
    return _list(policy.get("RoleName") if policy.type == "AWS::IAM::RolePolicy" else policy.get("Roles"))


def _managed_policy(arn: str, resources: Resources) -> tuple[Statement, ...] | None:
    """The statements of a managed policy: one that the assembly declares, or AWS's own. None if unknown."""
    for resource in resources.of_type("AWS::IAM::ManagedPolicy"):
        if resource.ref == arn:
            return statements(resource.get("PolicyDocument"))
    document = managed_policy(arn)
    return None if document is None else statements(document)


def _permissions(resources: Resources) -> Iterator[InvokePermission]:
    arns = {
        physical_name(resource): _arn(resource) for resource in resources.of_type("AWS::Lambda::Function")
    }
    for resource in resources.of_type("AWS::Lambda::Permission"):
        if resource.get("Action", _INVOKE_ACTIONS[0]) not in _INVOKE_ACTIONS:
            continue
        function, qualifier = _function(str(resource.get("FunctionName")), arns)
        account = resource.get("SourceAccount")
        source = resource.get("SourceArn")
        yield InvokePermission(
            function=function,
            qualifier=qualifier,
            principal=str(resource.get("Principal")),
            source_arn=None if source is None else str(source),
            source_account=None if account is None else str(account),
        )


def _function(named: str, arns: Mapping[str, str]) -> tuple[str, str | None]:
    """A function's ARN and qualifier out of a name (`name:alias`), a partial ARN or an ARN."""
    rest = named.rpartition("function:")[2] if "function:" in named else named
    name, _, qualifier = rest.partition(":")
    return arns.get(name, named), qualifier or None


def _as_statement(permission: InvokePermission) -> Statement:
    """What a permission for an account or a role comes to in the function's policy."""
    resource = permission.function + (f":{permission.qualifier}" if permission.qualifier else "")
    return Statement(
        allows=True,
        actions=("lambda:InvokeFunction",),
        resources=(resource,),
        principals={"AWS": (permission.principal,)},
    )


def _is_service(principal: str) -> bool:
    return principal.endswith((".amazonaws.com", ".amazon.com")) or principal == "*"


def _arn(resource: Resource) -> str:
    return resource.ref if resource.ref.startswith("arn:") else resource.attribute("Arn")


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str) else [value]
