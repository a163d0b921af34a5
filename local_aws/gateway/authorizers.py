"""Lambda authorizers: what they are asked, and what their answers mean. No I/O."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from local_aws.functions import Invocation
from local_aws.gateway.mapping import Values, expression

_ACTION = "execute-api:Invoke"


class Unauthorized(Exception):
    """Nobody is named: a missing identity source, or the function's own error "Unauthorized"."""


class Denied(Exception):
    """The answer doesn't allow the request."""


class InvalidAuthorizer(Exception):
    """The function failed, or its answer is none."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who an authorizer lets in: what `requestContext.authorizer` says of it."""

    principal: str
    context: Mapping[str, Any] = field(default_factory=dict)


def identity_values(sources: Iterable[str], values: Values) -> tuple[str, ...]:
    """What a request has at the identity sources. Raises `Unauthorized` where one is missing or empty."""
    found = []
    for source in sources:
        value = expression(source, values)
        if not value:
            raise Unauthorized(f"no {source}")
        found.append(value)
    return tuple(found)


def identity(invocation: Invocation, method_arn: str) -> Identity:
    """Whom an answer with a policy lets in. Raises `Unauthorized`, `Denied`, `InvalidAuthorizer`."""
    answer = authorizer_answer(invocation)
    principal, policy = answer.get("principalId"), answer.get("policyDocument")
    if not isinstance(principal, str | int) or not isinstance(policy, Mapping):
        raise InvalidAuthorizer("an answer without principalId or policyDocument")
    if not allows(policy, method_arn):
        raise Denied(str(principal))
    return Identity(str(principal), context_of(answer))


def simple_identity(invocation: Invocation) -> Identity:
    """Whom a simple answer (`isAuthorized`) lets in. Raises `Unauthorized`, `Denied`, `InvalidAuthorizer`."""
    answer = authorizer_answer(invocation)
    is_authorized = answer.get("isAuthorized")
    if not isinstance(is_authorized, bool):
        raise InvalidAuthorizer("an answer without isAuthorized")
    if not is_authorized:
        raise Denied("")
    return Identity("", context_of(answer))


def as_strings(context: Mapping[str, Any]) -> dict[str, str]:
    """A context as a WebSocket API's events carry it: every value is a string."""
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in context.items()}


def authorizer_answer(invocation: Invocation) -> Mapping[str, Any]:
    """The object that an authorizer answered. Raises `Unauthorized`, `InvalidAuthorizer`."""
    try:
        answer = json.loads(invocation.payload)
    except (ValueError, RecursionError):
        answer = None
    if invocation.error is not None:
        message = answer.get("errorMessage") if isinstance(answer, dict) else None
        if message == "Unauthorized":
            raise Unauthorized("the function says so")
        raise InvalidAuthorizer(str(message))
    if not isinstance(answer, dict):
        raise InvalidAuthorizer("an answer that is no object")
    return answer


def context_of(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """The context of an answer. Raises `InvalidAuthorizer`: lists and objects aren't allowed in it."""
    context = answer.get("context") or {}
    if not isinstance(context, Mapping):
        raise InvalidAuthorizer("a context that is no object")
    for name, value in context.items():
        if not isinstance(value, str | int | float | bool):
            raise InvalidAuthorizer(f"the context's {name} is neither text, number nor boolean")
    return context


def allows(policy: Mapping[str, Any], method_arn: str) -> bool:
    """Whether a policy document allows to invoke a method. A denial wins, and what isn't named is denied."""
    effects = {
        statement.get("Effect")
        for statement in _each(policy.get("Statement"))
        if isinstance(statement, Mapping)
        and any(_fits(action, _ACTION, re.IGNORECASE) for action in _each(statement.get("Action")))
        and any(_fits(resource, method_arn) for resource in _each(statement.get("Resource")))
    }
    return "Deny" not in effects and "Allow" in effects


def _each(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        yield from value
    elif value is not None:
        yield value


def _fits(pattern: Any, text: str, flags: int = 0) -> bool:
    return isinstance(pattern, str) and _compiled(pattern, flags).fullmatch(text) is not None


@lru_cache
def _compiled(pattern: str, flags: int) -> re.Pattern[str]:
    wildcards = {"*": ".*", "?": "."}
    return re.compile("".join(wildcards.get(sign) or re.escape(sign) for sign in pattern), flags | re.DOTALL)
