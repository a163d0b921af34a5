"""How a service speaks, and its own way to refuse a request.

What each service answers is known from its documentation and from reports; that SQS answers 403 in its JSON
protocol, where DynamoDB answers 400, is unconfirmed.
"""

from __future__ import annotations

import json
import uuid
from enum import Enum, auto
from xml.sax.saxutils import escape

from local_aws.http import Request, Response
from local_aws.signatures import Fault, Headers, Refused


class Protocol(Enum):
    """The protocols of the services that are served here."""

    JSON = auto()
    REST_JSON = auto()
    QUERY = auto()
    S3 = auto()


# The names of faults in JSON, in the query protocol, and in S3 with its status.
_NAMES = {
    Fault.MISSING: ("MissingAuthenticationTokenException", "MissingAuthenticationToken", "AccessDenied", 403),
    Fault.INCOMPLETE: (
        "IncompleteSignatureException",
        "IncompleteSignature",
        "AuthorizationHeaderMalformed",
        400,
    ),
    Fault.UNKNOWN_KEY: ("UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId", 403),
    Fault.EXPIRED_TOKEN: ("ExpiredTokenException", "ExpiredToken", "ExpiredToken", 400),
    Fault.MISMATCH: ("InvalidSignatureException", "SignatureDoesNotMatch", "SignatureDoesNotMatch", 403),
    Fault.SKEWED: ("InvalidSignatureException", "SignatureDoesNotMatch", "RequestTimeTooSkewed", 403),
    Fault.EXPIRED_REQUEST: ("InvalidSignatureException", "SignatureDoesNotMatch", "AccessDenied", 403),
    Fault.WRONG_BODY_HASH: (
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "XAmzContentSHA256Mismatch",
        400,
    ),
}


def protocol_of(request: Request, headers: Headers, service: str) -> Protocol:
    """The protocol of a request to a service, by its signing name."""
    if "x-amz-target" in headers:
        return Protocol.JSON
    if service == "s3":
        return Protocol.S3
    if "Action=" in request.query or headers.get("content-type", "").startswith(
        "application/x-www-form-urlencoded"
    ):
        return Protocol.QUERY
    return Protocol.REST_JSON


def unauthenticated(protocol: Protocol, service: str, refused: Refused) -> Response:
    """A request whose sender isn't known."""
    json_name, query_name, s3_name, s3_status = _NAMES[refused.fault]
    match protocol:
        case Protocol.JSON:
            return _json(service, json_name, query_name, refused.message)
        case Protocol.REST_JSON:
            return _rest_json(json_name, {"message": refused.message})
        case Protocol.QUERY:
            return _query(query_name, refused.message)
        case Protocol.S3:
            return _s3(s3_status, s3_name, refused.message)


def access_denied(protocol: Protocol, service: str, message: str) -> Response:
    """A request that its sender may not make."""
    match protocol:
        case Protocol.JSON:
            return _json(service, "AccessDeniedException", "AccessDenied", message)
        case Protocol.REST_JSON:
            key = "Message" if service == "lambda" else "message"
            return _rest_json("AccessDeniedException", {key: message})
        case Protocol.QUERY:
            return _query("AuthorizationError" if service == "sns" else "AccessDenied", message)
        case Protocol.S3:
            return _s3(403, "AccessDenied", message)


def _json(service: str, name: str, query_name: str, message: str) -> Response:
    headers = [("Content-Type", "application/x-amz-json-1.0"), ("x-amzn-RequestId", str(uuid.uuid4()))]
    status = 400
    if service == "sqs":  # whose SDKs still know errors by the names of its query protocol
        status = 403
        headers.append(("x-amzn-query-error", f"{query_name};Sender"))
    body = {"__type": f"com.amazon.coral.service#{name}", "message": message}
    return Response(status, headers, json.dumps(body).encode())


def _rest_json(name: str, body: dict[str, str]) -> Response:
    headers = [
        ("Content-Type", "application/json"),
        ("x-amzn-RequestId", str(uuid.uuid4())),
        ("x-amzn-ErrorType", name),
    ]
    return Response(403, headers, json.dumps(body).encode())


def _query(name: str, message: str) -> Response:
    request_id = str(uuid.uuid4())
    body = (
        f"<ErrorResponse><Error><Type>Sender</Type><Code>{name}</Code><Message>{escape(message)}</Message></Error>"
        f"<RequestId>{request_id}</RequestId></ErrorResponse>"
    )
    return Response(403, [("Content-Type", "text/xml"), ("x-amzn-RequestId", request_id)], body.encode())


def _s3(status: int, name: str, message: str) -> Response:
    request_id = uuid.uuid4().hex[:16].upper()
    body = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{name}</Code>'
        f"<Message>{escape(message)}</Message><RequestId>{request_id}</RequestId></Error>"
    )
    return Response(
        status, [("Content-Type", "application/xml"), ("x-amz-request-id", request_id)], body.encode()
    )
