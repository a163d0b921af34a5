"""Sending, editing and deleting messages."""

import logging
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest, HttpResponse

from chat import changes, frames, rooms
from chat.actions.acting import ActingView, action, room_forbidden
from chat.allowances import Allowance, give_back, spend
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
        stored = self._stored(draft)
        if not stored.queued:
            self._pass_on(stored.frame, entrance)
        return answer({**stored.acknowledgement(), **frames.echo(self.body)})

    def _stored(self, draft: Draft) -> StoredMessage:
        """The message as stored now, or as stored before under the same `client_id`."""
        key = f"message {self.acting.sender}"
        try:
            spend(key, _messages())
            self.repeatable = draft.client_id is not None
            return draft.store(self.acting.session)
        except AlreadyStored:
            give_back(key)
            stored = draft.find_stored()
        except RoomGone:
            raise room_forbidden(draft.room) from None
        except Refusal:
            # Sending again what is stored already needs no allowance.
            stored = draft.find_stored() if draft.client_id else None
            if stored is None:
                raise
        if stored is None or not stored.was(draft.message):
            raise Refusal(
                "invalid_request", "Another message was sent with this client_id before.", field="client_id"
            )
        return stored

    @action
    def edit_message(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Give a message of one's own another text."""
        text = checked_text(self.body.get("message"))
        return self._change(lambda room, target, user: changes.edit_message(room, target, text, user))

    @action
    def delete_message(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Take the text of a message away: of one's own, as a moderator of anyone's."""
        return self._change(changes.delete_message)

    def _change(self, make: Callable[[str, int, User | AnonymousUser], changes.Change]) -> HttpResponse:
        entrance = self.room_now()
        room = entrance.room.name
        # By a number alone, a change that races a change of the room could hit another room's message.
        if self.body.get("room") != room:
            raise Refusal("invalid_request", "Name the room that the connection is in.", field="room")
        target = frames.sequence_of(self.body, "sequence")
        if target is None:
            raise Refusal("invalid_request", "Name the message by its sequence.", field="sequence")
        spend(f"message {self.acting.sender}", _messages())
        change = make(room, target, self.acting.user)
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


def _messages() -> Allowance:
    count, seconds = settings.CHAT_SEND_LIMIT, settings.CHAT_SEND_WINDOW_SECONDS
    return Allowance(
        count,
        seconds,
        f"You can send {count} messages in {seconds} seconds. Wait a moment and send it again.",
    )
