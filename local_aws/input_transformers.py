"""What EventBridge makes of an event before it hands it to a target.

Reference: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from local_aws.model import InputTransformer

_PLACEHOLDER = re.compile(r"<([A-Za-z0-9_.:-]+)>")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\['([^']*)'\]")


def at_path(path: str, event: object) -> object:
    """The part of an event at a JSON path such as `$.detail.items[0]`; None where there is none."""
    value, position = event, 1
    while position < len(path):
        step = _STEP.match(path, position)
        if step is None:
            return None
        position = step.end()
        name = step[1] if step[1] is not None else step[3]
        if name is not None:
            value = value.get(name) if isinstance(value, Mapping) else None
        else:
            index = int(step[2])
            value = value[index] if isinstance(value, list) and index < len(value) else None
    return value


def transformed(
    transformer: InputTransformer, event: Mapping[str, Any], variables: Mapping[str, object]
) -> str:
    """The template with its placeholders filled. `variables` are the reserved ones, `aws.events.…`.

    A value that stands for itself goes in as JSON; one inside a string of the template as text.
    """
    values = {name: at_path(path, event) for name, path in transformer.paths.items()} | dict(variables)
    pieces: list[str] = []
    position, quoted = 0, False
    for match in _PLACEHOLDER.finditer(transformer.template):
        before = transformer.template[position : match.start()]
        quoted ^= _quotes(before) % 2 == 1
        pieces.append(before)
        pieces.append(_filled(values[match[1]], quoted) if match[1] in values else match[0])
        position = match.end()
    return "".join([*pieces, transformer.template[position:]])


def _filled(value: object, quoted: bool) -> str:
    if not quoted:
        return json.dumps(value if value is not None else "")
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value)
    return json.dumps(text)[1:-1]


def _quotes(text: str) -> int:
    return len(re.findall(r'(?<!\\)"', text))
