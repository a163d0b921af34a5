"""A template's parameters: their types, and what a value of each must be. Pure.

Reference: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from local_aws.assembly.unresolved import Unresolved

_STORED = re.compile(r"AWS::SSM::Parameter::Value<(?P<type>.+)>")


def parameter_value(
    name: str, definition: Mapping[str, Any], given: object, stored: Callable[[str], str]
) -> object:
    """What `Ref` to a parameter comes to: `given`, or its default, as its type wants it.

    `stored` gets the value of an SSM parameter, which some types only name. Raises `Unresolved`.
    """
    value = definition.get("Default") if given is None else given
    if value is None:
        raise Unresolved(f"it needs a value: give --parameter {name}=VALUE")
    kind = str(definition.get("Type", "String"))
    if (match := _STORED.fullmatch(kind)) is not None:
        kind, value = match["type"], stored(str(value))
    if kind != "CommaDelimitedList" and not kind.startswith("List<"):
        _check(definition, kind, value)
        return value
    items = value if isinstance(value, list) else [item.strip() for item in str(value).split(",")]
    for item in items:
        _check(definition, kind.removeprefix("List<").removesuffix(">"), item)
    return items


def _check(definition: Mapping[str, Any], kind: str, value: object) -> None:
    text = str(value)
    if not _fits(definition, kind, text):
        rule = definition.get("ConstraintDescription")
        raise Unresolved(f"{text!r} is no value for it{f' ({rule})' if rule else ''}")


def _fits(definition: Mapping[str, Any], kind: str, text: str) -> bool:
    allowed = definition.get("AllowedValues")
    if allowed is not None and text not in map(str, allowed):
        return False
    pattern = definition.get("AllowedPattern")
    if pattern is not None and not _matches(str(pattern), text):
        return False
    if kind == "Number":
        try:
            number = float(text)
        except ValueError:
            return False
        return _between(definition, "MinValue", number, "MaxValue")
    return _between(definition, "MinLength", len(text), "MaxLength")


def _matches(pattern: str, text: str) -> bool:
    try:
        return re.fullmatch(pattern, text) is not None
    except re.error:  # Java's expressions, which aren't all Python's
        return True


def _between(definition: Mapping[str, Any], least: str, number: float, most: str) -> bool:
    lower, upper = definition.get(least), definition.get(most)
    return (lower is None or float(lower) <= number) and (upper is None or number <= float(upper))
