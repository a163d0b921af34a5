"""An HTTP API's CORS configuration: what preflights are answered, and what is added to answers. No I/O."""

from __future__ import annotations

from collections.abc import Iterator

from local_aws.edge.behaviours import without
from local_aws.http import Request, Response
from local_aws.model import Cors

# With a configuration the API's own headers count, not what a function says.
_OWN = (
    "access-control-allow-origin",
    "access-control-allow-credentials",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-expose-headers",
    "access-control-max-age",
)


def preflight(cors: Cors, request: Request) -> Response | None:
    """The answer to a preflight, which no route needs to be there for. None for any other request."""
    is_one = request.method == "OPTIONS" and request.header("Access-Control-Request-Method") is not None
    origin = request.header("Origin")
    if not is_one or origin is None:
        return None
    return Response(204, list(_of_preflight(cors, origin)))


def with_cors(cors: Cors, request: Request, response: Response) -> Response:
    """An answer with what the configuration adds for the request's origin."""
    headers = without(response.headers, _OWN)
    if (origin := request.header("Origin")) is not None:
        headers += _of_origin(cors, origin)
    return Response(response.status, headers, response.body)


def _of_preflight(cors: Cors, origin: str) -> Iterator[tuple[str, str]]:
    if (allowed := _allowed(cors, origin)) is None:
        return
    yield "access-control-allow-origin", allowed
    if cors.methods:
        yield "access-control-allow-methods", ",".join(cors.methods)
    if cors.headers:
        yield "access-control-allow-headers", ",".join(cors.headers)
    if cors.max_age is not None:
        yield "access-control-max-age", str(cors.max_age)
    if cors.credentials:
        yield "access-control-allow-credentials", "true"


def _of_origin(cors: Cors, origin: str) -> Iterator[tuple[str, str]]:
    if (allowed := _allowed(cors, origin)) is None:
        return
    yield "access-control-allow-origin", allowed
    if cors.exposed:
        yield "access-control-expose-headers", ",".join(cors.exposed)
    if cors.credentials:
        yield "access-control-allow-credentials", "true"


def _allowed(cors: Cors, origin: str) -> str | None:
    """What Access-Control-Allow-Origin says to an origin."""
    if "*" in cors.origins:
        return "*"
    scheme = f"{origin.partition('://')[0]}://*"
    return origin if origin in cors.origins or scheme in cors.origins else None
