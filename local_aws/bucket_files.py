"""Which files a bucket deployment makes objects of, and what type each object has."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from local_aws.model import BucketFiles

# S3's own type for what was stored without one.
_UNKNOWN_TYPE = "binary/octet-stream"
# The same on every machine, whatever its own tables say.
_TYPES = mimetypes.MimeTypes()
for _ending, _type in (
    (".css", "text/css"),
    (".html", "text/html"),
    (".ico", "image/x-icon"),
    (".js", "text/javascript"),
    (".json", "application/json"),
    (".map", "application/json"),
    (".mjs", "text/javascript"),
    (".svg", "image/svg+xml"),
    (".webmanifest", "application/manifest+json"),
    (".woff", "font/woff"),
    (".woff2", "font/woff2"),
):
    _TYPES.add_type(_type, _ending)


def content_type(path: Path) -> str:
    """The Content-Type of a file's object, by its ending."""
    return _TYPES.guess_type(f"x{path.suffix.lower()}")[0] or _UNKNOWN_TYPE


def is_deployed(files: BucketFiles, name: str) -> bool:
    """Whether a file is uploaded: `exclude` takes away, `include` gives back."""
    if any(fnmatchcase(name, pattern) for pattern in files.exclude):
        return any(fnmatchcase(name, pattern) for pattern in files.include)
    return True


def objects(files: BucketFiles) -> Iterator[tuple[str, Path]]:
    """The key and the file of each object."""
    prefix = f"{files.prefix.strip('/')}/" if files.prefix.strip("/") else ""
    for path in sorted(files.folder.rglob("*")):
        name = path.relative_to(files.folder).as_posix()
        # Symbolic links are followed only within the folder.
        inside = path.resolve().is_relative_to(files.folder.resolve())
        if inside and path.is_file() and is_deployed(files, name):
            yield prefix + name, path
