"""MOCK integrations: what a template of the mapping language makes of a message. No I/O.

Of the language this knows `$context.…`, `$input.body`, `$input.json('$.…')`, `$input.path('$.…')` and
`$util.escapeJavaScript(…)` around one of them. Anything else stays as it stands.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from local_aws.gateway.routes import selector
from local_aws.model import MockIntegration

_REFERENCE = re.compile(
    r"(?P<escaped>\$util\.escapeJavaScript\(\s*)?"
    r"\$(?P<braced>\{)?(?:"
    r"context\.(?P<context>[A-Za-z0-9_.]*[A-Za-z0-9_])"
    r"|input\.(?P<input>body|(?P<how>json|path)\(\s*(?P<quote>['\"])\$(?P<path>[^'\"]*)(?P=quote)\s*\))"
    r")(?(braced)\})(?(escaped)\s*\))"
)
_DEFAULT = "$default"


def mock_status(integration: MockIntegration, body: str, context: Mapping[str, Any]) -> int:
    """The status code that the request template gives: 200 accepts a `$connect`. 500 where it gives none."""
    template = _select(integration.request_templates, integration.template_selection, body)
    if template is None:
        return 200
    try:
        return int(json.loads(render(template, body, context))["statusCode"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return 500


def mock_body(integration: MockIntegration, body: str, context: Mapping[str, Any]) -> str:
    """What the response template makes of the message; empty without a template."""
    template = _select(integration.response_templates, integration.template_selection, body)
    return "" if template is None else render(template, body, context)


def render(template: str, body: str, context: Mapping[str, Any]) -> str:
    """Fill in a template's references."""

    def value(match: re.Match[str]) -> str:
        found = _value(match, body, context)
        return found if match["escaped"] is None else json.dumps(found, ensure_ascii=False)[1:-1]

    return _REFERENCE.sub(value, template)


def _select(templates: Mapping[str, str], selection: str | None, body: str) -> str | None:
    key = None if selection is None else selector(selection)(body)
    if key is not None and key in templates:
        return templates[key]
    if _DEFAULT in templates:
        return templates[_DEFAULT]
    # Without a selection expression a lone template is what its author meant (unconfirmed).
    return next(iter(templates.values())) if len(templates) == 1 else None


def _value(match: re.Match[str], body: str, context: Mapping[str, Any]) -> str:
    if (path := match["context"]) is not None:
        found: Any = context
        for name in path.split("."):
            found = found.get(name) if isinstance(found, Mapping) else None
        return "" if found is None else str(found)
    if match["input"] == "body":
        return body
    found = _at(body, match["path"])
    if match["how"] == "json":
        return "" if found is None else json.dumps(found, ensure_ascii=False)
    return "" if found is None else found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)


def _at(body: str, path: str) -> Any:
    try:
        found: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None
    for step in re.finditer(r"\.(?P<name>[A-Za-z0-9_-]+)|\[(?P<index>\d+)\]", path):
        if step["name"] is not None:
            found = found.get(step["name"]) if isinstance(found, dict) else None
        else:
            index = int(step["index"])
            found = found[index] if isinstance(found, list) and index < len(found) else None
    return found
