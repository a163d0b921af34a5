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
    """A room, and the number of its last message.

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
    """One message. `sequence` counts each room's messages 1, 2, 3 … in the order of their commits."""

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
                condition=models.Q(message__length__gte=1, message__length__lte=MESSAGE_LENGTH),
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
