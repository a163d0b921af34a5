"""Who is here, and who is writing."""

import logging
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from chat import frames
from chat.actions.acting import ActingView, action
from chat.actions.messages import check_may_post
from chat.presence import who_is_in
from chat.sending import connections_in, enqueue
from chat.wire import GUEST_NAME, answer
from delivery.sqs import QueueError

logger = logging.getLogger(__name__)

# A hint holds a little longer than the time after which the next one may come.
TYPING_AGAIN_AFTER = 10
TYPING_SECONDS = 12


class PresenceActions(ActingView):
    """What people see of each other besides what they say. None of it is an event of the room."""

    @action
    def who_is_here(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Who is in the connection's room."""
        entrance = self.room_now()
        self.spend("presence", of_connection=True)
        here = who_is_in(entrance)
        return answer(
            {
                "type": "presence",
                "room": entrance.room.name,
                "people": here.people,
                "guests": here.guests,
                "total": here.total,
                **frames.echo(self.body),
            }
        )

    @action
    def typing(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Tell the others in a small room that somebody is writing. Nothing is kept, and it may get lost."""
        entrance = self.room_now()
        check_may_post(entrance)
        self.spend("typing")
        own = self.acting.session.connection_id
        present = connections_in(entrance)
        small = len(present) <= settings.CHAT_TYPING_CONNECTIONS
        if others := [each for each in present if each != own] if small else []:
            try:
                enqueue(self._hint(entrance.room.name), others)
            except QueueError:
                logger.warning("A typing hint in room %s was not queued", entrance.room.name, exc_info=True)
        return answer(
            {
                "ok": True,
                "type": "typing_accepted",
                "again_after": TYPING_AGAIN_AFTER if small else None,
                **frames.echo(self.body),
            }
        )

    def _hint(self, room: str) -> dict[str, Any]:
        user = self.acting.user
        return {
            "type": "typing",
            "room": room,
            "username": user.get_username() or GUEST_NAME,
            "guest": not user.is_authenticated,
            "seconds": TYPING_SECONDS,
        }
