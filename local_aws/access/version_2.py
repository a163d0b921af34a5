"""Signature Version 2 of S3's presigned URLs and forms: boto3 and the AWS CLI still make these in us-east-1.

https://docs.aws.amazon.com/AmazonS3/latest/developerguide/RESTAuthentication.html
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable, Mapping
from urllib.parse import unquote

from local_aws.access.forms import check_expiry
from local_aws.http import Request
from local_aws.roles import Credentials
from local_aws.signatures import Fault, Headers, Refused

_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your key and "
    "signing method."
)
# The parameters that are part of the resource.
_PARAMETERS = """
accelerate acl analytics cors delete inventory lifecycle location logging metrics notification object-lock
partNumber policy replication requestPayment restore select select-type tagging torrent uploadId uploads
versionId versioning versions website response-cache-control response-content-disposition
response-content-encoding response-content-language response-content-type response-expires
"""
_OF_THE_RESOURCE = frozenset(_PARAMETERS.split())

Known = Callable[[str], Credentials | None]


def key_of_url(request: Request, headers: Headers, known: Known, now: float) -> str | None:
    """The key that presigned a request's URL, None where none did. Raises `Refused`."""
    query = [parameter.partition("=")[::2] for parameter in request.query.split("&")]
    values = {name: unquote(value) for name, value in query}
    if "AWSAccessKeyId" not in values or "Signature" not in values:
        return None
    expires = values.get("Expires", "")
    if not expires.isdigit():
        raise Refused(
            Fault.INCOMPLETE, "Query-string authentication requires Signature, Expires and AWSAccessKeyId"
        )
    token = values.get("x-amz-security-token")
    if (secret := _secret(known, values["AWSAccessKeyId"], token)) is not None:
        lines = [request.method, headers.get("content-md5", ""), headers.get("content-type", ""), expires]
        amazon = {name: value for name, value in headers.items() if name.startswith("x-amz-")}
        if token is not None:
            amazon["x-amz-security-token"] = token
        lines += [f"{name}:{value.strip()}" for name, value in sorted(amazon.items())]
        lines.append(_resource(request, headers, query))
        _check(secret, "\n".join(lines), values["Signature"])
    if int(expires) < now:
        raise Refused(Fault.EXPIRED_REQUEST, "Request has expired")
    return values["AWSAccessKeyId"]


def key_of_form(form: Mapping[str, str], known: Known, now: float) -> str | None:
    """The key that signed a form's policy, None where none did. Raises `Refused`."""
    if "awsaccesskeyid" not in form or "policy" not in form:
        return None
    secret = _secret(known, form["awsaccesskeyid"], form.get("x-amz-security-token"))
    if secret is not None:
        _check(secret, form["policy"], form.get("signature", ""))
    check_expiry(form["policy"], now)
    return form["awsaccesskeyid"]


def _secret(known: Known, access_key: str, token: str | None) -> str | None:
    """The key's secret. As elsewhere only a key that is known has one to check."""
    credentials = known(access_key)
    if credentials is None:
        return None
    if credentials.token != token:
        raise Refused(Fault.UNKNOWN_KEY, "The AWS Access Key Id you provided does not exist in our records.")
    return credentials.secret


def _check(secret: str, signed: str, signature: str) -> None:
    made = base64.b64encode(hmac.digest(secret.encode(), signed.encode(), "sha1")).decode()
    if not hmac.compare_digest(made.encode(), signature.encode()):
        raise Refused(Fault.MISMATCH, _MISMATCH)


def _resource(request: Request, headers: Headers, query: list[tuple[str, str]]) -> str:
    """The bucket and the key, as they are spelt in the path, with the parameters that belong to them."""
    bucket, dot, _ = headers.get("host", "").partition(".s3.")
    path = f"/{bucket}{request.path}" if dot else request.path
    own = sorted((name, value) for name, value in query if name in _OF_THE_RESOURCE)
    return path + ("?" if own else "") + "&".join(f"{n}={unquote(v)}" if v else n for n, v in own)
