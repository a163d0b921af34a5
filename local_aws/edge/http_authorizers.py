"""Lambda authorizers of an HTTP API: whether a request may pass, and what its event says of who made it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local_aws.edge.http_api_events import Call, Event, event_v1, event_v2
from local_aws.functions import FunctionNotFound, Invocation, Throttled
from local_aws.gateway.authorizers import (
    Denied,
    Identity,
    InvalidAuthorizer,
    Unauthorized,
    identity,
    identity_values,
    simple_identity,
)
from local_aws.gateway.events import encode
from local_aws.gateway.integrations import Integrations, NotPermitted, why, within
from local_aws.gateway.mapping import Values
from local_aws.http import Request
from local_aws.model import LambdaAuthorizer

logger = logging.getLogger(__name__)

_TIMEOUT_MS = 10_000
_MOST_KEPT = 1_000


class Refused(Exception):
    """The request may not pass: the status that says so."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass(slots=True)
class _Kept:
    invocation: Invocation
    until: float


class HttpAuthorizers:
    """Asks the authorizers of an API. `arn` is the API's: account and region, and its id."""

    def __init__(self, integrations: Integrations, arn: str) -> None:
        self._integrations = integrations
        self._arn = arn
        self._kept: dict[tuple[str, tuple[str, ...]], _Kept] = {}

    async def authorize(
        self, authorizer: LambdaAuthorizer, call: Call, request: Request
    ) -> Mapping[str, Any]:
        """`requestContext.authorizer` of a request that may pass. Raises `Refused`."""
        is_v2 = authorizer.payload_format == "2.0"
        event = event_v2(call, request) if is_v2 else event_v1(call, request)
        route_arn = f"{self._arn}/{call.stage}/{request.method}{request.path}"
        try:
            named = identity_values(authorizer.identity_sources, _values(call, event))
            invocation = await self._answer(authorizer, call, event, named, route_arn)
            simple = is_v2 and authorizer.simple_responses
            who = simple_identity(invocation) if simple else identity(invocation, route_arn)
        except Unauthorized:
            raise Refused(401) from None
        except Denied:
            raise Refused(403) from None
        except (TimeoutError, Throttled, FunctionNotFound, NotPermitted, InvalidAuthorizer) as failure:
            logger.warning("%s %s: %s: %s", request.method, request.path, authorizer.name, why(failure))
            raise Refused(500) from None
        return _context(who)

    async def _answer(
        self,
        authorizer: LambdaAuthorizer,
        call: Call,
        event: Event,
        named: tuple[str, ...],
        route_arn: str,
    ) -> Invocation:
        """The function's answer, or the one that it gave to the same identity a moment ago."""
        kept = self._kept.get((authorizer.id, named))
        if kept is not None and call.now < kept.until:
            return kept.invocation
        source_arn = f"{self._arn}/authorizers/{authorizer.id}"
        if not self._integrations.may_invoke(authorizer.function, source_arn, authorizer.role_arn):
            raise NotPermitted(authorizer.function, source_arn)
        payload = encode(_asking(authorizer, event, named, route_arn))
        invocation = await within(
            _TIMEOUT_MS, self._integrations.invoker.invoke(authorizer.function, payload)
        )
        if authorizer.ttl_seconds and named and invocation.error is None:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[authorizer.id, named] = _Kept(invocation, call.now + authorizer.ttl_seconds)
        return invocation


def _asking(authorizer: LambdaAuthorizer, event: Event, named: tuple[str, ...], route_arn: str) -> Event:
    rest = {
        name: value for name, value in event.items() if name not in ("version", "body", "isBase64Encoded")
    }
    if authorizer.payload_format == "2.0":
        return {
            "version": "2.0",
            "type": "REQUEST",
            "routeArn": route_arn,
            "identitySource": list(named),
            **rest,
        }
    joined = ",".join(named)
    return {
        "version": "1.0",
        "type": "REQUEST",
        "methodArn": route_arn,
        "identitySource": joined,
        "authorizationToken": joined,
        **rest,
    }


def _values(call: Call, event: Event) -> Values:
    return Values(
        "",
        event["requestContext"],
        call.variables,
        headers=event["headers"],
        query=event.get("queryStringParameters") or {},
    )


def _context(who: Identity) -> Mapping[str, Any]:
    return {"principalId": who.principal, **who.context} if who.principal else dict(who.context)
