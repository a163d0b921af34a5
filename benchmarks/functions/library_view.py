"""The websockets library as it is: its own dispatch, the ORM, and boto3 for the queue."""

from __future__ import annotations

import json
from typing import Any

import boto3
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.db import transaction
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.utils import timezone
from django_aws_api_gateway_websockets.models import WebSocketSession
from django_aws_api_gateway_websockets.views import WebSocketView

from chat.models import ChatMessage, Room


class LibraryView(WebSocketView):
    """Does for a message what the chat does: number, store, read who is there, queue, acknowledge."""

    ALLOWED_HANDLERS = {"chat_message"}  # noqa: RUF012
    queue_url = ""
    sqs: Any = None

    def chat_message(self, request: HttpRequest, *args: Any, **kwargs: Any) -> JsonResponse:
        session = self.websocket_session
        with transaction.atomic():
            room = Room.objects.select_for_update().get(name=session.channel_name)
            room.last_sequence += 1
            room.save(update_fields=["last_sequence"])
            message = ChatMessage.objects.create(
                room=room.name,
                sequence=room.last_sequence,
                user=session.user,
                guest=session.user is None,
                username="Anonymous",
                message=self.body["message"],
                created_at=timezone.now(),
            )
        members = WebSocketSession.objects.filter(channel_name=room.name, connected=True)
        frame = {"type": "chat_message", "sequence": message.sequence, "message": message.message}
        body = {"connections": [member.connection_id for member in members], "data": json.dumps(frame)}
        self.sqs.send_message(QueueUrl=self.queue_url, MessageBody=json.dumps(body))
        return JsonResponse({"ok": True, "type": "message_accepted", "sequence": message.sequence})


urlpatterns = [path("ws/<slug:route>", LibraryView.as_view())]


class _Request(WSGIRequest):
    urlconf = "benchmarks.functions.library_view"


class LibraryHandler(WSGIHandler):
    """Django with the settings' middleware, as the library's documentation has it."""

    request_class = _Request


def use_queue(url: str, endpoint: str) -> None:
    LibraryView.queue_url = url
    LibraryView.sqs = boto3.client("sqs", endpoint_url=endpoint, region_name="eu-west-1")
