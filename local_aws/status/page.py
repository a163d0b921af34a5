"""Serves the status page on the AWS endpoint's port: to browsers on this machine, and to nobody else."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files

from local_aws.http import Request, Response
from local_aws.status.document import ASSETS, document
from local_aws.status.snapshot import Sources, snapshot

# Another name that leads here is a page of somebody else's that has itself resolved to this machine.
_LOOPBACK = re.compile(r"(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?", re.IGNORECASE)
_HEADERS = (
    (
        "Content-Security-Policy",
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'",
    ),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cache-Control", "no-store"),
)
_ASSETS = {"page.css": "text/css; charset=utf-8", "page.js": "text/javascript; charset=utf-8"}
DATA = f"{ASSETS}/data.json"


class StatusPage:
    """Answers `/` for browsers, and `/_status/…`: no bucket can have that name."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def answer(self, request: Request) -> Response | None:
        """The answer, None for a request that isn't for this page."""
        is_page = request.path == "/" and "text/html" in (request.header("Accept") or "")
        if not is_page and not request.path.startswith(f"{ASSETS}/"):
            return None
        if request.method not in ("GET", "HEAD"):
            return None
        if _LOOPBACK.fullmatch(request.header("Host") or "") is None or _is_foreign(request):
            return _response(403, "text/plain; charset=utf-8", b"This page is for this machine only.\n")
        if is_page:
            return _response(
                200, "text/html; charset=utf-8", document(snapshot(self._sources)).encode(errors="replace")
            )
        if request.path == DATA:
            body = json.dumps(snapshot(self._sources).as_json()).encode(errors="replace")
            return _response(200, "application/json", body)
        name = request.path.removeprefix(f"{ASSETS}/")
        if name in _ASSETS:
            return _response(200, _ASSETS[name], _asset(name))
        return _response(404, "text/plain; charset=utf-8", b"There is nothing here.\n")


def _is_foreign(request: Request) -> bool:
    """Whether another site's page asks for it. Opening it from a link there is fine."""
    return (
        request.header("Sec-Fetch-Site") in ("cross-site", "same-site")
        and request.header("Sec-Fetch-Mode") != "navigate"
    )


@cache
def _asset(name: str) -> bytes:
    return files(__package__).joinpath(name).read_bytes()


def _response(status: int, content_type: str, body: bytes) -> Response:
    return Response(status, [("Content-Type", content_type), *_HEADERS], body)
