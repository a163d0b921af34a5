"""Sending, editing and deleting messages."""

import logging
import math
from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from chat import changes, frames, rooms
from chat.actions.acting import ActingView, action, room_forbidden
from chat.allowances import give_back, spend
from chat.limits import message_limit, slow_mode
from chat.messages import AlreadyStored, Draft, RoomGone, StoredMessage
from chat.outbox import pass_on
from chat.text import checked_text
from chat.wire import EventFrame, Refusal, answer
from delivery.sqs import QueueError

logger = logging.getLogger(__name__)


class MessageActions(ActingView):
    """What changes a room's sequence of events."""

    @action
    def chat_message(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Commit a message, queue its delivery, acknowledge it.

        Acknowledged is stored and queued. Whatever fails in between is repaired by the outbox, and by sending
        the same `client_id` again.
        """
        entrance = self.room_now()
        draft = Draft(
            room=entrance.room.name,
            user=self.acting.user,
            client_id=frames.client_id_of(self.body),
            message=checked_text(self.body.get("message")),
        )
        stored = self._stored(draft, entrance)
        if not stored.queued:
            self._pass_on(stored.frame, entrance)
        return answer({**stored.acknowledgement(), **frames.echo(self.body)})

    def _stored(self, draft: Draft, entrance: rooms.Entrance) -> StoredMessage:
        """The message as stored now, or as stored before under the same `client_id`."""
        try:
            spent = self._spend_for_message(entrance)
            self.repeatable = draft.client_id is not None
            return draft.store(self.acting.session)
        except AlreadyStored:
            for key in spent:
                give_back(key)
            stored = draft.find_stored()
        except RoomGone:
            raise _closed_meanwhile(draft.room, self.acting.user) from None
        except Refusal:
            # Sending again what is stored already needs no allowance, and no right to write more.
            stored = draft.find_stored() if draft.client_id else None
            if stored is None:
                raise
        if stored is None or not stored.was(draft.message):
            raise Refusal(
                "invalid_request", "Another message was sent with this client_id before.", field="client_id"
            )
        return stored

    def _spend_for_message(self, entrance: rooms.Entrance) -> list[str]:
        """Count a message, twice in a room in slow mode. Returns the keys by which it was counted.

        :raises Refusal: `posting_forbidden`, `muted` or `rate_limited`.
        """
        check_may_post(entrance)
        spent = [f"message {self.acting.sender}"]
        spend(spent[0], message_limit())
        seconds = entrance.room.slow_mode_seconds
        if seconds and not entrance.rights.moderates:
            spent.append(f"slow {entrance.room.name} {self.acting.sender}")
            try:
                spend(spent[1], slow_mode(seconds), slow_mode=seconds)
            except Refusal:
                give_back(spent[0])
                raise
        return spent

    @action
    def edit_message(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Give a message of one's own another text."""
        text = checked_text(self.body.get("message"))
        # What one may not say one may not write into an older message either.
        return self._change(
            lambda room, target, user: changes.edit_message(room, target, text, user), check=check_may_post
        )

    @action
    def delete_message(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Take the text of a message away: of one's own, as a moderator of anyone's."""
        return self._change(changes.delete_message, check=check_is_not_archived)

    def _change(
        self,
        make: Callable[[str, int, User | AnonymousUser], changes.Change],
        *,
        check: Callable[[rooms.Entrance], None],
    ) -> HttpResponse:
        entrance, target = self.room_named(), self.message_named()
        check(entrance)
        self.spend("change")
        room = entrance.room.name
        try:
            change = make(room, target, self.acting.user)
        except RoomGone:
            raise _closed_meanwhile(room, self.acting.user) from None
        if change.frame:
            self._pass_on(change.frame, entrance)
        return answer({**change.acknowledgement(), **frames.echo(self.body)})

    def _pass_on(self, frame: EventFrame, entrance: rooms.Entrance) -> None:
        """Queue the delivery of what has been committed.

        :raises Refusal: `delivery_unavailable`.
        """
        try:
            pass_on(frame, entrance, first=self.acting.session.connection_id)
        except QueueError:
            logger.exception(
                "Event %s of room %s is stored but not queued", frame["sequence"], entrance.room.name
            )
            raise Refusal(
                "delivery_unavailable",
                "Your message could not be passed on yet. Send it again.",
                retry_after=2,
            ) from None


def check_is_not_archived(entrance: rooms.Entrance) -> None:
    """:raises Refusal: `posting_forbidden`."""
    if entrance.room.archived_at:
        raise _posting_forbidden("archived", "This room is archived: it can be read, and nobody writes here.")


def check_may_post(entrance: rooms.Entrance) -> None:
    """:raises Refusal: `posting_forbidden` or `muted`."""
    if entrance.may_post:
        return
    check_is_not_archived(entrance)
    rights = entrance.rights
    if not rights.muted:
        raise _posting_forbidden("read_only", "Only announcements are written here, and you may not.")
    if rights.muted_until is None:
        raise Refusal("muted", "A moderator has muted you here. You can read what others write.")
    wait = (rights.muted_until - timezone.now()).total_seconds()
    raise Refusal(
        "muted",
        "A moderator has muted you here for a while. You can read what others write.",
        retry_after=max(math.ceil(wait), 1),
    )


def _posting_forbidden(reason: str, sentence: str) -> Refusal:
    return Refusal("posting_forbidden", sentence, reason=reason)


def _closed_meanwhile(room: str, user: User | AnonymousUser) -> Refusal:
    """Why nothing could be added to a room that was open a moment ago: it was removed, or archived."""
    entrance = rooms.entrance(room, user)
    try:
        if entrance and entrance.rights.admitted:
            check_is_not_archived(entrance)
    except Refusal as archived:
        return archived
    return room_forbidden(room)
