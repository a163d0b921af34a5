"""Stands before the AWS endpoint: lets a request pass only from somebody who is known and may do it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import unquote

from local_aws.access.access import Access, Denied
from local_aws.access.calls import Account, Need, connection, needs
from local_aws.access.protocols import Protocol, access_denied, protocol_of, unauthenticated
from local_aws.access.security_tokens import SecurityTokens
from local_aws.http import Request, Response, decoded
from local_aws.model import Assembly
from local_aws.signatures import Headers, Refused, joined_headers

Answer = Response | Awaitable[Response]
_CONNECTION = re.compile(r"(?:/(?P<api>[^/]+))??(?:/(?P<stage>[^/]+))?/@connections/(?P<id>[^/]+)/?")
_API_HOST = re.compile(r"(?P<api>[a-z0-9]+)\.execute-api\.")
_SCOPE = re.compile(r"Credential=[^,&]*?/\d{8}/[^/]+/(?P<service>[^/]+)/aws4_request")
_MOST_ADDRESSED = 8192
_INVOCATION = re.compile(r"/2015-03-31/functions/")


@dataclass(frozen=True, slots=True)
class _Addressed:
    """Where a request about a connection leads: its path with API and stage, and the permission it takes.

    A stage that isn't ours takes none: the gateway refuses it. Kept, since connections are posted to often.
    """

    path: str
    need: Need | None


class Gate:
    """Checks requests and hands them to `served`.

    `page` may answer a request that nobody signed (a person's browser). Where it gives None the request is
    refused like any other without a signature. `called` is told which service whose session calls.
    """

    def __init__(
        self,
        access: Access,
        assembly: Assembly,
        served: Callable[[Request], Answer],
        *,
        page: Callable[[Request], Answer | None] = lambda request: None,
        called: Callable[[str, str], None] = lambda service, caller: None,
    ) -> None:
        self._access = access
        self._served = served
        self._page = page
        self._called = called
        self._security_tokens = SecurityTokens(access)
        self.replace(assembly)

    def replace(self, assembly: Assembly) -> None:
        """Take over another assembly's resources."""
        self._account = Account(
            id=assembly.account,
            region=assembly.region,
            secrets={
                str(call.parameters["Name"]): call.arn
                for call in assembly.aws_calls
                if call.operation == "CreateSecret" and call.arn is not None
            },
        )
        self._stages = {(api.id, api.stage) for api in assembly.websocket_apis}
        self._addressed: dict[tuple[str, str, str], _Addressed] = {}
        self._buckets = {bucket.name for bucket in assembly.buckets}

    def handle(self, request: Request) -> Answer:
        """Answer one request."""
        headers = joined_headers(request)
        if "connections" in request.path and "/@connections/" in decoded(request.path):
            return self._to_connection(request, headers)
        if "authorization" not in headers and (page := self._page(request)) is not None:
            return page
        service = self._service(request, headers)
        protocol = protocol_of(request, headers, service)
        try:
            principal = self._access.principal(request, headers, service)
            self._called(service, principal.session)
            self._access.check(principal, needs(request, headers, service, self._account))
        except Refused as refused:
            return unauthenticated(protocol, service, refused)
        except Denied as denied:
            return access_denied(protocol, service, str(denied))
        if service == "sts" and (answer := self._security_tokens.answer(request, principal)) is not None:
            return answer
        return self._served(request)

    def to_connection(self, request: Request, api_id: str) -> Answer:
        """Answer a request about a connection of an API whose host it was sent to."""
        return self._to_connection(request, joined_headers(request), api_id)

    def _to_connection(self, request: Request, headers: Headers, at_api: str | None = None) -> Answer:
        try:
            principal = self._access.principal(request, headers, "execute-api")
            self._called("execute-api", principal.session)
            key = (request.method, request.path, at_api or headers.get("host", ""))
            known = self._addressed.get(key)
            if known is None:
                if len(self._addressed) >= _MOST_ADDRESSED:
                    self._addressed.clear()
                known = self._addressed[key] = self._address(request, headers, at_api)
            if known.need is not None:
                self._access.check(principal, (known.need,))
        except Refused as refused:
            return unauthenticated(Protocol.REST_JSON, "execute-api", refused)
        except Denied as denied:
            return access_denied(Protocol.REST_JSON, "execute-api", str(denied))
        request.path = known.path
        return self._served(request)

    def _address(self, request: Request, headers: Headers, at_api: str | None) -> _Addressed:
        """Which API's which stage is meant: said by the path, the host, or by there being no other."""
        path = request.path
        match = _CONNECTION.fullmatch(decoded(path))
        if match is None:
            return _Addressed(path, None)
        api_id, stage = match["api"] or at_api, match["stage"]
        if api_id is None and (host := _API_HOST.match(headers.get("host", ""))) is not None:
            api_id = host["api"]
        if stage is None and len(self._stages) == 1:
            # The SDK's own endpoint, which on AWS isn't there: https://execute-api.REGION.amazonaws.com.
            self._access.say_once(
                "A post to @connections named no API and no stage: on AWS it fails. Give the client "
                "endpoint_url='https://' + domainName + '/' + stage."
            )
            [(api_id, stage)] = self._stages
            path = f"/{api_id}/{stage}{path}"
        elif match["api"] is None:
            api_id = api_id or next((api for api, name in self._stages if name == stage), None)
            path = path if api_id is None else f"/{api_id}{path}"
        if api_id is None or stage is None or (api_id, stage) not in self._stages:
            return _Addressed(path, None)
        return _Addressed(path, connection(api_id, stage, request.method, match["id"], self._account))

    def _service(self, request: Request, headers: Headers) -> str:
        """The service that a request is for, by its signing name."""
        target = headers.get("x-amz-target", "")
        if target.startswith("AmazonSQS."):
            return "sqs"
        if _INVOCATION.match(request.path):
            return "lambda"
        scope = _SCOPE.search(headers.get("authorization") or unquote(request.query))
        if scope is not None:
            return scope["service"]
        bucket = unquote(request.path[1:]).partition("/")[0]
        for_s3 = (
            bucket in self._buckets
            or ".s3." in headers.get("host", "")
            or "AWSAccessKeyId=" in request.query  # as only S3's oldest presigned addresses have it
        )
        return "s3" if for_s3 else ""
