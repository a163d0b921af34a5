"""A system message by hand: to everybody or to a room, how urgent it is, and until when it holds."""

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminSplitDateTime
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from chat.admin.pages import throttled
from chat.broadcast import broadcast
from chat.models import MESSAGE_LENGTH, REASON_LENGTH, Room
from chat.moderation import audit
from chat.moderation.restrictions import may_moderate
from chat.wire import Refusal
from delivery.sqs import QueueError


class BroadcastForm(forms.Form):
    message = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 4, "class": "vLargeTextField"}), max_length=MESSAGE_LENGTH
    )
    room = forms.ModelChoiceField(
        Room.objects.all(), required=False, to_field_name="name", empty_label="Everybody"
    )
    level = forms.ChoiceField(choices=[(level, level) for level in ("info", "warning", "critical")])
    until = forms.SplitDateTimeField(
        required=False, widget=AdminSplitDateTime(), help_text="From then on it is no longer shown. UTC."
    )


def broadcast_page(request: HttpRequest) -> HttpResponse:
    """For who may moderate. Sent is sent: the page says to how many connections."""
    if not may_moderate(request.user):
        raise PermissionDenied
    if answer := throttled(request):
        return answer
    form = BroadcastForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and _send(request, form):
        return HttpResponseRedirect(reverse("admin:chat_room_changelist"))
    context = {**admin.site.each_context(request), "title": "Broadcast", "form": form, "media": form.media}
    return TemplateResponse(request, "admin/chat/room/broadcast.html", context)


def _send(request: HttpRequest, form: BroadcastForm) -> bool:
    asked = form.cleaned_data
    room = asked["room"].name if asked["room"] else None
    try:
        sent = broadcast(asked["message"], room=room, level=asked["level"], until=asked["until"])
    except Refusal as refused:
        form.add_error("until" if refused.details.get("field") == "until" else None, refused.sentence)
        return False
    except QueueError:
        form.add_error(None, "The queue did not take it. Try again in a moment.")
        return False
    audit.record(
        "broadcast",
        actor=request.user,
        room=room,
        until=asked["until"],
        reason=f"{asked['level']}: {asked['message']}"[:REASON_LENGTH],
    )
    messages.success(request, f"Sent to {sent.connections} connections.")
    return True
