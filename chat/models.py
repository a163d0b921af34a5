"""What the database holds: rooms, their numbered messages, moderation, and what limits and logins need.

Sessions, tokens, connection attempts and channel permissions are the websockets library's own models.
"""

import re
from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Length, Now
from django_aws_api_gateway_websockets.models import WebSocketSession

ROOM_NAME_LENGTH = 100
# The library's pattern for channels, without the newline that "$" lets pass at the end.
ROOM_NAME = re.compile(r"[a-zA-Z0-9_-]+\Z")
USERNAME_LENGTH = 150
# The database's own bound, which CHAT_MESSAGE_LENGTH may lower but not exceed.
MESSAGE_LENGTH = 4000
REASON_LENGTH = 500
LONGEST_SLOW_MODE = 21_600

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
    read_only = models.BooleanField(
        default=False, help_text="Whether only moderators and those who may post announcements write here."
    )
    archived_at = models.DateTimeField(
        null=True, blank=True, help_text="Since when nobody writes here any more. Empty: the room lives."
    )
    slow_mode_seconds = models.PositiveSmallIntegerField(
        default=0, help_text="How long a person waits between two messages. 0: not at all."
    )
    last_sequence = models.BigIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["position", "name"]
        permissions: ClassVar = [
            ("moderate", "Can mute, ban and handle reports"),
            ("post_announcement", "Can write in read-only rooms"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="chat_room_name_is_wellformed", condition=models.Q(name__regex=r"^[a-zA-Z0-9_-]+$")
            ),
            models.CheckConstraint(
                name="chat_room_sequence_counts_up", condition=models.Q(last_sequence__gte=0)
            ),
            models.CheckConstraint(
                name="chat_room_slow_mode_is_bearable",
                condition=models.Q(slow_mode_seconds__lte=LONGEST_SLOW_MODE),
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def clean(self) -> None:
        """Keep apart what people would take for one another, and titles from reaching beyond themselves."""
        from chat.names import skeletons  # it knows the models, which can't know it sooner
        from chat.text import checked_note
        from chat.wire import Refusal

        try:
            self.title = checked_note(self.title, field="title", limit=100)
        except Refusal as refused:
            raise ValidationError({"title": refused.sentence}) from None
        for field in ("name", "title"):
            # Without case: people read one and write the other.
            look = skeletons(getattr(self, field))[1]
            others = Room.objects.exclude(pk=self.pk).values_list(field, flat=True)
            if not look or look in {skeletons(other)[1] for other in others}:
                raise ValidationError({field: f"Another room's {field} looks the same, or nothing is seen."})


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


class Restriction(models.Model):
    """What somebody may not do for a while, in a room or everywhere: write (a mute), or be there (a ban).

    It holds until its time is over or somebody lifts it. Of one kind a person has one at a time in each room:
    a further one changes it, and the audit log remembers what it was.
    """

    class Kind(models.TextChoices):
        MUTE = "mute", "muted"
        BAN = "ban", "banned"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="restrictions")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    room = models.ForeignKey(
        Room,
        on_delete=models.CASCADE,
        to_field="name",
        db_column="room",
        null=True,
        blank=True,
        related_name="restrictions",
        help_text="Where it holds. Empty: everywhere.",
    )
    until = models.DateTimeField(null=True, blank=True, help_text="When it ends. Empty: not by itself.")
    reason = models.CharField(max_length=REASON_LENGTH, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "kind", "room"],
                condition=models.Q(lifted_at__isnull=True),
                nulls_distinct=False,
                name="chat_restriction_once_of_a_kind",
            ),
            models.CheckConstraint(
                name="chat_restriction_kind_is_known", condition=models.Q(kind__in=["mute", "ban"])
            ),
        ]

    def __str__(self) -> str:
        return (
            f"{self.user} {self.get_kind_display()} {f'in {self.room_id}' if self.room_id else 'everywhere'}"
        )


class Report(models.Model):
    """Somebody's word to the moderators about a message. Its text stays there: deleted is gone."""

    class Reason(models.TextChoices):
        SPAM = "spam", "spam"
        ABUSE = "abuse", "abuse"
        OTHER = "other", "other"

    class Resolution(models.TextChoices):
        DISMISSED = "dismissed", "nothing to do"
        ACTED = "acted", "acted upon"

    room = models.CharField(max_length=ROOM_NAME_LENGTH)
    sequence = models.BigIntegerField(help_text="The number of the message.")
    reporter = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    guest = models.BooleanField(default=False, help_text="Reported without a login.")
    reason = models.CharField(max_length=10, choices=Reason.choices)
    note = models.CharField(max_length=REASON_LENGTH, blank=True)
    created_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    resolution = models.CharField(max_length=20, choices=Resolution.choices, blank=True)

    class Meta:
        ordering: ClassVar = ["-created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["room", "sequence", "reporter"], name="chat_report_once_per_person"
            ),
            # All guests count as one person, as they do for a message's `client_id`.
            models.UniqueConstraint(
                fields=["room", "sequence"],
                condition=models.Q(guest=True),
                name="chat_report_once_among_guests",
            ),
        ]

    def __str__(self) -> str:
        return f"[{self.room}] {self.sequence}: {self.get_reason_display()}"


class AuditEntry(models.Model):
    """What somebody did in office: added, never changed, and forgotten after a time that a setting says.

    The database's users may add and read, a trigger refuses changes to everybody, and the one way out is the
    database's function `chat_forget_audit`. So people are named and referred to without a foreign key: who
    deletes their account must not have to change what is written here.
    """

    at = models.DateTimeField(db_default=Now())
    action = models.CharField(max_length=40)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        null=True,
        db_constraint=False,
        related_name="+",
    )
    actor_name = models.CharField(max_length=USERNAME_LENGTH, blank=True)
    subject = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        null=True,
        db_constraint=False,
        related_name="+",
    )
    subject_name = models.CharField(max_length=USERNAME_LENGTH, blank=True)
    room = models.CharField(max_length=ROOM_NAME_LENGTH, blank=True)
    sequence = models.BigIntegerField(null=True)
    until = models.DateTimeField(null=True)
    reason = models.CharField(max_length=REASON_LENGTH, blank=True)

    class Meta:
        ordering: ClassVar = ["-pk"]
        verbose_name_plural = "audit entries"
        indexes: ClassVar = [models.Index(fields=["at"], name="chat_audit_by_time")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.actor_name} {self.action} {self.subject_name}"


class Allowance(models.Model):
    """When somebody's latest doings of one kind were admitted, oldest first. See `chat.allowances`.

    The table is unlogged: after a crash of the database the count starts again, and no commit waits for it.
    """

    key = models.CharField(max_length=250, primary_key=True)
    spent_at = ArrayField(models.DateTimeField())
    admitted = models.BooleanField(help_text="Whether the latest attempt was admitted.")
    until = models.DateTimeField(help_text="From when on the row says nothing any more.")

    def __str__(self) -> str:
        return self.key


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


class TakenName(models.Model):
    """What somebody's name looks like, so that nobody else's looks the same. See `chat.names`."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    # A character can stand for several: Arabic ligatures take up to 18.
    shown = models.TextField(unique=True)
    folded = models.TextField(unique=True)

    def __str__(self) -> str:
        return self.shown
