"""The WebSocket function: an event of the API becomes a request for the chat's view, through apig-wsgi."""

import json
import logging
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from apig_wsgi import make_lambda_handler

from lambda_handlers.django_setup import set_up
from lambda_handlers.viewer import viewer_address

set_up()

from django.conf import settings  # noqa: E402 (the settings belong to a Django that is set up)
from django_aws_api_gateway_websockets.models import GATEWAY_SECRET_HEADER  # noqa: E402

from chat.wire import Refusal, refusal  # noqa: E402
from django_project.wsgi import get_websocket_application  # noqa: E402
from lambda_handlers import snapshots  # noqa: E402
from lambda_handlers.gateway_secret import accepted_secrets  # noqa: E402

logger = logging.getLogger(__name__)

_ROUTES = {"CONNECT": "connect", "MESSAGE": "message", "DISCONNECT": "disconnect"}
_PUBLIC = urlsplit(settings.PUBLIC_ORIGIN)
_application = make_lambda_handler(get_websocket_application())
snapshots.register()


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    try:
        response: dict[str, Any] = _application(as_http_event(event), context)
    except Exception:
        logger.exception("Request %s failed", context.aws_request_id)
        response = {"statusCode": 500}
    body = response.get("body", "")
    if not _is_json(body):
        # Whatever Django or the library made of it, a client gets a frame of the protocol.
        refused = Refusal("internal_error", "Something went wrong on our side. Try again in a moment.")
        body = refusal(refused).content.decode()
    # A connection gets the body alone: headers would go nowhere.
    return {"statusCode": response["statusCode"], "body": body}


def as_http_event(event: Mapping[str, Any]) -> dict[str, Any]:
    """A WebSocket event as the event of a REST API that apig-wsgi understands (payload version 1.0)."""
    context = event["requestContext"]
    is_connect = context["eventType"] == "CONNECT"
    # The headers of `$disconnect` are placeholders, and a message has none.
    sent = _headers(event) if is_connect else {}
    secret = accepted_secrets()[0]
    source_ip = context["identity"]["sourceIp"]
    body = _without_surrogates(event.get("body") or "")
    headers = {
        **sent,
        # What the view trusts comes from here, whatever the client sent under these names.
        "host": _PUBLIC.netloc,
        "x-forwarded-proto": _PUBLIC.scheme,
        "x-forwarded-port": str(_PUBLIC.port or (443 if _PUBLIC.scheme == "https" else 80)),
        "x-forwarded-for": viewer_address(sent.get("x-forwarded-for", ""), source_ip),
        "x-real-ip": source_ip,
        "user-agent": sent.get("user-agent", ""),
        "x-amzn-trace-id": sent.get("x-amzn-trace-id", ""),
        "content-length": str(len(body.encode())),
        "content-type": "application/json",
        "connectionid": context["connectionId"],
        "x-amzn-apigateway-api-id": context["apiId"],
    }
    if not is_connect:
        # There is a connection only because `$connect` came with the secret that CloudFront adds.
        headers[GATEWAY_SECRET_HEADER.lower()] = secret
    return {
        "version": "1.0",
        "httpMethod": "POST",
        "path": f"/ws/{_ROUTES[context['eventType']]}",
        "headers": headers,
        "multiValueQueryStringParameters": {
            _without_surrogates(name): [_without_surrogates(value) for value in values]
            for name, values in (event.get("multiValueQueryStringParameters") or {}).items()
        },
        "requestContext": context,
        "body": body,
        "isBase64Encoded": False,
    }


def _headers(event: Mapping[str, Any]) -> dict[str, str]:
    """The client's headers by lower-case name, as WSGI wants them: bytes of UTF-8 read as Latin-1.

    Names with underscores are dropped: in WSGI they can't be told from names with hyphens.
    """
    headers: dict[str, list[str]] = {}
    for name, values in _multi_value_headers(event):
        if "_" not in name:
            headers.setdefault(name.lower(), []).extend(values)
    return {
        name: ("; " if name == "cookie" else ",").join(values).encode("utf-8", "replace").decode("latin-1")
        for name, values in headers.items()
    }


def _multi_value_headers(event: Mapping[str, Any]) -> Iterable[tuple[str, list[str]]]:
    if multi_value := event.get("multiValueHeaders"):
        return list(multi_value.items())
    return [(name, [value]) for name, value in (event.get("headers") or {}).items()]


def _without_surrogates(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _is_json(body: str) -> bool:
    try:
        json.loads(body)
    except ValueError:
        return False
    return True
