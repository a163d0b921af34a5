"""IAM's wildcards (`*`, `?`) and policy variables (`${aws:username}`). Pure.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

Context = Mapping[str, tuple[str, ...]]
"""What a request brings for conditions and variables: values by key, in lower case."""

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_LITERALS = {"*": "*", "?": "?", "$": "$"}


def matches(pattern: str, value: str, context: Context, *, ignore_case: bool = False) -> bool:
    """Whether `pattern` stands for `value`. A variable without a value matches nothing."""
    if "${" in pattern:
        expression = _with_variables(pattern, context)
        if expression is None:
            return False
        compiled = re.compile(expression, re.DOTALL | (re.IGNORECASE if ignore_case else 0))
    else:
        compiled = _compiled(pattern, ignore_case)
    return compiled.fullmatch(value) is not None


def equals(pattern: str, value: str, context: Context) -> bool:
    """The same without wildcards: only variables are replaced."""
    if "${" not in pattern:
        return pattern == value
    parts = _VARIABLE.split(pattern)
    values = [_value(part, context) if number % 2 else part for number, part in enumerate(parts)]
    return None not in values and "".join(filter(None, values)) == value


def matches_arn(pattern: str, arn: str, context: Context) -> bool:
    """As ArnLike and ArnEquals compare: each of the six parts of an ARN on its own."""
    patterns, parts = pattern.split(":", 5), arn.split(":", 5)
    return len(patterns) == len(parts) and all(
        matches(one, part, context) for one, part in zip(patterns, parts, strict=True)
    )


@lru_cache(maxsize=4096)
def _compiled(pattern: str, ignore_case: bool) -> re.Pattern[str]:
    return re.compile(_expression([pattern]), re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def _with_variables(pattern: str, context: Context) -> str | None:
    pieces: list[str] = []
    literals: list[str] = []
    for number, part in enumerate(_VARIABLE.split(pattern)):
        if number % 2 == 0:
            pieces.append(part)
            continue
        value = _value(part, context)
        if value is None:
            return None
        literals.append(value)
    return _expression(pieces, literals)


def _value(variable: str, context: Context) -> str | None:
    """What `${variable}` stands for: a key with one value, its default, or one of three characters."""
    if variable in _LITERALS:
        return _LITERALS[variable]
    key, _, default = variable.partition(",")
    values = context.get(key.strip().lower(), ())
    if len(values) == 1:
        return values[0]
    return default.strip().strip("'") if default else None


def _expression(pieces: list[str], literals: list[str] | None = None) -> str:
    """A regular expression for patterns with literal texts between them.

    Each `*` but the last takes as little as it can and never tries again (`(?>…)`), which is enough for a
    match and keeps a long row of stars from taking forever.
    """
    between: list[str] = [""]  # what stands between stars, as expressions
    for number, piece in enumerate(pieces):
        if number:
            between[-1] += re.escape((literals or [])[number - 1])
        first, *rest = piece.split("*")
        between[-1] += _fixed(first)
        between.extend(_fixed(part) for part in rest)
    if len(between) == 1:
        return between[0]
    start, *middle, end = between
    return start + "".join(f"(?>.*?{part})" for part in middle if part) + ".*" + end


def _fixed(part: str) -> str:
    return "".join("." if character == "?" else re.escape(character) for character in part)
