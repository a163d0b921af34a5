"""AWS Signature Version 4 by hand: ten times faster than botocore, and byte for byte the same.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import quote

_ALGORITHM = "AWS4-HMAC-SHA256"
_UNRESERVED = "-_.~"


def payload_hash(body: bytes) -> str:
    """The hash of a body as a signature contains it. Keep it where one body goes to many places."""
    return hashlib.sha256(body).hexdigest()


_EMPTY_PAYLOAD = payload_hash(b"")


class Signer:
    """Signs requests to one service in one region. Threads may share it.

    `path` and `query` are taken as they stand on the wire, percent-encoded; a path must be free of empty
    and dot segments. `now` is in seconds since the epoch, the current time unless given.
    """

    def __init__(
        self, access_key: str, secret_key: str, token: str | None, region: str, service: str
    ) -> None:
        self._access_key = access_key
        self._secret_key = secret_key
        self._token = token
        self._region = region
        self._service = service
        self._plain_names = "host;x-amz-date" + (";x-amz-security-token" if token else "")
        self._plain_token = f"\nx-amz-security-token:{token}" if token else ""
        self._credentials = (access_key, secret_key, token, region, service)
        # Day and key are replaced together, in one assignment: another thread never sees half of a change.
        self._kept: tuple[str, str, bytes] = ("", "", b"")

    def __eq__(self, other: object) -> bool:
        """Whether both sign alike."""
        return isinstance(other, Signer) and self._credentials == other._credentials

    def __hash__(self) -> int:
        return hash(self._credentials)

    def headers(
        self,
        method: str,
        host: str,
        path: str,
        *,
        query: str = "",
        headers: Mapping[str, str] | None = None,
        body_hash: str = _EMPTY_PAYLOAD,
        now: float | None = None,
    ) -> dict[str, str]:
        """The headers to add to a request so that it is signed.

        `host` is the Host header that will be sent: with its port, unless that is the scheme's own. All of
        `headers` are signed with it; those that a proxy may change must not be among them.
        """
        stamp = _stamp(now)
        if headers:
            signed_names, lines = self._canonical_headers(host, stamp, headers)
        else:  # the way of every post
            signed_names, lines = self._plain_names, f"host:{host}\nx-amz-date:{stamp}{self._plain_token}"
        scope, signature = self._sign(
            stamp,
            f"{method}\n{_canonical_path(path)}\n{_canonical_query(query)}\n{lines}\n\n{signed_names}\n{body_hash}",
        )
        added = {
            "X-Amz-Date": stamp,
            "Authorization": f"{_ALGORITHM} Credential={self._access_key}/{scope}, "
            f"SignedHeaders={signed_names}, Signature={signature}",
        }
        if self._token:
            added["X-Amz-Security-Token"] = self._token
        return added

    def for_paths(
        self,
        method: str,
        host: str,
        prefix: str,
        *,
        body_hash: str = _EMPTY_PAYLOAD,
        now: float | None = None,
    ) -> PathSigner:
        """Sign requests that differ in how their path goes on after `prefix`, and in nothing else.

        For a second at most: the time is in the signature.
        """
        stamp = _stamp(now)
        scope, key = self._day(stamp[:8])
        lines = f"host:{host}\nx-amz-date:{stamp}{self._plain_token}"
        return PathSigner(
            key,
            before=f"{method}\n{_canonical_path(prefix)}".encode(),
            after=f"\n\n{lines}\n\n{self._plain_names}\n{body_hash}".encode(),
            signed=f"{_ALGORITHM}\n{stamp}\n{scope}\n".encode(),
            headers=(f"X-Amz-Security-Token: {self._token}\r\n" if self._token else "")
            + f"X-Amz-Date: {stamp}\r\nAuthorization: {_ALGORITHM} Credential={self._access_key}/{scope}, "
            f"SignedHeaders={self._plain_names}, Signature=",
        )

    def presigned_query(
        self,
        method: str,
        host: str,
        path: str,
        *,
        query: Mapping[str, str],
        expires: int,
        now: float | None = None,
    ) -> str:
        """A query string that carries its signature, valid for `expires` seconds. The body must be empty."""
        stamp = _stamp(now)
        scope, _ = self._day(stamp[:8])
        parameters = {
            **query,
            "X-Amz-Algorithm": _ALGORITHM,
            "X-Amz-Credential": f"{self._access_key}/{scope}",
            "X-Amz-Date": stamp,
            "X-Amz-Expires": str(expires),
            "X-Amz-SignedHeaders": "host",
        }
        if self._token:
            parameters["X-Amz-Security-Token"] = self._token
        encoded = "&".join(
            f"{quote(name, safe=_UNRESERVED)}={quote(value, safe=_UNRESERVED)}"
            for name, value in parameters.items()
        )
        _, signature = self._sign(
            stamp,
            f"{method}\n{_canonical_path(path)}\n{_canonical_query(encoded)}\nhost:{host}\n\nhost\n{_EMPTY_PAYLOAD}",
        )
        return f"{encoded}&X-Amz-Signature={signature}"

    def _canonical_headers(self, host: str, stamp: str, headers: Mapping[str, str]) -> tuple[str, str]:
        signed = {name.lower(): " ".join(value.split()) for name, value in headers.items()}
        signed["host"] = host
        signed["x-amz-date"] = stamp
        if self._token:
            signed["x-amz-security-token"] = self._token
        names = sorted(signed)
        return ";".join(names), "\n".join([f"{name}:{signed[name]}" for name in names])

    def _sign(self, stamp: str, canonical_request: str) -> tuple[str, str]:
        scope, key = self._day(stamp[:8])
        request_hash = hashlib.sha256(canonical_request.encode()).hexdigest()
        text = f"{_ALGORITHM}\n{stamp}\n{scope}\n{request_hash}"
        return scope, hmac.digest(key, text.encode(), "sha256").hex()

    def _day(self, day: str) -> tuple[str, bytes]:
        kept_day, scope, key = self._kept
        if kept_day != day:
            key = f"AWS4{self._secret_key}".encode()
            for part in (day, self._region, self._service, "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            scope = f"{day}/{self._region}/{self._service}/aws4_request"
            self._kept = (day, scope, key)
        return scope, key


class PathSigner:
    """Signs many requests that differ in the end of their path alone: what they share is worked out once.

    `headers` are their header lines up to the signature, which ends them.
    """

    __slots__ = ("_after", "_before", "_inner", "_outer", "headers")

    def __init__(self, key: bytes, *, before: bytes, after: bytes, signed: bytes, headers: str) -> None:
        self.headers = headers
        self._before = before
        self._after = after
        # HMAC in its two halves (RFC 2104): copies of how they begin take half as long as beginning anew.
        block = key.ljust(hashlib.sha256().block_size, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block) + signed)
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))

    def signature(self, path_end: bytes) -> str:
        """The signature of the request whose path ends so, given as `canonical` returns it."""
        request = hashlib.sha256(b"".join((self._before, path_end, self._after)))
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(request.hexdigest().encode())
        outer.update(inner.digest())
        return outer.hexdigest()


def canonical(path_end: str) -> bytes:
    """A piece of a path, as it is on the wire, in the way in which it is signed."""
    return quote(path_end, safe="/~").encode()


def _stamp(now: float | None) -> str:
    return _stamp_of_second(int(time.time() if now is None else now))


@lru_cache(maxsize=1)
def _stamp_of_second(second: int) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(second))


@lru_cache(maxsize=8192)  # a room's connections are posted to again and again
def _canonical_path(path: str) -> str:
    # Every service but S3 signs the path as received, encoded once more: %3D becomes %253D.
    return quote(path, safe="/~") or "/"


def _canonical_query(query: str) -> str:
    if not query:
        return ""
    pairs = [pair.partition("=") for pair in query.split("&")]
    return "&".join(f"{name}={value}" for name, value in sorted((name, value) for name, _, value in pairs))
