"""What a conformance test is about: the behaviour, where it is known from, and how sure that is.

`docs/conformance.md` is made of these.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest

Test = TypeVar("Test", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Source:
    """Where a behaviour is known from."""

    name: str
    url: str | None = None


def _guide(name: str, page: str) -> Source:
    return Source(name, f"https://docs.aws.amazon.com/apigateway/latest/developerguide/{page}.html")


RECORDED = Source("recorded events and frames")
INFERRED = Source("inference")
REPORTED = Source("public reports of users")
OURS = Source("this project")
PROTOCOL = Source("RFC 6455", "https://www.rfc-editor.org/rfc/rfc6455")
ROUTES = _guide("routes", "websocket-api-develop-routes")
CONNECT = _guide("connect and disconnect", "apigateway-websocket-api-route-keys-connect-disconnect")
SELECTION = _guide("selection expressions", "apigateway-websocket-api-selection-expressions")
RESPONSES = _guide("route responses", "apigateway-websocket-api-route-response")
TEMPLATES = _guide("mapping templates", "apigateway-websocket-api-mapping-template-reference")
INTEGRATIONS = _guide("integrations", "apigateway-websocket-api-integration-requests")
AUTHORIZER = _guide("Lambda authorizers", "apigateway-websocket-api-lambda-auth")
QUOTAS = _guide("quotas", "apigateway-execution-service-websocket-limits-table")
CONNECTIONS = _guide("@connections", "apigateway-how-to-call-websocket-api-connections")
BINARY = _guide("binary media types", "websocket-api-develop-binary-media-types")
CLOUDFRONT = Source(
    "CloudFront and WebSockets",
    "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/distribution-working-with.websockets.html",
)
THROTTLING = _guide("throttling", "websocket-api-protect")

# Why a test can't be run against a deployment in an account.
CLOCK = "it moves the gateway's clock"
OWN_BUFFERS = "it fills buffers whose size on AWS nobody knows"
OWN_SWITCH = "it is about a switch that only the local gateway has"


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """One line of the page. `local` is the reason why only the local gateway can be asked."""

    sentence: str
    source: Source
    test: str
    module: str
    confirmed: bool
    local: str | None


def behaviour(
    sentence: str, source: Source = RECORDED, *, confirmed: bool = True, local: str | None = None
) -> Callable[[Test], Test]:
    """Say what a test is about. A test that needs the local gateway is skipped elsewhere, with the reason."""

    def mark(test: Test) -> Test:
        test.behaviour = Behaviour(  # type: ignore[attr-defined]
            sentence=sentence,
            source=source,
            test=test.__name__,
            module=test.__module__.rpartition(".")[2],
            confirmed=confirmed,
            local=local,
        )
        return test if local is None else pytest.mark.local_only(local)(test)

    return mark
