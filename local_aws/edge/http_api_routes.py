"""Which route of an HTTP API takes a request. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from local_aws.model import HttpRoute

_PARAMETER = re.compile(r"\{(?P<name>[^}+]+)(?P<greedy>\+)?\}")


@dataclass(frozen=True, slots=True)
class _Pattern:
    route: HttpRoute
    method: str
    path: re.Pattern[str]
    parameters: tuple[str, ...]
    # A fixed segment before a parameter before a greedy one, the method by name before ANY.
    rank: tuple[tuple[int, ...], bool]


class Routes:
    """The routes of an API, most specific first, `$default` last."""

    def __init__(self, routes: Iterable[HttpRoute]) -> None:
        routes = tuple(routes)
        self._default = next((route for route in routes if route.key == "$default"), None)
        self._patterns = sorted(
            (_compile(route) for route in routes if route.key != "$default"), key=lambda pattern: pattern.rank
        )

    def choose(self, method: str, path: str) -> tuple[HttpRoute, Mapping[str, str]] | None:
        """The route for a method and an encoded path, with the decoded path parameters."""
        for pattern in self._patterns:
            if pattern.method in (method, "ANY") and (match := pattern.path.fullmatch(path)):
                values = (unquote(value) for value in match.groups())
                return pattern.route, dict(zip(pattern.parameters, values, strict=True))
        return None if self._default is None else (self._default, {})


def _compile(route: HttpRoute) -> _Pattern:
    method, _, path = route.key.partition(" ")
    names: list[str] = []
    parts: list[str] = []
    rank: list[int] = []
    for segment in path.split("/"):
        parameter = _PARAMETER.fullmatch(segment)
        if parameter is None:
            parts.append(re.escape(segment))
            rank.append(0)
            continue
        names.append(parameter["name"])
        parts.append("(.+)" if parameter["greedy"] else "([^/]+)")
        rank.append(2 if parameter["greedy"] else 1)
    pattern = re.compile("/".join(parts), re.DOTALL)
    return _Pattern(route, method, pattern, tuple(names), (tuple(rank), method == "ANY"))
