"""EventBridge's event patterns, which filter criteria of event source mappings and of subscriptions are too.

Reference: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
"""

from __future__ import annotations

import ipaddress
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

_MISSING = object()
_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class PatternInvalid(ValueError):
    """A pattern that AWS would refuse."""


def matches(pattern: Mapping[str, Any], event: object) -> bool:
    """Whether an event has all that the pattern asks for. Raises `PatternInvalid`."""
    return all(
        any(matches(alternative, event) for alternative in wanted)
        if field == "$or"
        else _field_matches(wanted, field, event)
        for field, wanted in pattern.items()
    )


def check(pattern: object) -> None:
    """Raises `PatternInvalid` for what is no pattern, whatever events there may be."""
    if not isinstance(pattern, Mapping) or not pattern:
        raise PatternInvalid("a pattern is an object with at least one field")
    for field, wanted in pattern.items():
        if field == "$or":
            if not isinstance(wanted, list) or len(wanted) < 2:
                raise PatternInvalid("$or takes a list of at least two patterns")
            for alternative in wanted:
                check(alternative)
        elif isinstance(wanted, Mapping):
            check(wanted)
        elif isinstance(wanted, list) and wanted:
            for rule in wanted:
                _rule_matches(rule, _MISSING)
                _rule_matches(rule, "")
                _rule_matches(rule, 0)
        else:
            raise PatternInvalid(f"{field} must be an object or a list of values that isn't empty")


def _field_matches(wanted: object, field: str, event: object) -> bool:
    if isinstance(wanted, Mapping):
        # A list stands for each of its objects.
        return any(matches(wanted, value) for value in _values(event, field)) or (
            _only_asks_for_absence(wanted) and not any(_values(event, field))
        )
    if not isinstance(wanted, list):
        raise PatternInvalid(f"{field} must be an object or a list of values")
    values = list(_values(event, field)) or [_MISSING]
    return any(_rule_matches(rule, value) for rule in wanted for value in values)


def _values(event: object, field: str) -> Iterator[object]:
    for candidate in event if isinstance(event, list) else (event,):
        if isinstance(candidate, Mapping) and field in candidate:
            value = candidate[field]
            yield from value if isinstance(value, list) else (value,)


def _only_asks_for_absence(pattern: Mapping[str, Any]) -> bool:
    return all(
        _only_asks_for_absence(wanted) if isinstance(wanted, Mapping) else {"exists": False} in wanted
        for wanted in pattern.values()
    )


def _rule_matches(rule: object, value: object) -> bool:
    if not isinstance(rule, Mapping):
        return _equal(rule, value)
    if len(rule) != 1:
        raise PatternInvalid(f"{rule} has to have one operator")
    [(name, operand)] = rule.items()
    if name == "exists":
        return (value is not _MISSING) is bool(operand)
    try:
        test = _OPERATORS[name]
    except KeyError:
        raise PatternInvalid(f"{name} is no operator of patterns") from None
    return value is not _MISSING and test(operand, value)


def _equal(wanted: object, value: object) -> bool:
    """JSON's equality: true is no 1, and 1 is 1.0."""
    if isinstance(wanted, bool) or isinstance(value, bool):
        return wanted is value
    return wanted == value


def _text(operand: object, of: str) -> str:
    if not isinstance(operand, str):
        raise PatternInvalid(f"{of} takes a string")
    return operand


def _edge(name: str, test: Callable[[str, str], bool]) -> Callable[[Any, object], bool]:
    """`prefix` and `suffix`, which may ignore the case."""

    def edge(operand: Any, value: object) -> bool:
        if isinstance(operand, Mapping):
            folded = _text(operand.get("equals-ignore-case"), name).casefold()
            return isinstance(value, str) and test(value.casefold(), folded)
        text = _text(operand, name)
        return isinstance(value, str) and test(value, text)

    return edge


def _equals_ignore_case(operand: Any, value: object) -> bool:
    text = _text(operand, "equals-ignore-case")
    return isinstance(value, str) and value.casefold() == text.casefold()


def _wildcard(operand: Any, value: object) -> bool:
    text = _text(operand, "wildcard")
    # Only * has a meaning there, and \* and \\ are themselves.
    parts = re.split(r"(\\.|\*)", text)
    expression = "".join(".*" if part == "*" else re.escape(part.removeprefix("\\")) for part in parts)
    return isinstance(value, str) and re.fullmatch(expression, value, re.DOTALL) is not None


def _cidr(operand: Any, value: object) -> bool:
    try:
        network = ipaddress.ip_network(_text(operand, "cidr"), strict=False)
    except ValueError as error:
        raise PatternInvalid(str(error)) from None
    try:
        return isinstance(value, str) and ipaddress.ip_address(value) in network
    except ValueError:
        return False


def _numeric(operand: Any, value: object) -> bool:
    if not isinstance(operand, list) or not operand or len(operand) % 2:
        raise PatternInvalid("numeric takes pairs of a comparison and a number")
    pairs = list(zip(operand[::2], operand[1::2], strict=True))
    for comparison, number in pairs:
        if comparison not in _COMPARISONS or not _is_number(number):
            raise PatternInvalid(f"{comparison} {number} is no comparison with a number")
    return _is_number(value) and all(
        _COMPARISONS[comparison](value, number)  # type: ignore[arg-type]
        for comparison, number in pairs
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _anything_but(operand: Any, value: object) -> bool:
    if isinstance(operand, Mapping):
        if len(operand) != 1 or not operand.keys() <= _NEGATABLE:
            raise PatternInvalid(f"anything-but can't negate {operand}")
        [(name, unwanted)] = operand.items()
        options = unwanted if isinstance(unwanted, list) else [unwanted]
        return not any(_OPERATORS[name](option, value) for option in options)
    unwanted = operand if isinstance(operand, list) else [operand]
    return not any(_equal(option, value) for option in unwanted)


_NEGATABLE = frozenset({"prefix", "suffix", "equals-ignore-case", "wildcard"})
_OPERATORS: dict[str, Callable[[Any, object], bool]] = {
    "prefix": _edge("prefix", str.startswith),
    "suffix": _edge("suffix", str.endswith),
    "equals-ignore-case": _equals_ignore_case,
    "wildcard": _wildcard,
    "cidr": _cidr,
    "numeric": _numeric,
    "anything-but": _anything_but,
}
