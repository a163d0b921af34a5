"""The WebSocket view: the library's, with the chat's actions, statuses and refusals."""

import logging
import re
import time
from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.db import InterfaceError, OperationalError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt
from django_aws_api_gateway_websockets.conf import get_setting
from django_aws_api_gateway_websockets.models import (
    ApiGateway,
    ConnectionRateLimit,
    WebSocketSession,
    WebSocketToken,
)
from django_aws_api_gateway_websockets.views import WebSocketView

from chat import changes, connections, frames, rooms
from chat.connect_limit import admit_attempt
from chat.history import history_page
from chat.login_sessions import login_still_holds
from chat.messages import AlreadyStored, Draft, RoomGone, StoredMessage
from chat.models import ROOM_NAME, ROOM_NAME_LENGTH
from chat.outbox import pass_on
from chat.send_limit import return_allowance, spend_allowance
from chat.text import checked_text
from chat.wire import EventFrame, Refusal, answer, refusal
from delivery.sqs import QueueError

logger = logging.getLogger(__name__)

GATEWAY_MEMORY_SECONDS = 60
_TOKEN = re.compile(r"[0-9a-f]{64}\Z")


def _action(method: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Make a method an action: what it refuses is answered, with the request's `client_id`."""

    @wraps(method)
    def answered(view: "ChatWebSocketView", request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return method(view, request, *args, **kwargs)
        except Refusal as refused:
            return view.refuse(refused)

    return answered


# The library's exemption is a mark on its `dispatch`, which the one here replaces. The gateway secret and the
# connection's own token stand in for the form's.
@method_decorator(csrf_exempt, name="dispatch")
class ChatWebSocketView(WebSocketView):
    """Answers every event of the WebSocket API: connections, their actions, and their ends."""

    ALLOWED_HANDLERS = {  # noqa: RUF012
        "chat_message",
        "edit_message",
        "delete_message",
        "fetch_history",
        "change_channel",
        "default",
    }
    # The library knows two keys that select a handler; the protocol knows one.
    handler_selection_key = route_selection_key = "action"
    ALLOW_UNLISTED_CHANNELS = False
    MAX_CHANNEL_NAME_LENGTH = ROOM_NAME_LENGTH
    CHANNEL_NAME_PATTERN = ROOM_NAME
    # A guest has no cookie, and a client need not offer extensions.
    required_connection_headers = ["Origin"]  # noqa: RUF012
    # Both are done here: tokens are for signed-in browsers only, and people and addresses have limits of
    # their own.
    USE_WS_TOKEN = False
    RATE_LIMIT_ENABLED = False
    SEND_EXCEPTION_MAIL = False

    _gateways: ClassVar[dict[str, tuple[ApiGateway, float]]] = {}

    live: connections.LiveConnection | None = None
    malformed: Refusal | None = None
    # Whether repeating the request from the start could do something twice.
    repeatable = True

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Read the frame more strictly than the library does. `default` answers what is malformed."""
        View.setup(self, request, *args, **kwargs)
        self.body = {}
        if kwargs.get("route") in ("connect", "disconnect"):
            return
        try:
            self.body = frames.read_frame(request.body)
        except Refusal as refused:
            self.malformed = refused
            self.body = {"action": ""}

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Dispatch, and once more on a new database connection if the old one was cut meanwhile."""
        used = connection.connection
        try:
            try:
                return self._dispatch(request, *args, **kwargs)
            except (OperationalError, InterfaceError):
                # Leaving a transaction may have opened a new one already.
                if not self.repeatable or (connection.connection is used and connection.is_usable()):
                    raise
                logger.warning("The database connection was cut: trying again on a new one")
                connection.close()
                return self._dispatch(request, *args, **kwargs)
        except Exception:
            logger.exception("The %s event failed", kwargs.get("route"))
            return self.refuse(
                Refusal("internal_error", "Something went wrong on our side. Try again in a moment.")
            )

    def _dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().dispatch(request, *args, **kwargs)  # type: ignore[no-untyped-call]
        return response

    def refuse(self, refused: Refusal) -> HttpResponse:
        refused.details = {**frames.echo(self.body), **refused.details}
        return refusal(refused)

    # The library's hooks

    def _check_platform_registered_api_gateways(self, request: HttpRequest) -> bool:
        """The registered API Gateway, remembered for a minute. A miss is not remembered."""
        api_id = request.headers["X-Amzn-Apigateway-Api-Id"]
        gateway, until = self._gateways.get(api_id, (None, 0.0))
        if gateway is None or time.monotonic() > until:
            gateway = ApiGateway.objects.filter(api_id=api_id).first()
            if gateway:
                self._gateways[api_id] = (gateway, time.monotonic() + GATEWAY_MEMORY_SECONDS)
        self.api_gateway = gateway
        return gateway is not None

    def _load_session(self, request: HttpRequest) -> bool:
        self.live = connections.live_connection(
            request.headers["Connectionid"],
            api_gateway_id=self.api_gateway.pk,  # type: ignore[union-attr] # checked before
        )
        self.websocket_session = self.live.session if self.live else None
        return self.live is not None

    def _add_user_to_request(self, request: HttpRequest) -> bool:
        """Let the connection's user act, unless the login that it was opened under has ended.

        The library counts the request in a statement here; storing and moving count it in theirs.
        """
        if self.live is None:  # `$disconnect`: nobody acts
            return True
        session = self.live.session
        if session.user and not (self.live.login_lasts and self._login_still_holds(session)):
            connections.end(session)
            return False
        request.user = self.live.user
        return True

    def session_not_found(  # type: ignore[override] # the library names the class of its own answer
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        return self.refuse(
            Refusal("session_ended", "Your session has ended. Connect again, and sign in if you had.")
        )

    @staticmethod
    def _login_still_holds(wss: WebSocketSession) -> bool:
        return login_still_holds(wss)

    @staticmethod
    def _check_host_is_in_origin(request: HttpRequest) -> bool:
        """Only our own pages may connect: the library would let every sub-domain."""
        return request.headers.get("Origin", "").lower() == settings.PUBLIC_ORIGIN

    def can_join_channel(self, request: HttpRequest, channel_name: str) -> bool:
        entrance = rooms.entrance(channel_name)
        return entrance is not None and entrance.admits(request.user)

    # Events

    def connect(  # type: ignore[override]
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Accept a connection, or refuse it with the status that says why."""
        if not self._check_host_is_in_origin(request):
            return _not_connected(403, "foreign origin")
        if not rooms.is_room_name(request.GET.get("channel")):
            return _not_connected(400, "malformed room name")
        attempt = admit_attempt(self._get_client_ip(request), request.user)
        if attempt is None:
            return _not_connected(429, "too many attempts")
        self.repeatable = False
        token = request.GET.get("ws_token", "")
        if (request.user.is_authenticated or token) and not self._spend_token(request, token):
            return _not_connected(401, "no valid token")
        with transaction.atomic():
            response: HttpResponse = super().connect(request, *args, **kwargs)
            if response.status_code == 200:
                ConnectionRateLimit.objects.filter(pk=attempt).update(successful=True)
                if request.user.is_authenticated:
                    connections.remember_login(
                        request.headers["Connectionid"], str(request.session.session_key)
                    )
        return response

    @staticmethod
    def _spend_token(request: HttpRequest, token: str) -> bool:
        session_key = request.session.session_key
        if not session_key or not request.user.is_authenticated or not _TOKEN.match(token):
            return False
        owner = WebSocketToken.validate_and_consume(  # type: ignore[no-untyped-call]
            token_value=token, session_key=session_key, max_age_seconds=get_setting("token_expiry_seconds")
        )
        return bool(owner == request.user)

    def disconnect(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        super().disconnect(request, *args, **kwargs)  # type: ignore[no-untyped-call]
        return answer({})

    @_action
    def default(  # type: ignore[override]
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        raise self.malformed or frames.unknown_action()

    @_action
    def chat_message(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Commit a message, queue its delivery, acknowledge it.

        Acknowledged is stored and queued. Whatever fails in between is repaired by the outbox, and by sending
        the same `client_id` again.
        """
        entrance = self._room()
        draft = Draft(
            room=entrance.room.name,
            user=self._connection.user,
            client_id=frames.client_id_of(self.body),
            message=checked_text(self.body.get("message")),
        )
        stored = self._stored(draft)
        if not stored.queued:
            self._pass_on(stored.frame, entrance)
        return answer({**stored.acknowledgement(), **frames.echo(self.body)})

    def _stored(self, draft: Draft) -> StoredMessage:
        """The message as stored now, or as stored before under the same `client_id`."""
        sender = self._connection.sender
        try:
            spend_allowance(sender)
            self.repeatable = draft.client_id is not None
            return draft.store(self._connection.session)
        except AlreadyStored:
            return_allowance(sender)
            stored = draft.find_stored()
        except RoomGone:
            raise _forbidden(draft.room) from None
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

    @_action
    def edit_message(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Give a message of one's own another text."""
        text = checked_text(self.body.get("message"))
        return self._change(lambda room, target, user: changes.edit_message(room, target, text, user))

    @_action
    def delete_message(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Take the text of a message away: of one's own, as a moderator of anyone's."""
        return self._change(changes.delete_message)

    def _change(self, make: Callable[[str, int, User | AnonymousUser], changes.Change]) -> HttpResponse:
        entrance = self._room()
        room = entrance.room.name
        # By a number alone, a change that races a change of the room could hit another room's message.
        if self.body.get("room") != room:
            raise Refusal("invalid_request", "Name the room that the connection is in.", field="room")
        target = frames.sequence_of(self.body, "sequence")
        if target is None:
            raise Refusal("invalid_request", "Name the message by its sequence.", field="sequence")
        spend_allowance(self._connection.sender)
        change = make(room, target, self._connection.user)
        if change.frame:
            self._pass_on(change.frame, entrance)
        return answer({**change.acknowledgement(), **frames.echo(self.body)})

    def _pass_on(self, frame: EventFrame, entrance: rooms.Entrance) -> None:
        """Queue the delivery of what has been committed.

        :raises Refusal: `delivery_unavailable`.
        """
        try:
            pass_on(frame, entrance, first=self._connection.session.connection_id)
        except QueueError:
            logger.exception(
                "Event %s of room %s is stored but not queued", frame["sequence"], entrance.room.name
            )
            raise Refusal(
                "delivery_unavailable",
                "Your message could not be passed on yet. Send it again.",
                retry_after=2,
            ) from None

    @_action
    def fetch_history(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        room = self._room().room.name
        most = settings.CHAT_HISTORY_PAGE
        before = frames.sequence_of(self.body, "before")
        after = frames.sequence_of(self.body, "after")
        limit = frames.limit_of(self.body, most)
        if before is not None and after is not None:
            raise Refusal("invalid_request", "Ask for before or after a position, not both.", field="before")
        page = history_page(room, before=before, after=after, limit=limit or most)
        return answer({**page, **frames.echo(self.body)})

    @_action
    def change_channel(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Move the connection: from this answer on it gets the messages of the new room."""
        name = self.body.get("channel")
        if not rooms.is_room_name(name):
            raise Refusal("invalid_room", "This is no name of a room.", room=_echoed_room(name))
        if not self.can_join_channel(request, name):
            raise _forbidden(name)
        change = connections.move_to_room(self._connection.session, name)
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

    def _room(self) -> rooms.Entrance:
        """The room that the connection is in, if it may still be there.

        :raises Refusal: `room_forbidden`.
        """
        entrance = self._connection.entrance
        if entrance is None or not entrance.admits(self._connection.user):
            raise _forbidden(self._connection.session.channel_name)
        return entrance

    @property
    def _connection(self) -> connections.LiveConnection:
        """The connection that acts. The library runs no action before it has loaded it."""
        if self.live is None:
            raise RuntimeError("an action ran without its connection")
        return self.live


def _not_connected(status: int, reason: str) -> HttpResponse:
    logger.info("Refused a connection: %s", reason)
    return HttpResponse(status=status)


def _forbidden(room: str) -> Refusal:
    # Missing and forbidden look alike, so that nobody can find out which rooms there are.
    return Refusal("room_forbidden", "There is no such room, or you may not enter it.", room=room)


def _echoed_room(name: object) -> str | None:
    return name if isinstance(name, str) and len(name) <= ROOM_NAME_LENGTH else None
