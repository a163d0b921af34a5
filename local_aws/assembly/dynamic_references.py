"""CloudFormation's dynamic references, `{{resolve:SERVICE:…}}`. Pure.

Reference: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
"""

from __future__ import annotations

import json
import re
from typing import Protocol

from local_aws.assembly.unresolved import Unresolved

_REFERENCE = re.compile(r"\{\{resolve:(?P<service>[a-z-]+):(?P<rest>[^{}]*)\}\}")
# The id may be an ARN full of colons.
_SECRET = re.compile(r"(?P<id>.+?)(?::SecretString(?::(?P<key>[^:]*))?(?::[^:]*)?(?::[^:]*)?)?")
_PARAMETER = re.compile(r"(?P<name>[^:]+)(?::\d+)?")


class DynamicValues(Protocol):
    """Where the values come from."""

    def secret(self, secret_id: str) -> str:
        """A secret's string, by its ARN or name."""
        ...

    def stored_parameter(self, name: str) -> str:
        """An SSM parameter's value."""
        ...


def with_dynamic_references(text: str, values: DynamicValues) -> str:
    """`text` with its dynamic references replaced. Raises `Unresolved`."""
    if "{{resolve:" not in text:
        return text
    return _REFERENCE.sub(lambda match: _value(match["service"], match["rest"], values), text)


def _value(service: str, rest: str, values: DynamicValues) -> str:
    match service:
        case "secretsmanager" if secret := _SECRET.fullmatch(rest):
            text = values.secret(secret["id"])
            return _member(text, secret["id"], secret["key"]) if secret["key"] else text
        case "ssm" | "ssm-secure" if parameter := _PARAMETER.fullmatch(rest):
            return values.stored_parameter(parameter["name"])
    raise Unresolved(f"{{{{resolve:{service}:{rest}}}}} isn't understood here")


def _member(secret: str, secret_id: str, key: str) -> str:
    try:
        value = json.loads(secret)[key]
    except (ValueError, LookupError, TypeError):
        raise Unresolved(f"the secret {secret_id} has no key {key}") from None
    return value if isinstance(value, str) else json.dumps(value)
