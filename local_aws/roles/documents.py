"""Reads policy documents, whose every element may be one value or a list. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from local_aws.model import Statement


def statements(document: Any) -> tuple[Statement, ...]:
    """The statements of a policy document: a mapping, or its JSON. Raises ValueError."""
    if isinstance(document, str):
        document = json.loads(document)
    if not isinstance(document, Mapping):
        raise ValueError(f"{document!r} is no policy document")
    return tuple(_statement(one) for one in _list(document.get("Statement", ())))


def _statement(given: Mapping[str, Any]) -> Statement:
    if given.get("Effect") not in ("Allow", "Deny"):
        raise ValueError(f"the effect of a policy's statement is {given.get('Effect')!r}")
    return Statement(
        allows=given["Effect"] == "Allow",
        actions=_texts(given.get("Action", ())),
        not_actions=_texts(given.get("NotAction", ())),
        resources=_texts(given.get("Resource", ())),
        not_resources=_texts(given.get("NotResource", ())),
        principals=_principals(given.get("Principal")),
        not_principals=_principals(given.get("NotPrincipal")),
        conditions={
            operator: {key: _texts(value) for key, value in by_key.items()}
            for operator, by_key in given.get("Condition", {}).items()
        },
    )


def _principals(given: Any) -> Mapping[str, tuple[str, ...]] | None:
    if given is None:
        return None
    if isinstance(given, str):
        return {given: (given,)}
    return {kind: _texts(names) for kind, names in given.items()}


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(("true" if one else "false") if isinstance(one, bool) else str(one) for one in _list(value))
