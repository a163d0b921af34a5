"""CloudFormation's intrinsic functions and conditions. Pure.

Reference: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
"""

from __future__ import annotations

import base64
import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from local_aws.assembly.dynamic_references import DynamicValues, with_dynamic_references
from local_aws.assembly.unresolved import Unresolved

_SUBSTITUTION = re.compile(r"\$\{([^}]*)\}")
_ZONES = "abc"


class _NoValue:
    """What `Ref: AWS::NoValue` stands for: the property isn't there."""


NO_VALUE = _NoValue()


class References(DynamicValues, Protocol):
    """Where the values come from that a template only names."""

    def ref(self, name: str) -> object:
        """A parameter's, pseudo parameter's or resource's value."""
        ...

    def attribute(self, name: str, attribute: str) -> object: ...

    def condition(self, name: str) -> bool: ...

    def mapping(self, name: str, first: str, second: str) -> object:
        """A value of a mapping. Raises `Unresolved` where it isn't there."""
        ...

    def exported(self, name: str) -> object:
        """An exported output, by its export name."""
        ...

    def stack_output(self, stack: str, output: str) -> object: ...


def resolve(value: object, references: References) -> Any:
    """`value` with every intrinsic function and dynamic reference in it replaced by what it comes to.

    Raises `Unresolved` for one that isn't understood, or that names something which isn't there.
    """
    if isinstance(value, str):
        return with_dynamic_references(value, references)
    if isinstance(value, list):
        items = (_at(f"[{index}]", item, references) for index, item in enumerate(value))
        return [item for item in items if item is not NO_VALUE]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        [(name, argument)] = value.items()
        if name in _FUNCTIONS:
            result = _call(name, argument, references)
            return with_dynamic_references(result, references) if isinstance(result, str) else result
        if name.startswith("Fn::"):
            raise Unresolved(f"{name} isn't understood here")
    resolved = ((name, _at(name, item, references)) for name, item in value.items())
    return {name: item for name, item in resolved if item is not NO_VALUE}


def holds(condition: object, references: References) -> bool:
    """Whether a condition's expression is true. Raises `Unresolved`."""
    if isinstance(condition, Mapping) and len(condition) == 1:
        [(name, argument)] = condition.items()
        if name == "Condition":
            return references.condition(str(argument))
        if name in _CONDITIONS:
            return bool(_call(name, argument, references))
    raise Unresolved(f"this is no condition: {_shown(condition)}")


def _at(place: str, value: object, references: References) -> Any:
    """`resolve`, with the place in the message of what goes wrong."""
    try:
        return resolve(value, references)
    except Unresolved as error:
        error.path.insert(0, place)
        raise


def _call(name: str, argument: Any, references: References) -> object:
    try:
        return _FUNCTIONS[name](argument, references)
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise Unresolved(f"{name} isn't used as it should be: {_shown(argument)}") from error


def _shown(value: object) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 160 else f"{text[:160]}…"


def _ref(argument: Any, references: References) -> object:
    if not isinstance(argument, str):
        raise TypeError
    return NO_VALUE if argument == "AWS::NoValue" else references.ref(argument)


def _get_att(argument: Any, references: References) -> object:
    name, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
    return references.attribute(name, _text(resolve(attribute, references)))


def _join(argument: Any, references: References) -> object:
    separator, items = argument
    return str(separator).join(_text(item) for item in _list(resolve(items, references)))


def _sub(argument: Any, references: References) -> object:
    template, given = (argument, {}) if isinstance(argument, str) else argument
    values = {name: _text(value) for name, value in resolve(given, references).items()}

    def replace(match: re.Match[str]) -> str:
        name = match[1].strip()
        if name.startswith("!"):
            return "${" + name[1:] + "}"
        if name in values:
            return values[name]
        if "." in name:
            return _text(references.attribute(*name.split(".", 1)))
        return _text(_ref(name, references))

    return _SUBSTITUTION.sub(replace, template)


def _select(argument: Any, references: References) -> object:
    index, items = argument
    index, items = int(resolve(index, references)), _list(resolve(items, references))
    if not 0 <= index < len(items):
        raise Unresolved(f"it selects item {index} of {len(items)}")
    return items[index]


def _split(argument: Any, references: References) -> object:
    separator, text = argument
    return _text(resolve(text, references)).split(separator)


def _if(argument: Any, references: References) -> object:
    name, then, otherwise = argument
    return resolve(then if references.condition(name) else otherwise, references)


def _find_in_map(argument: Any, references: References) -> object:
    name, first, second = (_text(resolve(item, references)) for item in argument[:3])
    try:
        return references.mapping(name, first, second)
    except Unresolved:
        if len(argument) > 3 and "DefaultValue" in argument[3]:
            return resolve(argument[3]["DefaultValue"], references)
        raise


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
    return [f"{region}{letter}" for letter in _ZONES]


def _base64(argument: Any, references: References) -> object:
    return base64.b64encode(_text(resolve(argument, references)).encode()).decode()


def _cidr(argument: Any, references: References) -> object:
    """`count` blocks with `bits` bits for the hosts of each."""
    block, count, bits = [*_list(resolve(argument, references)), 8][:3]
    network = ipaddress.ip_network(_text(block), strict=False)
    prefix = network.max_prefixlen - int(bits)
    if int(count) > 2 ** (prefix - network.prefixlen):
        raise ValueError
    subnets = network.subnets(new_prefix=prefix)
    return [str(next(subnets)) for _ in range(int(count))]


def _length(argument: Any, references: References) -> object:
    return len(_list(resolve(argument, references)))


def _to_json_string(argument: Any, references: References) -> object:
    return json.dumps(resolve(argument, references), separators=(",", ":"), ensure_ascii=False)


def _transform(argument: Any, references: References) -> object:
    raise Unresolved(f"no transform is applied here ({argument['Name']})")


def _equals(argument: Any, references: References) -> object:
    first, second = (resolve(item, references) for item in argument)
    if isinstance(first, (list, dict)) or isinstance(second, (list, dict)):
        return first == second
    return _text(first) == _text(second)


def _not(argument: Any, references: References) -> object:
    [condition] = argument
    return not holds(condition, references)


def _and(argument: Any, references: References) -> object:
    return all(holds(item, references) for item in _list(argument))


def _or(argument: Any, references: References) -> object:
    return any(holds(item, references) for item in _list(argument))


_CONDITIONS: dict[str, Callable[[Any, References], object]] = {
    "Fn::And": _and,
    "Fn::Equals": _equals,
    "Fn::Not": _not,
    "Fn::Or": _or,
}
_FUNCTIONS: dict[str, Callable[[Any, References], object]] = {
    **_CONDITIONS,
    "Ref": _ref,
    "Fn::Base64": _base64,
    "Fn::Cidr": _cidr,
    "Fn::FindInMap": _find_in_map,
    "Fn::GetAZs": _get_azs,
    "Fn::GetAtt": _get_att,
    "Fn::GetStackOutput": _get_stack_output,
    "Fn::If": _if,
    "Fn::ImportValue": _import_value,
    "Fn::Join": _join,
    "Fn::Length": _length,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::Sub": _sub,
    "Fn::ToJsonString": _to_json_string,
    "Fn::Transform": _transform,
}


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError
    return value


def _text(value: object) -> str:
    """As CloudFormation writes a value into a string."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or isinstance(value, (list, dict)):
        raise TypeError
    return "" if value is NO_VALUE else str(value)
