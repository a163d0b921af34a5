"""In what the template that `make run` uses differs from the deployed one: docs/deploying.md lists it."""

from __future__ import annotations

import re
from typing import Any

from infra.paths import ROOT
from tests.infra.reading import functions

PLACES = {"Code", "Content", "Tags", "SourceObjectKeys", "HandlerArn"}
"""Where an asset is, and names that a hash of it is part of."""


def test_the_laptop_differs_in_what_the_documentation_lists_only(assembly):
    page = (ROOT / "docs" / "deploying.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `([^`]+)` \| `([^`]+)` \|", page, re.MULTILINE)
    assert listed
    assert differences(assembly("try"), assembly("laptop")) == set(listed)


def differences(one: Any, other: Any) -> set[tuple[str, str]]:
    """Each difference as the kind of resource and the property."""
    left, right = _named(one), _named(other)
    assert left.keys() == right.keys()
    return {
        (name.split(" ")[0], path.lstrip("."))
        for name in left
        for path in _compared("", left[name], right[name])
    }


def _named(template: Any) -> dict[str, dict[str, Any]]:
    ours = {name for name, has in template.of("AWS::Lambda::Function").items() if "FunctionName" in has}
    assert len(ours) == len(functions(template))
    return {
        f"{resource['Type']} {name}": {
            key: value for key, value in resource["Properties"].items() if key not in PLACES
        }
        for name, resource in template.resources.items()
        # A version's id is a hash of its function.
        if resource["Type"] != "AWS::Lambda::Version" and "Properties" in resource
    }


def _compared(path: str, left: Any, right: Any) -> set[str]:
    if (
        isinstance(left, dict)
        and isinstance(right, dict)
        and not {"Fn::Join", "Ref"} & (left.keys() | right.keys())
    ):
        return {
            found
            for key in left.keys() | right.keys()
            for found in _compared(f"{path}.{key}", left.get(key), right.get(key))
        }
    return set() if left == right else {path}
