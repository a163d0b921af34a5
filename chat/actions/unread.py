"""Asking what is unread."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from chat import frames
from chat.actions.acting import ActingView, action
from chat.unread import positions_of, unread_in
from chat.wire import answer


class UnreadActions(ActingView):
    """What waits in the rooms that a connection is not in."""

    @action
    def fetch_unread(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Count what others wrote since the positions that the client names."""
        positions = positions_of(self.body)
        self.spend("unread", of_connection=True)
        return answer(
            {"type": "unread", "rooms": unread_in(positions, self.acting.user), **frames.echo(self.body)}
        )
