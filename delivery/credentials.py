"""Credentials of a function that starts from a snapshot: Lambda hands them out, and they expire.

Its variables hold none: in a snapshot they would grow old.
https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
"""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

_TIMEOUT_SECONDS = 2.0
_BEFORE_EXPIRY_SECONDS = 300.0


class NoCredentials(Exception):
    """There are none to be had. The text says who was asked."""


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """What requests are signed with, until `expires` in seconds since the epoch."""

    access_key: str
    secret_key: str
    token: str
    expires: float


_kept: Credentials | None = None


def handed_out(url: str, authorization: str | None) -> Credentials:
    """The credentials that are good now. Asking costs nothing until they are about to expire.

    :raises NoCredentials: What is at `url` doesn't answer, or with something else.
    """
    global _kept
    if _kept is None or time.time() > _kept.expires - _BEFORE_EXPIRY_SECONDS:
        _kept = _asked(url, authorization)
    return _kept


def forget_credentials() -> None:
    """Ask anew the next time."""
    global _kept
    _kept = None


def _asked(url: str, authorization: str | None) -> Credentials:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=_TIMEOUT_SECONDS)
    try:
        path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        connection.request("GET", path, headers={"Authorization": authorization} if authorization else {})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != http.HTTPStatus.OK:
            raise NoCredentials(f"{parts.netloc} answered {answer.status} when asked for credentials.")
        given = json.loads(body)
        return Credentials(
            given["AccessKeyId"],
            given["SecretAccessKey"],
            given["Token"],
            datetime.fromisoformat(given["Expiration"]).timestamp(),
        )
    except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
        raise NoCredentials(f"{parts.netloc} gave no credentials: {type(error).__name__}.") from error
    finally:
        connection.close()
