"""STS for the identities of this stack: who am I, and credentials of another of the template's roles.

https://docs.aws.amazon.com/STS/latest/APIReference/
"""

from __future__ import annotations

import time
import uuid
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from local_aws.access.access import Access
from local_aws.access.protocols import Protocol, access_denied
from local_aws.http import Request, Response
from local_aws.roles import Principal

_NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
_DEFAULT_SECONDS = 3600


class SecurityTokens:
    """Answers the calls whose answer depends on who asks."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def answer(self, request: Request, principal: Principal) -> Response | None:
        """The answer, or None for other calls."""
        fields = parse_qs(f"{request.query}&{request.body.decode(errors='replace')}")
        given = {name: values[-1] for name, values in fields.items()}
        match given.get("Action"):
            case "GetCallerIdentity":
                return _identity(principal)
            case "AssumeRole":
                return self._assume_role(principal, given)
        return None

    def _assume_role(self, principal: Principal, given: dict[str, str]) -> Response:
        arn, session = given.get("RoleArn", ""), given.get("RoleSessionName", "session")
        if not self._access.roles.trusts(arn, principal):
            message = f"User: {principal.arn} is not authorized to perform: sts:AssumeRole on resource: {arn}"
            self._access.say_once(
                f"{principal.session} may not assume the role {arn}: the role's trust policy doesn't let it."
            )
            return access_denied(Protocol.QUERY, "sts", message)
        credentials = self._access.roles.credentials(arn, session)
        assumed = self._access.roles.principal(credentials.access_key)
        seconds = (
            int(given["DurationSeconds"])
            if given.get("DurationSeconds", "").isdecimal()
            else _DEFAULT_SECONDS
        )
        expiration = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))
        return _response(
            "AssumeRole",
            f"<Credentials><AccessKeyId>{credentials.access_key}</AccessKeyId>"
            f"<SecretAccessKey>{credentials.secret}</SecretAccessKey>"
            f"<SessionToken>{credentials.token}</SessionToken><Expiration>{expiration}</Expiration></Credentials>"
            f"<AssumedRoleUser><AssumedRoleId>{_user_id(assumed)}</AssumedRoleId>"
            f"<Arn>{escape(assumed.arn)}</Arn></AssumedRoleUser>",
        )


def _identity(principal: Principal) -> Response:
    account = principal.arn.split(":")[4]
    return _response(
        "GetCallerIdentity",
        f"<Arn>{escape(principal.arn)}</Arn><UserId>{_user_id(principal)}</UserId><Account>{account}</Account>",
    )


def _user_id(principal: Principal) -> str:
    return escape(principal.context.get("aws:userid", ("AIDALOCALDEVELOPER",))[0])


def _response(action: str, result: str) -> Response:
    request_id = str(uuid.uuid4())
    body = (
        f'<{action}Response xmlns="{_NAMESPACE}"><{action}Result>{result}</{action}Result>'
        f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{action}Response>"
    )
    return Response(200, [("Content-Type", "text/xml"), ("x-amzn-RequestId", request_id)], body.encode())
