"""Django for pages: it routes to them and never to the WebSocket view."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import django
from django.core.handlers.asgi import ASGIHandler, ASGIRequest


class PageRequest(ASGIRequest):
    """A request that only the page URLs answer, so that nobody can pose as the gateway."""

    urlconf = "django_project.page_urls"


class PageHandler(ASGIHandler):
    """Runs every request in the one thread of the process.

    Django's own gives each request a thread, and with it a new database connection. A Lambda
    environment serves one request at a time and must keep its connection.
    """

    request_class = PageRequest

    async def __call__(
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[Mapping[str, Any]]],
        send: Callable[[Mapping[str, Any]], Awaitable[None]],
    ) -> None:
        if scope["type"] != "http":
            raise ValueError(f"Only HTTP is served here, not {scope['type']}.")
        await self.handle(scope, receive, send)


def get_page_application() -> PageHandler:
    django.setup(set_prefix=False)
    return PageHandler()
