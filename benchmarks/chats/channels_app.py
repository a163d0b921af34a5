"""The same chat on Django Channels: a consumer stores a message, acknowledges it, sends it to its group."""

from __future__ import annotations

import json
import os
from urllib.parse import parse_qs

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="benchmark",
    INSTALLED_APPS=["channels"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": "127.0.0.1",
            "PORT": os.environ["DATABASE_PORT"],
            "NAME": "postgres",
            "USER": os.environ["DATABASE_USER"],
            "CONN_MAX_AGE": None,
        }
    },
    CHANNEL_LAYERS={
        "default": {
            "BACKEND": os.environ["CHANNEL_LAYER"],
            "CONFIG": {"hosts": [f"redis://127.0.0.1:{os.environ['REDIS_PORT']}"]},
        }
    },
    USE_TZ=True,
)
django.setup()

from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402
from channels.routing import ProtocolTypeRouter  # noqa: E402
from django.core.asgi import get_asgi_application  # noqa: E402
from django.db import models  # noqa: E402


class Message(models.Model):
    """A stored message. Its key is its number: one count for all rooms, which spares a lock."""

    room = models.CharField(max_length=100)
    message = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "channels_app"
        db_table = "message"

    def __str__(self) -> str:
        return self.message


class Chat(AsyncWebsocketConsumer):
    """One connection."""

    async def connect(self) -> None:
        self.room = parse_qs(self.scope["query_string"].decode())["channel"][0]
        await self.channel_layer.group_add(self.room, self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard(self.room, self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        text = json.loads(text_data or "")["message"]
        stored = await Message.objects.acreate(room=self.room, message=text)
        acknowledgement = {"ok": True, "type": "message_accepted", "sequence": stored.pk}
        await self.send(json.dumps(acknowledgement, separators=(",", ":")))
        frame = {
            "type": "chat_message",
            "room": self.room,
            "sequence": stored.pk,
            "username": "Anonymous",
            "message": text,
            "created_at": stored.created_at.isoformat(),
        }
        await self.channel_layer.group_send(self.room, {"type": "push", "frame": json.dumps(frame)})

    async def push(self, event: dict[str, str]) -> None:
        await self.send(event["frame"])


application = ProtocolTypeRouter({"http": get_asgi_application(), "websocket": Chat.as_asgi()})
