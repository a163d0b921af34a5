"""The filter criteria of an event source mapping on a queue.

Reference: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs-filtering.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from local_aws.event_patterns import matches


def passes(patterns: Sequence[Mapping[str, Any]], body: str) -> bool:
    """Whether a message is for the function: it matches one of the patterns, or there are none.

    Filters on queues look at the body only. A pattern for fields of it never matches a body that isn't an
    object, and one for the whole text never matches an object.
    """
    if not patterns:
        return True
    content = _content(body)
    return any(_passes(pattern, content) for pattern in patterns)


def _passes(pattern: Mapping[str, Any], content: object) -> bool:
    wanted = pattern.get("body")
    if wanted is None:
        return True
    if isinstance(wanted, Mapping) is not isinstance(content, Mapping):
        return False
    return matches({"body": wanted}, {"body": content})


def _content(body: str) -> object:
    try:
        content = json.loads(body)
    except ValueError:
        return body
    return content if isinstance(content, Mapping) else body
