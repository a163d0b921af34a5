"""The Condition element of a policy: operators, set operators, `…IfExists`. Pure.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from local_aws.roles.patterns import Context, equals, matches, matches_arn

Conditions = Mapping[str, Mapping[str, tuple[str, ...]]]


class UnknownOperator(Exception):
    """A condition has an operator that isn't understood. The text is its name."""


def hold(conditions: Conditions, context: Context) -> bool:
    """Whether all of them are true of a request. Raises `UnknownOperator`."""
    return all(
        _holds(operator, key.lower(), values, context)
        for operator, by_key in conditions.items()
        for key, values in by_key.items()
    )


def _holds(operator: str, key: str, wanted: tuple[str, ...], context: Context) -> bool:
    quantifier, _, name = operator.rpartition(":")
    name = name.lower()
    if name == "null":
        return all((key in context) is (value.lower() == "false") for value in wanted)
    if_exists = name.endswith("ifexists")
    test = _TESTS.get(name.removesuffix("ifexists"))
    if test is None or quantifier.lower() not in ("", "foranyvalue", "forallvalues"):
        raise UnknownOperator(operator)
    given = context.get(key)
    if given is None:
        if quantifier:
            return quantifier.lower() == "forallvalues"
        return if_exists or test.negated
    each = (test.holds(value, wanted, context) for value in given)
    return all(each) if quantifier.lower() == "forallvalues" else any(each)


class _Test:
    """Compares a value of the request with those of the policy; a negated one wants none of them."""

    __slots__ = ("_compare", "negated")

    def __init__(self, compare: Callable[[str, str, Context], bool], *, negated: bool = False) -> None:
        self._compare = compare
        self.negated = negated

    def holds(self, value: str, wanted: tuple[str, ...], context: Context) -> bool:
        return any(self._compare(one, value, context) for one in wanted) is not self.negated


def _ignoring_case(wanted: str, value: str, context: Context) -> bool:
    return equals(wanted.lower(), value.lower(), context)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan  # which compares to nothing


def _moment(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return math.nan
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _ordered(
    read: Callable[[str], float], compare: Callable[[float, float], bool]
) -> Callable[[str, str, Context], bool]:
    """`compare` gets the request's value first."""

    def test(wanted: str, value: str, _: Context) -> bool:
        left, right = read(value), read(wanted)
        return not (math.isnan(left) or math.isnan(right)) and compare(left, right)

    return test


def _in_network(wanted: str, value: str, _: Context) -> bool:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        return False


def _same_truth(wanted: str, value: str, _: Context) -> bool:
    return wanted.lower() == value.lower()


_TESTS = {
    "stringequals": _Test(equals),
    "stringnotequals": _Test(equals, negated=True),
    "stringequalsignorecase": _Test(_ignoring_case),
    "stringnotequalsignorecase": _Test(_ignoring_case, negated=True),
    "stringlike": _Test(matches),
    "stringnotlike": _Test(matches, negated=True),
    "arnequals": _Test(matches_arn),
    "arnlike": _Test(matches_arn),
    "arnnotequals": _Test(matches_arn, negated=True),
    "arnnotlike": _Test(matches_arn, negated=True),
    "bool": _Test(_same_truth),
    "binaryequals": _Test(equals),
    "ipaddress": _Test(_in_network),
    "notipaddress": _Test(_in_network, negated=True),
}
for _prefix, _read in (("numeric", _number), ("date", _moment)):
    _TESTS[f"{_prefix}equals"] = _Test(_ordered(_read, lambda value, wanted: value == wanted))
    _TESTS[f"{_prefix}notequals"] = _Test(
        _ordered(_read, lambda value, wanted: value == wanted), negated=True
    )
    _TESTS[f"{_prefix}lessthan"] = _Test(_ordered(_read, lambda value, wanted: value < wanted))
    _TESTS[f"{_prefix}lessthanequals"] = _Test(_ordered(_read, lambda value, wanted: value <= wanted))
    _TESTS[f"{_prefix}greaterthan"] = _Test(_ordered(_read, lambda value, wanted: value > wanted))
    _TESTS[f"{_prefix}greaterthanequals"] = _Test(_ordered(_read, lambda value, wanted: value >= wanted))
