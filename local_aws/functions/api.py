"""Lambda's Invoke as it comes over HTTP.

Reference: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import uuid
from urllib.parse import parse_qs, unquote

from local_aws.functions import FunctionNotFound, Throttled
from local_aws.functions.background import EventInvocations
from local_aws.functions.service import Functions
from local_aws.http import Request, Response

MAX_PAYLOAD = 6_291_456
MAX_EVENT_PAYLOAD = 1_048_576
_MAX_CLIENT_CONTEXT = 3_583
_PATH = re.compile(r"/2015-03-31/functions/(?P<function>[^/]+)/invocations/?")
_NAME = re.compile(
    r"(?:arn:[^:]*:lambda:[^:]*:[^:]*:function:|\d{12}:function:|\d{12}:)?(?P<name>[A-Za-z0-9_-]+)"
    r"(?::(?P<qualifier>[A-Za-z0-9$_-]+))?"
)


class LambdaApi:
    """Answers requests for functions."""

    def __init__(self, functions: Functions, events: EventInvocations) -> None:
        self._functions = functions
        self._events = events

    @staticmethod
    def serves(path: str) -> bool:
        """Whether a request's path is one of this API's."""
        return _PATH.fullmatch(path) is not None

    def function(self, path: str) -> str | None:
        """The name of the function that a path invokes, without a qualifier; None where it names none."""
        match = _PATH.fullmatch(path)
        named = _NAME.fullmatch(unquote(match["function"])) if match else None
        return named["name"] if named else None

    async def handle(self, request: Request) -> Response:
        """Answer a request whose path is served."""
        if request.method != "POST":
            return _error(405, "MethodNotAllowedException", "Invoke is a POST.")
        match = _PATH.fullmatch(request.path)
        assert match is not None
        given = unquote(match["function"])
        named = _NAME.fullmatch(given)
        function = named["name"] if named else given
        try:
            qualifier = _qualifier(named["qualifier"] if named else None, request.query)
            if function not in self._functions:
                raise FunctionNotFound(given)
            version = "$LATEST" if qualifier is None else self._functions.version(function, qualifier)
            return await self._invoke(request, function, qualifier, version)
        except FunctionNotFound:
            return self._not_found(given)
        except Throttled:
            return _error(
                429,
                "TooManyRequestsException",
                "Rate Exceeded.",
                Reason="ReservedFunctionConcurrentInvocationLimitExceeded",
            )
        except _Refused as refused:
            return _error(refused.status, refused.code, str(refused), fault="User")

    async def _invoke(self, request: Request, function: str, qualifier: str | None, version: str) -> Response:
        invocation_type = request.header("X-Amz-Invocation-Type") or "RequestResponse"
        _check_payload(request.body, invocation_type)
        payload = request.body or b"{}"
        match invocation_type:
            case "RequestResponse":
                context = _client_context(request.header("X-Amz-Client-Context"))
                invocation = await self._functions.invoke(
                    function, payload, qualifier=qualifier, client_context=context
                )
            case "Event":
                request_id = self._events.invoke(function, payload, qualifier=qualifier)
                return Response(202, [("x-amzn-RequestId", request_id)])
            case "DryRun":
                return Response(204, [("x-amzn-RequestId", str(uuid.uuid4()))])
            case _:
                message = (
                    f"1 validation error detected: Value '{invocation_type}' at 'invocationType' failed to "
                    "satisfy constraint: Member must satisfy enum value set: [Event, RequestResponse, DryRun]"
                )
                return _error(400, "ValidationException", message)
        headers = [
            ("Content-Type", "application/json"),
            ("x-amzn-RequestId", invocation.request_id),
            ("X-Amz-Executed-Version", version),
        ]
        if invocation.error is not None:
            headers.append(("X-Amz-Function-Error", invocation.error))
        if request.header("X-Amz-Log-Type") == "Tail":
            headers.append(("X-Amz-Log-Result", base64.b64encode(invocation.log).decode()))
        return Response(200, headers, invocation.payload)

    def _not_found(self, given: str) -> Response:
        return _error(404, "ResourceNotFoundException", f"Function not found: {given}", fault="User")


class _Refused(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def _qualifier(named: str | None, query: str) -> str | None:
    asked = parse_qs(query).get("Qualifier", [None])[0]
    if named is not None and asked is not None and named != asked:
        raise _Refused(
            400,
            "InvalidParameterValueException",
            "The derived qualifier from the function name does not match the specified qualifier.",
        )
    return asked or named


def _check_payload(body: bytes, invocation_type: str) -> None:
    limit = MAX_EVENT_PAYLOAD if invocation_type == "Event" else MAX_PAYLOAD
    if len(body) > limit:
        raise _Refused(
            413,
            "RequestTooLargeException",
            f"{len(body)} byte payload is too large for the {invocation_type} invocation type "
            f"(limit {limit} bytes)",
        )
    try:
        if body:
            json.loads(body.decode())
    except ValueError as error:
        raise _Refused(
            400, "InvalidRequestContentException", f"Could not parse request body into json: {error}"
        ) from None


def _client_context(header: str | None) -> str | None:
    if header is None:
        return None
    if len(header) > _MAX_CLIENT_CONTEXT:
        raise _Refused(
            400,
            "InvalidRequestContentException",
            f"Client context must be no more than {_MAX_CLIENT_CONTEXT} bytes.",
        )
    try:
        context = base64.b64decode(header, validate=True).decode()
        json.loads(context)
    except (binascii.Error, ValueError):
        raise _Refused(
            400,
            "InvalidRequestContentException",
            "Client context must be a valid Base64-encoded JSON object.",
        ) from None
    return context


def _error(status: int, code: str, message: str, *, fault: str | None = None, **members: str) -> Response:
    body = {"Message": message} | ({"Type": fault} if fault else {}) | members
    headers = [
        ("Content-Type", "application/json"),
        ("x-amzn-RequestId", str(uuid.uuid4())),
        ("x-amzn-ErrorType", code),
    ]
    return Response(status, headers, json.dumps(body).encode())
