"""What every action stands on: the connection that acts, the room that it is in, and how it is refused."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django_aws_api_gateway_websockets.views import WebSocketView

from chat import connections, frames, rooms
from chat.allowances import spend
from chat.closing import session_ended
from chat.limits import limit_of
from chat.wire import Refusal, refusal


def action(method: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Make a method an action: what it refuses is answered, with the request's `client_id`."""

    @wraps(method)
    def answered(view: "ActingView", request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return method(view, request, *args, **kwargs)
        except Refusal as refused:
            return view.refuse(refused)

    return answered


class ActingView(WebSocketView):
    """The library's view, with the connection as it is at this moment."""

    live: connections.LiveConnection | None = None
    malformed: Refusal | None = None
    # Whether repeating the request from the start could do something twice.
    repeatable = True

    def refuse(self, refused: Refusal) -> HttpResponse:
        refused.details = {**frames.echo(self.body), **refused.details}
        return refusal(refused)

    def session_not_found(  # type: ignore[override] # the library names the class of its own answer
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        return self.refuse(session_ended())

    @action
    def default(  # type: ignore[override]
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        raise self.malformed or frames.unknown_action()

    def room_named(self) -> rooms.Entrance:
        """The room that the connection is in, which the request names as well.

        By a number alone, what races a change of the room could hit another room's message.

        :raises Refusal: `room_forbidden` or `invalid_request`.
        """
        entrance = self.room_now()
        if self.body.get("room") != entrance.room.name:
            raise Refusal("invalid_request", "Name the room that the connection is in.", field="room")
        return entrance

    def message_named(self) -> int:
        """The number of the message that the request is about.

        :raises Refusal: `invalid_request`.
        """
        sequence = frames.sequence_of(self.body, "sequence")
        if sequence is None:
            raise Refusal("invalid_request", "Name the message by its sequence.", field="sequence")
        return sequence

    def room_now(self) -> rooms.Entrance:
        """The room that the connection is in, if it may still be there.

        :raises Refusal: `room_forbidden`.
        """
        entrance = self.acting.entrance
        if entrance is None or not entrance.rights.admitted:
            raise room_forbidden(self.acting.session.channel_name)
        return entrance

    def spend(self, kind: str, *, of_connection: bool = False) -> None:
        """Count an action of a kind: of the person over all connections, or of this connection alone.

        :raises Refusal: `rate_limited`.
        """
        acting = self.acting
        spend(f"{kind} {acting.session.connection_id if of_connection else acting.sender}", limit_of(kind))

    @property
    def acting(self) -> connections.LiveConnection:
        """The connection that acts. The library runs no action before it has loaded it."""
        if self.live is None:
            raise RuntimeError("an action ran without its connection")
        return self.live


def room_forbidden(room: str) -> Refusal:
    # Missing and forbidden look alike, so that nobody can find out which rooms there are.
    return Refusal("room_forbidden", "There is no such room, or you may not enter it.", room=room)
