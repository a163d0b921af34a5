"""Which route a message takes: the route selection expression, applied to the body. No I/O."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from local_aws.model import WebSocketApi, WebSocketRoute

_LIFECYCLE = frozenset({"$connect", "$disconnect"})
# `${request.body.a}` anywhere, or `$request.body.a` up to the end of the path; `\$` is a plain dollar.
_TOKEN = re.compile(
    r"\\(?P<escaped>.)"
    r"|\$\{request\.body(?P<braced>[^}]*)\}"
    r"|\$request\.body(?P<bare>(?:\.[A-Za-z0-9_-]+|\[\d+\])*)"
    r"|(?P<literal>.)",
    re.DOTALL,
)
_STEP = re.compile(r"\.(?P<name>[^.\[\]]+)|\[(?P<index>\d+)\]")

_Path = tuple[str | int, ...]


def choose(api: WebSocketApi, body: str) -> WebSocketRoute | None:
    """The route for a message, `$default` where none fits, None where there is no `$default` either.

    A client's own action `$connect` is no route.
    """
    key = selector(api.route_selection_expression)(body)
    if key is not None and key not in _LIFECYCLE and (route := api.routes.get(key)) is not None:
        return route
    return api.routes.get("$default")


@lru_cache
def selector(expression: str) -> Callable[[str], str | None]:
    """A function that evaluates the expression for a message's body; None where the body isn't JSON.

    The service's own parser takes looser JSON (unquoted keys); this one doesn't.
    """
    parts = _parse(expression)

    def select(body: str) -> str | None:
        try:
            document = json.loads(body)
        except (ValueError, RecursionError):
            return None
        return "".join(part if isinstance(part, str) else _as_text(document, part) for part in parts)

    return select


def _parse(expression: str) -> list[str | _Path]:
    parts: list[str | _Path] = []
    for match in _TOKEN.finditer(expression):
        path = match["braced"] if match["braced"] is not None else match["bare"]
        if path is None:
            parts.append(match["escaped"] or match["literal"])
        else:
            parts.append(tuple(step["name"] or int(step["index"]) for step in _STEP.finditer(path)))
    return parts


def _as_text(document: Any, path: _Path) -> str:
    """The value at a path as a string: text as it is, other values as JSON, a missing one (or null) empty."""
    value = document
    for step in path:
        if isinstance(step, str) and isinstance(value, dict):
            value = value.get(step)
        elif isinstance(step, int) and isinstance(value, list) and step < len(value):
            value = value[step]
        else:
            return ""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
