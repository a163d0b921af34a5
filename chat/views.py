"""The WebSocket view: the library's, with the chat's actions, statuses and refusals."""

import logging
import re
import time
from typing import Any, ClassVar

from django.conf import settings
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

from chat import connections, frames, rooms
from chat.actions.messages import MessageActions
from chat.actions.moderation import ModerationActions
from chat.actions.presence import PresenceActions
from chat.actions.rooms import RoomActions
from chat.actions.unread import UnreadActions
from chat.connect_limit import admit_attempt
from chat.login_sessions import login_still_holds
from chat.models import ROOM_NAME, ROOM_NAME_LENGTH
from chat.wire import Refusal, answer

logger = logging.getLogger(__name__)

GATEWAY_MEMORY_SECONDS = 60
_TOKEN = re.compile(r"[0-9a-f]{64}\Z")


# The library's exemption is a mark on its `dispatch`, which the one here replaces. The gateway secret and the
# connection's own token stand in for the form's.
@method_decorator(csrf_exempt, name="dispatch")
class ChatWebSocketView(MessageActions, RoomActions, ModerationActions, UnreadActions, PresenceActions):
    """Answers every event of the WebSocket API: connections, their actions, and their ends."""

    ALLOWED_HANDLERS = {  # noqa: RUF012
        "chat_message",
        "edit_message",
        "delete_message",
        "fetch_history",
        "change_channel",
        "report_message",
        "restrict_person",
        "lift_restriction",
        "fetch_unread",
        "who_is_here",
        "typing",
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
        """Let the connection's user act, unless they are banned or their login has ended.

        The library counts the request in a statement here; storing and moving count it in theirs.
        """
        if self.live is None:  # `$disconnect`: nobody acts
            return True
        session = self.live.session
        if self.live.rights.banned_everywhere or (
            session.user and not (self.live.login_lasts and self._login_still_holds(session))
        ):
            connections.end(session)
            return False
        request.user = self.live.user
        return True

    @staticmethod
    def _login_still_holds(wss: WebSocketSession) -> bool:
        return login_still_holds(wss)

    @staticmethod
    def _check_host_is_in_origin(request: HttpRequest) -> bool:
        """Only our own pages may connect: the library would let every sub-domain."""
        return request.headers.get("Origin", "").lower() == settings.PUBLIC_ORIGIN

    def can_join_channel(self, request: HttpRequest, channel_name: str) -> bool:
        entrance = rooms.entrance(channel_name, request.user)
        return entrance is not None and entrance.rights.admitted

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


def _not_connected(status: int, reason: str) -> HttpResponse:
    logger.info("Refused a connection: %s", reason)
    return HttpResponse(status=status)
