"""The HTTP function: an event of the HTTP API becomes a request for Django's pages, through Mangum."""

import asyncio
import logging
from typing import Any
from urllib.parse import urlsplit

from mangum import Mangum

from lambda_handlers.django_setup import set_up
from lambda_handlers.viewer import viewer_address

set_up()

from django.conf import settings  # noqa: E402 (the settings belong to a Django that is set up)
from django_aws_api_gateway_websockets.models import GATEWAY_SECRET_HEADER  # noqa: E402

from django_project.asgi import get_page_application  # noqa: E402
from lambda_handlers.gateway_secret import is_accepted  # noqa: E402

logger = logging.getLogger(__name__)

# Nothing that a page of ours sends comes near. API Gateway itself takes 10 MB, and 10,240 bytes of headers:
# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html.
MOST_BODY_BYTES = 1_000_000
MOST_HEADER_BYTES = 10_240

_PUBLIC = urlsplit(settings.PUBLIC_ORIGIN)
_PLAIN = {"content-type": "text/plain; charset=utf-8", "cache-control": "no-store"}

_loop = asyncio.new_event_loop()
_application = Mangum(get_page_application(), lifespan="off")  # type: ignore[arg-type] # dict, not mapping


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    try:
        headers = {name.lower(): value for name, value in event.get("headers", {}).items()}
        if not is_accepted(headers.get(GATEWAY_SECRET_HEADER.lower(), "")):
            logger.warning("Refused a request that did not come through the distribution")
            return {
                "statusCode": 403,
                "headers": _PLAIN,
                "body": f"Open {settings.PUBLIC_ORIGIN}/ instead.\n",
            }
        if too_much := _too_much(event, headers):
            return too_much
        # Mangum runs on the current loop, and Python neither makes one by itself nor keeps this one current.
        asyncio.set_event_loop(_loop)
        response: dict[str, Any] = _application(_as_received(event, headers), context)
    except Exception:
        logger.exception("Request %s failed", context.aws_request_id)
        return {"statusCode": 500, "headers": _PLAIN, "body": "Something went wrong on our side.\n"}
    if event["requestContext"]["http"]["method"] == "HEAD":
        response["body"] = ""
        response["isBase64Encoded"] = False
    return response


def _too_much(event: dict[str, Any], headers: dict[str, str]) -> dict[str, Any] | None:
    """The answer to a request that is larger than any of ours, or None."""
    if len(event.get("body") or "") > MOST_BODY_BYTES:
        status, sentence = 413, f"This is too much at once: send less than {MOST_BODY_BYTES:,} bytes.\n"
    elif (
        sum(len(name) + len(value) for name, value in headers.items())
        + sum(len(cookie) for cookie in event.get("cookies", []))
        > MOST_HEADER_BYTES
    ):
        status, sentence = 431, "The headers are too long. Delete this site's cookies and try again.\n"
    else:
        return None
    return {"statusCode": status, "headers": _PLAIN, "body": sentence}


def _as_received(event: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
    """The event as the viewer sent it: public host, own address, exact path.

    Mangum reads `requestContext.http.path`, where AWS drops the slash at the end.
    """
    http = event["requestContext"]["http"]
    viewer = viewer_address(headers.get("x-forwarded-for", ""), http["sourceIp"])
    return {
        **event,
        "headers": {
            **{name: value for name, value in headers.items() if "_" not in name},
            "host": _PUBLIC.netloc,
            "x-forwarded-proto": _PUBLIC.scheme,
            "x-forwarded-port": str(_PUBLIC.port or (443 if _PUBLIC.scheme == "https" else 80)),
            "x-forwarded-for": viewer,
        },
        "requestContext": {
            **event["requestContext"],
            "http": {**http, "path": event["rawPath"], "sourceIp": viewer},
        },
    }
