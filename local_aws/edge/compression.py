"""What a distribution compresses on the way to a viewer. No I/O.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/ServingCompressedFiles.html
"""

from __future__ import annotations

import gzip
from functools import lru_cache

from local_aws.edge.behaviours import without
from local_aws.http import Request, Response

_SIZES = range(1_000, 10_000_001)
_STATUSES = frozenset({200, 403, 404})
_TYPES = frozenset(
    {
        "application/dash+xml",
        "application/eot",
        "application/font",
        "application/font-sfnt",
        "application/javascript",
        "application/json",
        "application/opentype",
        "application/otf",
        "application/pdf",
        "application/pkcs7-mime",
        "application/protobuf",
        "application/rss+xml",
        "application/truetype",
        "application/ttf",
        "application/vnd.apple.mpegurl",
        "application/vnd.mapbox-vector-tile",
        "application/vnd.ms-fontobject",
        "application/wasm",
        "application/xhtml+xml",
        "application/xml",
        "application/x-font-opentype",
        "application/x-font-truetype",
        "application/x-font-ttf",
        "application/x-httpd-cgi",
        "application/x-javascript",
        "application/x-mpegurl",
        "application/x-opentype",
        "application/x-otf",
        "application/x-perl",
        "application/x-ttf",
        "font/eot",
        "font/opentype",
        "font/otf",
        "font/ttf",
        "image/svg+xml",
        "text/css",
        "text/csv",
        "text/html",
        "text/javascript",
        "text/js",
        "text/plain",
        "text/richtext",
        "text/tab-separated-values",
        "text/xml",
        "text/x-component",
        "text/x-java-source",
        "text/x-script",
        "vnd.apple.mpegurl",
    }
)


def compressed(request: Request, response: Response) -> Response:
    """The response as the viewer gets it: in gzip, where the viewer takes that and it is worth it."""
    if response.status not in _STATUSES or len(response.body) not in _SIZES or not _takes_gzip(request):
        return response
    headers = {name.lower(): value for name, value in response.headers}
    content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type not in _TYPES or "content-encoding" in headers:
        return response
    kept = without(response.headers, ("content-length", "etag", "vary"))
    if (tag := headers.get("etag")) is not None:
        kept.append(("ETag", tag if tag.startswith("W/") else f"W/{tag}"))
    kept += [("Content-Encoding", "gzip"), ("Vary", _varying(headers.get("vary")))]
    return Response(response.status, kept, _gzip(response.body))


def _takes_gzip(request: Request) -> bool:
    for part in (request.header("Accept-Encoding") or "").lower().split(","):
        name, _, quality = part.partition(";")
        if name.strip() == "gzip":
            return quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _varying(given: str | None) -> str:
    names = [name.strip() for name in (given or "").split(",") if name.strip()]
    return ", ".join(names if "accept-encoding" in map(str.lower, names) else [*names, "Accept-Encoding"])


@lru_cache(maxsize=64)
def _gzip(body: bytes) -> bytes:
    return gzip.compress(body, 6, mtime=0)
