"""What a message comes to: the frame that the gateway or the route's integration answers with."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

from local_aws.gateway import answers, events
from local_aws.gateway.answers import Answer, MalformedAnswer
from local_aws.gateway.connection import MAX_MESSAGE
from local_aws.gateway.events import ConnectionRecord
from local_aws.gateway.ids import new_id
from local_aws.gateway.integrations import FAILURES, Integrations, why
from local_aws.gateway.mapping import Values
from local_aws.gateway.mock import mock_body
from local_aws.model import (
    LambdaIntegration,
    MockIntegration,
    ServiceIntegration,
    WebSocketApi,
    WebSocketRoute,
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Message:
    """A text frame that took a route."""

    api: WebSocketApi
    route: WebSocketRoute
    record: ConnectionRecord
    body: str
    request_id: str
    now: float

    def answer(self) -> bytes | None:
        """What to send to the client, empty for nothing. None where a function or a service must be asked."""
        integration = self.route.integration
        if integration is None:
            return self.told(answers.INTERNAL_SERVER_ERROR)
        if isinstance(integration, MockIntegration):
            if not self.route.answers:
                return b""
            return mock_body(integration, self._values()).encode("utf-8", "replace")
        return None

    def told(self, message: str) -> bytes:
        """The frame in which the gateway itself answers this message."""
        return answers.gateway_frame(
            message, connection_id=self.record.connection_id, request_id=self.request_id
        )

    @property
    def timeout_seconds(self) -> float:
        """How long the client waits for what is asked."""
        integration = self.route.integration
        assert isinstance(integration, LambdaIntegration | ServiceIntegration)
        return integration.timeout_ms / 1000

    def ask(
        self, integrations: Integrations, stage_arn: str, taken_by: Callable[[bytes], None]
    ) -> Coroutine[None, None, None] | None:
        """Ask a function or a service; `taken_by` gets the frame, however long it takes, or at once.

        Returns what there is to run for that, if there is something.
        """
        integration = self.route.integration
        source_arn = f"{stage_arn}/{self.route.key}"
        if isinstance(integration, ServiceIntegration):
            return self._ask_service(integrations, integration, source_arn, taken_by)
        assert isinstance(integration, LambdaIntegration)

        def take(answer: Answer | BaseException) -> None:
            taken_by(self._frame(answer))

        integrations.start(integration, events.encode(self._event()), source_arn, take)
        return None

    async def _ask_service(
        self,
        integrations: Integrations,
        integration: ServiceIntegration,
        source_arn: str,
        taken_by: Callable[[bytes], None],
    ) -> None:
        answer: Answer | BaseException
        try:
            answer = await integrations.service(integration, self._values(), source_arn)
        except Exception as failure:
            answer = failure
        taken_by(self._frame(answer))

    def _frame(self, answer: Answer | BaseException) -> bytes:
        """The frame for what a function or a service came to, empty for none."""
        if isinstance(answer, Answer) and len(answer.body) > MAX_MESSAGE:
            answer = MalformedAnswer(f"a body of {len(answer.body)} bytes")
        if isinstance(answer, Answer):
            return answer.body if self.route.answers else b""
        if isinstance(answer, FAILURES):
            logger.warning(
                "%s: the route %s failed: %s", self.record.connection_id, self.route.key, why(answer)
            )
            return self.told(answers.INTERNAL_SERVER_ERROR)
        logger.error("The gateway failed at an event", exc_info=answer)
        return b""

    def _event(self) -> events.Event:
        return events.message_event(
            self.record,
            route_key=self.route.key,
            body=self.body,
            message_id=new_id(),
            request_id=self.request_id,
            now=self.now,
            variables=self.api.variables,
        )

    def _values(self) -> Values:
        return Values(self.body, self._event()["requestContext"], self.api.variables)
