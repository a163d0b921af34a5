"""Requests to the AWS endpoint without an SDK, signed in the developer's name."""

import time
import urllib.request
from urllib.parse import urlsplit

from local_aws.http import Request
from local_aws.signatures import sign


def signed_request(
    url: str, body: bytes, service: str, headers: dict[str, str] | None = None, *, method: str = "POST"
) -> urllib.request.Request:
    """A request ready to send. The endpoint takes every key that isn't one of its own as the developer's."""
    parts = urlsplit(url)
    request = Request(
        method, parts.path or "/", parts.path or "/", parts.query, [("Host", parts.netloc)], body, ""
    )
    added = sign(
        request, access_key="test", secret="test", region="us-east-1", service=service, now=time.time()
    )
    return urllib.request.Request(url, body, {**(headers or {}), **dict(added)}, method=method)
