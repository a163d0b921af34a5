"""Whether policies allow a request: explicit deny first, then any allow, else no. Pure.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from local_aws.model import Statement
from local_aws.roles.conditions import UnknownOperator, hold
from local_aws.roles.patterns import Context, matches


class Verdict(Enum):
    """What a set of statements says of a request."""

    ALLOWED = "allowed"
    DENIED = "denied"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A verdict, and the operators of conditions that weren't understood on the way."""

    verdict: Verdict
    unknown_operators: tuple[str, ...] = ()


def of_action(statements: Iterable[Statement], action: str) -> tuple[Statement, ...]:
    """The statements that speak of an action. Worth keeping: they are asked for often."""
    return tuple(statement for statement in statements if _concerns_action(statement, action))


def of_principal(statements: Iterable[Statement], names: Mapping[str, Sequence[str]]) -> Iterator[Statement]:
    """The statements of a resource's policy that speak of a principal, which goes by `names` of a kind."""
    for statement in statements:
        if statement.principals is not None:
            if _names(statement.principals, names):
                yield statement
        elif statement.not_principals is not None and not _names(statement.not_principals, names):
            yield statement


def evaluate(statements: Iterable[Statement], resource: str, context: Context) -> Evaluation:
    """What statements that speak of the action say of a resource.

    A condition that isn't understood makes an allow void, and a deny certain.
    """
    allowed = False
    unknown: list[str] = []
    for statement in statements:
        if not _concerns_resource(statement, resource, context):
            continue
        try:
            applies = not statement.conditions or hold(statement.conditions, context)
        except UnknownOperator as operator:
            unknown.append(str(operator))
            applies = not statement.allows
        if not applies:
            continue
        if not statement.allows:
            return Evaluation(Verdict.DENIED, tuple(unknown))
        allowed = True
    return Evaluation(Verdict.ALLOWED if allowed else Verdict.SILENT, tuple(unknown))


def _concerns_action(statement: Statement, action: str) -> bool:
    if statement.not_actions:
        return not any(matches(pattern, action, {}, ignore_case=True) for pattern in statement.not_actions)
    return any(matches(pattern, action, {}, ignore_case=True) for pattern in statement.actions)


def _concerns_resource(statement: Statement, resource: str, context: Context) -> bool:
    if statement.not_resources:
        return not any(matches(pattern, resource, context) for pattern in statement.not_resources)
    return any(matches(pattern, resource, context) for pattern in statement.resources)


def _names(wanted: Mapping[str, tuple[str, ...]], names: Mapping[str, Sequence[str]]) -> bool:
    if "*" in wanted:
        return True
    return any(name == "*" or name in names.get(kind, ()) for kind, given in wanted.items() for name in given)
