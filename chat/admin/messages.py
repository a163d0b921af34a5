"""Messages in the admin: searched, read, and deleted as moderators delete them."""

import logging
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from chat import changes
from chat.admin.pages import ReadOnlyPage
from chat.messages import RoomGone
from chat.models import ChatMessage
from chat.outbox import pass_on
from chat.rooms import entrance
from chat.wire import Refusal
from delivery.sqs import QueueError

logger = logging.getLogger(__name__)

# Each is an event that goes out to the whole room.
MOST_AT_ONCE = 200


class DeletedFilter(admin.SimpleListFilter):
    title = "deleted"
    parameter_name = "deleted"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("no", "No"), ("yes", "Yes")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ChatMessage]) -> QuerySet[ChatMessage]:
        if self.value() is None:
            return queryset
        return queryset.filter(deleted_at__isnull=self.value() == "no")


@admin.register(ChatMessage)
class MessagePage(ReadOnlyPage):
    """A row is never removed: that would leave a hole which every client tries to fill."""

    list_display = (
        "room",
        "sequence",
        "username",
        "guest",
        "message",
        "created_at",
        "edited_at",
        "deleted_at",
    )
    list_filter = ("room", "guest", DeletedFilter, "created_at")
    search_fields = ("username", "message")
    ordering = ("-pk",)
    actions = ("delete_messages",)

    def has_moderate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(changes.MODERATE)

    @admin.action(description="Delete the text of selected messages", permissions=["moderate"])
    def delete_messages(self, request: HttpRequest, queryset: QuerySet[ChatMessage]) -> HttpResponse | None:
        """Ask first, then delete each by an event in its room's sequence."""
        chosen = list(queryset.order_by("room", "sequence")[: MOST_AT_ONCE + 1])
        if len(chosen) > MOST_AT_ONCE:
            messages.error(request, f"Delete {MOST_AT_ONCE} messages at a time at most.")
            return None
        if request.POST.get("confirmed") != "yes":
            context = {
                **self.admin_site.each_context(request),
                "title": "Are you sure?",
                "opts": self.model._meta,
                "chosen": chosen,
                "checkbox": ACTION_CHECKBOX_NAME,
            }
            return TemplateResponse(request, "admin/chat/chatmessage/delete_messages.html", context)
        deleted = sum(_delete(request, message) for message in chosen)
        messages.success(request, f"{deleted} of {len(chosen)} messages are deleted now.")
        return None


def _delete(request: HttpRequest, message: ChatMessage) -> bool:
    where = f"Message {message.sequence} of {message.room}"
    try:
        change = changes.delete_message(message.room, message.sequence, request.user)
    except Refusal as refused:
        messages.error(request, f"{where}: {refused.sentence}")
        return False
    except RoomGone:
        messages.error(request, f"{where}: there is no such room any more.")
        return False
    room = entrance(message.room)
    if change.frame and room:
        try:
            pass_on(change.frame, room)
        except QueueError:
            # It is stored: the schedule passes it on within a minute.
            logger.warning("Event %s of room %s waits for the schedule", change.sequence, message.room)
    return True
