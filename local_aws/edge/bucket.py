"""A bucket's objects, served from the folders that the assembly deploys into it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from urllib.parse import unquote
from xml.sax.saxutils import escape

from local_aws.bucket_files import content_type, is_deployed
from local_aws.http import Request, Response
from local_aws.model import Bucket, BucketFiles


@dataclass(frozen=True, slots=True)
class _Object:
    content: bytes
    etag: str
    modified: datetime
    content_type: str
    cache_control: str | None


class BucketOrigin:
    """Serves a bucket as CloudFront sees it through origin access control.

    Files are read when they are asked for, so that a new build shows at once.
    """

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self.name = bucket.name

    def key(self, request: Request, default_root_object: str = "") -> str:
        """The key of the object that is asked for."""
        return unquote(request.path).removeprefix("/") or default_root_object.removeprefix("/")

    def answer(self, request: Request, default_root_object: str = "") -> Response:
        """Answer a GET or HEAD."""
        if request.method not in ("GET", "HEAD"):
            return _error(
                405, "MethodNotAllowed", "The specified method is not allowed against this resource."
            )
        found = self._find(self.key(request, default_root_object))
        if found is None and self._bucket.listable:
            return _error(404, "NoSuchKey", "The specified key does not exist.")
        if found is None:
            # Without the right to list a bucket S3 doesn't tell what isn't there from what may not be read.
            return _error(403, "AccessDenied", "Access Denied")
        headers = [
            ("Content-Type", found.content_type),
            ("ETag", found.etag),
            ("Last-Modified", format_datetime(found.modified, usegmt=True)),
        ]
        if found.cache_control is not None:
            headers.append(("Cache-Control", found.cache_control))
        if _is_fresh(request, found):
            return Response(304, headers[1:])
        return Response(200, headers, found.content)

    def _find(self, key: str) -> _Object | None:
        """The object of that key; a later deployment wins over an earlier one."""
        for files in reversed(self._bucket.files):
            if (path := _path(files, key)) is None:
                continue
            try:
                content = path.read_bytes()
                modified = datetime.fromtimestamp(int(path.stat().st_mtime), UTC)
            except (OSError, ValueError):  # no such file, a folder, or no name that a file can have
                continue
            # S3's ETag of an object uploaded in one part.
            etag = f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'
            return _Object(content, etag, modified, content_type(path), files.cache_control)
        return None


def _path(files: BucketFiles, key: str) -> Path | None:
    """Where a deployment would have the object of that key; None where it has none."""
    prefix = f"{files.prefix.strip('/')}/" if files.prefix.strip("/") else ""
    if not key.startswith(prefix):
        return None
    name = key[len(prefix) :]
    if "\0" in name or "\\" in name or any(part in ("", ".", "..") for part in name.split("/")):
        return None  # a key is no path: nothing in it leads elsewhere
    if not is_deployed(files, name):
        return None
    path = files.folder / name
    # Symbolic links are followed only within the folder.
    return path if path.resolve().is_relative_to(files.folder.resolve()) else None


def _is_fresh(request: Request, found: _Object) -> bool:
    if (tags := request.header("If-None-Match")) is not None:
        return any(tag in ("*", found.etag) for tag in _tags(tags))
    if (since := request.header("If-Modified-Since")) is not None:
        try:
            return found.modified <= parsedate_to_datetime(since)
        except (ValueError, TypeError):
            return False
    return False


def _tags(header: str) -> Iterator[str]:
    return (tag.strip().removeprefix("W/") for tag in header.split(","))


def _error(status: int, code: str, message: str) -> Response:
    error = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n{error}'.encode()
    return Response(status, [("Content-Type", "application/xml")], body)
