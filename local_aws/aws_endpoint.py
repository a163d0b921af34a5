"""The AWS endpoint: one port that speaks the protocols of the services that this stack runs.

Lambda's Invoke (REST), SQS (JSON) and API Gateway's @connections. Any signature is accepted.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import uuid
from collections.abc import Awaitable, Callable
from urllib.parse import unquote

from local_aws.functions import FunctionNotFound, Throttled
from local_aws.functions.background import EventInvocations
from local_aws.functions.pool import Functions
from local_aws.http import Request, Response
from local_aws.queues.protocol import SqsError, SqsProtocol

_INVOKE = re.compile(r"/2015-03-31/functions/(?P<function>[^/]+)/invocations/?")
_NAME = re.compile(
    r"(?:arn:[^:]*:lambda:[^:]*:[^:]*:function:|\d{12}:function:|\d{12}:)?(?P<name>[A-Za-z0-9_-]+)(?::[^:]+)?"
)
_CREDENTIAL = re.compile(r"Credential=[^/]+/\d{8}/[^/]+/(?P<service>[^/]+)/aws4_request")
MAX_PAYLOAD = 6_291_456
MAX_EVENT_PAYLOAD = 1_048_576

Management = Callable[[Request], Response | Awaitable[Response]]


class AwsEndpoint:
    """Answers requests by their service. `management` answers those to @connections."""

    def __init__(
        self,
        functions: Functions,
        background: EventInvocations,
        sqs: SqsProtocol,
        management: Management,
    ) -> None:
        self._functions = functions
        self._background = background
        self._sqs = sqs
        self._management = management

    def handle(self, request: Request) -> Response | Awaitable[Response]:
        """Answer one request."""
        if "connections" in request.path and "/@connections" in unquote(request.path):
            return self._management(request)
        target = request.header("X-Amz-Target") or ""
        if target.startswith("AmazonSQS."):
            return self._queue_action(request, target.removeprefix("AmazonSQS."))
        if match := _INVOKE.fullmatch(request.path):
            if request.method != "POST":
                return _lambda_error(405, "MethodNotAllowedException", "Invoke is a POST.")
            return self._invoke(request, unquote(match["function"]))
        return _unknown_service(request, target)

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

    async def _invoke(self, request: Request, name: str) -> Response:
        match = _NAME.fullmatch(name)
        function = match["name"] if match else name
        invocation_type = request.header("X-Amz-Invocation-Type") or "RequestResponse"
        if function not in self._functions:
            return _lambda_error(
                404, "ResourceNotFoundException", f"Function not found: {name}", fault="User"
            )
        limit = MAX_EVENT_PAYLOAD if invocation_type == "Event" else MAX_PAYLOAD
        if len(request.body) > limit:
            message = (
                f"{len(request.body)} byte payload is too large for the {invocation_type} invocation type "
                f"(limit {limit} bytes)"
            )
            return _lambda_error(413, "RequestTooLargeException", message, fault="User")
        try:
            if request.body:
                json.loads(request.body)
        except ValueError as error:
            message = f"Could not parse request body into json: {error}"
            return _lambda_error(400, "InvalidRequestContentException", message, fault="User")
        payload = request.body or b"{}"
        match invocation_type:
            case "RequestResponse":
                return await self._request_response(request, function, payload)
            case "Event":
                request_id = self._background.invoke(function, payload)
                return Response(202, [("x-amzn-RequestId", request_id)])
            case "DryRun":
                return Response(204, [("x-amzn-RequestId", str(uuid.uuid4()))])
        message = (
            f"1 validation error detected: Value '{invocation_type}' at 'invocationType' failed to satisfy "
            "constraint: Member must satisfy enum value set: [Event, RequestResponse, DryRun]"
        )
        return _lambda_error(400, "ValidationException", message)

    async def _request_response(self, request: Request, function: str, payload: bytes) -> Response:
        try:
            invocation = await self._functions.invoke(
                function, payload, client_context=_decoded_context(request.header("X-Amz-Client-Context"))
            )
        except FunctionNotFound:
            return _lambda_error(
                404, "ResourceNotFoundException", f"Function not found: {function}", fault="User"
            )
        except Throttled:
            return _lambda_error(
                429,
                "TooManyRequestsException",
                "Rate Exceeded.",
                Reason="ReservedFunctionConcurrentInvocationLimitExceeded",
            )
        headers = [
            ("Content-Type", "application/json"),
            ("x-amzn-RequestId", invocation.request_id),
            ("X-Amz-Executed-Version", "$LATEST"),
        ]
        if invocation.error is not None:
            headers.append(("X-Amz-Function-Error", invocation.error))
        if request.header("X-Amz-Log-Type") == "Tail":
            headers.append(("X-Amz-Log-Result", base64.b64encode(invocation.log).decode()))
        return Response(200, headers, invocation.payload)


def _decoded_context(header: str | None) -> str | None:
    if header is None:
        return None
    try:
        return base64.b64decode(header).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None


def _not_found(function: str) -> Response:
    return _lambda_error(404, "ResourceNotFoundException", f"Function not found: {function}", fault="User")


def _lambda_error(
    status: int, code: str, message: str, *, fault: str | None = None, **members: str
) -> Response:
    body = {"Message": message} | ({"Type": fault} if fault else {}) | members
    headers = [
        ("Content-Type", "application/json"),
        ("x-amzn-RequestId", str(uuid.uuid4())),
        ("x-amzn-ErrorType", code),
    ]
    return Response(status, headers, json.dumps(body).encode())


def _unknown_service(request: Request, target: str) -> Response:
    match = _CREDENTIAL.search(request.header("Authorization") or "")
    service = match["service"] if match else target.partition(".")[0] or request.path
    message = (
        f"{service} doesn't run on this machine. This endpoint serves Lambda's Invoke, SQS (JSON protocol) "
        "and API Gateway's @connections."
    )
    headers = [("Content-Type", "application/json"), ("x-amzn-ErrorType", "UnknownOperationException")]
    body = {"__type": "UnknownOperationException", "message": message, "Message": message}
    return Response(404, headers, json.dumps(body).encode())
