"""The one URL of the WebSocket function. The library names its routes connect, disconnect, and any other."""

from django.urls import path

from chat.views import ChatWebSocketView

urlpatterns = [path("ws/<slug:route>", ChatWebSocketView.as_view(), name="websocket")]
