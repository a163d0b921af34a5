"""CloudFormation's intrinsic functions, pseudo parameters, conditions and dynamic references. Pure."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from local_aws.errors import StackError

_SUBSTITUTION = re.compile(r"\$\{([^}]*)\}")
# The id may be an ARN full of colons.
_SECRET_REFERENCE = re.compile(
    r"\{\{resolve:secretsmanager:(?P<id>[^{}]+?)(?::SecretString(?::(?P<key>[^:{}]*))?(?::[^{}]*)?)?\}\}"
)


class _NoValue:
    """What `Ref: AWS::NoValue` stands for: the property isn't there."""


NO_VALUE = _NoValue()


class References(Protocol):
    """Where the values come from that a template only names."""

    def ref(self, name: str) -> object:
        """A parameter's, pseudo parameter's or resource's value."""
        ...

    def attribute(self, name: str, attribute: str) -> object: ...

    def condition(self, name: str) -> bool: ...

    def mapping(self, name: str, first: str, second: str) -> object: ...

    def exported(self, name: str) -> object:
        """An exported output, by its export name."""
        ...

    def stack_output(self, stack: str, output: str) -> object: ...

    def secret(self, secret_id: str) -> str:
        """A secret's string, by its ARN or name."""
        ...


def resolve(value: object, references: References) -> Any:
    """`value` with every intrinsic function in it replaced by what it comes to.

    Raises `StackError` for one that isn't understood, or that names something which isn't there.
    """
    if isinstance(value, str):
        return _secrets(value, references)
    if isinstance(value, list):
        items = (resolve(item, references) for item in value)
        return [item for item in items if item is not NO_VALUE]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        [(name, argument)] = value.items()
        if name in _FUNCTIONS:
            result = _FUNCTIONS[name](argument, references)
            return _secrets(result, references) if isinstance(result, str) else result
        if name.startswith("Fn::"):
            raise StackError(f"The template uses {name}, which isn't understood here.")
    resolved = ((name, resolve(item, references)) for name, item in value.items())
    return {name: item for name, item in resolved if item is not NO_VALUE}


def holds(condition: object, references: References) -> bool:
    """Whether a condition's expression is true."""
    if isinstance(condition, Mapping) and len(condition) == 1:
        [(name, argument)] = condition.items()
        match name:
            case "Condition":
                return references.condition(str(argument))
            case "Fn::Equals":
                first, second = (resolve(item, references) for item in argument)
                return _text(first) == _text(second)
            case "Fn::Not":
                return not holds(argument[0], references)
            case "Fn::And":
                return all(holds(item, references) for item in argument)
            case "Fn::Or":
                return any(holds(item, references) for item in argument)
            case "Fn::Contains":
                values, wanted = (resolve(item, references) for item in argument)
                return wanted in values
    raise StackError(
        f"The template has a condition that isn't understood here: {json.dumps(condition)[:200]}"
    )


def _secrets(text: str, references: References) -> str:
    if "{{resolve:" not in text:
        return text

    def replace(match: re.Match[str]) -> str:
        secret = references.secret(match["id"])
        if not match["key"]:
            return secret
        try:
            return _text(json.loads(secret)[match["key"]])
        except (ValueError, KeyError, TypeError):
            raise StackError(f"The secret {match['id']} has no key {match['key']}.") from None

    return _SECRET_REFERENCE.sub(replace, text)


def _ref(argument: Any, references: References) -> object:
    return NO_VALUE if argument == "AWS::NoValue" else references.ref(argument)


def _get_att(argument: Any, references: References) -> object:
    name, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
    return references.attribute(name, _text(resolve(attribute, references)))


def _join(argument: Any, references: References) -> object:
    separator, items = argument
    return str(separator).join(_text(item) for item in resolve(items, references))


def _sub(argument: Any, references: References) -> object:
    template, given = (argument, {}) if isinstance(argument, str) else argument
    values = resolve(given, references)

    def replace(match: re.Match[str]) -> str:
        name = match[1].strip()
        if name.startswith("!"):
            return "${" + name[1:] + "}"
        if name in values:
            return _text(values[name])
        if "." in name:
            return _text(references.attribute(*name.split(".", 1)))
        return _text(references.ref(name))

    return _SUBSTITUTION.sub(replace, template)


def _select(argument: Any, references: References) -> object:
    index, items = resolve(argument[0], references), resolve(argument[1], references)
    try:
        return items[int(index)]
    except (IndexError, ValueError):
        raise StackError(f"The template selects item {index} of {len(items)}.") from None


def _split(argument: Any, references: References) -> object:
    separator, text = argument
    return _text(resolve(text, references)).split(separator)


def _if(argument: Any, references: References) -> object:
    name, then, otherwise = argument
    return resolve(then if references.condition(name) else otherwise, references)


def _find_in_map(argument: Any, references: References) -> object:
    name, first, second = (_text(resolve(item, references)) for item in argument[:3])
    return references.mapping(name, first, second)


def _import_value(argument: Any, references: References) -> object:
    return references.exported(_text(resolve(argument, references)))


def _get_stack_output(argument: Any, references: References) -> object:
    given = resolve(argument, references)
    if isinstance(given, dict):
        return references.stack_output(str(given["StackName"]), str(given["OutputName"]))
    stack, output = given
    return references.stack_output(stack, output)


def _get_azs(argument: Any, references: References) -> object:
    region = _text(resolve(argument, references)) or _text(references.ref("AWS::Region"))
    return [f"{region}{letter}" for letter in "abc"]


def _base64(argument: Any, references: References) -> object:
    return base64.b64encode(_text(resolve(argument, references)).encode()).decode()


def _cidr(argument: Any, references: References) -> object:
    import ipaddress

    block, count, bits = [*resolve(argument, references), 8][:3]
    network = ipaddress.ip_network(block)
    subnets = network.subnets(new_prefix=network.max_prefixlen - int(bits))
    return [str(subnet) for subnet, _ in zip(subnets, range(int(count)), strict=False)]


def _length(argument: Any, references: References) -> object:
    return len(resolve(argument, references))


def _to_json_string(argument: Any, references: References) -> object:
    return json.dumps(resolve(argument, references))


def _condition(name: str) -> Callable[[Any, References], object]:
    return lambda argument, references: holds({name: argument}, references)


_FUNCTIONS: dict[str, Callable[[Any, References], object]] = {
    "Ref": _ref,
    "Fn::GetAtt": _get_att,
    "Fn::Join": _join,
    "Fn::Sub": _sub,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::If": _if,
    "Fn::FindInMap": _find_in_map,
    "Fn::ImportValue": _import_value,
    "Fn::GetStackOutput": _get_stack_output,
    "Fn::GetAZs": _get_azs,
    "Fn::Base64": _base64,
    "Fn::Cidr": _cidr,
    "Fn::Length": _length,
    "Fn::ToJsonString": _to_json_string,
    **{name: _condition(name) for name in ("Fn::Equals", "Fn::Not", "Fn::And", "Fn::Or", "Fn::Contains")},
}


def _text(value: object) -> str:
    """As CloudFormation writes a value into a string."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is NO_VALUE else str(value)
