"""Invokes a function of the running stack through the Lambda API, and prints its answer."""

from __future__ import annotations

import argparse
import json
import sys
import time
import urllib.error
import urllib.request
from urllib.parse import quote

from local_aws.assembly.site import REGION
from local_aws.http import Request
from local_aws.signatures import sign


def main(arguments: list[str] | None = None) -> int:
    """0 when the function answered, 1 when it failed or can't be reached."""
    parser = argparse.ArgumentParser(
        prog="python -m local_aws.invoke",
        description="Invoke a function of the running stack through its AWS endpoint and print the answer.",
    )
    parser.add_argument(
        "--endpoint", default="http://127.0.0.1:8001", help="the AWS endpoint (the stack's port + 1)"
    )
    parser.add_argument("function", help="the function's name")
    parser.add_argument("payload", nargs="?", default="{}", help="the event, as JSON")
    options = parser.parse_args(arguments)
    try:
        json.loads(options.payload)
    except ValueError as error:
        print(f"The event is no JSON: {error}.", file=sys.stderr)
        return 1
    request = _signed(options.endpoint.rstrip("/"), options.function, options.payload.encode())
    try:
        with urllib.request.urlopen(request) as response:  # noqa: S310
            answer, failed = response.read(), "X-Amz-Function-Error" in response.headers
    except urllib.error.HTTPError as error:
        print(f"The invocation was refused: {_message(error.read())}", file=sys.stderr)
    except (urllib.error.URLError, OSError) as error:
        reason = getattr(error, "reason", error)
        print(
            f"No stack answers at {options.endpoint} ({reason}): start it first (make run).", file=sys.stderr
        )
    else:
        print(answer.decode(errors="replace"))
        return 1 if failed else 0
    return 1


def _signed(endpoint: str, function: str, payload: bytes) -> urllib.request.Request:
    """An invocation in the name of the developer, whom the endpoint knows by no key in particular."""
    path = f"/2015-03-31/functions/{quote(function, safe='')}/invocations"
    host = endpoint.partition("://")[2]
    headers = sign(
        Request("POST", path, path, "", [("Host", host)], payload, ""),
        access_key="developer",
        secret="developer",  # noqa: S106 - the endpoint takes any
        region=REGION,
        service="lambda",
        now=time.time(),
    )
    return urllib.request.Request(  # noqa: S310
        endpoint + path,
        data=payload,
        headers={"Content-Type": "application/json", **dict(headers)},
        method="POST",
    )


def _message(body: bytes) -> str:
    try:
        return str(json.loads(body)["Message"])
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace")


if __name__ == "__main__":
    sys.exit(main())
