"""Rooms in the admin, with their rule of entry and what holds there."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.urls import URLPattern, path
from django.utils import timezone
from django_aws_api_gateway_websockets.models import (
    ApiGateway,
    ApiGatewayAdditionalRoute,
    ChannelPermission,
)

from chat.admin.broadcast import broadcast_page
from chat.admin.pages import Page
from chat.models import LONGEST_SLOW_MODE, Room

# The template declares the API and its routes: forms that seem to change them would mislead.
admin.site.unregister(ApiGateway)
admin.site.unregister(ApiGatewayAdditionalRoute)

_SETTABLE = ("title", "guests", "position", "read_only", "slow_mode_seconds")


class RoomForm(forms.ModelForm):  # type: ignore[type-arg] # generic in the stubs only
    """A room together with the library's rule for the channel of its name."""

    access = forms.ChoiceField(
        choices=ChannelPermission.Access.choices,
        help_text="The rules of “Requires Django permissions” are set under Channel permissions.",
    )
    archived = forms.BooleanField(required=False, help_text="It can be read, and nobody writes there.")
    slow_mode_seconds = forms.IntegerField(
        min_value=0,
        max_value=LONGEST_SLOW_MODE,
        initial=0,
        required=False,
        label="Slow mode, seconds",
        help_text="How long a person waits between two messages. 0: not at all.",
    )

    class Meta:
        model = Room
        fields = ("name", *_SETTABLE)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.fields["archived"].initial = self.instance.archived_at is not None
            if permission := ChannelPermission.for_channel(self.instance.name):
                self.fields["access"].initial = permission.access

    def clean_slow_mode_seconds(self) -> int:
        return self.cleaned_data["slow_mode_seconds"] or 0


@admin.register(Room)
class RoomPage(Page):
    form = RoomForm
    change_list_template = "admin/chat/room/change_list.html"
    list_display = ("title", "name", "guests", "read_only", "archived", "slow_mode_seconds", "last_sequence")
    list_filter = ("read_only", "guests")
    search_fields = ("name", "title")
    fields = ("name", "title", "access", "guests", "position", "read_only", "archived", "slow_mode_seconds")

    @admin.display(boolean=True)
    def archived(self, room: Room) -> bool:
        return room.archived_at is not None

    def get_urls(self) -> list[URLPattern]:
        broadcast = self.admin_site.admin_view(broadcast_page)
        return [path("broadcast/", broadcast, name="chat_broadcast"), *super().get_urls()]

    def get_readonly_fields(self, request: HttpRequest, obj: Room | None = None) -> tuple[str, ...]:
        return ("name",) if obj else ()

    def save_model(self, request: HttpRequest, obj: Room, form: Any, change: bool) -> None:
        if not form.cleaned_data["archived"]:
            obj.archived_at = None
        elif obj.archived_at is None:
            obj.archived_at = timezone.now()
        # Only what the form changes: messages are being numbered meanwhile.
        obj.save(update_fields=[*_SETTABLE, "archived_at"] if change else None)
        ChannelPermission.objects.update_or_create(
            channel_name=obj.name, defaults={"access": form.cleaned_data["access"]}
        )

    def has_delete_permission(self, request: HttpRequest, obj: Room | None = None) -> bool:
        return False
