"""The audit log, to read; and what is done in the admin, whatever model it is done to, is written into it."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.auth.models import User
from django.db.models.signals import post_save
from django.dispatch import receiver

from chat.admin.pages import ReadOnlyPage
from chat.models import REASON_LENGTH, AuditEntry
from chat.moderation import audit

# Django logs the deletion of several in one statement, which no signal tells of: each is deleted by itself.
admin.site.disable_action("delete_selected")


@admin.register(AuditEntry)
class AuditLog(ReadOnlyPage):
    list_display = ("at", "actor_name", "action", "subject_name", "room", "sequence", "until", "reason")
    list_display_links = None
    list_filter = ("action", "at")
    search_fields = ("actor_name", "subject_name", "room", "reason")
    search_help_text = "Who, about whom, where, or why."


@receiver(post_save, sender=LogEntry)
def write_down(instance: LogEntry, created: bool, **kwargs: Any) -> None:
    """Have what Django's own log tells in the log that nobody changes."""
    if not created:
        return
    done = {ADDITION: "added", CHANGE: "changed"}.get(instance.action_flag, "deleted")
    model = instance.content_type.name if instance.content_type else "?"
    of_person = instance.content_type is not None and instance.content_type.model_class() is User
    subject = User.objects.filter(pk=instance.object_id or 0).first() if of_person else None
    audit.record(
        f"admin_{done}",
        actor=User.objects.get(pk=instance.user_id),
        subject=subject,
        subject_name=instance.object_repr[:150] if of_person else "",
        reason=f"{model} {instance.object_repr}: {instance.get_change_message()}"[:REASON_LENGTH],
    )
