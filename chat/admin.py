"""The admin: rooms with their rule of entry, and messages to read."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django_aws_api_gateway_websockets.models import (
    ApiGateway,
    ApiGatewayAdditionalRoute,
    ChannelPermission,
)

from chat.models import ChatMessage, Room

# The template declares the API and its routes: forms that seem to change them would mislead.
admin.site.unregister(ApiGateway)
admin.site.unregister(ApiGatewayAdditionalRoute)


class RoomForm(forms.ModelForm):  # type: ignore[type-arg] # generic in the stubs only
    """A room together with the library's rule for the channel of its name."""

    access = forms.ChoiceField(
        choices=ChannelPermission.Access.choices,
        help_text="The rules of “Requires Django permissions” are set under Channel permissions.",
    )

    class Meta:
        model = Room
        fields = ("name", "title", "guests", "position")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        permission = ChannelPermission.for_channel(self.instance.name) if self.instance.pk else None
        if permission:
            self.fields["access"].initial = permission.access


@admin.register(Room)
class RoomAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    form = RoomForm
    list_display = ("title", "name", "guests", "position", "last_sequence")
    search_fields = ("name", "title")
    fields = ("name", "title", "access", "guests", "position")

    def get_readonly_fields(self, request: HttpRequest, obj: Room | None = None) -> tuple[str, ...]:
        return ("name",) if obj else ()

    def save_model(self, request: HttpRequest, obj: Room, form: Any, change: bool) -> None:
        # Only what the form changes: messages are being numbered meanwhile.
        obj.save(update_fields=["title", "guests", "position"] if change else None)
        ChannelPermission.objects.update_or_create(
            channel_name=obj.name, defaults={"access": form.cleaned_data["access"]}
        )

    def has_delete_permission(self, request: HttpRequest, obj: Room | None = None) -> bool:
        return False


@admin.register(ChatMessage)
class ChatMessageAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Messages can be read. A removed one would leave a hole that every client tries to fill."""

    list_display = ("room", "sequence", "username", "message", "created_at")
    list_filter = ("room",)
    search_fields = ("username", "message")
    ordering = ("-pk",)
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: ChatMessage | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ChatMessage | None = None) -> bool:
        return False
