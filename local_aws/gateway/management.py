"""The management API (`@connections`): sending to, describing and closing a connection."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import unquote

from local_aws.gateway.connection import MAX_MESSAGE, Connection, Gone, NotRead
from local_aws.gateway.ids import is_well_formed
from local_aws.http import Request, Response
from local_aws.request_ids import new_request_id

_PATH = re.compile(r"(?:/(?P<api>[^/]+))?/(?P<stage>[^/]+)/@connections/(?P<id>[^/]+)/?")
Push = Callable[[Connection, bytes], None]
CLOSED_NORMALLY = (1000, "Connection Closed Normally")


class Management:
    """Answers requests about the connections of a gateway."""

    def __init__(
        self, live: Mapping[str, Connection], clock: Callable[[], float], *, push: Push | None = None
    ) -> None:
        self.posts = 0
        self._stages: set[tuple[str | None, str]] = set()
        self._live = live
        self._clock = clock
        self._push = push or Connection.send

    def replace(self, stages: Iterable[tuple[str, str]]) -> None:
        """Answer for these from now on, each an API's id and its stage."""
        self._stages = set(stages) | {(None, stage) for _, stage in stages}

    def answer(self, request: Request, api_id: str | None = None) -> Response:
        """Answer one request. `api_id` is the API whose host it was sent to, if that says it."""
        place = _place(request.path)
        if place is None:
            return _forbidden()
        named_api, stage, connection_id = place
        api_id = named_api or api_id
        if (api_id, stage) not in self._stages:
            return _forbidden()
        if not is_well_formed(connection_id):
            return _refusal(400, "BadRequestException", f"Invalid connectionId: {connection_id}")
        if request.method == "POST" and len(request.body) > MAX_MESSAGE:
            return _refusal(413, "PayloadTooLargeException", "Message too long")
        connection = self._live.get(connection_id)
        if (
            connection is None
            or connection.record.stage != stage
            or api_id not in (None, connection.record.api_id)
        ):
            return _gone()
        match request.method:
            case "POST":
                return self._post(connection, request.body)
            case "GET":
                return _describe(connection)
            case "DELETE":
                connection.close(*CLOSED_NORMALLY)
                return Response(204, _headers())
        return _forbidden()

    def _post(self, connection: Connection, message: bytes) -> Response:
        try:
            self._push(connection, message)
        except Gone:
            return _gone()
        except NotRead:
            return _refusal(429, "LimitExceededException", "The client doesn't read what it is sent")
        self.posts += 1
        connection.last_active = self._clock()
        return Response(200, _headers())


@lru_cache(maxsize=8192)  # connections are posted to again and again
def _place(path: str) -> tuple[str | None, str, str] | None:
    """The API (if it is named), the stage and the connection of a path."""
    match = _PATH.fullmatch(unquote(path))
    return None if match is None else (match["api"], match["stage"], match["id"])


def _describe(connection: Connection) -> Response:
    record = connection.record
    identity = {"sourceIp": record.source_ip}
    if record.user_agent is not None:
        identity["userAgent"] = record.user_agent
    body = {
        "connectedAt": _iso(record.connected_at / 1000),
        "identity": identity,
        "lastActiveAt": _iso(connection.last_active),
    }
    return Response(200, [*_headers(), ("Content-Type", "application/json")], json.dumps(body).encode())


def _iso(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _headers() -> list[tuple[str, str]]:
    return [("x-amzn-RequestId", new_request_id())]


def _gone() -> Response:
    return Response(410, [*_headers(), ("x-amzn-ErrorType", "GoneException")])


def _forbidden() -> Response:
    return Response(
        403,
        [*_headers(), ("Content-Type", "application/json"), ("x-amzn-ErrorType", "ForbiddenException")],
        b'{"message":"Forbidden"}',
    )


def _refusal(status: int, kind: str, message: str) -> Response:
    headers = [*_headers(), ("Content-Type", "application/json"), ("x-amzn-ErrorType", kind)]
    return Response(status, headers, json.dumps({"message": message}).encode())
