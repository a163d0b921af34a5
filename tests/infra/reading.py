"""Names for what a template refers to, so that tests hold no ids that a hash is part of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tests.infra.conftest import Assembly

_NAMES = ("FunctionName", "QueueName", "LogGroupName", "TopicName", "AlarmName")
_HASH = re.compile(r"[0-9A-F]{8}\Z")
_PSEUDO = {
    "AWS::Region": "REGION",
    "AWS::AccountId": "ACCOUNT",
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "URL",
}


def functions(template: Assembly) -> dict[str, dict[str, Any]]:
    """Our functions' properties by name, without those that the CDK brings."""
    return {
        has["FunctionName"]: has
        for has in template.of("AWS::Lambda::Function").values()
        if "FunctionName" in has
    }


def variables(template: Assembly, function: str) -> dict[str, Any]:
    """A function's environment variables."""
    found: dict[str, Any] = functions(template)[function]["Environment"]["Variables"]
    return found


def name_of(template: Assembly, logical_id: str) -> str:
    """A resource's own name, or its path in the template without what makes it unique."""
    properties = template.resources[logical_id].get("Properties", {})
    for key in _NAMES:
        if isinstance(properties.get(key), str):
            return str(properties[key])
    return _HASH.sub("", logical_id)


def shown(template: Assembly, value: Any) -> str:
    """A value with every reference replaced by what it names."""
    match value:
        case str():
            return value
        case list():
            return " ".join(shown(template, each) for each in value)
        case {"Ref": str(name)}:
            return _PSEUDO.get(name) or name_of(template, name)
        case {"Fn::GetAtt": [str(name), "Arn"]}:
            return name_of(template, name)
        case {"Fn::GetAtt": [str(name), attribute]}:
            return f"{name_of(template, name)}.{attribute}"
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(shown(template, part) for part in parts)
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{([^}]+)\}", lambda found: _PSEUDO.get(found[1], found[1]), text)
        case {"Fn::GetStackOutput": {"OutputName": name}} | {"Fn::ImportValue": name}:
            return re.sub(r".*(FnGetAtt|Ref)|[0-9A-F]{8}.*", "", str(name))
        case _:
            raise AssertionError(f"No name for {value}")


def role_of(template: Assembly, function: str) -> str:
    """The logical id of a function's role."""
    return str(functions(template)[function]["Role"]["Fn::GetAtt"][0])


def statements(template: Assembly, role: str) -> Iterator[dict[str, Any]]:
    """All statements of a role by its logical id: its own, and those of attached policies."""
    for policy in template.of("AWS::IAM::Role")[role].get("Policies", ()):
        yield from policy["PolicyDocument"]["Statement"]
    for policy in template.of("AWS::IAM::Policy").values():
        if {"Ref": role} in policy["Roles"]:
            yield from policy["PolicyDocument"]["Statement"]


def actions(statement: dict[str, Any]) -> list[str]:
    action = statement["Action"]
    return [action] if isinstance(action, str) else list(action)
