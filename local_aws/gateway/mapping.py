"""Mapping templates and expressions: what an integration makes of a message and of an answer. No I/O.

Of the template language this knows `$context.…`, `$stageVariables.…`, `$input.body`, `$input.json('$.…')`,
`$input.path('$.…')` and around any of them `$util.escapeJavaScript`, `urlEncode`, `urlDecode`, `base64Encode`
and `base64Decode`. Anything else stays as it stands, directives such as `#set` too.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus, unquote_plus

from local_aws.gateway.routes import selector

DEFAULT = "$default"

_NAMED = re.compile(r"(?P<of>context|stageVariables)\.(?P<path>\w+(?:\.\w+)*)")
_BODY = re.compile(r"input\.body\b")
_INPUT = re.compile(r"input\.(?P<how>json|path)\(\s*(?P<quote>['\"])\$(?P<path>[^'\"]*)(?P=quote)\s*\)")
_FUNCTION = re.compile(r"util\.(?P<name>\w+)\(\s*")
_CLOSING = re.compile(r"\s*\)")
_DIRECTIVE = re.compile(r"#(?:set|if|elseif|else|end|foreach|macro)\b")
_STEP = re.compile(r"\.(?P<name>[A-Za-z0-9_-]+)|\[(?P<index>\d+)\]|\['(?P<quoted>[^']+)'\]")


def _base64(text: str) -> str:
    return base64.b64encode(text.encode("utf-8", "replace")).decode()


def _from_base64(text: str) -> str:
    try:
        return base64.b64decode(text).decode("utf-8", "replace")
    except ValueError:
        return ""


_FUNCTIONS: Mapping[str, Callable[[str], str]] = {
    "escapeJavaScript": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "urlEncode": quote_plus,
    "urlDecode": unquote_plus,
    "base64Encode": _base64,
    "base64Decode": _from_base64,
}


@dataclass(frozen=True, slots=True)
class Values:
    """What templates and expressions can name."""

    body: str
    context: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)


def render(template: str, values: Values) -> str:
    """Fill in a template's references."""
    done: list[str] = []
    at = 0
    while (dollar := template.find("$", at)) >= 0:
        done.append(template[at:dollar])
        value, at = _reference(template, dollar, values) or ("$", dollar + 1)
        done.append(value)
    done.append(template[at:])
    return "".join(done)


def directives(template: str) -> list[str]:
    """The directives in a template, which aren't followed here."""
    return sorted(set(_DIRECTIVE.findall(template)))


def chosen_template(templates: Mapping[str, str], selection: str | None, body: str) -> str | None:
    """The template that the selection expression names for a body, else the one of `$default`."""
    key = None if selection is None else selector(selection)(body)
    if key is not None and key in templates:
        return templates[key]
    if DEFAULT in templates:
        return templates[DEFAULT]
    # Without a selection expression a lone template is what its author meant (unconfirmed).
    return next(iter(templates.values())) if len(templates) == 1 else None


def expression(text: str, values: Values) -> str | None:
    """A mapping expression's value: `'literal'`, `context.…`, `stageVariables.…` or `route.request.…`.

    None where there is nothing.
    """
    text = text.removeprefix("$")
    if text.startswith("'"):
        return text.strip("'")
    where, _, name = text.removeprefix("route.").partition(".")
    match where:
        case "context":
            return _text(_named(values.context, name))
        case "stageVariables":
            return values.variables.get(name)
        case "request":
            return _of_request(name, values)
    return None


def _of_request(name: str, values: Values) -> str | None:
    where, _, name = name.partition(".")
    match where:
        case "header":
            wanted = name.lower()
            return next((value for key, value in values.headers.items() if key.lower() == wanted), None)
        case "querystring":
            return values.query.get(name)
        case "body":
            return values.body if not name else _text(_at(values.body, f".{name}"))
    return None


def _reference(template: str, dollar: int, values: Values) -> tuple[str, int] | None:
    """The value of the reference at a dollar sign, and where it ends. None if it is none."""
    start = dollar + 1
    braced = template.startswith("{", start)
    found = _read(template, start + braced, values)
    if found is None or not braced:
        return found
    value, end = found
    return (value, end + 1) if template.startswith("}", end) else None


def _read(template: str, start: int, values: Values) -> tuple[str, int] | None:
    if match := _NAMED.match(template, start):
        source = values.context if match["of"] == "context" else values.variables
        return _text(_named(source, match["path"])) or "", match.end()
    if match := _BODY.match(template, start):
        return values.body, match.end()
    if match := _INPUT.match(template, start):
        found = _at(values.body, match["path"])
        if match["how"] == "path":
            return _text(found) or "", match.end()
        return "" if found is None else json.dumps(found, ensure_ascii=False), match.end()
    if match := _FUNCTION.match(template, start):
        return _call(template, match, values)
    return None


def _call(template: str, match: re.Match[str], values: Values) -> tuple[str, int] | None:
    function = _FUNCTIONS.get(match["name"])
    start = match.end()
    argument: tuple[str, int] | None = None
    if template.startswith("$", start):
        argument = _reference(template, start, values)
    elif (mark := template[start : start + 1]) in ("'", '"') and (end := template.find(mark, start + 1)) > 0:
        literal = template[start + 1 : end]
        argument = (render(literal, values) if mark == '"' else literal, end + 1)
    if function is None or argument is None:
        return None
    closing = _CLOSING.match(template, argument[1])
    return None if closing is None else (function(argument[0]), closing.end())


def _named(source: Mapping[str, Any], path: str) -> Any:
    found: Any = source
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _at(body: str, path: str) -> Any:
    """The value at a JSON path. None where there is none, and where the body is no JSON."""
    try:
        found: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None
    for step in _STEP.finditer(path):
        if (index := step["index"]) is not None:
            found = found[int(index)] if isinstance(found, list) and int(index) < len(found) else None
        else:
            name = step["name"] or step["quoted"]
            found = found.get(name) if isinstance(found, dict) else None
    return found


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
