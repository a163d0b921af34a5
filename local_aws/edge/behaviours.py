"""What a distribution does with a request: which behaviour takes it, and which headers change. No I/O."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping
from functools import lru_cache

from local_aws.http import Request, Response
from local_aws.model import Behaviour, Distribution

MAX_URL = 8192

_HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding"}
)


def behaviour_for(distribution: Distribution, path: str) -> Behaviour | None:
    """The first behaviour whose pattern matches the (still encoded) path."""
    for behaviour in distribution.behaviours:
        if _pattern(behaviour.pattern).fullmatch(path):
            return behaviour
    return None


def origin_request(behaviour: Behaviour, request: Request, *, origin_host: str) -> Request:
    """The request that goes to the behaviour's origin.

    Custom headers replace what the viewer sent under their names. X-Forwarded-For gets the viewer's address
    after whatever the viewer claims.
    """
    custom = behaviour.origin.custom_headers
    replaced = {name.lower() for name in custom} | {"host", "x-forwarded-for", "x-amz-cf-id"} | _HOP_BY_HOP
    claimed = [value for name, value in request.headers if name.lower() == "x-forwarded-for"]
    host = (request.header("Host") or origin_host) if behaviour.forwards_host else origin_host
    headers = [(name, value) for name, value in request.headers if name.lower() not in replaced]
    upgrade = request.header("Connection") if request.header("Upgrade") else None
    headers += [
        ("Host", host),
        ("X-Forwarded-For", ", ".join([*claimed, request.peer])),
        ("Via", "1.1 localhost (CloudFront)"),
        ("X-Amz-Cf-Id", secrets.token_urlsafe(40)),
        *custom.items(),
    ]
    if upgrade is not None:
        headers.append(("Connection", upgrade))
    path = behaviour.origin.path + request.path
    target = path + request.target[len(request.path) :]
    return Request(request.method, target, path, request.query, headers, request.body, request.peer)


def viewer_response(behaviour: Behaviour, response: Response) -> Response:
    """The origin's response as the behaviour's response headers policy wants it."""
    added, defaults = behaviour.response_headers, behaviour.default_headers
    if not added and not defaults and not behaviour.removed_headers:
        return response
    headers = without(response.headers, (*added, *behaviour.removed_headers))
    sent = {name.lower() for name, _ in headers}
    headers += added.items()
    headers += ((name, value) for name, value in defaults.items() if name.lower() not in sent)
    return Response(response.status, headers, response.body)


def without(
    headers: Iterable[tuple[str, str]], names: Mapping[str, str] | Iterable[str]
) -> list[tuple[str, str]]:
    """The headers whose name is none of `names`, in any casing."""
    lowered = {name.lower() for name in names}
    return [(name, value) for name, value in headers if name.lower() not in lowered]


@lru_cache
def _pattern(pattern: str) -> re.Pattern[str]:
    wildcards = {"*": ".*", "?": "."}
    if not pattern.startswith(("/", "*")):
        pattern = f"/{pattern}"
    return re.compile("".join(wildcards.get(sign) or re.escape(sign) for sign in pattern), re.DOTALL)
