"""Uploads by an HTML form: a POST to a bucket that carries a signed policy in its fields.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-authentication-HTTPPOST.html. What the policy's
conditions say of the other fields isn't checked.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from email.parser import BytesParser
from email.policy import HTTP

from local_aws.http import Request
from local_aws.roles import Credentials
from local_aws.signatures import Fault, Headers, Refused, signing_key

_MISMATCH = "The request signature we calculated does not match the signature you provided."


def fields(request: Request, headers: Headers) -> Mapping[str, str]:
    """The text fields of a form by their lower-case name, none for anything else."""
    content_type = headers.get("content-type", "")
    if request.method != "POST" or not content_type.startswith("multipart/form-data"):
        return {}
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1")
    form = BytesParser(policy=HTTP).parsebytes(head + request.body)
    found: dict[str, str] = {}
    for part in form.iter_parts() if form.is_multipart() else ():
        name = part.get_param("name", header="content-disposition")
        if isinstance(name, str) and part.get_filename() is None:
            content = part.get_payload(decode=True)
            found[name.lower()] = content.decode(errors="replace") if isinstance(content, bytes) else ""
    return found


def key_of(form: Mapping[str, str], known: Callable[[str], Credentials | None], now: float) -> str | None:
    """The key that signed a form, None where it isn't signed. Raises `Refused`.

    As elsewhere only a key that is known has a secret to check.
    """
    if "policy" not in form or "x-amz-credential" not in form:
        return None
    access_key, _, scope = form["x-amz-credential"].partition("/")
    credentials = known(access_key)
    if credentials is not None:
        parts = scope.split("/")
        if len(parts) != 4 or credentials.token != form.get("x-amz-security-token"):
            raise Refused(
                Fault.UNKNOWN_KEY, "The AWS Access Key Id you provided does not exist in our records."
            )
        key = signing_key(credentials.secret, *parts[:3])
        signature = hmac.digest(key, form["policy"].encode(), "sha256").hex()
        if not hmac.compare_digest(signature, form.get("x-amz-signature", "")):
            raise Refused(Fault.MISMATCH, _MISMATCH)
    check_expiry(form["policy"], now)
    return access_key


def check_expiry(policy: str, now: float) -> None:
    """Raise `Refused` where a form's policy counts no more."""
    if _expires(policy) < now:
        raise Refused(Fault.EXPIRED_REQUEST, "Invalid according to Policy: Policy expired.")


def _expires(policy: str) -> float:
    try:
        return datetime.fromisoformat(json.loads(base64.b64decode(policy))["expiration"]).timestamp()
    except (binascii.Error, ValueError, KeyError, TypeError):
        return 0.0
