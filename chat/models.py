"""What the database holds: rooms and their numbered messages, and what limits and logins need.

Sessions, tokens, connection attempts and channel permissions are the websockets library's own models.
"""

import re
from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.sessions.models import Session
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Length
from django_aws_api_gateway_websockets.models import WebSocketSession

ROOM_NAME_LENGTH = 100
# The library's pattern for channels, without the newline that "$" lets pass at the end.
ROOM_NAME = re.compile(r"[a-zA-Z0-9_-]+\Z")
USERNAME_LENGTH = 150
# The database's own bound, which CHAT_MESSAGE_LENGTH may lower but not exceed.
MESSAGE_LENGTH = 4000

models.TextField.register_lookup(Length)
models.CharField.register_lookup(Length)


class Room(models.Model):
    """A room, and the number of its last event.

    Who may enter is the library's `ChannelPermission` of the same name: a room without one is closed.
    """

    name = models.CharField(
        max_length=ROOM_NAME_LENGTH,
        unique=True,
        validators=[
            RegexValidator(r"^[a-zA-Z0-9_-]+\Z", "Use only letters, digits, underscores and hyphens.")
        ],
        help_text="What the protocol calls the room. It cannot be changed later.",
    )
    title = models.CharField(max_length=100, help_text="What people read.")
    guests = models.BooleanField(default=True, help_text="Whether people without an account may enter.")
    position = models.PositiveSmallIntegerField(default=100, help_text="Rooms are listed in this order.")
    last_sequence = models.BigIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["position", "name"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="chat_room_name_is_wellformed", condition=models.Q(name__regex=r"^[a-zA-Z0-9_-]+$")
            ),
            models.CheckConstraint(
                name="chat_room_sequence_counts_up", condition=models.Q(last_sequence__gte=0)
            ),
        ]

    def __str__(self) -> str:
        return self.title


class ChatMessage(models.Model):
    """One message as it is now. `sequence` counts each room's events 1, 2, 3 … in the order of their commits.

    The others among these events are the changes of messages: see `MessageChange`. The text is kept nowhere
    but here, so that what was edited or deleted is gone.
    """

    room = models.CharField(max_length=ROOM_NAME_LENGTH)
    sequence = models.BigIntegerField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    guest = models.BooleanField(default=False, help_text="Sent without a login.")
    username = models.CharField(max_length=USERNAME_LENGTH)
    message = models.TextField()
    client_id = models.UUIDField(
        null=True, blank=True, help_text="The sender's own id, by which a message sent again is recognised."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    revision = models.BigIntegerField(
        null=True, blank=True, help_text="The number of the latest change of this message, if it was changed."
    )
    edited_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["room", "sequence"], name="chat_message_sequence_is_unique"),
            models.UniqueConstraint(
                fields=["room", "user", "client_id"],
                condition=models.Q(client_id__isnull=False),
                name="chat_message_once_per_person",
            ),
            models.UniqueConstraint(
                fields=["room", "client_id"],
                condition=models.Q(client_id__isnull=False, guest=True),
                name="chat_message_once_among_guests",
            ),
            models.CheckConstraint(
                name="chat_message_sequence_starts_at_1", condition=models.Q(sequence__gte=1)
            ),
            models.CheckConstraint(
                name="chat_message_length_is_right",
                condition=models.Q(
                    message__length__gte=1, message__length__lte=MESSAGE_LENGTH, deleted_at__isnull=True
                )
                | models.Q(message="", deleted_at__isnull=False),
            ),
            models.CheckConstraint(
                name="chat_message_has_a_username", condition=models.Q(username__length__gte=1)
            ),
            models.CheckConstraint(
                name="chat_message_guests_have_no_user",
                condition=models.Q(guest=False) | models.Q(user__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"[{self.room}] {self.username}: {self.message[:50]}"


class MessageChange(models.Model):
    """A message's edit or deletion: an event of the room's sequence as the message itself was one.

    It says who changed which message and when, never what the text was. These rows are only ever added.
    """

    class Kind(models.TextChoices):
        # The values are what the protocol calls the events.
        EDITED = "message_edited", "edited"
        DELETED = "message_deleted", "deleted"

    room = models.CharField(max_length=ROOM_NAME_LENGTH)
    sequence = models.BigIntegerField()
    target = models.BigIntegerField(help_text="The number of the message that was changed.")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    by_moderator = models.BooleanField(default=False, help_text="Changed by somebody who did not write it.")
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["room", "sequence"], name="chat_change_sequence_is_unique"),
            models.CheckConstraint(
                name="chat_change_follows_its_message",
                condition=models.Q(target__gte=1, sequence__gt=models.F("target")),
            ),
        ]

    def __str__(self) -> str:
        return f"[{self.room}] {self.sequence}: {self.target} {self.get_kind_display()}"


class Undelivered(models.Model):
    """An event that is stored and, as far as is known, not queued for delivery yet.

    The row comes with the event, in the same commit, and goes once the queue has it. What stays was left
    behind by a function that died in between: see `chat.outbox`.
    """

    pk = models.CompositePrimaryKey("room", "sequence")
    room = models.CharField(max_length=ROOM_NAME_LENGTH)
    sequence = models.BigIntegerField()
    since = models.DateTimeField()

    def __str__(self) -> str:
        return f"[{self.room}] {self.sequence}"


class SendAllowance(models.Model):
    """When somebody's latest messages were admitted, oldest first. One row for each person or guest.

    The table is unlogged: after a crash of the database the count starts again, and no commit waits for it.
    """

    sender = models.CharField(max_length=150, primary_key=True)
    admitted_at = ArrayField(models.DateTimeField())
    admitted = models.BooleanField(help_text="Whether the latest attempt was admitted.")
    updated_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.sender


class ConnectionLogin(models.Model):
    """Which login a connection was opened under, so that it ends when the login does.

    A plain reference: a login that has gone must leave nothing to clean up before it may go. The key is
    no secret here: the sessions table beside this one holds it in the clear.
    """

    connection = models.OneToOneField(
        WebSocketSession, on_delete=models.CASCADE, primary_key=True, related_name="login"
    )
    login = models.ForeignKey(Session, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+")

    def __str__(self) -> str:
        return f"the login of connection {self.connection_id}"
