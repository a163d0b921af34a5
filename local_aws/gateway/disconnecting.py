"""The end of a connection: what the integration of `$disconnect` is told."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from local_aws.gateway import events
from local_aws.gateway.events import ConnectionRecord
from local_aws.gateway.ids import new_id
from local_aws.gateway.integrations import FAILURES, Integrations, why, within
from local_aws.gateway.mapping import Values
from local_aws.model import Integration, LambdaIntegration, MockIntegration, WebSocketApi

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Disconnecting:
    """One connection's end, with the ARN of the API's stage."""

    integrations: Integrations
    api: WebSocketApi
    stage_arn: str
    now: float

    async def run(
        self, record: ConnectionRecord, integration: Integration | None, code: int, reason: str
    ) -> None:
        """Tell the integration. What fails is only logged."""
        if integration is None or isinstance(integration, MockIntegration):
            return
        event = events.disconnect_event(
            record,
            status_code=code,
            reason=reason,
            request_id=new_id(),
            now=self.now,
            variables=self.api.variables,
        )
        source_arn = f"{self.stage_arn}/$disconnect"
        if isinstance(integration, LambdaIntegration):
            telling = self.integrations.function(integration, events.encode(event), source_arn)
        else:
            values = Values("", event["requestContext"], self.api.variables, headers=event["headers"])
            telling = self.integrations.service(integration, values, source_arn)
        try:
            await within(integration.timeout_ms, telling)
        except (TimeoutError, *FAILURES) as failure:
            logger.warning("%s: $disconnect failed: %s", record.connection_id, why(failure))
