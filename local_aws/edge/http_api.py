"""An HTTP API: requests become events of functions, and their answers responses."""

from __future__ import annotations

import json
import logging
import time
from dataclasses import replace

from local_aws.edge.cors import preflight, with_cors
from local_aws.edge.http_api_events import Call, event_v1, event_v2, response
from local_aws.edge.http_api_routes import Routes
from local_aws.edge.http_authorizers import HttpAuthorizers, Refused
from local_aws.functions import FunctionNotFound, Throttled
from local_aws.gateway.answers import MalformedAnswer
from local_aws.gateway.events import encode
from local_aws.gateway.ids import new_id
from local_aws.gateway.integrations import FunctionFailed, Integrations, NotPermitted, answer_of, why, within
from local_aws.http import Request, Response
from local_aws.model import HttpApi, HttpRoute

logger = logging.getLogger(__name__)

# What Lambda takes as a payload.
_MAX_EVENT = 6 * 1024 * 1024
_REFUSALS = {401: "Unauthorized", 403: "Forbidden", 500: "Internal Server Error"}


class HttpApiOrigin:
    """Answers the requests to one API. `domain_name` is its execute-api host."""

    def __init__(self, api: HttpApi, integrations: Integrations, *, account: str, domain_name: str) -> None:
        self.domain_name = domain_name
        self._api = api
        self._integrations = integrations
        self._account = account
        self._arn = f"arn:aws:execute-api:{integrations.region}:{account}:{api.id}"
        self._routes = Routes(api.routes)
        self._authorizers = HttpAuthorizers(integrations, self._arn)

    async def answer(self, request: Request) -> Response:
        """Answer a request whose path is the one below the stage."""
        cors = self._api.cors
        if cors is None:
            return await self._answer(request)
        return preflight(cors, request) or with_cors(cors, request, await self._answer(request))

    async def _answer(self, request: Request) -> Response:
        chosen = self._routes.choose(request.method, request.path)
        if chosen is None:
            return _message(404, "Not Found")
        route, path_parameters = chosen
        known = Call(
            account=self._account,
            api_id=self._api.id,
            domain_name=self.domain_name,
            stage=self._api.stage,
            route_key=route.key,
            path_parameters=path_parameters,
            request_id=new_id(),
            now=time.time(),
            variables=self._api.variables,
        )
        if route.authorizer is not None:
            try:
                who = await self._authorizers.authorize(route.authorizer, known, request)
            except Refused as refused:
                return _message(refused.status, _REFUSALS[refused.status])
            known = replace(known, authorizer=who)
        event = event_v2(known, request) if route.payload_format == "2.0" else event_v1(known, request)
        payload = encode(event)
        if len(payload) > _MAX_EVENT:
            return _message(413, "Request Entity Too Large")
        answer = await self._invoke(route, payload, f"{request.method} {request.path}")
        answer.headers = [*answer.headers, ("apigw-requestid", known.request_id)]
        return answer

    async def _invoke(self, route: HttpRoute, payload: bytes, what: str) -> Response:
        source_arn = f"{self._arn}/{self._api.stage}/{route.key.replace(' ', '')}"
        try:
            if not self._integrations.may_invoke(route.function, source_arn, route.role_arn):
                raise NotPermitted(route.function, source_arn)
            invocation = await within(
                route.timeout_ms, self._integrations.invoker.invoke(route.function, payload)
            )
            return response(answer_of(invocation), payload_format=route.payload_format)
        except (TimeoutError, Throttled) as failure:
            logger.warning("%s: %s: %s", what, route.function, why(failure))
            return _message(503, "Service Unavailable")
        except (FunctionNotFound, FunctionFailed, MalformedAnswer, NotPermitted) as failure:
            logger.warning("%s: %s: %s", what, route.function, why(failure))
            return _message(500, "Internal Server Error")


def _message(status: int, message: str) -> Response:
    return Response(status, [("content-type", "application/json")], json.dumps({"message": message}).encode())
