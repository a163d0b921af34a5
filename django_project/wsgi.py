"""Django for WebSocket events: it routes to the chat's view and to no page."""

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest


class WebSocketRequest(WSGIRequest):
    """A request that only the WebSocket URLs answer."""

    urlconf = "chat.websocket_urls"


# What the view needs of the settings' MIDDLEWARE, in its order: who connects. The rest is for pages.
_MIDDLEWARE = (
    "chat.login_sessions.ReadOnlySessionMiddleware",
    "chat.login_sessions.AuthenticationMiddleware",
)


class WebSocketHandler(WSGIHandler):
    request_class = WebSocketRequest

    def load_middleware(self, is_async: bool = False) -> None:
        """Load the middleware for events: no browser sees the headers that the pages' adds."""
        of_pages = settings.MIDDLEWARE
        settings.MIDDLEWARE = _MIDDLEWARE
        try:
            super().load_middleware(is_async)
        finally:
            settings.MIDDLEWARE = of_pages


def get_websocket_application() -> WebSocketHandler:
    django.setup(set_prefix=False)
    return WebSocketHandler()
