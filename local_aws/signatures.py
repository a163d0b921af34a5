"""AWS Signature Version 4 of requests: reading it, verifying it, making it. No I/O.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, unquote_to_bytes

from local_aws.http import Request

ALGORITHM = "AWS4-HMAC-SHA256"
SKEW_SECONDS = 300
_S3_SKEW_SECONDS = 900
_LONGEST_PRESIGNED = 604_800
_UNRESERVED = "-_.~"
_STAMP = "%Y%m%dT%H%M%SZ"
_HASH = re.compile(r"[0-9a-fA-F]{64}")
_MOST_KEYS = 1024
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
    "Access Key and signing method. Consult the service documentation for details."
)


class Fault(Enum):
    """Why a request isn't taken. Each service has its own name for it."""

    MISSING = auto()
    INCOMPLETE = auto()
    UNKNOWN_KEY = auto()
    EXPIRED_TOKEN = auto()
    MISMATCH = auto()
    SKEWED = auto()
    EXPIRED_REQUEST = auto()
    WRONG_BODY_HASH = auto()


class Refused(Exception):
    """The request has no signature that holds. The text is AWS's."""

    def __init__(self, fault: Fault, message: str) -> None:
        super().__init__(message)
        self.fault = fault
        self.message = message


class Signature(NamedTuple):
    """What a request says of its signature. With `expires` (seconds) it is a presigned URL's."""

    access_key: str
    day: str
    region: str
    service: str
    signed_headers: str
    signature: str
    stamp: str
    token: str | None
    expires: int | None = None


Headers = Mapping[str, str]
"""By lower-case name; the values of one that came several times are joined by commas."""


def joined_headers(request: Request) -> Headers:
    headers: dict[str, str] = {}
    for name, value in request.headers:
        name = name.lower()
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers


def read(request: Request, headers: Headers) -> Signature:
    """The signature in a request's Authorization header or query. Raises `Refused`."""
    authorization = headers.get("authorization")
    if authorization is not None:
        return _from_header(authorization, headers)
    if "X-Amz-Signature=" in request.query:
        return _from_query(request.query)
    raise Refused(Fault.MISSING, "Missing Authentication Token")


