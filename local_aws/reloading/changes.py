"""What differs between two readings of an assembly, in the words of whoever wrote the template. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Literal

from local_aws.model import Assembly, EventSource

# What says nothing about how the stack runs.
_NOTES = frozenset({"unsupported", "skipped", "outputs"})
_NOUNS = {
    "websocket_apis": "WebSocket API",
    "http_apis": "HTTP API",
    "resource_policies": "policy of",
    "aws_calls": "resource",
    "stream_sources": "mapping of the stream",
    "event_sources": "mapping",
}


@dataclass(frozen=True, slots=True)
class Change:
    """A resource that is new, gone or different. `part` is the field of `Assembly`."""

    part: str
    name: str
    kind: Literal["added", "removed", "changed"]
    properties: tuple[str, ...] = ()

    def __str__(self) -> str:
        noun = _NOUNS.get(self.part) or self.part.replace("_", " ").removesuffix("s")
        if noun.endswith("ie"):  # properties, policies
            noun = f"{noun.removesuffix('ie')}y"
        what = ", ".join(name.replace("_", " ") for name in self.properties) if self.properties else self.kind
        return f"{noun} {self.name} ({what})" if self.name else f"{noun} ({what})"


def changes(old: Assembly, new: Assembly) -> tuple[Change, ...]:
    """All differences, in the order of the assembly's parts."""
    found: list[Change] = []
    for part in (field.name for field in fields(Assembly) if field.name not in _NOTES):
        before, after = getattr(old, part), getattr(new, part)
        if before == after:
            continue
        if isinstance(before, str):
            found.append(Change(part, "", "changed"))
        else:
            found += _between(part, _by_name(before), _by_name(after))
    return tuple(found)


def _between(part: str, before: Mapping[str, object], after: Mapping[str, object]) -> Iterable[Change]:
    for name in [*before, *(name for name in after if name not in before)]:
        if name not in after:
            yield Change(part, name, "removed")
        elif name not in before:
            yield Change(part, name, "added")
        elif before[name] != after[name]:
            yield Change(part, name, "changed", _properties(before[name], after[name]))


def _properties(before: object, after: object) -> tuple[str, ...]:
    if not is_dataclass(before) or type(before) is not type(after):
        return ()
    return tuple(
        field.name for field in fields(before) if getattr(before, field.name) != getattr(after, field.name)
    )


def _by_name(items: Mapping[str, object] | Iterable[object]) -> dict[str, object]:
    if isinstance(items, Mapping):
        return dict(items)
    named: dict[str, object] = {}
    for item in items:
        name, number = _name(item), 2
        while name in named:  # mappings may differ in nothing that names them
            name = f"{_name(item)} #{number}"
            number += 1
        named[name] = item
    return named


def _name(item: object) -> str:
    if isinstance(item, EventSource):
        return f"{item.queue_arn.rpartition(':')[2]} to {item.function}"
    name = next(
        (str(getattr(item, key)) for key in ("name", "id", "function", "arn") if hasattr(item, key)), ""
    )
    stage = getattr(item, "stage", None)
    return f"{name} {stage}".strip() if stage and stage != "$default" else name
