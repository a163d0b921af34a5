"""Where a request goes: a distribution's origins, or an API by its own name, its id or its stage."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from email.utils import formatdate
from urllib.parse import unquote

from local_aws.edge.behaviours import MAX_URL, behaviour_for, origin_request, viewer_response, without
from local_aws.edge.bucket import BucketOrigin
from local_aws.edge.compression import compressed
from local_aws.edge.http_api import HttpApiOrigin
from local_aws.gateway import Gateway, Integrations
from local_aws.http import Request, Response, serialise
from local_aws.model import Assembly, Behaviour, ErrorPage, WebSocketApi

logger = logging.getLogger(__name__)

_API_HOST = re.compile(r"(?P<api>[a-z0-9]+)\.execute-api\..+")
_OWN_HOSTS = frozenset({"127.0.0.1", "localhost"})


# What functions put into a bucket, by the bucket and the key. None where they can't have put anything.
Stored = Callable[[str, str, Request], Awaitable[Response] | None]


@dataclass(frozen=True, slots=True)
class _Place:
    """An origin, the request as it gets it, and the behaviour that led there, None without a distribution."""

    origin: WebSocketApi | HttpApiOrigin | BucketOrigin
    request: Request
    behaviour: Behaviour | None = None


class Edge:
    """Answers on the port that people open."""

    def __init__(
        self,
        assembly: Assembly,
        gateway: Gateway,
        integrations: Integrations,
        *,
        port: int,
        connections: Callable[[Request, str], Response | Awaitable[Response]] | None = None,
        stored: Stored = lambda bucket, key, request: None,
    ) -> None:
        self._gateway = gateway
        self._integrations = integrations
        self._connections = connections or gateway.management
        self._stored = stored
        self._address = f"127.0.0.1:{port}"
        self._tasks: set[asyncio.Task[None]] = set()
        self.replace(assembly)

    def replace(self, assembly: Assembly) -> None:
        """Serve this assembly from now on."""
        self._distribution = assembly.distributions[0] if assembly.distributions else None
        self._websocket_apis = assembly.websocket_apis
        self._region = assembly.region
        self._http_apis = {
            (api.id, api.stage): HttpApiOrigin(
                api, self._integrations, account=assembly.account, domain_name=self._api_host(api.id)
            )
            for api in assembly.http_apis
        }
        self._buckets = {bucket.name: BucketOrigin(bucket) for bucket in assembly.buckets}
        self._api_ids = {api.id for api in assembly.websocket_apis} | {api.id for api in assembly.http_apis}

    def handle(self, request: Request) -> Response | Awaitable[Response]:
        """Answer a request."""
        place = self._find(request)
        if isinstance(place, Response):
            return _dated(place)
        answer = self._answer(place, request)
        if isinstance(answer, Response) and self._error_page(place, answer) is None:
            return _finished(place, answer)
        return self._finish_later(place, answer)

    def upgrade(self, request: Request, transport: asyncio.Transport, rest: bytes) -> None:
        """Take a WebSocket handshake to its API; answer it as any other request where there is none."""
        place = self._find(request)
        if isinstance(place, _Place) and isinstance(place.origin, WebSocketApi):
            self._gateway.upgrade(place.origin, place.request, transport, rest)
            return
        task = asyncio.get_running_loop().create_task(self._decline(request, transport))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # Answers.

    def _answer(self, place: _Place, request: Request) -> Response | Awaitable[Response]:
        """The origin's answer."""
        origin = place.origin
        if isinstance(origin, HttpApiOrigin):
            return origin.answer(place.request)
        if isinstance(origin, BucketOrigin):
            root = self._distribution.default_root_object if self._distribution else ""
            answer = origin.answer(place.request, root)
            if answer.status not in (403, 404):
                return answer
            stored = self._stored(origin.name, origin.key(place.request, root), place.request)
            return answer if stored is None else _found(stored, answer)
        if "/@connections/" not in unquote(place.request.path):
            return Response(426, [("Upgrade", "websocket")])
        if place.behaviour is None:
            return self._connections(request, origin.id)
        # A request signed for the API's host never has a valid signature behind a distribution.
        return Response(403, [("Content-Type", "application/json")], b'{"message":"Forbidden"}')

    async def _finish_later(self, place: _Place, answer: Response | Awaitable[Response]) -> Response:
        response = answer if isinstance(answer, Response) else await answer
        if (page := self._error_page(place, response)) is not None and page.path is not None:
            asked = Request("GET", page.path, page.path, "", place.request.headers, b"", place.request.peer)
            at_page = self._behind_distribution(asked)
            if isinstance(at_page, _Place):
                found = self._answer(at_page, asked)
                shown = found if isinstance(found, Response) else await found
                if shown.status == 200:
                    response = Response(page.status or response.status, shown.headers, shown.body)
        return _finished(place, response)

    def _error_page(self, place: _Place, response: Response) -> ErrorPage | None:
        """What the distribution shows in place of an error of the origin."""
        if place.behaviour is None or self._distribution is None:
            return None
        page = self._distribution.error_pages.get(response.status)
        return None if page is None or page.path is None else page

    async def _decline(self, request: Request, transport: asyncio.Transport) -> None:
        answer = self.handle(request)
        response = answer if isinstance(answer, Response) else await answer
        transport.write(serialise(response, request.method, keep_alive=False))
        transport.close()

    # Places.

    def _find(self, request: Request) -> _Place | Response:
        host = (request.header("Host") or "127.0.0.1").lower()
        name = re.sub(r":\d+$", "", host)
        if (match := _API_HOST.fullmatch(name)) and match["api"] in self._api_ids:
            return self._at_api(match["api"], request) or _not_found()
        if name not in _OWN_HOSTS:
            return _text(403, f"Open http://{self._address}/ instead: nothing here is called {name}.")
        first, _, below = request.path.removeprefix("/").partition("/")
        if first in self._api_ids:
            return self._at_api(first, _moved(request, f"/{below}")) or _not_found()
        if self._distribution is None:
            return self._at_stage(request)
        if name == "localhost" and request.header("Upgrade") is None:
            return self._redirect(request)
        return self._behind_distribution(request)

    def _at_api(self, api_id: str, request: Request) -> _Place | None:
        """An API at its own host: the path begins with the stage, unless that is `$default`."""
        stage, _, below = request.path.removeprefix("/").partition("/")
        apis = [api for api in self._websocket_apis if api.id == api_id]
        if apis:
            # A wrong path is the gateway's to refuse.
            return _Place(next((api for api in apis if api.stage == stage), apis[0]), request)
        if (origin := self._http_apis.get((api_id, stage))) is not None:
            return _Place(origin, _moved(request, f"/{below}"))
        if (origin := self._http_apis.get((api_id, "$default"))) is not None:
            return _Place(origin, request)
        return None

    def _at_stage(self, request: Request) -> _Place | Response:
        """Without a distribution: the stage at the beginning of the path, where only one API has it."""
        stage = request.path.removeprefix("/").partition("/")[0]
        ids = [api.id for api in self._websocket_apis if api.stage == stage]
        ids += [api_id for api_id, name in self._http_apis if name == stage]
        if not ids:
            ids = [api_id for api_id, name in self._http_apis if name == "$default"]
        if not ids and len(self._api_ids) == 1:
            ids = list(self._api_ids)
        if len(ids) != 1:
            return _not_found()
        return self._at_api(ids[0], request) or _not_found()

    def _behind_distribution(self, request: Request) -> _Place | Response:
        assert self._distribution is not None
        behaviour = behaviour_for(self._distribution, request.path)
        if len(request.target) > MAX_URL:
            return _text(414, "The address is too long.")
        if behaviour is None:
            return _text(502, "The distribution has no origin here for this path.")
        if request.method not in behaviour.allowed_methods:
            return _text(403, "The distribution doesn't allow this method here.")
        target = behaviour.origin.target
        if behaviour.origin.kind == "bucket":
            bucket = self._buckets.get(target)
            if bucket is None:
                return _text(502, f"There is no bucket {target} here.")
            sent = origin_request(behaviour, request, origin_host=f"{target}.s3.{self._region}.amazonaws.com")
            return _Place(bucket, sent, behaviour)
        sent = origin_request(behaviour, request, origin_host=self._api_host(target))
        if behaviour.forwards_host:
            logger.warning(
                "%s: an API refuses the viewer's Host; exclude it from what is forwarded", request.path
            )
            return Response(403, [("Content-Type", "application/json")], b'{"message":"Forbidden"}')
        place = self._at_api(target, sent)
        return _not_found() if place is None else replace(place, behaviour=behaviour)

    def _api_host(self, api_id: str) -> str:
        return f"{api_id}.execute-api.{self._region}.amazonaws.com"

    def _redirect(self, request: Request) -> Response:
        # One name only: a cookie that is set under one isn't sent to the other.
        status = 302 if request.method in ("GET", "HEAD") else 307
        return Response(status, [("Location", f"http://{self._address}{request.target}")])


async def _found(stored: Awaitable[Response], otherwise: Response) -> Response:
    response = await stored
    return response if response.status < 400 else otherwise


def _moved(request: Request, path: str) -> Request:
    """The request at another path."""
    target = path + request.target[len(request.path) :]
    return Request(request.method, target, path, request.query, request.headers, request.body, request.peer)


def _finished(place: _Place, response: Response) -> Response:
    if place.behaviour is not None:
        response = viewer_response(place.behaviour, response)
        if place.behaviour.compress:
            response = compressed(place.request, response)
    return _dated(response)


def _dated(response: Response) -> Response:
    response.headers = [*without(response.headers, ("date",)), ("Date", formatdate(usegmt=True))]
    return response


def _not_found() -> Response:
    return Response(404, [("Content-Type", "application/json")], b'{"message":"Not Found"}')


def _text(status: int, sentence: str) -> Response:
    return Response(status, [("Content-Type", "text/plain; charset=utf-8")], f"{sentence}\n".encode())