class Verifier:
    """Verifies signatures. Keeps the day's signing keys, and nothing of requests."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._keys: dict[tuple[str, str, str, str], bytes] = {}

    def verify(self, request: Request, headers: Headers, signature: Signature, secret: str) -> None:
        """Check that the request is what was signed with `secret`, and not long ago. Raises `Refused`."""
        self._check_time(signature)
        names = signature.signed_headers.split(";")
        if "host" not in names:
            raise Refused(Fault.MISMATCH, "'Host' must be a 'SignedHeader' in the AWS Authorization.")
        lines = []
        for name in names:
            value = headers.get(name)
            if value is None:
                raise Refused(Fault.MISMATCH, _MISMATCH)
            lines.append(f"{name}:{' '.join(value.split())}\n")
        body_hash = _body_hash(request, headers, signature)
        scope = f"{signature.day}/{signature.region}/{signature.service}/aws4_request"
        start = f"{ALGORITHM}\n{signature.stamp}\n{scope}\n"
        rest = f"{''.join(lines)}\n{signature.signed_headers}\n{body_hash}"
        key = self._key(secret, signature)
        for path, query in _spellings(request, signature):
            canonical = f"{request.method}\n{path}\n{query}\n{rest}".encode("latin-1")
            text = start + hashlib.sha256(canonical).hexdigest()
            if hmac.compare_digest(hmac.digest(key, text.encode(), "sha256").hex(), signature.signature):
                return
        raise Refused(Fault.MISMATCH, _MISMATCH)

    def _check_time(self, signature: Signature) -> None:
        signed, now = _seconds(signature.stamp), self._clock()
        if signature.stamp[:8] != signature.day:
            raise Refused(
                Fault.MISMATCH,
                f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
                f"'{signature.day}' != '{signature.stamp[:8]}', from '{signature.stamp}'.",
            )
        skew = _S3_SKEW_SECONDS if signature.service == "s3" else SKEW_SECONDS
        if signed > now + skew:
            raise Refused(
                Fault.SKEWED,
                f"Signature not yet current: {signature.stamp} is still later than {_stamp(now + skew)} "
                f"({_stamp(now)} + {skew // 60} min.)",
            )
        if signature.expires is not None:
            if now > signed + signature.expires:
                raise Refused(Fault.EXPIRED_REQUEST, "Request has expired")
        elif signed < now - skew:
            raise Refused(
                Fault.SKEWED,
                f"Signature expired: {signature.stamp} is now earlier than {_stamp(now - skew)} "
                f"({_stamp(now)} - {skew // 60} min.)",
            )

    def _key(self, secret: str, signature: Signature) -> bytes:
        scope = (secret, signature.day, signature.region, signature.service)
        key = self._keys.get(scope)
        if key is None:
            if len(self._keys) >= _MOST_KEYS:
                self._keys.clear()
            key = self._keys[scope] = signing_key(*scope)
        return key


def signing_key(secret: str, day: str, region: str, service: str) -> bytes:
    """The key of a day, a region and a service."""
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def sign(
    request: Request, *, access_key: str, secret: str, region: str, service: str, now: float
) -> list[tuple[str, str]]:
    """The headers to add to a request so that it is signed. Its Host header is signed along."""
    stamp = _stamp(now)
    host = request.header("Host") or ""
    canonical = (
        f"{request.method}\n{_encoded_once_more(request.path)}\n{_canonical_query(request.query)}\n"
        f"host:{host}\nx-amz-date:{stamp}\n\nhost;x-amz-date\n{hashlib.sha256(request.body).hexdigest()}"
    )
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    text = f"{ALGORITHM}\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode('latin-1')).hexdigest()}"
    signature = hmac.digest(signing_key(secret, stamp[:8], region, service), text.encode(), "sha256").hex()
    authorization = f"Credential={access_key}/{scope}, SignedHeaders=host;x-amz-date, Signature={signature}"
    return [("X-Amz-Date", stamp), ("Authorization", f"{ALGORITHM} {authorization}")]


def _from_header(authorization: str, headers: Headers) -> Signature:
    # All but the signature is the same in a client's requests of one day.
    rest, _, signature = authorization.rpartition("Signature=")
    credential, signed_headers = _scope(rest) if rest else _scope(authorization)
    stamp = headers.get("x-amz-date") or _http_date(headers.get("date"))
    if stamp is None or not signature:
        raise _incomplete("X-Amz-Date" if stamp is None else "Signature")
    return Signature(
        *credential,
        signed_headers,
        signature,
        _checked(stamp),
        headers.get("x-amz-security-token"),
    )


@lru_cache(maxsize=256)
def _scope(authorization: str) -> tuple[tuple[str, str, str, str], str]:
    """The credential's parts and the names of the signed headers."""
    algorithm, _, rest = authorization.strip().partition(" ")
    if algorithm != ALGORITHM:
        raise Refused(
            Fault.INCOMPLETE,
            f"Authorization header requires an algorithm that is verified here: {ALGORITHM}.",
        )
    given = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    for name in ("Credential", "SignedHeaders"):
        if not given.get(name):
            raise _incomplete(name)
    return _credential(given["Credential"]), given["SignedHeaders"]


def _incomplete(name: str) -> Refused:
    return Refused(Fault.INCOMPLETE, f"Authorization header requires '{name}' parameter.")


def _from_query(query: str) -> Signature:
    given = {name: value for name, value in _parameters(query) if name.startswith("X-Amz-")}
    needed = ("Algorithm", "Credential", "Date", "Expires", "Signature", "SignedHeaders")
    lacking = [f"X-Amz-{name}" for name in needed if not given.get(f"X-Amz-{name}")]
    if lacking or given["X-Amz-Algorithm"] != ALGORITHM:
        raise Refused(
            Fault.INCOMPLETE,
            "Query-string authentication requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, "
            "X-Amz-Date, X-Amz-SignedHeaders and X-Amz-Expires parameters.",
        )
    expires = given["X-Amz-Expires"]
    if not expires.isdecimal() or not 0 < int(expires) <= _LONGEST_PRESIGNED:
        raise Refused(
            Fault.INCOMPLETE, f"X-Amz-Expires must be a number of seconds from 1 to {_LONGEST_PRESIGNED}."
        )
    return Signature(
        *_credential(given["X-Amz-Credential"]),
        signed_headers=given["X-Amz-SignedHeaders"],
        signature=given["X-Amz-Signature"],
        stamp=_checked(given["X-Amz-Date"]),
        token=given.get("X-Amz-Security-Token"),
        expires=int(expires),
    )


