"""The AWS endpoint: one port that speaks the protocols of the services that this stack runs.

Lambda's Invoke (REST), SQS (JSON) and API Gateway's @connections. Any signature is accepted.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Awaitable, Callable

from local_aws.functions.api import LambdaApi
from local_aws.functions.background import EventInvocations
from local_aws.functions.service import Functions
from local_aws.http import Request, Response, decoded
from local_aws.queues.parameters import SqsError
from local_aws.queues.protocol import SqsProtocol

Management = Callable[[Request], Response | Awaitable[Response]]


class AwsEndpoint:
    """Answers requests by their service: `management` those to @connections, `others` what isn't ours."""

    def __init__(
        self,
        functions: Functions,
        background: EventInvocations,
        sqs: SqsProtocol,
        management: Management,
        others: Callable[[Request], Awaitable[Response]],
    ) -> None:
        self._lambda = LambdaApi(functions, background)
        self._sqs = sqs
        self._management = management
        self._others = others

    def handle(self, request: Request) -> Response | Awaitable[Response]:
        """Answer one request."""
        if "connections" in request.path and "/@connections" in decoded(request.path):
            return self._management(request)
        target = request.header("X-Amz-Target") or ""
        if target.startswith("AmazonSQS."):
            return self._queue_action(request, target.removeprefix("AmazonSQS."))
        if self._lambda.serves(request.path):
            return self._lambda.handle(request)
        return self._others(request)

    async def _queue_action(self, request: Request, action: str) -> Response:
        headers = [("Content-Type", "application/x-amz-json-1.0"), ("x-amzn-RequestId", str(uuid.uuid4()))]
        try:
            try:
                parameters = json.loads(request.body or b"{}")
            except ValueError:
                raise SqsError("SerializationException", "The body is no JSON.") from None
            answer = await self._sqs.call(action, parameters)
        except SqsError as error:
            headers.append(("x-amzn-query-error", f"{error.query_code};Sender"))
            body = {"__type": f"com.amazonaws.sqs#{error.code}", "message": error.message}
            return Response(400, headers, json.dumps(body).encode())
        except OSError as error:  # nothing was queued
            body = {
                "__type": "com.amazonaws.sqs#InternalFailure",
                "message": f"The queue's journal can't be written: {error.strerror}.",
            }
            return Response(500, headers, json.dumps(body).encode())
        return Response(200, headers, json.dumps(answer).encode())
