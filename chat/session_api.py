"""What the web client asks first: who am I, which rooms may I enter, what are the limits."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie

from chat.rooms import ACCESS, Entrance, entrances_for
from chat.wire import timestamp


@method_decorator([never_cache, ensure_csrf_cookie], name="dispatch")
class SessionView(View):
    """`GET /api/session`. Sets the CSRF cookie that `POST /api/ws-token` needs."""

    http_method_names = ["get", "head", "options"]  # noqa: RUF012 (Django's own declaration)

    def get(self, request: HttpRequest) -> JsonResponse:
        user = request.user
        return JsonResponse(
            {
                "user": {"username": user.get_username()} if user.is_authenticated else None,
                "rooms": [_room(entrance) for entrance in entrances_for(user)],
                "limits": {
                    "message_length": settings.CHAT_MESSAGE_LENGTH,
                    "change_seconds": settings.CHAT_CHANGE_SECONDS,
                },
            }
        )


def _room(entrance: Entrance) -> dict[str, Any]:
    room, rights = entrance.room, entrance.rights
    return {
        "name": room.name,
        "title": room.title,
        "access": ACCESS[entrance.access],
        "restricted": entrance.restricted,
        "read_only": room.read_only,
        "archived": room.archived_at is not None,
        "slow_mode": room.slow_mode_seconds,
        "can_post": entrance.may_post,
        "can_moderate": rights.moderates,
        "muted": rights.muted,
        "muted_until": timestamp(rights.muted_until) if rights.muted_until else None,
        "latest_sequence": room.last_sequence,
    }
