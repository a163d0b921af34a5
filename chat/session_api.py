"""What the web client asks first: who am I, which rooms may I enter, what are the limits."""

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie

from chat.rooms import entrances_for


@method_decorator([never_cache, ensure_csrf_cookie], name="dispatch")
class SessionView(View):
    """`GET /api/session`. Sets the CSRF cookie that `POST /api/ws-token` needs."""

    http_method_names = ["get", "head", "options"]  # noqa: RUF012 (Django's own declaration)

    def get(self, request: HttpRequest) -> JsonResponse:
        user = request.user
        return JsonResponse(
            {
                "user": {"username": user.get_username()} if user.is_authenticated else None,
                "rooms": [
                    {
                        "name": entrance.room.name,
                        "title": entrance.room.title,
                        "can_post": True,
                        "restricted": entrance.restricted,
                    }
                    for entrance in entrances_for(user)
                ],
                "limits": {"message_length": settings.CHAT_MESSAGE_LENGTH},
            }
        )
