"""Whether a client may connect: what the authorizer and the integration of `$connect` say."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace

from local_aws.functions import FunctionNotFound, Throttled
from local_aws.gateway import events
from local_aws.gateway.answers import Answer
from local_aws.gateway.authorizers import (
    Denied,
    InvalidAuthorizer,
    Unauthorized,
    as_strings,
    identity,
    identity_values,
)
from local_aws.gateway.events import ConnectionRecord
from local_aws.gateway.ids import new_id
from local_aws.gateway.integrations import (
    FAILURES,
    NOT_INVOKED,
    Integrations,
    NotPermitted,
    why,
    within,
)
from local_aws.gateway.mapping import Values
from local_aws.gateway.mock import mock_status
from local_aws.http import Request
from local_aws.model import (
    Integration,
    LambdaAuthorizer,
    LambdaIntegration,
    MockIntegration,
    WebSocketApi,
)

logger = logging.getLogger(__name__)

# What API Gateway gives an authorizer.
_AUTHORIZER_TIMEOUT_MS = 29_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Connecting:
    """One client's handshake, with the ARN of the API's stage."""

    integrations: Integrations
    api: WebSocketApi
    stage_arn: str
    request: Request
    now: float

    async def answer(self, record: ConnectionRecord) -> tuple[Answer, ConnectionRecord]:
        """The answer to the handshake, and the record with what the authorizer has said."""
        route = self.api.routes.get("$connect")
        if route is None:
            return Answer(200), record
        if route.authorizer is not None:
            status, context = await self._authorize(record, route.authorizer)
            if context is None:
                return Answer(status), record
            record = replace(record, authorizer=context)
        if route.integration is None:
            return Answer(200), record
        return await self._integrate(record, route.integration), record

    async def _authorize(
        self, record: ConnectionRecord, authorizer: LambdaAuthorizer
    ) -> tuple[int, Mapping[str, str] | None]:
        """The context of who may connect, or the status of the refusal."""
        method_arn = f"{self.stage_arn}/$connect"
        event = events.authorizer_event(
            record,
            method_arn=method_arn,
            headers=self.request.headers,
            query=self.request.query,
            variables=self.api.variables,
            request_id=new_id(),
            now=self.now,
        )
        source_arn = f"{self.stage_arn.rpartition('/')[0]}/authorizers/{authorizer.id}"
        try:
            identity_values(authorizer.identity_sources, self._values(event))
            if not self.integrations.may_invoke(authorizer.function, source_arn, authorizer.role_arn):
                raise NotPermitted(authorizer.function, source_arn)
            invocation = await within(
                _AUTHORIZER_TIMEOUT_MS,
                self.integrations.invoker.invoke(authorizer.function, events.encode(event)),
            )
            who = identity(invocation, method_arn)
        except Unauthorized as refusal:
            logger.info("%s: %s: unauthorized: %s", record.connection_id, authorizer.name, refusal)
            return 401, None
        except Denied as refusal:
            logger.info("%s: %s denies %s", record.connection_id, authorizer.name, refusal)
            return 403, None
        except (TimeoutError, Throttled, FunctionNotFound, NotPermitted, InvalidAuthorizer) as failure:
            logger.warning("%s: %s: %s", record.connection_id, authorizer.name, why(failure))
            return 500, None
        return 200, {"principalId": who.principal, **as_strings(who.context)}

    async def _integrate(self, record: ConnectionRecord, integration: Integration) -> Answer:
        event = events.connect_event(
            record,
            headers=self.request.headers,
            query=self.request.query,
            variables=self.api.variables,
            request_id=new_id(),
            now=self.now,
        )
        if isinstance(integration, MockIntegration):
            return Answer(mock_status(integration, self._values(event)))
        source_arn = f"{self.stage_arn}/$connect"
        if isinstance(integration, LambdaIntegration):
            asking = self.integrations.function(integration, events.encode(event), source_arn)
        else:
            asking = self.integrations.service(integration, self._values(event), source_arn)
        try:
            return await within(integration.timeout_ms, asking)
        except TimeoutError:
            logger.warning("%s: it took too long to connect", record.connection_id)
            return Answer(504)  # unconfirmed
        except NOT_INVOKED as refusal:
            logger.warning("%s: not connected: %s", record.connection_id, why(refusal))
            return Answer(500)
        except FAILURES as failure:
            logger.warning("%s: failed to connect: %s", record.connection_id, failure)
            return Answer(502)

    def _values(self, event: events.Event) -> Values:
        return Values(
            "",
            event["requestContext"],
            self.api.variables,
            headers=event["headers"],
            query=event.get("queryStringParameters", {}),
        )