def _credential(text: str) -> tuple[str, str, str, str]:
    parts = text.split("/")
    if len(parts) < 5 or parts[-1] != "aws4_request":
        raise Refused(
            Fault.INCOMPLETE,
            f"Credential must have 5 slash-delimited elements, ending in 'aws4_request', got '{text}'",
        )
    return "/".join(parts[:-4]), parts[-4], parts[-3], parts[-2]


def _checked(stamp: str) -> str:
    try:
        _seconds(stamp)
    except ValueError:
        raise Refused(
            Fault.INCOMPLETE,
            f"Date must be in ISO-8601 'basic format'. Got '{stamp}'. See "
            "http://en.wikipedia.org/wiki/ISO_8601",
        ) from None
    return stamp


@lru_cache(maxsize=256)
def _seconds(stamp: str) -> float:
    return datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC).timestamp()


def _stamp(seconds: float) -> str:
    return time.strftime(_STAMP, time.gmtime(seconds))


def _http_date(date: str | None) -> str | None:
    if date is None:
        return None
    try:
        return parsedate_to_datetime(date).astimezone(UTC).strftime(_STAMP)
    except ValueError:
        return date


def _body_hash(request: Request, headers: Headers, signature: Signature) -> str:
    declared = headers.get("x-amz-content-sha256")
    if declared is None:
        if signature.expires is not None and signature.service == "s3":
            return "UNSIGNED-PAYLOAD"
        return hashlib.sha256(request.body).hexdigest()
    # UNSIGNED-PAYLOAD, or STREAMING-…, whose chunks aren't verified here.
    if _HASH.fullmatch(declared) and declared.lower() != hashlib.sha256(request.body).hexdigest():
        if signature.service == "s3":
            raise Refused(
                Fault.WRONG_BODY_HASH,
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
            )
        raise Refused(Fault.MISMATCH, _MISMATCH)
    return declared


def _spellings(request: Request, signature: Signature) -> Iterator[tuple[str, str]]:
    """What clients sign as path and query for what they send, the most usual spelling first.

    Every service but S3 has the path as received encoded once more; some clients sign it as they send it.
    """
    if signature.service == "s3":
        paths = (request.path, _encoded_once(request.path))
    else:
        paths = (_encoded_once_more(request.path), request.path)
    query = request.query
    if not query:
        yield paths[0], ""
        yield paths[1], ""
        return
    if signature.expires is not None:
        query = "&".join(part for part in query.split("&") if not part.startswith("X-Amz-Signature="))
    for spelled in (_canonical_query(query), "&".join(sorted(query.split("&")))):
        for path in paths:
            yield path, spelled


@lru_cache(maxsize=8192)  # connections are posted to again and again
def _encoded_once_more(path: str) -> str:
    if "/." in path or "//" in path:
        path = _without_dots(path)
    return quote(path.encode("latin-1"), safe="/~")


def _encoded_once(path: str) -> str:
    return quote(unquote_to_bytes(path.encode("latin-1")), safe=f"/{_UNRESERVED}")


def _without_dots(path: str) -> str:
    kept: list[str] = []
    for part in path.split("/"):
        if part == "..":
            kept[-1:] = []
        elif part not in ("", "."):
            kept.append(part)
    return "/" + "/".join(kept) + ("/" if path.endswith("/") and kept else "")


def _canonical_query(query: str) -> str:
    if not query:
        return ""
    pairs = sorted(
        (
            quote(name, safe=_UNRESERVED, encoding="latin-1"),
            quote(value, safe=_UNRESERVED, encoding="latin-1"),
        )
        for name, value in _parameters(query)
    )
    return "&".join(f"{name}={value}" for name, value in pairs)


def _parameters(query: str) -> Iterator[tuple[str, str]]:
    for part in query.split("&"):
        if part:
            name, _, value = part.partition("=")
            yield _decoded(name), _decoded(value)


def _decoded(text: str) -> str:
    return unquote_to_bytes(text.encode("latin-1")).decode("latin-1") if "%" in text else text
