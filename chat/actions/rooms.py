"""Reading a room's history, and moving from room to room."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from chat import connections, frames, rooms
from chat.actions.acting import ActingView, action, room_forbidden
from chat.history import history_page
from chat.wire import Refusal, answer


class RoomActions(ActingView):
    """What a connection sees, and where it is."""

    @action
    def fetch_history(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        room = self.room_now().room.name
        most = settings.CHAT_HISTORY_PAGE
        before = frames.sequence_of(self.body, "before")
        after = frames.sequence_of(self.body, "after")
        limit = frames.limit_of(self.body, most)
        if before is not None and after is not None:
            raise Refusal("invalid_request", "Ask for before or after a position, not both.", field="before")
        self.spend("history", of_connection=True)
        page = history_page(room, before=before, after=after, limit=limit or most)
        return answer({**page, **frames.echo(self.body)})

    @action
    def change_channel(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Move the connection: from this answer on it gets the messages of the new room."""
        name = self.body.get("channel")
        if not rooms.is_room_name(name):
            raise Refusal("invalid_room", "This is no name of a room.", room=rooms.echoed(name))
        self.spend("move", of_connection=True)
        if not self.can_join_channel(request, name):
            raise room_forbidden(name)
        change = connections.move_to_room(self.acting.session, name)
        if change is None:
            return self.session_not_found(request, *args, **kwargs)
        return answer(
            {
                "ok": True,
                "type": "channel_changed",
                "channel": name,
                "change": change,
                **frames.echo(self.body),
            }
        )
