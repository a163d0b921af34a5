"""Runs what a route targets, a function or a service, and tells every way in which that can fail."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from local_aws.functions import FunctionNotFound, Invocation, Invoker, Throttled
from local_aws.gateway import answers
from local_aws.gateway.answers import Answer, MalformedAnswer
from local_aws.gateway.mapping import Values
from local_aws.gateway.service_requests import NoRequest, invoked_function, message_of, service_request
from local_aws.http import Request, Response
from local_aws.model import LambdaIntegration, ServiceIntegration

logger = logging.getLogger(__name__)

Result = TypeVar("Result")


class FunctionFailed(Exception):
    """An exception, a crash or a timeout of the function; the text is the beginning of its error."""


class NotPermitted(Exception):
    """The API may not invoke the function."""

    def __init__(self, function: str, source_arn: str) -> None:
        super().__init__(f"nothing permits {source_arn} to invoke {function}")


class ServiceUnavailable(Exception):
    """The service of an AWS integration can't be asked here."""


# What an integration can end with instead of an answer, apart from TimeoutError.
FAILURES = (
    FunctionFailed,
    FunctionNotFound,
    MalformedAnswer,
    NoRequest,
    NotPermitted,
    ServiceUnavailable,
    Throttled,
)
# Those for which a `$connect` answers 500; the others are a 502.
NOT_INVOKED = (Throttled, FunctionNotFound, NotPermitted)


class Permissions(Protocol):
    """Who may invoke a function."""

    def __call__(self, function: str, source_arn: str, role_arn: str | None) -> bool:
        """Whether API Gateway may, for a route or an authorizer: as a role where it has one."""
        ...


Services = Callable[[Request, str | None], Awaitable[Response]]


def everybody(function: str, source_arn: str, role_arn: str | None) -> bool:
    """Permissions that let every API invoke every function."""
    return True


async def no_services(request: Request, role_arn: str | None) -> Response:
    """Services where there are none."""
    raise ServiceUnavailable(f"{request.header('host')} can't be reached from here")


@dataclass(frozen=True, slots=True, kw_only=True)
class Integrations:
    """What the gateway asks. `services` sends a request to a service as a role."""

    invoker: Invoker
    region: str
    may_invoke: Permissions = everybody
    services: Services = no_services

    async def function(self, integration: LambdaIntegration, payload: bytes, source_arn: str) -> Answer:
        """A function's answer, however long it takes. Raises what `FAILURES` has."""
        if not self.may_invoke(integration.function, source_arn, integration.role_arn):
            raise NotPermitted(integration.function, source_arn)
        return answers.parse(answer_of(await self.invoker.invoke(integration.function, payload)))

    def start(
        self,
        integration: LambdaIntegration,
        payload: bytes,
        source_arn: str,
        taken_by: Callable[[Answer | BaseException], None],
    ) -> None:
        """Ask a function without waiting: `taken_by` gets what `function` returns or raises."""

        def take(outcome: Invocation | BaseException) -> None:
            answer: Answer | BaseException
            try:
                if isinstance(outcome, BaseException):
                    raise outcome
                answer = answers.parse(answer_of(outcome))
            except Exception as failure:
                answer = failure
            taken_by(answer)

        if self.may_invoke(integration.function, source_arn, integration.role_arn):
            self.invoker.start(integration.function, payload, take)
        else:
            taken_by(NotPermitted(integration.function, source_arn))

    async def service(self, integration: ServiceIntegration, values: Values, source_arn: str) -> Answer:
        """A service's answer, as a route response sends it. Raises what `FAILURES` has."""
        function = invoked_function(integration)
        if function is not None and not self.may_invoke(function, source_arn, integration.role_arn):
            raise NotPermitted(function, source_arn)
        request = service_request(integration, values, region=self.region)
        response = await self.services(request, integration.role_arn)
        if response.status >= 400:
            said = response.body[:200].decode(errors="replace")
            logger.warning("%s answers %s: %s", integration.service, response.status, said)
        return Answer(response.status, body=message_of(integration, response, values))


def why(failure: BaseException) -> str:
    """What a failure says, or what it is where it says nothing."""
    return f"{type(failure).__name__}: {failure}" if str(failure) else type(failure).__name__


async def within(timeout_ms: int, work: Coroutine[Any, Any, Result]) -> Result:
    """What some work comes to. Raises TimeoutError, and what the work raises.

    As on AWS the work goes on when nobody waits for it any more.
    """
    going_on = asyncio.ensure_future(work)
    going_on.add_done_callback(_take_notice)
    async with asyncio.timeout(timeout_ms / 1000):
        return await asyncio.shield(going_on)


def answer_of(invocation: Invocation) -> bytes:
    """What the function answered. Raises `FunctionFailed`."""
    if invocation.error is not None:
        raise FunctionFailed(invocation.payload[:200].decode("utf-8", "replace"))
    return invocation.payload


def _take_notice(work: asyncio.Future[Any]) -> None:
    """Keep asyncio from complaining about the failure of work that nobody waits for any more."""
    if not work.cancelled():
        work.exception()
