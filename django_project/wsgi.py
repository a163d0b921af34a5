"""Django for WebSocket events: it routes to the chat's view and to no page."""

import django
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest


class WebSocketRequest(WSGIRequest):
    """A request that only the WebSocket URLs answer."""

    urlconf = "chat.websocket_urls"


class WebSocketHandler(WSGIHandler):
    request_class = WebSocketRequest


def get_websocket_application() -> WebSocketHandler:
    django.setup(set_prefix=False)
    return WebSocketHandler()
